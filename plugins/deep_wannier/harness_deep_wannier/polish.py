"""The end of a training: L-BFGS on the whole training set, from where stochastic gradients have come.

Frames with responses are few, and each has many labels, so that the whole set is one small batch. A quasi-Newton method
then gets in minutes where Adam's noise does not let it come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["batches", "polish"]


def batches(data: Any) -> list[dict[str, Any]]:
    """All frames of a deepmd data system, one batch for each of its systems."""
    found = []
    for i, system in enumerate(data.data_systems):
        batch = {key: value for key, value in data.get_test(i, -1).items() if not key.startswith("real_")}
        # get_test gives type only for systems of mixed types; idx_map sorts the atoms as the labels are sorted
        batch["type"] = system.atom_type[system.idx_map][None].repeat(len(batch["coord"]), axis=0)
        found.append(batch)
    return found


def polish(trainer: Any, data: Any, iterations: int, every: int, look: Callable[[int], None]) -> None:
    """Minimise the training loss over all frames.

    Parameters
    ----------
    trainer
        deepmd's, with a session.
    every
        Iterations between two calls of `look`, which gets the number of iterations so far.
    """
    from deepmd.tf.env import tf
    from scipy.optimize import minimize

    session = trainer.sess
    variables = tf.trainable_variables()
    gradients = tf.gradients(trainer.l2_l, variables)
    variables = [v for v, g in zip(variables, gradients, strict=True) if g is not None]
    gradients = [g for g in gradients if g is not None]
    shapes = [tuple(v.shape.as_list()) for v in variables]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    holders = [tf.placeholder(v.dtype.base_dtype, shape) for v, shape in zip(variables, shapes, strict=True)]
    assign = tf.group(*[tf.assign(v, h) for v, h in zip(variables, holders, strict=True)])
    feeds = [(len(batch["coord"]), trainer.get_feed_dict(batch, is_training=True)) for batch in batches(data)]
    frames = sum(n for n, _ in feeds)

    def put(x: np.ndarray) -> None:
        parts = np.split(x, ends[:-1])
        session.run(assign, {h: p.reshape(s) for h, p, s in zip(holders, parts, shapes, strict=True)})

    def value(x: np.ndarray) -> tuple[float, np.ndarray]:
        put(x)
        loss, slope = 0.0, np.zeros_like(x)
        for n, feed in feeds:
            part, *steps = session.run([trainer.l2_l, *gradients], feed)
            loss += n / frames * float(part)
            slope += n / frames * np.concatenate([np.ravel(step) for step in steps])
        return loss, slope

    done = 0

    def step(x: np.ndarray) -> None:
        nonlocal done
        done += 1
        if done % every == 0:
            put(x)
            look(done)

    start = np.concatenate([np.ravel(part) for part in session.run(variables)])
    options = {"maxiter": iterations, "maxfun": 2 * iterations, "maxcor": 30, "ftol": 1e-15, "gtol": 1e-12}
    minimize(value, start, jac=True, method="L-BFGS-B", callback=step, options=options)
