"""ASE calculator of a moment tensor potential: our compiled kernel, or motep's C engine to compare it with."""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from harness.errors import HarnessError
from harness.potentials.calculator import PotentialCalculator
from harness_mtp.neighbours import Neighbours

if TYPE_CHECKING:
    from motep.potentials.mtp.data import MTPData

    from harness_mtp.grade import ActiveSet
    from harness_mtp.tables import Tables

__all__ = ["MTPCalculator"]

Results = tuple[np.ndarray, np.ndarray, np.ndarray]

_GRADES = ("extrapolation_grade", "extrapolation_grades")


class MTPCalculator(PotentialCalculator):
    """Energy (eV), energies per atom, forces (eV/Å), stress (eV/Å³; cells with three vectors only).

    On request (``get_property("extrapolation_grade", atoms)``, or ``extrapolation_grades`` for one per atom) also
    the D-optimality grade against the training set (see `harness_mtp.grade`); force calls do not pay for it.

    Parameters
    ----------
    data
        motep's potential with ``species`` set to atomic numbers.
    engine
        ``numba``: the kernel of this package; ``cext``: motep's C engine.
    active_set
        What grades are measured against; None: no grades.
    """

    implemented_properties = ["energy", "free_energy", "energies", "forces", "stress"]  # noqa: RUF012 (ASE's way)

    def __init__(self, data: MTPData, engine: str = "numba", active_set: ActiveSet | None = None) -> None:
        super().__init__()
        self.data = data
        self.active_set = active_set
        if active_set is not None:
            self.implemented_properties = [*self.implemented_properties, *_GRADES]
        self._neighbours = Neighbours(float(data.radial_basis.max))
        self._kind = np.full(len(chemical_symbols), -1, dtype=np.int32)
        self._kind[np.asarray(data.species)] = np.arange(len(data.species), dtype=np.int32)
        self.engine = engine
        self._tables = kernel_tables(data) if engine == "numba" else None

    def _compute(self, atoms: Atoms, properties: Collection[str]) -> dict[str, Any]:
        types = self._types(atoms)
        wanted = self.active_set is not None and not set(_GRADES).isdisjoint(properties)
        values = np.zeros((self.data.alpha_scalar_moments, len(atoms))) if wanted or self.engine == "cext" else None
        run = self._run_motep if self.engine == "cext" else self._run
        energies, forces, derivative = run(atoms, types, values)
        found: dict[str, Any] = {
            "energy": float(energies.sum()),
            "energies": energies,
            "forces": forces,
            "strain_derivative": derivative,
        }
        if wanted:
            assert self.active_set is not None and values is not None
            grades = self.active_set.grades(values, types)
            found["extrapolation_grades"] = grades
            found["extrapolation_grade"] = float(grades.max(initial=0.0))
        return found

    def _run(self, atoms: Atoms, types: np.ndarray, values: np.ndarray | None) -> Results:
        from harness_mtp.kernel import evaluate

        start, j, shift = self._neighbours.rows(atoms, types)
        store = np.zeros((0, 0)) if values is None else values
        found: Results = evaluate(self._tables, atoms.positions, types, start, j, shift, store)
        return found

    def _run_motep(self, atoms: Atoms, types: np.ndarray, values: np.ndarray | None) -> Results:
        from motep.potentials.mtp.cext import _mtp_cext

        js, rs = self._neighbours.padded(atoms, types)
        basis = SimpleNamespace(vatoms=values)
        energies, gradient = _mtp_cext.calc_run(js, rs, types, types[js], self.data, basis)
        forces = _mtp_cext.calc_forces_from_gradient(gradient, js)
        return energies, forces, rs.reshape(-1, 3).T @ gradient.reshape(-1, 3)

    def _types(self, atoms: Atoms) -> np.ndarray:
        types: np.ndarray = self._kind[atoms.numbers]
        if types.min(initial=0) < 0:
            wrong = chemical_symbols[int(atoms.numbers[int(np.argmin(types))])]
            known = ", ".join(chemical_symbols[z] for z in self.data.species)
            raise HarnessError(f"the MTP does not know the element {wrong}; it knows {known}.",
                               "Choose a material of these elements, or a model fitted to it.")  # fmt: skip
        return types


def kernel_tables(data: MTPData) -> Tables:
    """What the kernel wants; compiles it now, so that no run is timed with it, and says so when nothing was cached."""
    from harness_mtp import kernel
    from harness_mtp.tables import Tables

    folder = Path(kernel.__file__).with_name("__pycache__")
    if not kernel.evaluate.signatures and not any(folder.glob("kernel.evaluate-*.nbi")):
        print("compiling the MTP kernel (once, some ten seconds)", file=sys.stderr, flush=True)
    tables = Tables.of(data)
    none = np.zeros((0, 3))
    kernel.evaluate(tables, none, np.zeros(0, np.int32), np.zeros(1, np.intp), np.zeros(0, np.intp), none, none[:0, :0])
    return tables
