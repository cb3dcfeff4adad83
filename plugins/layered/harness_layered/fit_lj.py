"""Fit the Lennard-Jones interaction between layers to DFT.

Structures: rigid flat bilayers (interlayer curves and sliding paths). There phi = E_bilayer - 2 E_monolayer, the
monolayer at the same lattice constant (Javvaji et al., Adv. Energy Mater. 12, 2201370 (2022), section 2), and the
forces are interlayer forces alone, because symmetry forbids any in a flat monolayer. The forces decide what phi
cannot: how the interaction is shared between the elements.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers
from scipy.optimize import least_squares

from harness.contracts.fitter import Fitted, Fitter, MakeProgress
from harness.data.dataset import Dataset, family
from harness.errors import HarnessError
from harness.fitting.atomic_output import atomic_output
from harness.fitting.parity import Parity
from harness.fitting.parity import errors as parity_errors
from harness.fitting.parity_plot import draw
from harness_layered.figures import draw_curve
from harness_layered.lennard_jones import LennardJones

__all__ = ["Curve", "fit", "interlayer_frames"]

#: Expected errors: phi counts in units of 3 meV plus a tenth of its height above the minimum, forces in units of
#: 30 meV/Å plus three tenths of the frame's largest. The well and the registries near it weigh most.
SIGMA_PHI, SLOPE_PHI = 3.0e-3, 0.1
SIGMA_F, SLOPE_F = 3.0e-2, 0.3
EPSILON, SIGMA = (1e-5, 5e-2), (1.5, 4.5)  # eV, Å: bounds


@dataclass(frozen=True)
class Curve:
    """Rigid bilayers with their interlayer energies phi (eV per frame) and forces (eV/Å)."""

    frames: list[Atoms]
    phi: np.ndarray
    forces: list[np.ndarray]

    @property
    def distance(self) -> np.ndarray:
        """Height difference of the layers, Å."""
        return np.array([np.ptp(a.positions[:, 2]) for a in self.frames])


def interlayer_frames(dataset: Dataset, split: str = "all") -> Curve:
    """The rigid bilayers of a split for which the data set holds the monolayer at the same lattice constant.

    The monolayer counts wherever it is: also where a smaller training set (``n_train``) leaves it out.
    """
    frames = dataset.frames("all")
    flat = [a for a in frames if "mono" in a.info["name"] and np.ptp(a.positions[:, 2]) < 1e-6
            and np.abs(a.get_forces()).max() < 1e-3]  # fmt: skip
    wanted = {a.info["name"] for a in dataset.frames(split)}
    kept, phi = [], []
    for atoms in frames:
        name = atoms.info["name"]
        if name not in wanted or not family(name).startswith(("curve-bilayer", "path-bilayer")):
            continue
        mono = [m for m in flat if np.allclose(m.cell[:2], atoms.cell[:2], atol=1e-4)]
        if mono:
            kept.append(atoms)
            phi.append(atoms.get_potential_energy() - 2.0 * mono[0].get_potential_energy())
    if not kept:
        raise HarnessError(f"the data set {dataset.folder} has no rigid bilayers with their monolayer.",
                           "Label a curve-bilayer family and the monolayer of the same lattice constant.")  # fmt: skip
    return Curve(kept, np.array(phi), [a.get_forces() for a in kept])


def evaluate(curve: Curve, elements: Mapping[int, tuple[float, float]], cutoff: float) -> Curve:
    """The same frames with the model's energies and forces."""
    return _Model(curve, cutoff)(elements)


class _Model:
    """Keeps the neighbour lists of the frames while the parameters change."""

    def __init__(self, curve: Curve, cutoff: float) -> None:
        self.curve = curve
        self.copies = [Atoms(a.numbers, a.positions, cell=a.cell, pbc=a.pbc) for a in curve.frames]
        for copy in self.copies:
            copy.calc = LennardJones({}, cutoff)

    def __call__(self, elements: Mapping[int, tuple[float, float]]) -> Curve:
        for copy in self.copies:
            copy.calc.elements = dict(elements)
            copy.calc.results = {}
        phi = np.array([copy.get_potential_energy() for copy in self.copies])
        return Curve(self.curve.frames, phi, [copy.get_forces() for copy in self.copies])


def _minimise(curve: Curve, symbols: Sequence[str], cutoff: float, seed: int, tick: Callable[[float], Any]) -> Any:
    z = [atomic_numbers[s] for s in symbols]
    width_phi = SIGMA_PHI + SLOPE_PHI * (curve.phi - curve.phi.min())
    width_f = [SIGMA_F + SLOPE_F * np.abs(f).max() for f in curve.forces]

    evaluator = _Model(curve, cutoff)

    def residual(p: np.ndarray) -> np.ndarray:
        model = evaluator(_table(z, p))
        force = [((m - f) / w).ravel() for m, f, w in zip(model.forces, curve.forces, width_f, strict=True)]
        return np.concatenate([(model.phi - curve.phi) / width_phi, *force])

    low = np.tile([EPSILON[0], SIGMA[0]], len(z))
    high = np.tile([EPSILON[1], SIGMA[1]], len(z))
    rng = np.random.default_rng(seed)
    # several valleys: which element carries the interaction; each gets its own start
    starts = [np.tile([1e-3, 3.2], len(z)) for _ in z]
    for k, start in enumerate(starts):
        start[2 * k : 2 * k + 2] = 7e-3 * rng.uniform(0.9, 1.1), 3.4
    fits = []
    for start in starts:
        fits.append(least_squares(residual, start, bounds=(low, high), x_scale=np.tile([3e-3, 1.0], len(z))))
        tick(1)
    return min(fits, key=lambda f: f.cost)


def _table(z: Sequence[int], p: np.ndarray) -> dict[int, tuple[float, float]]:
    return {number: (float(p[2 * k]), float(p[2 * k + 1])) for k, number in enumerate(z)}


def parity(model: Curve, curve: Curve) -> Parity:
    """Labels and predictions: phi as energy, and forces."""
    names = [str(atoms.info["name"]) for atoms in curve.frames]
    sizes = np.array([len(atoms) for atoms in curve.frames], dtype=int)
    values = {"energy": (list(curve.phi), list(model.phi)), "forces": (list(curve.forces), list(model.forces))}
    return Parity(names, sizes, values)


def errors(model: Curve, curve: Curve, nearest: float = 3.0) -> dict[str, float]:
    """Errors at layer distances from `nearest` (Å) up: phi in meV per frame, the rest as of any fit."""
    keep = np.flatnonzero(curve.distance >= nearest)
    phi = 1e3 * float(np.sqrt(np.mean((model.phi - curve.phi)[keep] ** 2)))
    return {"nearest_A": nearest, "phi_rmse_meV_per_cell": phi, **parity_errors(parity(model, curve).pick(keep))}


def fit(
    dataset: Dataset,
    out: Path,
    params: Mapping[str, Any],
    seed: int,
    progress: MakeProgress,
    fitted: Fitted | None = None,
) -> dict[str, Any]:
    """Fit epsilon and sigma of each element; writes ``<model>``, parity data and plot, and the curve's picture.

    Parameters
    ----------
    params
        ``model``: file name (``bn_bilayer_lj.json``, with the data set's suffix); ``cutoff``: Å (12).

    Returns
    -------
    dict
        The provenance that is also in the model file (settings, data hash, residuals), and the ``potential`` made.
    """
    cutoff = float(params.get("cutoff") or 12.0)
    name = Path(str(params.get("model") or f"bn_bilayer_lj{dataset.suffix}.json")).name
    curve = interlayer_frames(dataset, "train")
    symbols = sorted({s for atoms in curve.frames for s in atoms.symbols})
    with progress("Lennard-Jones between layers", len(symbols)) as bar:
        best = _minimise(curve, symbols, cutoff, seed, bar.update)
    elements = _table([atomic_numbers[s] for s in symbols], best.x)
    model = evaluate(curve, elements, cutoff)
    provenance = {
        "level_of_theory": dataset.level_of_theory,
        "licence": "MIT",
        "data": {**dataset.facts(), "used": {"train": len(curve.frames)}},
        "settings": {"sigma_phi_eV": SIGMA_PHI, "slope_phi": SLOPE_PHI, "sigma_force_eV_per_A": SIGMA_F,
                     "slope_force": SLOPE_F, "mixing": "Lorentz-Berthelot", "seed": seed},
        "errors": {"train": errors(model, curve)},
        "chi2_per_residual": float(2.0 * best.cost / len(best.fun)),
    }  # fmt: skip
    table = {s: {"epsilon": elements[atomic_numbers[s]][0], "sigma": elements[atomic_numbers[s]][1]} for s in symbols}
    content = {"form": "lennard-jones 12-6 between layers", "units": {"epsilon": "eV", "sigma": "Å"},
               "elements": table, "cutoff": cutoff, "provenance": provenance}  # fmt: skip
    with atomic_output(out) as folder:
        (folder / name).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        stem, title = Path(name).stem, f"energy between layers, {dataset.level_of_theory}"
        draw({"train": parity(model, curve)}, folder / f"{stem}_parity.png", title)
        draw_curve(curve, model, folder / f"{stem}_curve.png", title)
    return {**provenance, "potential": {"name": "lj", "params": {"model": str(out / name)}}}


if TYPE_CHECKING:
    _: Fitter[Dataset] = fit
