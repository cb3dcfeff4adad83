"""The polarization model: solve for charges and dipoles, and differentiate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms

from harness.errors import HarnessError, unknown_choice
from harness.materials.layers import assign_layers
from harness.registry.provenance import package_versions
from harness.units import COULOMB
from harness_charge_dipole.geometry import Frame
from harness_charge_dipole.parameters import Parameters, check_constraint
from harness_charge_dipole.system import DenseSystem, MeshSystem

__all__ = ["ChargeDipole"]

SOLVERS = ("auto", "dense", "mesh")
#: Up to this many atoms the matrix is cheaper than the mesh.
DENSE_UP_TO = 200
_PROPERTIES = ("energy", "forces", "charges", "atomic_dipoles", "dipole", "polarizability", "born_effective_charges")


class ChargeDipole:
    """Charges and dipoles on Gaussians that minimise their electrostatic energy (Mayer, PRB 75, 045407 (2007)).

    Parameters
    ----------
    model
        Parameter file, or a `Parameters` object.
    constraint
        ``total``: the structure is neutral as a whole; ``layer``: each layer is. None: as the model was fitted.
    solver
        ``dense``, ``mesh``, or ``auto``: by size.
    tolerance
        Relative error of the solution that the mesh solver aims at.

    Notes
    -----
    Along periodic directions ``sum q r`` is not defined, so there ``dipole`` and ``polarizability`` contain the atomic
    dipoles only, a field acts on dipoles and pushes charges but does not move charge between atoms, and the Born
    charge is ``q_i`` plus the derivative of the atomic dipoles. Along open directions everything is included.
    """

    name = "charge_dipole"
    implemented_properties: tuple[str, ...] = _PROPERTIES

    def __init__(
        self, model: str | Parameters, constraint: str | None = None, solver: str = "auto", tolerance: float = 1e-6
    ) -> None:
        self.parameters = model if isinstance(model, Parameters) else Parameters.load(model)
        self.constraint = check_constraint(constraint) if constraint else self.parameters.constraint
        if solver not in SOLVERS:
            raise unknown_choice("solver of charge_dipole", str(solver), SOLVERS)
        if not 1e-12 <= tolerance <= 1e-2:
            raise HarnessError(f"charge_dipole: tolerance={tolerance} is out of range.", "Give 1e-12 to 1e-2.")
        self.solver, self.tolerance = solver, tolerance
        self.elements = frozenset(self.parameters.elements)
        self._kept: dict[str, np.ndarray] = {}
        self._kept_numbers: np.ndarray | None = None
        #: Iterations of the last solve: 0 for the dense solver.
        self.iterations = 0

    def provenance(self) -> dict[str, Any]:
        """Model file with hash and origin, constraint, solver, versions."""
        return {
            "form": "Gaussian-regularised charge-dipole (Mayer 2007)",
            "constraint": self.constraint,
            "level_of_theory": self.parameters.provenance.get("level_of_theory"),
            "licence": "MIT",
            "tolerance": self.tolerance,
            "versions": package_versions("harness-charge-dipole"),
            **self.parameters.describe(),
        }

    def system(self, atoms: Atoms) -> tuple[DenseSystem | MeshSystem, np.ndarray, np.ndarray]:
        """Equations, right-hand side without field (N, 4), and its derivative by the field (3, N, 4).

        Raises
        ------
        HarnessError
            For an element without parameters or three periodic directions.
        """
        if len(atoms) == 0:
            raise HarnessError("charge_dipole: the structure has no atoms.", "Check the material.")
        widths, chi, inverse = self.parameters.of(atoms.get_chemical_symbols())
        frame = Frame.of(atoms)
        groups = assign_layers(atoms) if self.constraint == "layer" else np.zeros(len(atoms), dtype=int)
        dense = self.solver == "dense" or (self.solver == "auto" and len(atoms) <= DENSE_UP_TO)
        system = (
            DenseSystem(frame, widths, groups, inverse)
            if dense
            else MeshSystem(frame, widths, groups, inverse, self.tolerance)
        )
        rhs = np.zeros((len(atoms), 4))
        rhs[:, 0] = -chi
        field = np.zeros((3, len(atoms), 4))
        field[:, :, 0] = frame.open @ (frame.positions - frame.positions.mean(axis=0)).T
        for axis in range(3):
            field[axis, :, 1 + axis] = 1.0
        return system, rhs, field

    def calculate(
        self, atoms: Atoms, properties: Sequence[str], field: Sequence[float] = (0.0, 0.0, 0.0)
    ) -> dict[str, np.ndarray]:
        """Properties of a structure in a uniform external field.

        Parameters
        ----------
        atoms
            Structure, periodic in up to two directions; its vacuum does not matter.
        properties
            Names out of `implemented_properties`.
        field
            V/Å.

        Returns
        -------
        dict
            ``energy`` () eV, with the field's work in it; ``forces`` (N, 3) eV/Å; ``charges`` (N,) e;
            ``atomic_dipoles`` (N, 3) and ``dipole`` (3,) e Å; ``polarizability`` (3, 3) Å³;
            ``born_effective_charges`` (N, 3, 3) e, ``Z[i, a, b] = dP_a / du_ib``, at zero field also dF_ib / dE_a.

        Raises
        ------
        HarnessError
            For a property it has not, an element without parameters, or three periodic directions.
        """
        for word in properties:
            if word not in _PROPERTIES:
                raise unknown_choice("property of charge_dipole", word, _PROPERTIES)
        wanted = set(properties)
        e = np.asarray(field, dtype=float)
        system, rhs, by_field = self.system(atoms)
        total = rhs + np.einsum("a,aij->ij", e, by_field)
        x = self._solve(system, total, "state", atoms)
        out: dict[str, np.ndarray] = {
            "charges": x[:, 0].copy(),
            "atomic_dipoles": x[:, 1:].copy(),
            "dipole": np.einsum("aij,ij->a", by_field, x),
            "energy": np.array(-0.5 * np.vdot(total, x)),
        }
        if "forces" in wanted:
            out["forces"] = system.forces(x, x) + x[:, :1] * e
        if wanted & {"polarizability", "born_effective_charges"}:
            answers = [self._solve(system, by_field[axis], f"field{axis}", atoms) for axis in range(3)]
            out["polarizability"] = COULOMB * np.einsum("aij,bij->ab", by_field, np.array(answers))
            if "born_effective_charges" in wanted:
                out["born_effective_charges"] = self._born(system, x, answers, e, atoms)
        return {word: out[word] for word in properties}

    def _born(
        self, system: DenseSystem | MeshSystem, x: np.ndarray, answers: list[np.ndarray], e: np.ndarray, atoms: Atoms
    ) -> np.ndarray:
        """dP/du from the answers of charges and dipoles to the field: no displaced structure is solved."""
        born = np.empty((len(atoms), 3, 3))
        e_open = Frame.of(atoms).open @ e
        for axis, answer in enumerate(answers):
            born[:, axis] = 2 * system.forces(answer, x) + answer[:, :1] * e_open
            born[:, axis, axis] += x[:, 0]
        return born

    def _solve(self, system: DenseSystem | MeshSystem, rhs: np.ndarray, key: str, atoms: Atoms) -> np.ndarray:
        """Solve, starting from the last answer of this kind if the atoms are the same: a trajectory moves little."""
        if self._kept_numbers is None or not np.array_equal(self._kept_numbers, atoms.numbers):
            self._kept, self._kept_numbers = {}, atoms.numbers.copy()
        x = system.solve(rhs, self._kept.get(key))
        if isinstance(system, MeshSystem):
            self._kept[key] = x
            self.iterations = system.iterations
        return x
