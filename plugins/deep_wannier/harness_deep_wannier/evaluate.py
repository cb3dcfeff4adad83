"""What deepmd's evaluators say about an ASE structure, in ASE's units and order of atoms."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms

from harness.errors import HarnessError
from harness_deep_wannier.boxes import box
from harness_deep_wannier.cores import Cores

__all__ = ["Energies", "Polarization"]

#: Fractions of the cell by which all atoms are moved.
OFF_BOUNDARIES = np.array([0.0171, 0.0293, 0.0237])


class _Evaluator:
    def __init__(self, model: Any) -> None:
        self.model = model
        self.species: list[str] = list(model.get_type_map())
        self.cutoff = float(model.get_rcut())
        self._kind = {symbol: i for i, symbol in enumerate(self.species)}

    def _input(self, atoms: Atoms) -> tuple[np.ndarray, np.ndarray | None, list[int]]:
        symbols = atoms.get_chemical_symbols()
        try:
            kinds = [self._kind[symbol] for symbol in symbols]
        except KeyError as error:
            raise HarnessError(
                f"the deepmd model does not know the element {error.args[0]}; it knows {', '.join(self.species)}.",
                "Choose a material of these elements, or a model trained for it.",
            ) from error
        cell = box(atoms, self.cutoff)
        if cell is None:
            return atoms.positions.reshape(1, -1), None, kinds
        # rounding puts atoms on a boundary on either side of it, of which deepmd complains on the terminal
        return (atoms.positions + OFF_BOUNDARIES @ cell).reshape(1, -1), cell.reshape(1, 9), kinds


class Energies(_Evaluator):
    """An energy model."""

    def __call__(self, atoms: Atoms, atomic: bool = False) -> dict[str, Any]:
        """Energy (eV), forces (eV/Å), ``virial`` (eV, (3, 3), minus dE/dstrain); ``energies`` if `atomic`."""
        energy, forces, virial, *rest = self.model.eval(*self._input(atoms), atomic=atomic)
        virial = virial[0].reshape(3, 3)
        found = {"energy": float(energy[0, 0]), "forces": forces[0], "virial": 0.5 * (virial + virial.T)}
        if atomic:
            found["energies"] = rest[0].reshape(len(atoms))
        return found


class Polarization(_Evaluator):
    """A dipole model.

    Parameters
    ----------
    cores
        The model's outputs are displacements (Å) of centroids. None: they are dipoles (e Å) themselves.
    """

    def __init__(self, model: Any, cores: Cores | None) -> None:
        super().__init__(model)
        self.cores = cores

    def __call__(self, atoms: Atoms) -> dict[str, np.ndarray]:
        """``dipole`` (3,), ``atomic_dipoles`` (N, 3) in e Å; ``born_effective_charges`` (N, 3, 3) in e."""
        arguments = self._input(atoms)
        _, force, _, outputs, _ = self.model.eval_full(*arguments, atomic=True)
        # force has the shape (frame, polarization, atom, displacement) and is minus the derivative of the sum
        born = -force[0].transpose(1, 0, 2)
        dipoles = outputs[0]
        if self.cores is not None:
            ionic, slope = self.cores.of(atoms)
            dipoles = ionic + self.cores.centroid * dipoles
            born = slope[:, None, None] * np.eye(3) + self.cores.centroid * born
        return {"dipole": dipoles.sum(axis=0), "atomic_dipoles": dipoles, "born_effective_charges": born}
