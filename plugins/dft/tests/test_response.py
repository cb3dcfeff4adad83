"""Reading ph.x and wannier90.x, and dipoles from centres."""

from __future__ import annotations

import numpy as np
import pytest
from harness_dft.response import read_centres, read_field_response
from harness_dft.wannier import CentreError, atomic_dipoles

PH = """
          Dielectric constant in cartesian axis

          (       2.004491156      -0.000028287      -0.000000002 )
          (      -0.000028287       2.004678268       0.000000022 )
          (       0.000000015      -0.000000008       1.165795148 )

          Effective charges (d Force / dE) in cartesian axis without acoustic sum rule applied (asr)

           atom      1   B   Mean Z*:        1.88708
      Ex  (        2.70835        1.12000        1.13000 )
      Ey  (        1.21000        2.70902        1.23000 )
      Ez  (        1.31000        1.32000        0.24305 )
           atom      2   N   Mean Z*:       -1.88708
      Ex  (       -2.70835       -1.12000       -1.13000 )
      Ey  (       -1.21000       -2.70902       -1.23000 )
      Ez  (       -1.31000       -1.32000       -0.24305 )

          Effective charges Sum: Mean:        0.00000
"""


def test_born_charges_are_field_first_displacement_second():
    born, dielectric = read_field_response(PH, 2)
    assert born[0, 2, 0] == 1.31, "Ez row, force along x: P_z per displacement along x"
    assert born[0, 0, 2] == 1.13
    np.testing.assert_allclose(born.sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(dielectric.diagonal(), [2.004491156, 2.004678268, 1.165795148])


def test_an_unfinished_ph_run_is_reported():
    for text in ("", PH.split("Effective")[0], PH.split("atom      2")[0]):
        with pytest.raises(RuntimeError, match=r"ph\.x"):
            read_field_response(text, 2)


def test_centres_are_those_of_the_final_state():
    state = "  WF centre and spread    1  (  {0}, -0.500000,  1.250000 )     {1}\n"
    text = "Initial State\n" + state.format("9.0", "9.0") + "Final State\n" + state.format("0.125", "1.2821")
    text += state.format("0.250", "1.1")
    centres, spread = read_centres(text, 2)
    np.testing.assert_allclose(centres, [[0.125, -0.5, 1.25], [0.25, -0.5, 1.25]])
    assert spread == 1.2821
    with pytest.raises(RuntimeError, match="final state"):
        read_centres(text, 3)


def centres_of(atoms, offset):
    """Four centres about every N with the sum of their offsets 4 `offset`, in any image."""
    nitrogen = atoms.positions[atoms.symbols == "N"]
    star = 0.4 * np.array([(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)])
    found = (nitrogen[:, None] + star + offset).reshape(-1, 3)
    rng = np.random.default_rng(3)
    found += rng.integers(-1, 2, (len(found), 2)) @ atoms.cell.array[:2]
    return rng.permutation(found)


def test_symmetric_centres_carry_no_dipole_and_shifted_ones_eight_times_the_shift(bilayer):
    dipoles, table = atomic_dipoles(bilayer, centres_of(bilayer, np.zeros(3)))
    np.testing.assert_allclose(dipoles, 0, atol=1e-9)
    shift = np.array([0.01, -0.02, 0.03])
    dipoles, table = atomic_dipoles(bilayer, centres_of(bilayer, shift))
    nitrogen = bilayer.symbols == "N"
    np.testing.assert_allclose(dipoles[nitrogen], np.tile(-8 * shift, (2, 1)), atol=1e-9)
    assert not dipoles[~nitrogen].any() and not table[~nitrogen].any()
    mean = table[nitrogen].reshape(2, 4, 3).mean(axis=1)
    np.testing.assert_allclose(mean, bilayer.positions[nitrogen] + shift, atol=1e-9)


def test_dipoles_do_not_depend_on_the_origin_or_the_image(bilayer):
    shift = np.array([0.02, 0.0, -0.01])
    before, _ = atomic_dipoles(bilayer, centres_of(bilayer, shift))
    moved = bilayer.copy()
    moved.positions += [0.7, 1.9, -4.0]
    moved.wrap(pbc=(True, True, False))
    after, _ = atomic_dipoles(moved, centres_of(moved, shift))
    np.testing.assert_allclose(before, after, atol=1e-9)


def test_a_stretched_bond_or_a_stray_centre_is_an_error(mono):
    centres = centres_of(mono, np.zeros(3))
    far = mono.copy()
    far.positions[0, 2] += 2.0
    with pytest.raises(CentreError, match="bonded"):
        atomic_dipoles(far, centres)
    with pytest.raises(CentreError, match="3 Wannier"):
        atomic_dipoles(mono, centres[:3])
