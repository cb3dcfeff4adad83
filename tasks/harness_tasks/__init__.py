"""The built-in tasks, and the analytic oracles that they are tested with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness import hookimpl


@hookimpl
def harness_tasks() -> Mapping[str, Any]:
    """The tasks of this package."""
    from harness_tasks.accuracy import Accuracy
    from harness_tasks.bend import Bend
    from harness_tasks.coercive_field import CoerciveField
    from harness_tasks.conformance import Conformance
    from harness_tasks.elastic import Elastic
    from harness_tasks.interlayer import Interlayer
    from harness_tasks.moire_relax import MoireRelax
    from harness_tasks.piezo import Piezo
    from harness_tasks.polarization_pattern import PolarizationPattern
    from harness_tasks.single_point import SinglePoint
    from harness_tasks.sliding import Sliding
    from harness_tasks.tc_sweep import TcSweep

    return {
        "accuracy": Accuracy,
        "bend": Bend,
        "coercive_field": CoerciveField,
        "conformance": Conformance,
        "elastic": Elastic,
        "interlayer": Interlayer,
        "moire_relax": MoireRelax,
        "piezo": Piezo,
        "polarization_pattern": PolarizationPattern,
        "single_point": SinglePoint,
        "sliding": Sliding,
        "tc_sweep": TcSweep,
    }


@hookimpl
def harness_potentials() -> Mapping[str, Any]:
    """The analytic oracles."""
    from harness_tasks.cosine import CosinePotential
    from harness_tasks.oracles import PlatePotential

    return {"cosine": CosinePotential, "plate": PlatePotential}


@hookimpl
def harness_polarization_models() -> Mapping[str, Any]:
    """The analytic oracles."""
    from harness_tasks.cosine import CosinePolarization
    from harness_tasks.oracles import PlatePolarization

    return {"cosine": CosinePolarization, "plate": PlatePolarization}
