"""ASE calculator over motep's engines, with a neighbour list that rebuilds fast and lists no more than it must.

motep's own calculator builds ASE's pure-Python list, and its kernel evaluates the pairs in the skin too. Here the
list comes from vesin, and pairs beyond the cutoff are dropped before the kernel. The numbers are motep's.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.data import chemical_symbols

from harness.errors import HarnessError
from harness_mtp.neighbours import Neighbours

if TYPE_CHECKING:
    from motep.potentials.mtp.data import MTPData

    from harness_mtp.grade import ActiveSet

__all__ = ["MTPCalculator"]

_VOIGT = [0, 4, 8, 5, 2, 1]
_GRADES = ("extrapolation_grade", "extrapolation_grades")


class MTPCalculator(Calculator):
    """Energy (eV), energies per atom, forces (eV/Å), stress (eV/Å³; cells with three vectors only).

    On request (``get_property("extrapolation_grade", atoms)``, or ``extrapolation_grades`` for one per atom) also
    the D-optimality grade against the training set (see `harness_mtp.grade`); force calls do not pay for it.

    Parameters
    ----------
    data
        motep's potential with ``species`` set to atomic numbers.
    engine
        motep's engine: ``cext``, or a slower one for comparison.
    active_set
        What grades are measured against; None: no grades.
    """

    implemented_properties = ["energy", "free_energy", "energies", "forces", "stress"]  # noqa: RUF012 (ASE's way)

    def __init__(self, data: MTPData, engine: str = "cext", active_set: ActiveSet | None = None) -> None:
        super().__init__()
        self.data = data
        self.active_set = active_set
        if active_set is not None:
            self.implemented_properties = [*self.implemented_properties, *_GRADES]
        self._neighbours = Neighbours(float(data.radial_basis.max))
        self._kind = np.full(len(chemical_symbols), -1, dtype=np.int32)
        self._kind[np.asarray(data.species)] = np.arange(len(data.species), dtype=np.int32)
        self._kernel, self._engine = _kernel(data, engine)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """ASE's interface; called when something changed or a grade is wanted."""
        super().calculate(atoms, properties, system_changes)
        atoms = self.atoms
        types = self._types(atoms)
        if self._engine is not None:
            results = dict(self._engine.calculate(atoms))
            if atoms.cell.rank < 3:
                del results["stress"]
            self.results = {**results, "free_energy": results["energy"]}
            values = self._engine.mbd.vatoms
        else:
            values = self._run(atoms, types)
        if self.active_set is not None and not set(_GRADES).isdisjoint(properties):
            grades = self.active_set.grades(values, types)
            self.results["extrapolation_grades"] = grades
            self.results["extrapolation_grade"] = float(grades.max(initial=0.0))

    def _run(self, atoms: Atoms, types: np.ndarray) -> np.ndarray:
        """Results from the C kernel; returns the basis values per atom, shape (n_scalar, N)."""
        js, rs = self._neighbours(atoms)
        basis = SimpleNamespace(vatoms=np.zeros((self.data.alpha_scalar_moments, len(atoms))))
        energies, gradient = self._kernel.calc_run(js, rs, types, types[js], self.data, basis)
        energy = float(energies.sum())
        forces = self._kernel.calc_forces_from_gradient(gradient, js)
        self.results = {"energy": energy, "free_energy": energy, "energies": energies, "forces": forces}
        if atoms.cell.rank == 3:
            virial = rs.reshape(-1, 3).T @ gradient.reshape(-1, 3)
            self.results["stress"] = (0.5 * (virial + virial.T) / atoms.get_volume()).ravel()[_VOIGT]
        return basis.vatoms

    def _types(self, atoms: Atoms) -> np.ndarray:
        types = self._kind[atoms.numbers]
        if types.min(initial=0) < 0:
            wrong = chemical_symbols[int(atoms.numbers[int(np.argmin(types))])]
            known = ", ".join(chemical_symbols[z] for z in self.data.species)
            raise HarnessError(f"the MTP does not know the element {wrong}; it knows {known}.",
                               "Choose a material of these elements, or a model fitted to it.")  # fmt: skip
        return types


def _kernel(data: MTPData, engine: str) -> tuple[Any, Any]:
    """The C kernel, or another of motep's engines with its own neighbour list."""
    from motep.calculator import make_mtp_engine

    try:
        if engine == "cext":
            from motep.potentials.mtp.cext import _mtp_cext

            return _mtp_cext, None
        return None, make_mtp_engine(engine)(data)
    except ImportError as error:
        raise HarnessError(f"motep's engine '{engine}' cannot be imported: {error}.",
                           "Install what it needs, or use potential.params.engine=cext.") from error  # fmt: skip
