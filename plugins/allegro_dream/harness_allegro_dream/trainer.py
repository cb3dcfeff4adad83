"""The training loop: Adam with averaged weights, a rate that falls to zero, and restarts from a checkpoint."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from harness.potentials.backend import torch_state
from harness_allegro_dream.examples import Batch, Example, batch
from harness_allegro_dream.loss import Weights, energy_terms, objective, response_terms
from harness_allegro_dream.network import DTYPES, AllegroDream

__all__ = ["Outcome", "Schedule", "train"]

#: Seconds between two checkpoints.
CHECKPOINT = 20.0


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Attributes
    ----------
    epochs
        Passes over the training frames with energies.
    response_share
        Part of the training frames with responses, three times as expensive, that an epoch passes over.
    minutes
        The rate also reaches its end after this time, whichever comes first. With it the result depends on the speed
        of the machine; null: it does not.
    patience
        Epochs without a better validation objective after which the fit stops.
    batch_frames
        Frames with energies of a step; those with responses are spread over the steps.
    rate, final_rate
        Adam's, at first and at the end; in between half a cosine.
    average
        Weight of the past in the averaged weights, which are validated and kept.
    precision
        Of the arithmetic in training, ``float32`` or ``float64``.
    """

    epochs: int = 2000
    minutes: float | None = 25.0
    patience: int = 300
    batch_frames: int = 4
    response_share: float = 0.35
    rate: float = 0.01
    final_rate: float = 1e-5
    average: float = 0.998
    precision: str = "float32"


@dataclass(frozen=True)
class Outcome:
    """Averaged weights at the epoch of the best validation objective, and how it went."""

    weights: dict[str, torch.Tensor]
    epochs: int
    best_epoch: int
    objective: float
    reason: str
    seconds: float


class _Run:
    """Everything that changes during a fit, and its checkpoint."""

    def __init__(self, network: AllegroDream, schedule: Schedule) -> None:
        self.network = network
        self.adam = torch.optim.Adam(network.parameters(), lr=schedule.rate)
        self.mean = {k: v.detach().clone() for k, v in network.state_dict().items()}
        self.best = {k: v.clone() for k, v in self.mean.items()}
        self.count: dict[str, Any] = {"epoch": 0, "steps": 0, "seconds": 0.0, "best_epoch": 0, "objective": math.inf}

    def save(self, path: Path, key: str) -> None:
        aside = path.with_name(f"{path.name}.part")
        content = {"key": key, "network": self.network.state_dict(), "adam": self.adam.state_dict(),
                   "mean": self.mean, "best": self.best, "count": self.count}  # fmt: skip
        torch.save(content, aside)
        aside.replace(path)

    def restore(self, path: Path, key: str) -> None:
        """Go on from a checkpoint of this same fit; any other, or a broken one, is left aside."""
        try:
            content = torch.load(path, weights_only=True)  # tensors and numbers alone
            if content["key"] != key:
                return
            self.network.load_state_dict(content["network"])
            self.adam.load_state_dict(content["adam"])
            self.mean, self.best, self.count = content["mean"], content["best"], content["count"]
        except (OSError, RuntimeError, KeyError, ValueError, EOFError):
            return

    def average(self, weight: float) -> None:
        self.count["steps"] += 1
        keep = min(weight, (1 + self.count["steps"]) / (10 + self.count["steps"]))
        for name, value in self.network.state_dict().items():
            self.mean[name].lerp_(value, 1 - keep)


def train(
    network: AllegroDream, energies: dict[str, list[Example]], responses: dict[str, list[Example]], weights: Weights,
    schedule: Schedule, seed: int, report: Callable[[int, float], None], checkpoint: Path | None = None, key: str = "",
) -> Outcome:  # fmt: skip
    """Minimise the objective on the split ``train``; the best weights are judged on ``validation``.

    Parameters
    ----------
    energies, responses
        Examples of the splits; those with responses may be none.
    report
        Called with every epoch and its validation objective.
    checkpoint, key
        File to go on from when it holds the same `key`, and to leave behind when killed.
    """
    dtype = DTYPES[schedule.precision]
    run = _Run(network, schedule)
    if checkpoint is not None:
        run.restore(checkpoint, key)
    lowest = min(e.energy / len(e.types) for e in energies["train"])
    judged = energies["validation"] or energies["train"], responses["validation"] or responses["train"]
    judge = [batch(judged[0], dtype)], [batch(judged[1], dtype, True)] if judged[1] else []
    before, start = float(run.count["seconds"]), time.monotonic()
    saved = start
    reason = "all epochs done"
    with torch_state(dtype):
        while run.count["epoch"] < schedule.epochs:
            epoch = int(run.count["epoch"])
            for some, other in _batches(energies["train"], responses["train"], schedule, (seed, epoch)):
                done = _done(epoch, before + time.monotonic() - start, schedule)
                fall = 0.5 * (1 + math.cos(math.pi * done))
                rate = schedule.final_rate + (schedule.rate - schedule.final_rate) * fall
                for group in run.adam.param_groups:
                    group["lr"] = rate * min(1.0, (run.count["steps"] + 1) / 100)
                _step(run, batch(some, dtype), batch(other, dtype, True) if other else None, weights, lowest)
                run.average(schedule.average)
            run.count["epoch"] += 1
            run.count["seconds"] = before + time.monotonic() - start
            value = _judge(run, judge, weights, lowest)
            if value < run.count["objective"]:
                run.count.update(objective=value, best_epoch=epoch + 1)
                run.best = {k: v.clone() for k, v in run.mean.items()}
            report(epoch + 1, value)
            if checkpoint is not None and time.monotonic() - saved > CHECKPOINT:
                run.save(checkpoint, key)
                saved = time.monotonic()
            if _done(epoch + 1, run.count["seconds"], schedule) >= 1 and epoch + 1 < schedule.epochs:
                reason = "time is up"
                break
            if epoch + 1 - run.count["best_epoch"] >= schedule.patience:
                reason = "the validation objective no longer falls"
                break
    c = run.count
    return Outcome(run.best, c["epoch"], c["best_epoch"], float(c["objective"]), reason, c["seconds"])


def _done(epoch: int, seconds: float, schedule: Schedule) -> float:
    """The part of the schedule that lies behind."""
    by_time = seconds / (60 * schedule.minutes) if schedule.minutes else 0.0
    return min(1.0, max(epoch / schedule.epochs, by_time))


def _batches(
    energies: Sequence[Example], responses: Sequence[Example], schedule: Schedule, seed: tuple[int, int]
) -> list[tuple[list[Example], list[Example]]]:
    """Frames of each step of an epoch, shuffled."""
    random = torch.Generator().manual_seed(1_000_003 * seed[0] + seed[1])
    order = torch.randperm(len(energies), generator=random).tolist()
    others = torch.randperm(len(responses), generator=random).tolist()
    others = others[: math.ceil(schedule.response_share * len(others))]
    steps = max(1, math.ceil(len(energies) / schedule.batch_frames))
    return [([energies[i] for i in order[k::steps]], [responses[i] for i in others[k::steps]]) for k in range(steps)]


def _step(run: _Run, some: Batch, other: Batch | None, weights: Weights, lowest: float) -> None:
    run.adam.zero_grad(set_to_none=True)
    loss = objective(energy_terms(run.network, some, weights, lowest), weights)
    if other is not None:
        loss = loss + objective(response_terms(run.network, other, weights), weights)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(run.network.parameters(), 100.0)
    run.adam.step()


def _judge(run: _Run, judge: tuple[list[Batch], list[Batch]], weights: Weights, lowest: float) -> float:
    """The objective of the averaged weights on the validation split."""
    current = {k: v.clone() for k, v in run.network.state_dict().items()}
    run.network.load_state_dict(run.mean)
    terms = [energy_terms(run.network, b, weights, lowest, graph=False) for b in judge[0]]
    terms += [response_terms(run.network, b, weights, graph=False) for b in judge[1]]
    total = sum(objective(t, weights).item() for t in terms)
    run.network.load_state_dict(current)
    return float(total)
