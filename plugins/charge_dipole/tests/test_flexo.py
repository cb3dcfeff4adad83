"""Bending of an ideal plate: geometry, linearity, parity; and that flat sheets do not settle its polarization."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import make_supercell
from cd_structures import PARAMETERS, bilayer
from harness_charge_dipole.flexo import bent_plate, flexoelectric
from harness_charge_dipole.parameters import Element, Parameters


def flat(shift: float = 0.0) -> Atoms:
    return make_supercell(bilayer(shift=shift), [[1, 0, 0], [1, 2, 0], [0, 0, 1]])


def test_a_bent_plate_keeps_its_thickness() -> None:
    atoms, normals, curvature = bent_plate(flat(), 8, 1.0)
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1.0)
    assert curvature.mean() == pytest.approx(0.0, abs=1e-12)
    apart = np.linalg.norm(atoms.positions[:, None] - atoms.positions[None], axis=-1)
    assert np.abs(apart - 3.35).min(axis=1).max() < 1e-9  # each atom of AA stacking faces its partner
    assert apart[np.triu_indices(len(atoms), 1)].min() > 1.3


def test_polarization_is_linear_in_curvature_and_free_of_the_wave_length() -> None:
    one = sum(flexoelectric(PARAMETERS, flat(), 8, 0.3))
    assert sum(flexoelectric(PARAMETERS, flat(), 8, 0.15)) == pytest.approx(one, rel=0.02)
    assert sum(flexoelectric(PARAMETERS, flat(), 16, 1.2)) == pytest.approx(one, rel=0.05)


def test_a_mirror_turns_curvature_and_polarization_round_together() -> None:
    """AB bent up is BA bent down: the coefficient is the same."""
    ab, ba = (flexoelectric(PARAMETERS, flat(s), 8, 0.3) for s in (1.0, 2.0))
    assert ab == pytest.approx(ba, rel=1e-3)
    assert flexoelectric(PARAMETERS, flat(1.0), 8, -0.3) == pytest.approx(ab, rel=1e-3)


def test_equal_responses_of_the_flat_sheet_can_hide_opposite_dipoles_of_the_bent_one() -> None:
    """Two solutions of the fit to flat sheets, as good as each other; hence its weight for mixed Born charges."""
    wide_n = Parameters({"B": Element(0.757, 0.0, 1.090), "N": Element(1.021, 3.70, 1.911)}, "layer")
    wide_b = Parameters({"B": Element(0.978, 0.0, 1.962), "N": Element(0.794, 2.97, 0.951)}, "layer")
    (n_dipoles, n_charges), (b_dipoles, b_charges) = (flexoelectric(p, flat()) for p in (wide_n, wide_b))
    assert n_charges == pytest.approx(b_charges, rel=0.05)
    assert n_dipoles > 0.1 > -0.1 > b_dipoles
