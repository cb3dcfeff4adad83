"""What a plugin can bring: pluggy hook specifications of the entry-point group ``harness``.

pluggy says what exists; Hydra says which of it runs, and with what numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from harness.contracts.material import MaterialFactory
    from harness.contracts.potential import PolarizationFactory, PotentialFactory
    from harness.contracts.record import Record
    from harness.contracts.report import Report
    from harness.contracts.task import Task

hookspec = pluggy.HookspecMarker("harness")


class HarnessSpec:
    """The hooks. Import heavy packages inside the factories, never at the top of the plugin's module."""

    @hookspec
    def harness_potentials(self) -> Mapping[str, PotentialFactory]:
        """Name -> factory, called with ``potential.params`` as keywords."""
        raise NotImplementedError

    @hookspec
    def harness_polarization_models(self) -> Mapping[str, PolarizationFactory]:
        """Name -> factory, called with ``polarization.params`` as keywords."""
        raise NotImplementedError

    @hookspec
    def harness_materials(self) -> Mapping[str, MaterialFactory]:
        """Name of a prototype -> factory, called with the other keys of ``material`` as keywords."""
        raise NotImplementedError

    @hookspec
    def harness_tasks(self) -> Mapping[str, type[Task]]:
        """Name -> task class."""
        raise NotImplementedError

    @hookspec
    def harness_reports(self) -> Mapping[str, type[Report]]:
        """Name -> report class."""
        raise NotImplementedError

    @hookspec
    def harness_fitters(self) -> Mapping[str, str]:
        """Name of a potential or polarization model -> ``"module:function"``, a `harness.contracts.fitter.Fitter`."""
        raise NotImplementedError

    @hookspec
    def harness_describe_host(self, host: dict[str, str]) -> None:
        """Add to `host` what makes timings comparable: GPU, driver, clocks, library versions."""

    @hookspec
    def harness_run_finished(self, record: Record) -> None:
        """Observe a record after it was written, whatever its status."""
