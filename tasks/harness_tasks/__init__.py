"""The built-in tasks, and the analytic oracles that they are tested with."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from harness import hookimpl


class _Tasks(Mapping[str, Any]):
    """Task classes by name, each imported when it is asked for."""

    places: ClassVar[Mapping[str, str]] = {
        "accuracy": "Accuracy",
        "bend": "Bend",
        "coercive_field": "CoerciveField",
        "conformance": "Conformance",
        "elastic": "Elastic",
        "interlayer": "Interlayer",
        "moire_relax": "MoireRelax",
        "piezo": "Piezo",
        "polarization_pattern": "PolarizationPattern",
        "single_point": "SinglePoint",
        "sliding": "Sliding",
        "tc_sweep": "TcSweep",
    }

    def __getitem__(self, name: str) -> Any:
        attribute = self.places[name]
        return getattr(importlib.import_module(f"harness_tasks.{name}.task"), attribute)

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


@hookimpl
def harness_tasks() -> Mapping[str, Any]:
    """The tasks of this package."""
    return _Tasks()


@hookimpl
def harness_potentials() -> Mapping[str, Any]:
    """The analytic oracles."""
    from harness_tasks.oracles.cosine import CosinePotential
    from harness_tasks.oracles.plate import PlatePotential

    return {"cosine": CosinePotential, "plate": PlatePotential}


@hookimpl
def harness_polarization_models() -> Mapping[str, Any]:
    """The analytic oracles."""
    from harness_tasks.oracles.cosine import CosinePolarization
    from harness_tasks.oracles.plate import PlatePolarization

    return {"cosine": CosinePolarization, "plate": PlatePolarization}
