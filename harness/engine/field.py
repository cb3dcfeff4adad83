"""A uniform electric field, to first order: its force on atoms by Born charges, and a potential in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from harness.contracts.engine import Engine
from harness.contracts.measurement import Arrays
from harness.engine.ase import ASEEngine

#: ``response(atoms, names)``: properties of a polarization model, by ASE's names and in the units of
#: `harness.contracts.potential.PolarizationModel`.
Response = Callable[[Atoms, Sequence[str]], Arrays]


def balanced_charges(response: Response, atoms: Atoms) -> np.ndarray:
    """Born charges less their mean over the atoms, (natoms, 3, 3) e, first index polarization, second displacement.

    Without the subtraction a uniform field would push the whole sheet (Deng et al., arXiv 2407.15081).
    """
    charges = response(atoms, ["born_effective_charges"])["born_effective_charges"]
    return np.asarray(charges - charges.mean(axis=0))


def field_force(charges: np.ndarray, field: np.ndarray) -> np.ndarray:
    """F_ib = Σ_a E_a Z_iab, (natoms, 3) eV/Å; the sum is over the polarization's index, the first one.

    Parameters
    ----------
    charges
        e, (natoms, 3, 3), Z_iab = ∂P_a/∂u_ib.
    field
        V/Å, (3,).
    """
    return np.asarray(np.einsum("a,iab->ib", field, charges))


class FieldForce:
    """The force of a field that may grow, as an external force of dynamics; Born charges are asked for now and then.

    Parameters
    ----------
    response
        Has the Born charges.
    field
        ``field(step)`` in V/Å, (3,).
    every
        Steps between two evaluations of the Born charges; between them the last ones act.
    slip
        What `errors` looks at: weights of the forces, (natoms, 3), that add up to the one that slides the layers.
    other
        A structure of other size. A polarization model that starts from its last answers forgets them when it is
        asked about this one, so that a run that goes on repeats the one without an interruption.

    Attributes
    ----------
    errors
        Rows: slip force of the oldest charges, and of new ones at the same place and field, eV/Å.
    evaluations
        Of the Born charges.
    """

    def __init__(
        self, response: Response, field: Callable[[int], np.ndarray], every: int, slip: np.ndarray, other: Atoms
    ) -> None:
        self._response, self._field, self._every, self._slip, self._other = response, field, every, slip, other
        self._charges: np.ndarray | None = None
        self._age = 0
        self.errors: list[tuple[float, float]] = []
        self.evaluations = 0

    def renew(self) -> None:
        """Forget the charges, at the beginning of a leg."""
        self._charges = None

    def __call__(self, atoms: Atoms, step: int) -> np.ndarray:
        """eV/Å, (natoms, 3)."""
        field = self._field(step)
        if not field.any():
            return np.zeros((len(atoms), 3))
        if self._charges is None:
            self._response(self._other, ["born_effective_charges"])
        if self._charges is None or self._age >= self._every:
            old, self._charges = self._charges, balanced_charges(self._response, atoms)
            self.evaluations += 1
            if old is not None and self._every > 1:
                pair = [float((self._slip * field_force(charges, field)).sum()) for charges in (old, self._charges)]
                self.errors.append((pair[0], pair[1]))
            self._age = 0
        self._age += 1
        return field_force(self._charges, field)


class _InField(Calculator):
    """The calculator of `FieldEngine`."""

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]

    def __init__(self, engine: Engine, response: Response, field: np.ndarray, with_energy: bool) -> None:
        super().__init__()
        self._engine, self._response, self._with_energy = engine, response, with_energy
        self.field = field
        self.charges = np.empty((0, 3, 3))

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] | None = None,
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Energy and forces of `atoms` in the field."""
        super().calculate(atoms, properties, system_changes)
        alone = self.atoms.copy()
        found = self._engine.evaluate([alone], ["energy", "forces"])[0]
        bare = found["forces"] - np.mean(found["forces"], axis=0)
        self.charges = balanced_charges(self._response, alone)
        energy = found["energy"]
        if self._with_energy:
            energy -= float(self._response(alone, ["dipole"])["dipole"] @ self.field)
        self.results = {"energy": energy, "forces": bare + field_force(self.charges, self.field)}


class FieldEngine(ASEEngine):
    """The default engine, for a potential in a uniform field.

    The energy is U − E·P and the forces are F + Z·E, at frozen electrons: what they add themselves, −½ α E², is left
    out. The sum rule is imposed on the Born charges and the mean force is taken off, so the forces are those of the
    energy up to a shift of the whole.

    Parameters
    ----------
    engine
        Evaluates the potential without a field, and counts.
    response
        Has Born charges, and dipole.
    field
        V/Å, (3,).
    with_energy
        Whether the energy contains the field; False leaves U alone, which saves the dipole where only forces are
        followed, as optimisers without a line search do.
    """

    def __init__(self, engine: Engine, response: Response, field: np.ndarray, with_energy: bool = True) -> None:
        self._in_field = _InField(engine, response, np.asarray(field, dtype=float), with_energy)
        super().__init__(self._in_field)

    def set_field(self, field: np.ndarray) -> None:
        """Go on in another field, V/Å (3,)."""
        self._in_field.field = np.asarray(field, dtype=float)
        self._in_field.reset()

    @property
    def charges(self) -> np.ndarray:
        """Born charges of the structure that was evaluated last, less their mean, e (natoms, 3, 3)."""
        return self._in_field.charges
