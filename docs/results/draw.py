"""The picture of this page, from records:  python docs/results/draw.py runs"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

from harness.dataset import Dataset

HERE = Path(__file__).parent
DATA = HERE / "../../datasets/hbn"
POTENTIALS = ("allegro_dream", "deep_wannier", "gap", "mace", "mtp_cd", "tersoff_ilp")


def arrays(runs: Path, task: str, key: str) -> dict[str, dict[str, np.ndarray]]:
    """Arrays of the `quick` records of a task that have `key`, by potential and polarization model."""
    found = {}
    for file in sorted(runs.glob(f"{task}/*/record.json")):
        record = json.loads(file.read_text())
        name, model = record["potential"], record["polarization"]
        if record["profile"] != "quick" or name not in POTENTIALS or not (file.parent / "arrays.npz").exists():
            continue
        with np.load(file.parent / "arrays.npz") as data:
            if key in data:
                found[name if model is None or name == "mtp_cd" else f"{name} + {model}"] = dict(data)
    return found


def main() -> None:
    """Draw sliding energies, sliding polarization and binding of AA against DFT."""
    runs = Path(sys.argv[1])
    labels = [a for a in Dataset.load(DATA).frames("all") if a.info["name"].startswith("path-bilayer4-00")][:9]
    energy = np.array([atoms.get_potential_energy() for atoms in labels])
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    colours = {name: f"C{i}" for i, name in enumerate(POTENTIALS)}
    share = np.linspace(0, 1, 9)
    for name, data in arrays(runs, "sliding", "energy_rigid").items():
        if " + " not in name:
            e = 1e3 * (data["energy_rigid"] - data["energy_rigid"][0])
            axes[0].plot(share, e, color=colours[name], label=name)
    axes[0].plot(share, 1e3 * (energy - energy[0]), "ko", label="DFT")
    for name, data in arrays(runs, "sliding", "polarization_rigid").items():
        axes[1].plot(share, data["polarization_rigid"][:, 2], color=colours[name.split(" + ")[0]], label=name)
    responses = {a.info["name"]: a for a in Dataset.load(DATA).frames("all", kind="responses")}
    for i, atoms in enumerate(labels):
        if atoms.info["name"] in responses:
            atoms = responses[atoms.info["name"]]
            p = atoms.calc.results["dipole"][2] / np.linalg.norm(np.cross(*atoms.cell[:2])) * 1602.18  # e/Å in pC/m
            axes[1].plot(share[i], p, "ko", label="DFT" if i == 0 else None)
    reference = json.loads(
        (HERE / "../../tasks/harness_tasks/reference/dft/interlayer-bn_bilayer-AB-quick.json").read_text()
    )
    found = {}
    for name in arrays(runs, "interlayer", "phi_rigid"):
        record = next(runs.glob(f"interlayer/{name}-*/record.json"))
        found[name] = json.loads(record.read_text())["observables"]
    rows = [
        ("AA", "energy_above_AB_per_cell_AA"),
        ("AA′", "energy_above_AB_per_cell_AAp"),
        ("SP", "energy_above_AB_per_cell_SP"),
    ]
    for i, (_, key) in enumerate(rows):
        for k, (name, values) in enumerate(found.items()):
            value = values[key]["value"] if key in values else None
            if value is not None:
                axes[2].bar(i + 0.12 * (k - 2.5), value, 0.11, color=colours[name])
        axes[2].plot([i - 0.4, i + 0.4], [reference["observables"][key]["value"]] * 2, "k", lw=2)
    axes[2].axhline(0, color="grey", lw=0.5)
    axes[2].set_xticks(range(3), [name for name, _ in rows])
    axes[2].set_ylabel("energy above AB at its own distance / meV per cell")
    axes[2].set_title("stackings (black: DFT)")
    axes[0].set_ylabel("energy / meV per cell")
    axes[1].set_ylabel("P⊥ / pC/m")
    for axis, title in zip(axes, ("sliding at 3.35 Å: energy", "sliding at 3.35 Å: polarization"), strict=False):
        axis.set_xticks([0, 0.5, 1], ["AB", "SP", "BA"])
        axis.set_title(title)
        axis.legend(fontsize=7, frameon=False)
    figure.savefig(HERE / "sliding.png", dpi=110)


if __name__ == "__main__":
    main()
