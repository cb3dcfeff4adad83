"""The polarization model: electrons of coupled layers less those of the same layers apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms

from harness.errors import HarnessError, unknown_choice
from harness.registry.provenance import package_versions
from harness_tight_binding.exact import Exact
from harness_tight_binding.hoppings import Hoppings, Parameters, find_hoppings
from harness_tight_binding.kpm import KERNELS, KernelPolynomials

__all__ = ["EXACT_UP_TO", "TightBinding"]

METHODS = ("auto", "exact", "polynomials")
LOCAL = ("dipoles", "charges")
DTYPES = ("float64", "float32")
#: Up to this many atoms eigenstates are cheaper than kernel polynomials.
EXACT_UP_TO = 1000
#: Å: supercell that the wave vectors of the exact method stand for.
LENGTH = 60.0
#: Born charges need eigenstates.
BORN_UP_TO = 1500


class TightBinding:
    """Polarization that the coupling of BN layers makes (Nieto Luna et al., arXiv 2503.11797 (2025)).

    Electrons of the structure less those of the same layers without hops between them: single layers have no
    polarization here, by construction, and no screening is in the model.

    Parameters
    ----------
    distance, lattice_constant, cutoff, sign
        As for `harness_tight_binding.hoppings.Parameters`.
    local
        What a site carries. ``dipoles``: each N atom the dipole of its Wannier function, `atomic_dipoles`, and no site
        a charge; ``charges``: each site its induced charge, `charges`. The same electrons seen in two ways, so that
        offering both would count them twice; both add up to the same dipole across the layers.
    method
        ``exact``: eigenstates at wave vectors; ``polynomials``: kernel polynomials; ``auto``: by size.
    moments, reach, kernel, dtype
        Of kernel polynomials: number of moments, radius (Å) of the surroundings of a site, ``gaussian`` or ``jackson``,
        ``float64`` or ``float32``.

    Raises
    ------
    HarnessError
        For parameters that are unknown or out of range.
    """

    name = "tight_binding"
    elements = frozenset({"B", "N"})

    def __init__(
        self,
        distance: float = 3.624,
        lattice_constant: float = 2.504,
        cutoff: float = 6.0,
        sign: str = "printed",
        local: str = "dipoles",
        method: str = "auto",
        moments: int = 128,
        reach: float = 20.0,
        kernel: str = "gaussian",
        dtype: str = "float64",
    ) -> None:
        self.parameters = Parameters(lattice_constant, distance, cutoff, sign)
        for kind, word, choices in (
            ("method", method, METHODS),
            ("view of local polarization", local, LOCAL),
            ("kernel", kernel, KERNELS),
            ("number type", dtype, DTYPES),
        ):
            if word not in choices:
                raise unknown_choice(f"{kind} of tight_binding", str(word), choices)
        if isinstance(moments, bool) or moments != int(moments) or moments % 2 or not 16 <= moments <= 8192:
            raise HarnessError(f"tight_binding: moments={moments} will not do.", "Give an even number from 16 to 8192.")
        if not cutoff < reach <= 200.0:
            raise HarnessError(
                f"tight_binding: reach={reach} Å is out of range.", "Give more than the cutoff, e.g. 20."
            )
        self.local, self.method = local, method
        self.moments, self.reach, self.kernel, self.dtype = int(moments), float(reach), kernel, dtype
        self.implemented_properties: tuple[str, ...] = (
            "dipole",
            "atomic_dipoles" if local == "dipoles" else "charges",
            "born_effective_charges",
        )
        self._kept: tuple[Any, dict[str, np.ndarray]] = (None, {})

    def provenance(self) -> dict[str, Any]:
        """Form, parameters, versions."""
        p = self.parameters
        return {
            "form": "p_z tight binding (Nieto Luna et al., arXiv 2503.11797)",
            "level_of_theory": None,
            "licence": "MIT",
            "parameters": {name: getattr(p, name) for name in p.__slots__},
            "local": self.local,
            "method": self.method,
            "moments": self.moments,
            "reach": self.reach,
            "kernel": self.kernel,
            "dtype": self.dtype,
            "versions": package_versions("harness-tight-binding"),
        }

    def calculate(
        self, atoms: Atoms, properties: Sequence[str], field: Sequence[float] = (0.0, 0.0, 0.0)
    ) -> dict[str, np.ndarray]:
        """Properties of a structure in a uniform field.

        Parameters
        ----------
        atoms
            Layers of BN, periodic in the x-y plane or not.
        properties
            Names out of `implemented_properties`.
        field
            V/Å; only along directions that are not periodic. The layers apart, which are subtracted, do not feel it, so
            that all of what it polarizes is in the answer.

        Returns
        -------
        dict
            ``dipole`` (3,) e Å; ``atomic_dipoles`` (N, 3) e Å, zero on B; ``charges`` (N,) e;
            ``born_effective_charges`` (N, 3, 3) e.

        Raises
        ------
        HarnessError
            For a property or an element that it has not, a structure without a gap, a field along a periodic direction,
            and Born charges of more than 1,500 atoms.
        """
        for word in properties:
            if word not in self.implemented_properties:
                raise unknown_choice("property of tight_binding", word, self.implemented_properties)
        out = {}
        if "charges" in properties:
            out["charges"] = self._keep("charges", atoms, field)
        if {"dipole", "atomic_dipoles"} & set(properties):
            out["atomic_dipoles"] = self._keep("atomic_dipoles", atoms, field)
            out["dipole"] = out["atomic_dipoles"].sum(axis=0)
        if "born_effective_charges" in properties:
            out["born_effective_charges"] = self._keep("born", atoms, field)
        return {word: out[word].copy() for word in properties}

    def _keep(self, what: str, atoms: Atoms, field: Sequence[float]) -> np.ndarray:
        """Calculated once for one structure: callers ask for one property after another."""
        parts = (atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, np.asarray(field, dtype=float))
        key = tuple(np.ascontiguousarray(part).tobytes() for part in parts)
        if self._kept[0] != key:
            self._kept = (key, {})
        found = self._kept[1]
        if what not in found:
            found[what] = self._find(what, atoms, np.asarray(field, dtype=float))
        return found[what]

    def _find(self, what: str, atoms: Atoms, field: np.ndarray) -> np.ndarray:
        apart = find_hoppings(atoms, self.parameters)
        coupled, apart = apart.in_field(field), apart.within_layers()
        if what == "born":
            if len(atoms) > BORN_UP_TO:
                raise HarnessError(
                    f"tight_binding: Born charges need eigenstates, and {len(atoms)} atoms are too many for them.",
                    f"Ask for them in cells of up to {BORN_UP_TO} atoms.",
                )
            return np.asarray(Exact(coupled, LENGTH).born() - Exact(apart, LENGTH).born())
        one, other = self._solver(coupled), self._solver(apart)
        if what == "charges":
            return np.asarray(other.occupations() - one.occupations())
        dipoles = np.zeros((len(atoms), 3))
        dipoles[coupled.nitrogen] = -2 * (one.centres() - other.centres())
        return dipoles

    def _solver(self, hoppings: Hoppings) -> Exact | KernelPolynomials:
        exact = self.method == "exact" or (self.method == "auto" and len(hoppings) <= EXACT_UP_TO)
        if exact:
            return Exact(hoppings, LENGTH)
        return KernelPolynomials(hoppings, self.moments, self.reach, self.kernel, self.dtype)
