"""DFT responses of a sheet as numbers to compare with, and what the model makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from harness.data.labels import dipole_is_sound, polarizability
from harness.errors import HarnessError
from harness_charge_dipole.model import ChargeDipole
from harness_charge_dipole.parameters import Element, Parameters
from harness_charge_dipole.sites import site_dipoles

__all__ = ["CLASSES", "Design", "Responses", "labels", "predictions"]

#: What is compared, with units. "in": in the plane of the sheet, "out": across it.
CLASSES = {
    "polarizability_in": "Å^3",
    "polarizability_out": "Å^3",
    "born_in": "e",
    "born_out": "e",
    "born_mixed": "e",
    "dipole_out": "e Å",
    "site_out": "e Å",
}

Responses = dict[str, np.ndarray]


def labels(atoms: Atoms) -> Responses:
    """Labels of one frame, by class.

    Raises
    ------
    HarnessError
        When the frame lacks a label.
    """
    try:
        alpha = polarizability(atoms)
        born = atoms.arrays["born_charges"].reshape(-1, 3, 3)
        assert atoms.calc is not None
        dipole = np.asarray(atoms.calc.results["dipole"], dtype=float)
    except (KeyError, AssertionError) as error:
        raise HarnessError(
            f"frame {atoms.info.get('name', '?')} has no response label {error}.",
            "Fit to frames with dielectric tensor, Born charges and dipole.",
        ) from error
    return _classes(atoms, alpha, born, dipole, atoms.arrays.get("atomic_dipoles"))


def predictions(atoms: Atoms, parameters: Parameters) -> Responses:
    """The model's answer for one frame, by class; the solver is the dense one."""
    out = ChargeDipole(parameters, solver="dense").calculate(
        atoms, ["polarizability", "born_effective_charges", "dipole", "charges", "atomic_dipoles"]
    )
    sites = site_dipoles(atoms, out["charges"], out["atomic_dipoles"])
    return _classes(atoms, out["polarizability"], out["born_effective_charges"], out["dipole"], sites)


def _classes(
    atoms: Atoms, alpha: np.ndarray, born: np.ndarray, dipole: np.ndarray, sites: np.ndarray | None
) -> Responses:
    mixed = np.concatenate([born[:, 2, :2].ravel(), born[:, :2, 2].ravel()])
    nothing = np.zeros(0)
    # dipoles of the single groups need Wannier centres, and those extrapolated ones
    exact = sites is not None and "atomic_dipoles" in atoms.arrays and "height" in atoms.info
    return {
        "polarizability_in": alpha[[0, 1, 0], [0, 1, 1]],
        "polarizability_out": alpha[2:, 2],
        "born_in": born[:, :2, :2].ravel(),
        "born_out": born[:, 2, 2].copy(),
        "born_mixed": mixed,
        "dipole_out": dipole[2:] if dipole_is_sound(atoms) else nothing,
        "site_out": sites[atoms.numbers == 7, 2] if exact and sites is not None else nothing,
    }


@dataclass(frozen=True)
class Design:
    """Predictions for frames as a linear function of the electronegativities, at given widths.

    Charges, and with them Born charges and dipoles, are proportional to electronegativity differences; the
    polarizability does not depend on them.
    """

    symbols: Sequence[str]
    columns: Mapping[str, np.ndarray]  # class -> (values, elements - 1)
    constant: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, frames: Sequence[Atoms], elements: Mapping[str, Element], constraint: str) -> Design:
        """Solve every frame once per electronegativity; that of the first element is zero."""
        symbols = list(elements)
        parts = []
        for free in symbols[1:]:
            unit = {s: Element(e.width, float(s == free), e.polarizability) for s, e in elements.items()}
            parts.append([predictions(atoms, Parameters(unit, constraint)) for atoms in frames])
        fixed = {word: np.concatenate([p[word] for p in parts[0]]) for word in CLASSES}
        columns = {
            word: np.stack([np.concatenate([p[word] for p in part]) for part in parts], axis=1) for word in CLASSES
        }
        for word in CLASSES:
            if word.startswith("polarizability"):
                columns[word] = np.zeros_like(columns[word])
            else:
                fixed[word] = np.zeros_like(fixed[word])
        return cls(symbols, columns, fixed)

    def values(self, chi: np.ndarray) -> Responses:
        """Predictions at electronegativities `chi` of all elements but the first."""
        return {word: self.constant[word] + self.columns[word] @ chi for word in CLASSES}
