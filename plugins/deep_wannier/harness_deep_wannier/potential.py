"""The potential ``deep_wannier`` and the polarization model of the same name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.contracts.measurement import Arrays
from harness.errors import HarnessError, unknown_choice
from harness.registry.files import sha256
from harness.registry.provenance import facts_beside, package_versions
from harness_deep_wannier import frozen
from harness_deep_wannier.backend import threads
from harness_deep_wannier.calculator import POLARIZATION, DeepWannierCalculator
from harness_deep_wannier.cores import Cores
from harness_deep_wannier.evaluate import Energies, Polarization

if TYPE_CHECKING:
    from ase import Atoms

__all__ = ["DeepWannierPolarization", "DeepWannierPotential", "versions"]

WHY = "a .pb is a TensorFlow graph: evaluating it runs its operations; graphs with operations on files are refused"


def versions() -> dict[str, str]:
    """Versions of the packages that decide the numbers."""
    return package_versions("harness-deep-wannier", "deepmd-kit", "tensorflow-cpu", "numpy")


def _cores(facts: Mapping[str, Any], given: Mapping[str, Any] | None, name: str) -> Cores | None:
    """How outputs become dipoles: as the user says, else as the facts beside the model say, else they are dipoles."""
    source = facts.get("centroids") if given is None else given
    if not source:
        return None
    try:
        return Cores(
            charges={str(k): float(v) for k, v in dict(source["charges"]).items()},
            centroid=float(source["centroid"]),
            carriers=tuple(source["carriers"]),
            bond=float(source.get("bond", Cores.bond)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise HarnessError(
            f"centroids of '{name}' are not understood: {type(error).__name__} {error}.",
            "Give e.g. centroids={charges:{B:3,N:5},centroid:-8,carriers:[N]}; {} for outputs that are dipoles (e Å).",
        ) from error


class _Dipoles:
    """A dipole model with all that the two classes below share."""

    def __init__(self, model: str, centroids: Mapping[str, Any] | None) -> None:
        self.path = frozen.find(model)
        self.facts = facts_beside(self.path)
        self.cores = _cores(self.facts, centroids, self.path.name)
        self.evaluate = Polarization(frozen.open_model(self.path, "dipole"), self.cores)
        known = set(self.evaluate.species)
        self.elements = frozenset(known if self.cores is None else known & set(self.cores.charges))

    def provenance(self) -> dict[str, Any]:
        return {
            "file": self.path.name,
            "sha256": sha256(self.path),
            "executes_code": WHY,
            "cutoff": self.evaluate.cutoff,
            "outputs": "dipoles (e Å)" if self.cores is None else "displacements of Wannier centroids (Å)",
            "fit": self.facts,
        }


class DeepWannierPotential:
    """A frozen energy model of deepmd's TensorFlow backend, with a dipole model beside it.

    Parameters
    ----------
    model
        The energy model, ``.pb``.
    wannier
        ``model``: the dipole model, ``.pb``; ``centroids``: as for `DeepWannierPolarization`. None, or ``model`` null:
        energies alone.

    Raises
    ------
    HarnessError
        When a file is not a frozen model of that kind.
    """

    name = "deep_wannier"
    devices: Sequence[str] = ("cpu",)
    dtypes: Sequence[str] = ("float64",)

    def __init__(self, model: str, wannier: Mapping[str, Any] | None = None) -> None:
        wannier = dict(wannier or {})
        for key in wannier:
            if key not in ("model", "centroids"):
                raise unknown_choice("setting of wannier", key, ("model", "centroids"))
        self.path = frozen.find(model)
        self.facts = facts_beside(self.path)
        self._energies = Energies(frozen.open_model(self.path, "energy"))
        file = wannier.get("model")
        self._dipoles = _Dipoles(file, wannier.get("centroids")) if file else None
        own = ("energy", "forces", "stress", "energies")
        self.implemented_properties: Sequence[str] = (*own, *(POLARIZATION if self._dipoles else ()))
        # an element that only the energy model knows can still be computed, without its polarization
        self.elements: frozenset[str] | None = frozenset(self._energies.species)

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> DeepWannierCalculator:
        """A calculator; all of one potential share its TensorFlow sessions."""
        return DeepWannierCalculator(self._energies, self._dipoles.evaluate if self._dipoles else None)

    def provenance(self) -> dict[str, Any]:
        """Model files with their sha256, level of theory and errors of the fits, versions."""
        return {
            "form": "Deep Potential (deepmd-kit), Wannier centroids by a Deep Potential dipole model",
            "level_of_theory": self.facts.get("level_of_theory"),
            "licence": self.facts.get("licence"),
            "model": {"file": self.path.name, "sha256": sha256(self.path), "executes_code": WHY},
            "wannier": self._dipoles.provenance() if self._dipoles else None,
            "cutoff": self._energies.cutoff,
            "threads": threads(),
            "fit": self.facts,
            "versions": versions(),
        }


class DeepWannierPolarization:
    """Dipoles, atomic dipoles and Born charges from a frozen dipole model.

    Parameters
    ----------
    model
        The dipole model, ``.pb``.
    centroids
        How its outputs become dipoles: ``charges`` of the cores by element, ``centroid`` charge, ``carriers`` (see
        `harness_deep_wannier.cores`). None: as the facts beside the model say; an empty mapping: outputs are dipoles.
    """

    name = "deep_wannier"
    implemented_properties: Sequence[str] = (*POLARIZATION, "energy", "forces")

    def __init__(self, model: str, centroids: Mapping[str, Any] | None = None) -> None:
        self._dipoles = _Dipoles(model, centroids)
        self.elements: frozenset[str] | None = self._dipoles.elements

    def calculate(self, atoms: Atoms, properties: Sequence[str], field: Sequence[float] = (0.0, 0.0, 0.0)) -> Arrays:
        """The named properties; ``energy`` (-P·E) and ``forces`` (E·Z) are those that `field` (V/Å) adds.

        Raises
        ------
        HarnessError
            For a property that it does not have.
        """
        for name in properties:
            if name not in self.implemented_properties:
                raise unknown_choice("property of polarization model 'deep_wannier'", name, self.implemented_properties)
        found = self._dipoles.evaluate(atoms)
        vector = np.asarray(field, dtype=float)
        found["energy"] = np.asarray(-found["dipole"] @ vector)
        found["forces"] = np.einsum("a,iab->ib", vector, found["born_effective_charges"])
        return {name: found[name] for name in properties}

    def provenance(self) -> dict[str, Any]:
        """Model file with its sha256, level of theory and errors of the fit, versions."""
        facts = self._dipoles.facts
        return {
            "form": "Wannier centroids by a Deep Potential dipole model (deepmd-kit)",
            "level_of_theory": facts.get("level_of_theory"),
            "licence": facts.get("licence"),
            "model": self._dipoles.provenance(),
            "threads": threads(),
            "versions": versions(),
        }


def shipped() -> list[Path]:
    """Frozen models that ship with the plugin."""
    return sorted((Path(__file__).parent / "models").glob("*.pb"))
