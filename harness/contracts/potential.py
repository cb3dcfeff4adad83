"""What a potential and a polarization model have to offer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator

from harness.contracts.measurement import Arrays


@dataclass(frozen=True, slots=True)
class Noise:
    """How exact answers are, apart from rounding; e.g. what an iteration to self-consistency leaves.

    Attributes
    ----------
    energy
        eV per atom.
    forces
        eV/Å.
    stress
        Virial per atom, eV.
    dipole
        Of a polarization model, e Å.
    """

    energy: float = 0.0
    forces: float = 0.0
    stress: float = 0.0
    dipole: float = 0.0

    def reachable(self, fmax: float) -> float:
        """The smallest largest force that a relaxation to `fmax` (eV/Å) can be asked for: twice the noise at least."""
        return max(fmax, 2 * self.forces)


@runtime_checkable
class Noisy(Protocol):
    """What a potential or a polarization model may declare besides.

    Tasks relax no farther than that, and `conformance` adds it to its tolerances.
    """

    noise: Noise


def noise_of(model: Potential | PolarizationModel | None) -> Noise:
    """What `model` declares of its noise; zeros where it declares nothing."""
    return model.noise if isinstance(model, Noisy) else Noise()


@runtime_checkable
class Potential(Protocol):
    """Energy, forces and stress of a structure: an ASE calculator plus its provenance.

    Attributes
    ----------
    name
        The name it is registered under.
    implemented_properties
        ASE property names, e.g. ``("energy", "forces", "stress")``.
    elements
        Chemical symbols that it knows; None when it takes any.

    It may also have ``devices`` (default ``("cpu",)``) and ``dtypes`` (default ``("float64",)``): where and how exactly
    it can compute. A run that asks for anything else is refused instead of being answered by something else.

    A potential that iterates to self-consistency may declare how exact its answers are; see `Noisy`.
    """

    name: str
    implemented_properties: Sequence[str]
    elements: frozenset[str] | None

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> BaseCalculator:
        """A fresh ASE calculator."""
        ...

    def provenance(self) -> dict[str, Any]:
        """Model files and their sha256, level of theory, package versions, licence; JSON-able."""
        ...


@runtime_checkable
class PolarizationModel(Protocol):
    """Dipole, Born charges and atomic dipoles of a structure, at fixed positions.

    Attributes
    ----------
    implemented_properties
        A subset of ``dipole, charges, atomic_dipoles, born_effective_charges, polarizability, energy, forces``.
    """

    name: str
    implemented_properties: Sequence[str]
    elements: frozenset[str] | None

    def calculate(self, atoms: Atoms, properties: Sequence[str], field: Sequence[float] = (0.0, 0.0, 0.0)) -> Arrays:
        """The named properties of `atoms` in a uniform external `field` (V/Å).

        Returns
        -------
        dict
            ``dipole`` (3,) e Å; ``charges`` (natoms,) e; ``atomic_dipoles`` (natoms, 3) e Å;
            ``born_effective_charges`` (natoms, 3, 3) e, first index polarization, second displacement;
            ``polarizability`` (3, 3) Å³; ``energy`` () eV; ``forces`` (natoms, 3) eV/Å.
        """
        ...

    def provenance(self) -> dict[str, Any]:
        """As for a potential."""
        ...


PotentialFactory = Callable[..., Potential]
PolarizationFactory = Callable[..., PolarizationModel]
