"""A loss for dipole models that also sees the derivatives: Born charges, and their sums over layers.

deepmd's own loss of a dipole model compares dipoles alone, three numbers a frame, while the response calculation that
they come from yields nine more for every atom. The model's output ``force`` is already -d(sum of outputs)/dr, made by
operations that can be differentiated once more (they serve force training), so nothing but the comparison is missing.
"""

from __future__ import annotations

from typing import Any

from deepmd.tf.env import GLOBAL_TF_FLOAT_PRECISION, tf
from deepmd.tf.loss.tensor import TensorLoss
from deepmd.tf.utils.sess import run_sess
from deepmd.utils.data import DataRequirementItem

#: Labels beside deepmd's ``dipole`` and ``atomic_dipole``: name, numbers per atom, whether for selected types alone.
LABELS = (("atomic_known", 3, True), ("atomic_derivative", 9, False), ("atomic_layer", 1, False))


class DerivativeLoss(TensorLoss):
    """Mean square errors of outputs, their sum, its derivatives, and the derivatives' sums over layers.

    Parameters
    ----------
    weights
        ``atomic``, ``total``, ``derivative``, ``layer``: weight of each mean square; ``scale``: turns outputs into
        dipoles (e).
    """

    def __init__(self, weights: dict[str, float], **settings: Any) -> None:
        super().__init__({"pref": 1.0, "pref_atomic": 1.0}, **settings)
        self.weights = weights

    def build(self, learning_rate: Any, natoms: Any, model_dict: Any, label_dict: Any, suffix: str) -> Any:
        """The loss as a tensor, as deepmd's losses."""
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
