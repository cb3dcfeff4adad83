"""What a layered potential makes of whole bilayers: errors of the sum against DFT.

Its parts have fitters of their own (``lj``, ``mtp``), which run before this one. What is left here is what the sum
gets wrong; on rigid bilayers that is the interlayer part alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.dataset import family
from harness.layers import assign_layers
from harness_layered.figures import draw_forces
from harness_layered.fit_lj import write_json
from harness_layered.potential import LayeredPotential

if TYPE_CHECKING:
    from harness.dataset import Dataset
    from harness.protocols import Progress

__all__ = ["fit"]

SPLITS = ("train", "validation", "test")
PARTS = {"intralayer": "mtp", "interlayer": "lj"}


def fit(
    dataset: Dataset,
    out: Path,
    params: Mapping[str, Any],
    seed: int,
    progress: Callable[[str, float], AbstractContextManager[Progress]],
    fitted: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Evaluate the sum on every frame of several layers; writes ``<stem>_layered.json``, ``.npz`` and ``.png``.

    Parameters
    ----------
    params
        ``intralayer``, ``interlayer``: ``{name, params}``. Where not given: as just fitted, else as shipped.
        ``stem``: of the file names (``bn_bilayer``).
    fitted
        Reports of the fitters that ran before; one that made a part of a potential names it under ``potential``.

    Returns
    -------
    dict
        Errors by split and by family: energy per atom, forces along z and in plane.
    """
    specs = {role: params.get(role) or _made(fitted or {}, name) for role, name in PARTS.items()}
    potential = LayeredPotential(specs["intralayer"], specs["interlayer"])
    stem = str(params.get("stem") or "bn_bilayer")
    frames = {s: [a for a in dataset.frames(s) if assign_layers(a).max(initial=0) > 0] for s in SPLITS}
    rows: dict[str, list[dict[str, Any]]] = {s: [] for s in SPLITS}
    with progress("whole bilayers", sum(len(f) for f in frames.values())) as bar:
        for split, chosen in frames.items():
            for atoms in chosen:
                copy = atoms.copy()
                copy.calc = potential.calculator()
                rows[split].append(
                    {
                        "name": atoms.info["name"],
                        "energy": (atoms.get_potential_energy(), copy.get_potential_energy()),
                        "forces": (atoms.get_forces(), copy.get_forces()),
                    }  # fmt: skip
                )
                bar.update(1)
    errors: dict[str, Any] = {}
    for split, measured in rows.items():
        if not measured:
            continue
        errors[split] = _errors(measured)
        for kind in sorted({family(row["name"]) for row in measured}):
            errors[split][kind] = _errors([row for row in measured if family(row["name"]) == kind])
    _write(out, stem, rows)
    report = {"data": {"folder": dataset.folder.name, "sha256": dataset.sha256}, "errors": errors,
              "parts": {r: p.provenance()["model"] for r, p in
                        (("intralayer", potential.intralayer), ("interlayer", potential.interlayer)) if p is not None
                        and "model" in p.provenance()}}  # fmt: skip
    write_json(out / f"{stem}_layered.json", report)
    return report


def _made(fitted: Mapping[str, Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return fitted.get(name, {}).get("potential") or {"name": name}


def _errors(rows: list[dict[str, Any]]) -> dict[str, float]:
    energy = np.array([(r["energy"][1] - r["energy"][0]) / len(r["forces"][0]) for r in rows])
    force = np.concatenate([r["forces"][1] - r["forces"][0] for r in rows])
    rms = lambda x: float(1e3 * np.sqrt(np.mean(np.square(x))))  # noqa: E731
    return {"frames": len(rows), "energy_rmse_meV_per_atom": rms(energy), "force_rmse_meV_per_A": rms(force),
            "force_z_rmse_meV_per_A": rms(force[:, 2]), "force_xy_rmse_meV_per_A": rms(force[:, :2])}  # fmt: skip


def _write(out: Path, stem: str, rows: Mapping[str, list[dict[str, Any]]]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, np.ndarray] = {}
    for split, measured in rows.items():
        arrays[f"{split}_names"] = np.array([r["name"] for r in measured])
        arrays[f"{split}_energy"] = np.array([r["energy"] for r in measured]).reshape(-1, 2)
        for k, side in enumerate(("reference", "model")):
            parts = [r["forces"][k] for r in measured] or [np.zeros((0, 3))]
            arrays[f"{split}_forces_{side}"] = np.concatenate(parts)
    path = out / f"{stem}_layered_parity.npz"
    part = path.with_name(f".{path.name}.{os.getpid()}.part.npz")
    np.savez_compressed(part, allow_pickle=False, **arrays)
    part.replace(path)
    reference, model = ({s: arrays[f"{s}_forces_{side}"] for s in rows} for side in ("reference", "model"))
    draw_forces(reference, model, out / f"{stem}_layered_parity.png", "forces of whole bilayers, PBE-D3(BJ)")
