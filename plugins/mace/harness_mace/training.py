"""A training loop: Adam with a moving average of the parameters, early stopping, and a checkpoint to go on from."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.contracts.task import Progress

__all__ = ["Outcome", "Schedule", "train"]

#: Seconds between two checkpoints.
SAVE_EVERY = 30.0


@dataclass(frozen=True)
class Schedule:
    """How a model is trained.

    Attributes
    ----------
    epochs
        Passes over the training frames; the step size falls along half a cosine to `last` of its first value.
    batch
        Frames per step.
    step, last
        Adam's learning rate, and the fraction of it that is left in the end.
    average
        Share that the moving average of the parameters keeps at each step; the average is what is judged and kept.
    patience
        Epochs without a better validation error after which training stops.
    minutes
        Of one processor, over all restarts; then training stops wherever it is.
    """

    epochs: int = 1000
    batch: int = 5
    step: float = 0.01
    last: float = 0.01
    average: float = 0.99
    patience: int = 400
    minutes: float = 60.0


@dataclass(frozen=True)
class Outcome:
    """How training ended: why, after how many epochs and processor seconds, where it was best, and the error there."""

    stopped: str
    epochs: int
    best_epoch: int
    best: float
    seconds: float


def train(
    model: Any,
    graphs: Sequence[dict[str, Any]],
    loss: Callable[[Any, Sequence[dict[str, Any]]], Any],
    judge: Callable[[Any], float],
    schedule: Schedule,
    seed: int,
    checkpoint: Path,
    identity: str,
    bar: Progress,
) -> Outcome:
    """Train `model` in place; it ends with the averaged parameters that `judge` found best.

    Parameters
    ----------
    graphs
        Of the training frames, with their labels.
    loss
        Of the model for some of the graphs; a scalar tensor.
    judge
        Validation error of a model; small is good. It is shown with the progress.
    checkpoint, identity
        File of the state of training, which only a run of the same identity goes on from. It is removed in the end.
    """
    import torch

    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    state = _State(model, schedule)
    state.load(checkpoint, identity)
    began = time.process_time() - state.seconds
    saved = time.perf_counter()
    bar.update(state.epoch)
    stopped = "epochs"
    while state.epoch < schedule.epochs:
        generator = torch.Generator().manual_seed(1_000_003 * (seed + 1) + state.epoch)
        order = torch.randperm(len(graphs), generator=generator).tolist()
        for group in state.optimizer.param_groups:
            group["lr"] = schedule.step * _fall(state.epoch / schedule.epochs, schedule.last)
        for start in range(0, len(order), schedule.batch):
            batch = [graphs[k] for k in order[start : start + schedule.batch]]
            state.optimizer.zero_grad(set_to_none=True)
            value = loss(model, batch)
            value.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
            state.optimizer.step()
            state.follow()
        state.epoch += 1
        with state.averaged():
            error = judge(model)
        if math.isfinite(error) and error < state.best:
            state.best, state.best_epoch = error, state.epoch
            state.kept = [p.clone() for p in state.average]
        bar.update(1, f"validation {error:.4g}, best {state.best:.4g}")
        state.seconds = time.process_time() - began
        if state.epoch - state.best_epoch >= schedule.patience:
            stopped = "no better validation error"
            break
        if state.seconds > 60.0 * schedule.minutes:
            stopped = "minutes"
            break
        if time.perf_counter() - saved > SAVE_EVERY:
            state.save(checkpoint, identity)
            saved = time.perf_counter()
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), state.kept, strict=True):
            parameter.copy_(value)
    checkpoint.unlink(missing_ok=True)
    return Outcome(stopped, state.epoch, state.best_epoch, state.best, state.seconds)


def _fall(x: float, last: float) -> float:
    return last + (1.0 - last) * 0.5 * (1.0 + math.cos(math.pi * x))


class _State:
    """All that a restart needs: parameters, their average and the best of it, the optimiser, counters."""

    def __init__(self, model: Any, schedule: Schedule) -> None:
        import torch

        self.parameters = list(model.parameters())
        self.share = schedule.average
        self.optimizer = torch.optim.Adam(self.parameters, lr=schedule.step, amsgrad=True)
        self.average = [p.detach().clone() for p in self.parameters]
        self.kept = [p.clone() for p in self.average]
        self.steps, self.epoch, self.best_epoch, self.best, self.seconds = 0, 0, 0, math.inf, 0.0

    def follow(self) -> None:
        import torch

        self.steps += 1
        share = min(self.share, (1.0 + self.steps) / (10.0 + self.steps))  # forget the start soon
        with torch.no_grad():
            for mean, parameter in zip(self.average, self.parameters, strict=True):
                mean.lerp_(parameter, 1.0 - share)

    def averaged(self) -> _Swapped:
        return _Swapped(self.parameters, self.average)

    def save(self, path: Path, identity: str) -> None:
        import torch

        content = {
            "identity": identity,
            "parameters": [p.detach() for p in self.parameters],
            "average": self.average,
            "kept": self.kept,
            "optimizer": self.optimizer.state_dict(),
            "counters": [self.steps, self.epoch, self.best_epoch, self.best, self.seconds],
        }
        aside = path.with_suffix(".part")
        torch.save(content, aside)
        aside.replace(path)

    def load(self, path: Path, identity: str) -> None:
        import torch

        if not path.is_file():
            return
        try:
            content: Mapping[str, Any] = torch.load(path, weights_only=True)
        except Exception:  # a damaged checkpoint is no reason not to train
            return
        if content.get("identity") != identity:
            return
        with torch.no_grad():
            for parameter, value in zip(self.parameters, content["parameters"], strict=True):
                parameter.copy_(value)
        self.average, self.kept = content["average"], content["kept"]
        self.optimizer.load_state_dict(content["optimizer"])
        self.steps, self.epoch, self.best_epoch, self.best, self.seconds = content["counters"]


class _Swapped:
    """Parameters exchanged for their average inside a block."""

    def __init__(self, parameters: Sequence[Any], average: Sequence[Any]) -> None:
        self.parameters, self.average = parameters, average

    def _swap(self) -> None:
        for parameter, mean in zip(self.parameters, self.average, strict=True):
            parameter.data, mean.data = mean.data, parameter.data

    def __enter__(self) -> None:
        self._swap()

    def __exit__(self, *exc: object) -> None:
        self._swap()
