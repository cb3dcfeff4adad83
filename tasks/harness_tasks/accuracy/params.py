"""Parameters of the task `accuracy`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.contracts.parameters import DatasetName


@dataclass(frozen=True, slots=True)
class AccuracyParams:
    """Parameters of `accuracy`.

    Attributes
    ----------
    dataset
        Folder of the labels, or the name of one in ``datasets/``. Its content is part of the run's identity.
    dispersion
        Level of the labels: ``d3bj``, ``d2``, ``none``; None: that of the potential where the data set has it, else
        ``d3bj``.
    """

    dataset: DatasetName = "hbn"
    dispersion: Literal["d3bj", "d2", "none"] | None = None
