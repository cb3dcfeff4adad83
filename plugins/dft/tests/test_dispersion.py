"""The dispersion correction, and the trap of atoms outside the cell."""

from __future__ import annotations

import numpy as np
import pytest
from harness_dft.dispersion import dispersion

from harness.errors import HarnessError

pytest.importorskip("dftd3")


def binding(bilayer, mono) -> float:
    return dispersion(bilayer)[0] - 2 * dispersion(mono)[0]


def test_layers_attract_wherever_the_sheet_lies_along_z(bilayer, mono):
    """Centred at z = 0 the lower layer has negative z, outside the cell, which must not unbind it."""
    assert -0.5 < binding(bilayer, mono) < -0.1
    for z in (-40.0, 3.0, 12.5, 80.0):
        moved = bilayer.copy()
        moved.positions[:, 2] += z
        assert binding(moved, mono) == pytest.approx(binding(bilayer, mono), abs=1e-9)


def test_forces_are_the_slope_and_the_stress_is_of_the_sheet(bilayer):
    step = 1e-3
    up, down = bilayer.copy(), bilayer.copy()
    up.positions[2:, 2] += step
    down.positions[2:, 2] -= step
    slope = (dispersion(up)[0] - dispersion(down)[0]) / (2 * step)
    assert dispersion(bilayer)[1][2:, 2].sum() == pytest.approx(-slope, rel=1e-4)
    taller = bilayer.copy()
    taller.cell[2, 2] = 40.0
    np.testing.assert_allclose(dispersion(taller)[2] * 40.0, dispersion(bilayer)[2] * 25.0, rtol=1e-9, atol=1e-9)


def test_d2_binds_more_strongly_and_nearer(bilayer, mono):
    """The published level of sliding BN: PBE-D2 holds the layers 0.2 Å nearer than PBE-D3(BJ) does."""
    slope = []
    for kind in ("d2", "d3bj"):
        slope.append(dispersion(bilayer, kind)[1][2:, 2].sum())
    assert slope[0] < slope[1] < 0
    assert dispersion(mono, "d2")[1] == pytest.approx(np.zeros((2, 3)), abs=1e-9)


def test_none_is_nothing_and_others_are_unknown(bilayer):
    energy, forces, stress = dispersion(bilayer, "none")
    assert energy == 0 and not forces.any() and not stress.any()
    with pytest.raises(HarnessError, match="d3bj"):
        dispersion(bilayer, "d3b")
