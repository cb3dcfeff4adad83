"""The picture of this page, from records:  python docs/results/draw.py runs

The figures of the report beside it are made smaller.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from PIL import Image

from harness.contracts.record import Record
from harness.data.dataset import Dataset
from harness.materials.sheets import area
from harness.records.store import find_records
from harness.units import PC_PER_M

HERE = Path(__file__).resolve().parent
REFERENCE = HERE.parents[1] / "tasks/harness_tasks/reference/dft/interlayer-bn_bilayer-AB-quick.json"
POTENTIALS = ("allegro_dream", "deep_wannier", "gap", "mace", "mtp_cd", "tersoff_ilp")
COLOURS = {name: f"C{i}" for i, name in enumerate(POTENTIALS)}
STACKINGS = {"AA": "AA", "AA′": "AAp", "SP": "SP"}
#: Of a figure of the report, pixels.
WIDTH = 760


def arrays(record: Record) -> dict[str, np.ndarray]:
    """The arrays of a record."""
    assert record.folder is not None
    with np.load(record.folder / "arrays.npz") as data:
        return dict(data)


def draw(records: list[Record]) -> None:
    """Sliding energies, sliding polarization and energies of stackings, against DFT."""
    data = Dataset.load(HERE.parents[1] / "datasets/hbn")
    path = [atoms for atoms in data.frames("all") if atoms.info["name"].startswith("path-bilayer4-00")][:9]
    responses = {atoms.info["name"]: atoms for atoms in data.frames("all", kind="responses")}
    share = np.linspace(0, 1, len(path))
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")

    for record in (r for r in records if r.task == "sliding"):
        found, colour = arrays(record), COLOURS[record.potential]
        if record.polarization in (None, "charge_dipole"):
            energy = 1e3 * (found["energy_rigid"] - found["energy_rigid"][0])
            axes[0].plot(share, energy, color=colour, label=record.potential)
        if "polarization_rigid" in found:
            both = " + ".join(filter(None, (record.potential, record.polarization)))
            axes[1].plot(share, found["polarization_rigid"][:, 2], color=colour, label=both)
    energies = np.array([atoms.get_potential_energy() for atoms in path])
    axes[0].plot(share, 1e3 * (energies - energies[0]), "ko", label="DFT")
    labelled = [(s, responses[a.info["name"]]) for s, a in zip(share, path, strict=True) if a.info["name"] in responses]
    dipoles = [PC_PER_M * atoms.calc.results["dipole"][2] / area(atoms) for _, atoms in labelled]
    axes[1].plot([s for s, _ in labelled], dipoles, "ko", label="DFT")
    for axis, what in ((axes[0], "energy / meV per cell"), (axes[1], "P⊥ / pC/m")):
        axis.set(xticks=[0, 0.5, 1], xticklabels=["AB", "SP", "BA"], ylabel=what, title="sliding at 3.35 Å")
        axis.legend(fontsize=7, frameon=False)

    dft = json.loads(REFERENCE.read_text())["observables"]
    for i, key in enumerate(f"energy_above_AB_per_cell_{name}" for name in STACKINGS.values()):
        for record in (r for r in records if r.task == "interlayer" and key in r.observables):
            place = i + 0.12 * (POTENTIALS.index(record.potential) - 2.5)
            axes[2].bar(place, record.observables[key].value, 0.11, color=COLOURS[record.potential])
        axes[2].plot([i - 0.4, i + 0.4], [dft[key]["value"]] * 2, "k", lw=2)
    axes[2].axhline(0, color="grey", lw=0.5)
    axes[2].set(xticks=range(len(STACKINGS)), xticklabels=STACKINGS, title="stackings (black: DFT)")
    axes[2].set_ylabel("energy above AB / meV per cell")
    figure.savefig(HERE / "sliding.png", dpi=110)
    shrink(HERE / "sliding.png", 1500)


def shrink(path: Path, width: int) -> None:
    """Make a picture no wider than `width` pixels, and its file small."""
    with Image.open(path) as opened:
        if opened.mode == "P" and opened.width <= width:  # done before
            return
        size = (min(width, opened.width), round(opened.height * min(1.0, width / opened.width)))
        small = opened.convert("RGB").resize(size, Image.Resampling.LANCZOS).quantize(64)
    small.save(path, optimize=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python docs/results/draw.py RUNS")
    draw([r for r in find_records([Path(sys.argv[1])])[0] if r.profile == "quick" and r.potential in POTENTIALS])
    for path in sorted((HERE / "figures").glob("*/*.png")):
        shrink(path, WIDTH)
