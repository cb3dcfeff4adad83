"""What a potential and a polarization model have to offer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import BaseCalculator

from harness.contracts.measurement import Arrays


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

    A potential that iterates to self-consistency may state in ``noise`` how exact its answers are: ``energy`` (eV per
    atom), ``forces`` (eV/Å), ``stress`` (virial per atom, eV). The task ``conformance`` adds that to its tolerances.
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
