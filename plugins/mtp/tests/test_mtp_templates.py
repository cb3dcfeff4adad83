"""Templates against an evaluation of the tensors themselves, without the flattened tables."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import numpy as np
import pytest
from harness_mtp.templates import levels, tables, template
from scipy.spatial.transform import Rotation

from harness.errors import HarnessError

RNG = np.random.default_rng(3)
VECTORS = RNG.normal(size=(9, 3)) * 1.5
WEIGHTS = RNG.normal(size=(9, 8))  # f_mu(r_j): any numbers will do


def tensor(moment: Any, vectors: np.ndarray) -> np.ndarray:
    """Value of a nested contraction by np.tensordot on full Cartesian tensors."""
    if len(moment) == 3:
        mu, nu = moment[:2]
        unit = vectors / np.linalg.norm(vectors, axis=1)[:, None]
        out = WEIGHTS[:, mu]
        for _ in range(nu):
            out = np.einsum("j...,jk->j...k", out, unit)
        return out.sum(axis=0)
    left, right = tensor(moment[0], vectors), tensor(moment[1], vectors)
    return np.tensordot(left, right, axes=moment[3])


def flattened(level: int, vectors: np.ndarray) -> np.ndarray:
    """The same scalars through the tables, as an MTP kernel evaluates them."""
    t = tables(level)
    unit = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    m = np.zeros(t.count)
    for slot, (mu, *powers) in enumerate(t.basic):
        m[slot] = (WEIGHTS[:, mu] * np.prod(unit ** np.array(powers), axis=1)).sum()
    for i, j, multiplicity, k in t.times:
        m[k] += multiplicity * m[i] * m[j]
    return m[t.scalars]


@pytest.mark.parametrize("level", [2, 6, 8, 12, 16])
def test_tables_equal_full_tensor_contractions(level: int) -> None:
    folder = resources.files("motep.potentials.mtp.jax") / "precomputed_moments"
    moments = json.loads((folder / f"moments_level{level}.json").read_text())
    expected = np.array([float(tensor(m, VECTORS)) for m in moments])
    np.testing.assert_allclose(flattened(level, VECTORS), expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("level", [12, 20])
def test_scalars_are_invariant_under_rotation_and_reflection(level: int) -> None:
    turn = Rotation.random(random_state=7).as_matrix() * [1, 1, -1]
    a, b = flattened(level, VECTORS), flattened(level, VECTORS @ turn.T)
    np.testing.assert_allclose(b, a, rtol=1e-10, atol=1e-10 * np.abs(a).max())


def test_level_six_is_the_table_that_mlip_ships() -> None:
    """The file 06.mtp of MLIP-2, as its documentation prints it."""
    t = tables(6)
    assert t.basic.tolist() == [[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0]]
    assert t.times.tolist() == [[0, 0, 1, 5], [1, 1, 1, 6], [2, 2, 1, 6], [3, 3, 1, 6], [0, 5, 1, 7]]
    assert t.scalars.tolist() == [0, 4, 5, 6, 7]


def test_equal_components_share_a_slot_and_every_slot_is_used() -> None:
    t = tables(12)
    products = {tuple(sorted(map(tuple, t.times[t.times[:, 3] == k, :3].tolist()))) for k in set(t.times[:, 3])}
    assert len(products) == t.count - len(t.basic)
    assert set(t.times[:, :2].ravel()) | set(t.scalars) == set(range(t.count))


def test_unknown_level_names_the_choices() -> None:
    with pytest.raises(HarnessError, match=r"unknown MTP level '9'.*Choices.*16"):
        tables(9)
    assert levels()[0] == 2
    assert 16 in levels()


def test_range_must_be_a_range() -> None:
    with pytest.raises(HarnessError, match="must exceed min_dist"):
        template(8, 2, 1.0, 2.0, 8)
