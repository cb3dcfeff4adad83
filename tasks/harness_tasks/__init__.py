"""The built-in tasks, and the analytic oracles that they are tested with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness import hookimpl


@hookimpl
def harness_tasks() -> Mapping[str, Any]:
    """The tasks of this package."""
    from harness_tasks.accuracy.task import Accuracy
    from harness_tasks.bend.task import Bend
    from harness_tasks.coercive_field.task import CoerciveField
    from harness_tasks.conformance.task import Conformance
    from harness_tasks.elastic.task import Elastic
    from harness_tasks.interlayer.task import Interlayer
    from harness_tasks.moire_relax.task import MoireRelax
    from harness_tasks.piezo.task import Piezo
    from harness_tasks.polarization_pattern.task import PolarizationPattern
    from harness_tasks.single_point.task import SinglePoint
    from harness_tasks.sliding.task import Sliding
    from harness_tasks.tc_sweep.task import TcSweep

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
    from harness_tasks.oracles.cosine import CosinePotential
    from harness_tasks.oracles.plate import PlatePotential

    return {"cosine": CosinePotential, "plate": PlatePotential}


@hookimpl
def harness_polarization_models() -> Mapping[str, Any]:
    """The analytic oracles."""
    from harness_tasks.oracles.cosine import CosinePolarization
    from harness_tasks.oracles.plate import PlatePolarization

    return {"cosine": CosinePolarization, "plate": PlatePolarization}
