"""Training with an extended Kalman filter over the weights, one frame at a time.

Weights are the state, labels the measurements: a frame moves the weights by as much as its residuals deserve, given
what the frames before it have fixed. That is Gauss-Newton on a running estimate, and gets in a few passes through the
data to where stochastic gradients take thousands. Puskorius and Feldkamp, IEEE Trans. Neural Netw. 5, 279 (1994); for
neural network potentials Singraber et al., J. Chem. Theory Comput. 15, 3075 (2019).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Filter", "batches", "filtered"]

#: Combinations of a frame's residuals that are taken in at a visit.
DIRECTIONS = 8


class Filter:
    """Weights and their covariance, in blocks.

    Parameters
    ----------
    weights
        Where to start, (n,).
    blocks
        Slices of the weights whose covariance is kept; that between blocks is taken for zero.
    spread
        Standard deviation of the weights before any data.
    memory
        By this factor measurements count less at every update.
    doubt
        Residuals that are more than so many times what the filter expects count as noisier by as much.
    """

    def __init__(self, weights: np.ndarray, blocks: list[slice], spread: float, memory: float, doubt: float) -> None:
        self.weights = weights.copy()
        self.blocks = blocks
        self.covariance = [np.eye(b.stop - b.start) * spread**2 for b in blocks]
        self.spread, self.memory, self.doubt = spread, memory, doubt

    def update(self, jacobian: np.ndarray, residuals: np.ndarray, noise: float) -> None:
        """Take measurements in.

        Parameters
        ----------
        jacobian
            Derivatives of what was predicted by the weights, (m, n).
        residuals
            Measured less predicted, (m,).
        noise
            Standard deviation of the measurements.
        """
        parts = [jacobian[:, block] for block in self.blocks]
        gains = [p @ j.T for j, p in zip(parts, self.covariance, strict=True)]
        expected = sum(j @ g for j, g in zip(parts, gains, strict=True))
        innovation = self.memory * noise**2 * np.eye(len(residuals)) + expected
        inverse = np.linalg.inv(innovation)
        surprise = float(residuals @ inverse @ residuals) / len(residuals)
        inverse /= max(1.0, surprise / self.doubt**2)
        root = np.linalg.cholesky(inverse)
        for block, gain, p in zip(self.blocks, gains, self.covariance, strict=True):
            self.weights[block] += gain @ (inverse @ residuals)
            half = gain @ root
            p -= half @ half.T  # in this form it stays symmetric
            p /= self.memory

    def bound(self) -> None:
        """Let no weight spread beyond the prior, as forgetting would have it where data say nothing."""
        for p in self.covariance:
            scale = np.minimum(1.0, self.spread / np.sqrt(p.diagonal()))
            p *= scale[:, None]
            p *= scale

    def save(self, path: Path, done: int, noise: float) -> None:
        """Write everything to a file, which is whole at any time."""
        aside = path.with_suffix(".new.npz")
        np.savez(aside, *self.covariance, weights=self.weights, others=[noise, done])
        aside.replace(path)

    def load(self, path: Path) -> tuple[int, float]:
        """Read what `save` wrote; returns passes done and noise."""
        with np.load(path) as file:
            self.covariance = [file[f"arr_{i}"] for i in range(len(self.blocks))]
            self.weights = file["weights"]
            noise, done = (float(x) for x in file["others"])
        return int(done), noise


def batches(data: Any) -> list[dict[str, Any]]:
    """All frames of a deepmd data system, one batch for each of its systems."""
    found = []
    for i, system in enumerate(data.data_systems):
        batch = {key: value for key, value in data.get_test(i, -1).items() if not key.startswith("real_")}
        # get_test gives type only for systems of mixed types; idx_map sorts the atoms as the labels are sorted
        batch["type"] = system.atom_type[system.idx_map][None].repeat(len(batch["coord"]), axis=0)
        found.append(batch)
    return found


def filtered(
    trainer: Any,
    data: Any,
    passes: int,
    settings: Mapping[str, float],
    seed: int,
    rate: Callable[[], float],
    look: Callable[[int], None],
    state: Path,
) -> None:
    """Run the filter over all frames, pass by pass, each in a random order.

    Parameters
    ----------
    trainer
        deepmd's, with a session; its loss has `residuals`, in units of what is good enough.
    settings
        ``spread``, ``memory``, ``doubt`` of the `Filter`; ``largest``: weights in a block of its covariance;
        ``noise``, ``least``, ``cooling``: standard deviation of the labels at first and at last, in units of what is
        good enough, and the factor by which it comes nearer at each frame.
    rate
        Tells how bad the trainer's weights are on the validation set.
    look
        Called after each pass with their number so far. The trainer then has the weights or, where these are better,
        their mean over the second half of the pass: single frames push them about, what they agree on stays.
    state
        File from which to go on after a kill; written after each pass.
    """
    from deepmd.tf.env import tf

    session = trainer.sess
    residuals = trainer.loss.residuals
    variables = tf.trainable_variables()
    slopes = tf.gradients(residuals, variables)
    variables = [v for v, g in zip(variables, slopes, strict=True) if g is not None]
    shapes = [tuple(v.shape.as_list()) for v in variables]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    holders = [tf.placeholder(v.dtype.base_dtype, shape) for v, shape in zip(variables, shapes, strict=True)]
    assign = tf.group(*[tf.assign(v, h) for v, h in zip(variables, holders, strict=True)])
    mix = tf.placeholder(residuals.dtype, [DIRECTIONS, None])
    rows = [tf.gradients(residuals, variables, grad_ys=-mix[i]) for i in range(DIRECTIONS)]
    jacobian = tf.stack([tf.concat([tf.reshape(g, [-1]) for g in row], 0) for row in rows])
    frames = [one for batch in batches(data) for one in _frames(batch)]
    frames.sort(key=lambda one: (one["coord"].size, one["coord"].tobytes()))  # deepmd shuffles them
    feeds = [trainer.get_feed_dict(one, is_training=True) for one in frames]

    def put(x: np.ndarray) -> None:
        parts = np.split(x, ends[:-1])
        session.run(assign, {h: p.reshape(s) for h, p, s in zip(holders, parts, shapes, strict=True)})

    start = np.concatenate([np.ravel(part) for part in session.run(variables)])
    blocks = _blocks(ends, int(settings["largest"]))
    kalman = Filter(start, blocks, settings["spread"], settings["memory"], settings["doubt"])
    first, noise = kalman.load(state) if state.exists() else (0, settings["noise"])
    put(kalman.weights)
    for done in range(first, passes):
        random = np.random.default_rng([seed, done])
        agreed = np.zeros_like(start)
        for visit, i in enumerate(random.permutation(len(feeds))):
            off = session.run(residuals, feeds[i])
            directions = _directions(off, trainer.loss.totals, random)
            kalman.update(session.run(jacobian, {**feeds[i], mix: directions}), directions @ off, noise)
            put(kalman.weights)
            noise = settings["least"] + (noise - settings["least"]) * settings["cooling"]
            if visit >= len(feeds) // 2:
                agreed += kalman.weights / (len(feeds) - len(feeds) // 2)
        raw = rate()
        kalman.bound()
        put(agreed)
        if rate() > raw:
            put(kalman.weights)
        look(done + 1)
        put(kalman.weights)
        kalman.save(state, done + 1, noise)


def _frames(batch: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A batch, frame by frame."""
    count = len(batch["coord"])
    shared = {k for k in batch if k in ("natoms_vec", "default_mesh") or k.startswith("find_")}
    return [{k: v if k in shared else v[i : i + 1] for k, v in batch.items()} for i in range(count)]


def _directions(residuals: np.ndarray, totals: int, random: np.random.Generator) -> np.ndarray:
    """Orthonormal combinations of the residuals: all as they are, the totals, which come first, and random ones."""
    columns = random.normal(size=(len(residuals), DIRECTIONS))
    columns[:, 0] = residuals
    columns[:, 1 : totals + 1] = np.eye(len(residuals), totals)
    return np.linalg.qr(columns)[0].T


def _blocks(ends: np.ndarray, largest: int) -> list[slice]:
    """Neighbouring layers together, or large ones cut, so that no block is larger than `largest`."""
    blocks: list[slice] = []
    first = 0
    for end, after in zip(ends, [*ends[1:], np.inf], strict=True):
        if after - first > largest:
            cuts = np.linspace(first, end, -(-int(end - first) // largest) + 1).astype(int)
            blocks += [slice(int(a), int(b)) for a, b in zip(cuts[:-1], cuts[1:], strict=True)]
            first = int(end)
    return blocks
