"""What a function has to offer that fits a potential or a polarization model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from harness.contracts.task import Progress

#: Opens a progress bar: called with a description and the total.
MakeProgress = Callable[[str, float], AbstractContextManager[Progress]]
#: What the fitters before this one returned, by the registered name of what they fitted.
Fitted = Mapping[str, Mapping[str, Any]]

Data = TypeVar("Data", contravariant=True)


class Fitter(Protocol[Data]):
    """Fits one part of a configuration; named in the hook ``harness_fitters`` as ``"module:function"``.

    `Data` is `harness.data.dataset.Dataset`. What acts between layers is fitted before what acts inside them, and the
    polarization model last.
    """

    def __call__(
        self,
        dataset: Data,
        out: Path,
        params: Mapping[str, Any],
        seed: int,
        progress: MakeProgress,
        fitted: Fitted,
    ) -> dict[str, Any]:
        """Fit, and write the model with its facts and parity data.

        Parameters
        ----------
        dataset
            DFT labels at one level of theory, split into training, validation and test frames.
        out
            Folder of the results. They appear there together when all are whole; it may hold checkpoints before.
        params
            The fitter's own settings, as given in ``options.NAME``.
        seed
            Of all random numbers.
        progress
            Makes a progress bar.
        fitted
            What was fitted before in the same call of ``python -m harness.fit``.

        Returns
        -------
        dict
            JSON-able facts: ``errors`` by split or at its top, ``potential`` (``name`` and ``params``) where a later
            fitter builds on it, and what else belongs to the provenance.

        Raises
        ------
        HarnessError
            For an unknown setting, or a data set that lacks what is needed.
        """
        ...
