"""Potentials of this plugin: ``layered`` and the interlayer ``lj``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ase.data import atomic_numbers

from harness.errors import HarnessError, unknown_choice
from harness.registry.files import resolve_model, sha256
from harness.registry.provenance import package_versions

if TYPE_CHECKING:
    from harness_layered.calculator import LayeredCalculator
    from harness_layered.lennard_jones import LennardJones

__all__ = ["InterlayerLJ", "LayeredPotential", "read_parameters"]


def read_parameters(path: Path) -> dict[str, Any]:
    """Contents of a Lennard-Jones file: ``elements: {symbol: {epsilon, sigma}}`` (eV, Å), ``cutoff`` (Å), provenance.

    Raises
    ------
    HarnessError
        When the file is not such a file; says what is wrong with it.
    """
    hint = 'It should hold {"elements": {"B": {"epsilon": eV, "sigma": Å}, ...}, "cutoff": Å}.'
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        elements = content["elements"]
        if not elements:
            raise ValueError("no elements")
        for symbol, entry in elements.items():
            if symbol not in atomic_numbers:
                raise ValueError(f"'{symbol}' is no element")
            if not (float(entry["epsilon"]) >= 0.0 and float(entry["sigma"]) > 0.0):
                raise ValueError(f"epsilon and sigma of {symbol} must be positive")
        if not float(content["cutoff"]) > 0.0:
            raise ValueError("the cutoff must be positive")
    except KeyError as error:
        raise HarnessError(f"'{path}' is not a Lennard-Jones model: it lacks {error}.", hint) from error
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise HarnessError(f"'{path}' is not a Lennard-Jones model: {error}.", hint) from error
    return content


class InterlayerLJ:
    """Lennard-Jones between layers, cross-layer pairs only (`harness_layered.lennard_jones`).

    Parameters
    ----------
    model
        JSON file with epsilon (eV) and sigma (Å) per element.
    cutoff
        Å; None: the one that the model was fitted with.
    """

    name = "lj"
    implemented_properties: Sequence[str] = ("energy", "forces", "stress")

    def __init__(self, model: str = "bn_bilayer_lj.json", cutoff: float | None = None) -> None:
        self.path = resolve_model(model, package="harness_layered")
        content = read_parameters(self.path)
        self.parameters = {s: (float(e["epsilon"]), float(e["sigma"])) for s, e in content["elements"].items()}
        self.cutoff = float(content["cutoff"] if cutoff is None else cutoff)
        if not self.cutoff > 0.0:
            raise HarnessError(f"lj: cutoff={cutoff} is not positive.", "Give a distance in Å, 12 or more.")
        self.elements: frozenset[str] | None = frozenset(self.parameters)
        self._fit = content.get("provenance", {})

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> LennardJones:
        """A fresh calculator; it runs on the CPU in double precision."""
        from harness_layered.lennard_jones import LennardJones

        return LennardJones({atomic_numbers[s]: p for s, p in self.parameters.items()}, self.cutoff)

    def provenance(self) -> dict[str, Any]:
        """Form, model file, level of theory, fit settings."""
        return {
            "form": "12-6 Lennard-Jones between layers, Lorentz-Berthelot, shifted to zero value and slope at cutoff",
            "model": {"file": self.path.name, "sha256": sha256(self.path)},
            "level_of_theory": self._fit.get("level_of_theory"),
            "cutoff": self.cutoff,
            "fit": self._fit,
            "licence": self._fit.get("licence"),
            "versions": package_versions("harness-layered"),
        }


class LayeredPotential:
    """One potential inside each layer, another between the layers.

    Parameters
    ----------
    intralayer, interlayer
        ``{name, params}`` of any registered potential; the interlayer one must act between layers only (as ``lj``
        does) and may be None.
    """

    name = "layered"

    def __init__(self, intralayer: Mapping[str, Any], interlayer: Mapping[str, Any] | None = None) -> None:
        self.intralayer = _build("intralayer", intralayer)
        self.interlayer = _build("interlayer", interlayer) if interlayer else None
        parts = [p for p in (self.intralayer, self.interlayer) if p is not None]
        known = [p.elements for p in parts if p.elements is not None]
        self.elements: frozenset[str] | None = frozenset.intersection(*known) if known else None
        own = ("energy", "forces", "stress")
        common = [n for n in own if all(n in p.implemented_properties for p in parts)]
        self.implemented_properties: Sequence[str] = tuple(common)

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> LayeredCalculator:
        """A fresh calculator that owns one calculator per layer."""
        from harness_layered.calculator import LayeredCalculator

        between = self.interlayer.calculator(device, dtype) if self.interlayer is not None else None
        return LayeredCalculator(lambda: self.intralayer.calculator(device, dtype), between)

    def provenance(self) -> dict[str, Any]:
        """Provenance of both parts; the level of theory when they agree on it."""
        inside = self.intralayer.provenance()
        between = self.interlayer.provenance() if self.interlayer is not None else None
        levels = {p.get("level_of_theory") for p in (inside, between) if p is not None}
        licences = {p.get("licence") for p in (inside, between) if p is not None}
        return {
            "form": f"{self.intralayer.name} in layers"
            + (f" + {self.interlayer.name} between layers" if self.interlayer is not None else ""),
            "intralayer": inside,
            "interlayer": between,
            "level_of_theory": levels.pop() if len(levels) == 1 else None,
            "licence": licences.pop() if len(licences) == 1 else None,
            "versions": package_versions("harness-layered"),
        }


def _build(role: str, spec: Mapping[str, Any]) -> Any:
    from harness.registry.lookup import build_potential

    allowed = ("name", "params")
    if not isinstance(spec, Mapping) or "name" not in spec:
        raise HarnessError(f"layered: {role} names no potential.", f"Give potential.params.{role}.name=NAME.")
    for key in spec:
        if key not in allowed:
            raise unknown_choice(f"key of {role}", str(key), allowed)
    return build_potential(spec["name"], dict(spec.get("params") or {}))
