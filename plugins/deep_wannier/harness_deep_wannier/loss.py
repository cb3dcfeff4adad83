"""Residuals in units of what is good enough, for `harness_deep_wannier.kalman`; and a loss that sees Born charges.

deepmd's own loss of a dipole model compares dipoles alone, three numbers a frame, while the response calculation that
they come from yields nine more for every atom. The model's output ``force`` is already -d(sum of outputs)/dr, made by
operations that can be differentiated once more (they serve force training), so nothing but the comparison is missing.
"""

from __future__ import annotations

from typing import Any

from deepmd.tf.env import GLOBAL_TF_FLOAT_PRECISION, tf
from deepmd.tf.loss.ener import EnerStdLoss
from deepmd.tf.loss.tensor import TensorLoss
from deepmd.tf.utils.sess import run_sess
from deepmd.utils.data import DataRequirementItem

#: Labels beside deepmd's ``dipole`` and ``atomic_dipole``: name, numbers per atom, whether for selected types alone.
LABELS = (("atomic_known", 3, True), ("atomic_derivative", 9, False), ("atomic_layer", 1, False))


class EnergyLoss(EnerStdLoss):
    """deepmd's, which also has the `residuals` of energy, forces and the virial in the plane.

    Parameters
    ----------
    goals
        What is good enough: ``rmse_h`` (of the energy, eV/atom, over one and the height in units of ``relative_h``),
        ``rmse_f`` (of the force over itself and ``relative_f``), ``rmse_v`` (eV/atom).
    heights
        ``lowest``: energy from which heights count; ``relative_h``; both eV/atom.
    """

    #: So many residuals, those that come first, are of a frame as a whole.
    totals = 1

    def __init__(self, goals: dict[str, float], heights: dict[str, float], **settings: Any) -> None:
        super().__init__(**settings)
        self.goals = goals
        self.heights = heights

    def build(self, learning_rate: Any, natoms: Any, model_dict: Any, label_dict: Any, suffix: str) -> Any:
        """The loss as a tensor, as deepmd's losses.

        Parameters
        ----------
        learning_rate, natoms, model_dict, label_dict
            As for deepmd's losses.
        suffix
            Of the names of tensors.
        """
        off = {
            key: tf.reshape(label_dict[key], [-1, size]) - tf.reshape(model_dict[key], [-1, size])
            for key, size in (("energy", 1), ("force", 3), ("virial", 9))
        }
        n = tf.cast(natoms[0], off["force"].dtype)
        force = tf.norm(tf.reshape(label_dict["force"], [-1, 3]), axis=1, keepdims=True)
        height = tf.cast(tf.reshape(label_dict["energy"], [-1, 1]), n.dtype) / n - self.heights["lowest"]
        off_height = tf.cast(off["energy"], n.dtype) / (n * (1.0 + tf.nn.relu(height) / self.heights["relative_h"]))
        scaled = [
            off_height / self.goals["rmse_h"],
            off["force"] / (self.goals["rmse_f"] * (force + self.relative_f)),
            tf.gather(off["virial"], [0, 1, 3, 4], axis=1) / (n * self.goals["rmse_v"]),
        ]
        self.residuals = tf.concat([tf.reshape(part, [-1]) for part in scaled], 0)
        self.square_height = tf.reduce_mean(tf.square(off_height))
        return super().build(learning_rate, natoms, model_dict, label_dict, suffix)

    def eval(self, sess: Any, feed_dict: Any, natoms: Any) -> dict[str, Any]:
        """Root-mean-square errors of a batch; ``natoms`` is the weight that deepmd averages them with."""
        square = run_sess(sess, self.square_height, feed_dict=feed_dict)
        return {**super().eval(sess, feed_dict, natoms), "rmse_h": square**0.5}


class DerivativeLoss(TensorLoss):
    """Mean square errors of outputs, their sum, its derivatives, and the derivatives' sums over layers.

    Parameters
    ----------
    weights
        ``atomic``, ``total``, ``derivative``, ``layer``: weight of each mean square; ``scale``: turns outputs into
        dipoles (e).
    goals
        What is good enough: ``rmse_`` and each of these.
    """

    #: So many residuals, those that come first, are of a frame as a whole.
    totals = 3

    def __init__(self, weights: dict[str, float], goals: dict[str, float], **settings: Any) -> None:
        super().__init__({"pref": 1.0, "pref_atomic": 1.0}, **settings)
        self.weights = weights
        self.goals = goals

    def build(self, learning_rate: Any, natoms: Any, model_dict: Any, label_dict: Any, suffix: str) -> Any:
        """The loss as a tensor, as deepmd's losses.

        Parameters
        ----------
        learning_rate, natoms, model_dict, label_dict
            As for deepmd's losses.
        suffix
            Of the names of tensors.
        """
        scale = self.weights["scale"]
        output = tf.reshape(model_dict["dipole"], [-1, 3])
        total = tf.reshape(label_dict["dipole"], [-1, 3])
        frames = tf.shape(total)[0]
        known = tf.reshape(label_dict["atom_known"], [-1, 3])
        off_atomic = scale * known * (output - tf.reshape(label_dict["atom_dipole"], [-1, 3]))
        off_total = scale * (tf.reduce_sum(tf.reshape(output, [frames, -1, 3]), axis=1) - total)
        # (frame, polarization, atom, displacement); the output is minus the derivative
        derivative = -tf.reshape(model_dict["force"], [frames, 3, natoms[0], 3])
        wanted = tf.reshape(label_dict["atom_derivative"], [frames, natoms[0], 3, 3])
        off = scale * (derivative - tf.transpose(wanted, [0, 2, 1, 3]))
        layer = tf.reshape(label_dict["atom_layer"], [frames, 1, natoms[0], 1])
        off_layer = tf.reduce_sum(layer * off, axis=2)
        squares = {
            "atomic": tf.reduce_sum(tf.square(off_atomic)) / tf.maximum(tf.reduce_sum(known), 1),
            "total": tf.reduce_mean(tf.square(off_total)),
            "derivative": tf.reduce_mean(tf.square(off)),
            "layer": tf.reduce_mean(tf.square(off_layer)),
        }
        offs = {"total": off_total, "atomic": off_atomic, "derivative": off, "layer": off_layer}
        scaled = [-offs[key] / self.goals[f"rmse_{key}"] for key in offs]
        self.residuals = tf.concat([tf.reshape(part, [-1]) for part in scaled], 0)
        self.l2_more = squares
        self.l2_l = tf.add_n([self.weights[key] * value for key, value in squares.items()])
        self.l2_l = tf.cast(self.l2_l, GLOBAL_TF_FLOAT_PRECISION)
        return self.l2_l, squares

    def eval(self, sess: Any, feed_dict: Any, natoms: Any) -> dict[str, Any]:
        """Root-mean-square errors of a batch; ``natoms`` is the weight that deepmd averages them with."""
        names = list(self.l2_more)
        values = run_sess(sess, [self.l2_more[name] for name in names], feed_dict=feed_dict)
        return {"natoms": int(natoms[0])} | {f"rmse_{n}": v**0.5 for n, v in zip(names, values, strict=True)}

    @property
    def label_requirement(self) -> list[Any]:
        """deepmd's labels and `LABELS`."""
        more = [
            DataRequirementItem(
                name, size, atomic=True, must=True, high_prec=False, type_sel=self.type_sel if selected else None
            )
            for name, size, selected in LABELS
        ]
        return [*super().label_requirement, *more]
