"""Errors of a fit by split, and the parity plot."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

__all__ = ["Parity", "by_family", "draw", "errors"]

Pair = tuple[list[np.ndarray], list[np.ndarray]]


@dataclass(frozen=True)
class Parity:
    """Labels and predictions, each as (reference, model).

    `energy` eV per frame, (M,); `forces` eV/Å, one (N, 3) per frame; `stress` N/m, one (3,) per frame (xx, yy, xy);
    `stacked` (M,) marks frames of several layers, from which the interlayer part was subtracted.
    """

    names: list[str]
    sizes: np.ndarray
    stacked: np.ndarray
    energy: tuple[np.ndarray, np.ndarray]
    forces: Pair
    stress: Pair

    def arrays(self) -> dict[str, np.ndarray]:
        """For a ``.npz``: forces of all frames one after the other, `sizes` atoms each."""
        empty = np.zeros((0, 3))
        return {
            "names": np.array(self.names),
            "sizes": self.sizes,
            "stacked": self.stacked,
            "energy_reference": self.energy[0],
            "energy_model": self.energy[1],
            "forces_reference": np.concatenate([*self.forces[0], empty]),
            "forces_model": np.concatenate([*self.forces[1], empty]),
            "stress_reference": np.array(self.stress[0]).reshape(-1, 3),
            "stress_model": np.array(self.stress[1]).reshape(-1, 3),
        }


def _rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(x)))) if x.size else float("nan")


def errors(parity: Parity) -> dict[str, float]:
    """Root-mean-square errors; those of single-layer frames and of stacks (the residual of the subtraction) apart."""
    out: dict[str, float] = {}
    for label, chosen in (("", ~parity.stacked), ("stacked_", parity.stacked)):
        index = np.flatnonzero(chosen)
        if not len(index):
            continue
        de = (parity.energy[1] - parity.energy[0])[index] / parity.sizes[index]
        df = np.concatenate([parity.forces[1][i] - parity.forces[0][i] for i in index])
        size = np.concatenate([parity.forces[0][i] for i in index])
        ds = np.concatenate([parity.stress[1][i] - parity.stress[0][i] for i in index])
        out |= {
            f"{label}frames": len(index),
            f"{label}energy_rmse_meV_per_atom": 1e3 * _rms(de),
            f"{label}force_rmse_meV_per_A": 1e3 * _rms(df),
            f"{label}force_z_rmse_meV_per_A": 1e3 * _rms(df[:, 2]),
            f"{label}force_xy_rmse_meV_per_A": 1e3 * _rms(df[:, :2]),
            f"{label}force_rms_meV_per_A": 1e3 * _rms(size),
            f"{label}stress_rmse_N_per_m": _rms(ds[np.isfinite(ds)]),
        }
    return out


def by_family(parity: Parity) -> dict[str, dict[str, float]]:
    """Errors of each family of frames: meV/Å and meV/atom, beside the size of the forces in meV/Å."""
    families = [name.rpartition("-")[0] for name in parity.names]
    out = {}
    for kind in sorted(set(families)):
        index = [k for k, name in enumerate(families) if name == kind]
        df = np.concatenate([parity.forces[1][i] - parity.forces[0][i] for i in index])
        size = np.concatenate([parity.forces[0][i] for i in index])
        de = (parity.energy[1] - parity.energy[0])[index] / parity.sizes[index]
        out[kind] = {
            "frames": len(index),
            "energy_rmse_meV_per_atom": 1e3 * _rms(de),
            "force_rmse_meV_per_A": 1e3 * _rms(df),
            "force_rms_meV_per_A": 1e3 * _rms(size),
        }
    return out


def draw(parities: Mapping[str, Parity], path: Path, title: str) -> None:
    """Error against size of forces, energies and stresses, by split; nothing when matplotlib is absent."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return
    figure = Figure(figsize=(10.5, 3.6), layout="constrained")
    axes = figure.subplots(1, 3)
    parities = {split: p for split, p in parities.items() if p.names}
    lowest = min((p.energy[0] / p.sizes).min() for p in parities.values())
    for (split, p), colour in zip(parities.items(), ("0.65", "tab:blue", "tab:red"), strict=False):
        style = {"s": 5, "color": colour, "linewidths": 0, "label": split}
        force, error = np.concatenate(p.forces[0]), np.concatenate(p.forces[1]) - np.concatenate(p.forces[0])
        axes[0].scatter(force.ravel(), 1e3 * error.ravel(), **style)
        axes[1].scatter(p.energy[0] / p.sizes - lowest, 1e3 * (p.energy[1] - p.energy[0]) / p.sizes, **style)
        axes[2].scatter(np.array(p.stress[0]), np.array(p.stress[1]) - np.array(p.stress[0]), **style)
    for axis, (x, y) in zip(axes, (("DFT force (eV/Å)", "model − DFT (meV/Å)"),
                                   ("DFT energy above the lowest (eV/atom)", "model − DFT (meV/atom)"),
                                   ("DFT sheet stress (N/m)", "model − DFT (N/m)")), strict=True):  # fmt: skip
        axis.set(xlabel=x, ylabel=y)
        axis.axhline(0.0, color="k", linewidth=0.6, zorder=0)
    axes[0].legend(frameon=False, markerscale=2)
    figure.suptitle(title, fontsize=10)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    FigureCanvasAgg(figure).print_png(str(part))
    part.replace(path)
