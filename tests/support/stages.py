"""A stage without a run around it."""

from __future__ import annotations

from harness.execution.stages import PERCENT, RunStage, RunStages
from harness.testing.trial import Bar, MemoryCheckpoint


def memory_stage(checkpoint: MemoryCheckpoint | None = None) -> RunStage:
    """The whole of a run, in memory."""
    run = RunStages(checkpoint or MemoryCheckpoint(), Bar(PERCENT), lost_at_most=0)
    return RunStage(run, "", 0.0, 1.0, 1.0)
