"""What the programs are told."""

from __future__ import annotations

import re

import numpy as np
import pytest
from ase import Atoms
from harness_dft.inputs import mesh_points, occupied_bands, ph_input, pw_input, wannier_input
from harness_dft.settings import Settings, slab

from harness.errors import HarnessError

SETTINGS = Settings()


def test_the_input_holds_the_same_structure(bilayer):
    placed = slab(bilayer, 20.0)
    text = pw_input(placed, SETTINGS)
    sites = text.split("ATOMIC_POSITIONS angstrom\n")[1].split("K_POINTS")[0].split("\n")[:-1]
    assert [line.split()[0] for line in sites] == list(placed.symbols)
    np.testing.assert_allclose([[float(x) for x in line.split()[1:]] for line in sites], placed.positions, atol=1e-11)
    cell = text.split("CELL_PARAMETERS angstrom\n")[1].split("\n")[:3]
    np.testing.assert_allclose([[float(x) for x in line.split()] for line in cell], placed.cell.array, atol=1e-11)
    assert "nat = 4\n" in text and "ntyp = 2\n" in text


def test_the_sheet_is_isolated_and_without_dispersion(mono):
    """The truncated Coulomb interaction gives open circuit; ph.x of this version refuses D3, so it is added later."""
    text = pw_input(slab(mono, 16.0), SETTINGS)
    assert "assume_isolated = '2D'" in text
    assert "vdw_corr" not in text


@pytest.mark.parametrize("repeat, mesh", [((1, 1, 1), (8, 8, 1)), ((2, 2, 1), (4, 4, 1)), ((4, 2, 1), (2, 4, 1))])
def test_supercells_are_sampled_alike(mono, repeat, mesh):
    assert SETTINGS.kmesh(mono.repeat(repeat)) == mesh
    strained = mono.copy()
    strained.set_cell(mono.cell.array * [[1.03], [0.97], [1]], scale_atoms=True)
    assert SETTINGS.kmesh(strained.repeat(repeat)) == mesh


def test_no_k_points_across_a_ribbon(mono):
    ribbon = mono.repeat((1, 4, 1))
    ribbon.pbc = (True, False, False)
    assert SETTINGS.kmesh(ribbon)[1:] == (1, 1)


def test_nscf_lists_the_whole_mesh_and_the_occupied_bands(bilayer):
    text = pw_input(slab(bilayer, 20.0), SETTINGS, "nscf")
    listed = text.split("K_POINTS crystal\n")[1].split("\n")
    assert int(listed[0]) == 64
    assert len({line for line in listed[1:] if line}) == 64
    assert "noinv = .true." in text and "nbnd = 8" in text
    win = wannier_input(slab(bilayer, 20.0), SETTINGS)
    points = win.split("begin kpoints\n")[1].split("end kpoints")[0].split("\n")[:-1]
    assert [p.split() for p in points] == [line.split()[:3] for line in listed[1:] if line]


def test_mesh_points_sum_to_inversion_symmetric_set():
    points = np.array(mesh_points((4, 3, 1)))
    back = {tuple(np.round(np.mod(-p, 1), 9)) for p in points}
    assert back == {tuple(np.round(p, 9)) for p in points}


def test_ph_asks_for_the_field_response_only():
    text = ph_input(Settings(tr2_ph=1e-12))
    assert re.search(r"epsil = \.true\.", text) and re.search(r"trans = \.false\.", text) and "tr2_ph = 1e-12" in text
    assert text.rstrip().endswith("0 0 0")


def test_further_entries_and_their_misspelling(mono):
    assert "conv_thr = 1e-10" in pw_input(slab(mono, 16.0), SETTINGS, conv_thr=1e-10)
    with pytest.raises(HarnessError, match="conv_thr"):
        pw_input(slab(mono, 16.0), SETTINGS, conv_th=1e-10)


def test_electrons(bilayer):
    assert occupied_bands(bilayer) == 8
    with pytest.raises(HarnessError, match="odd|closed shells"):
        occupied_bands(Atoms("BN2"))
    with pytest.raises(HarnessError, match="'C'"):
        occupied_bands(Atoms("BC"))


def test_the_cell_is_tall_enough_for_the_truncation(bilayer):
    """Sheet and density tails fill at most half of the cell."""
    assert SETTINGS.height(bilayer) >= 2 * (3.35 + 2 * SETTINGS.tail)
    moved = bilayer.copy()
    moved.positions[:, 2] += 11.0
    assert SETTINGS.height(moved) == SETTINGS.height(bilayer)
    np.testing.assert_allclose(slab(moved, 20.0).positions, slab(bilayer, 20.0).positions, atol=1e-12)


def test_bulk_and_tilted_cells_are_refused(mono):
    bulk = mono.copy()
    bulk.pbc = True
    with pytest.raises(HarnessError, match="pbc"):
        slab(bulk, 20.0)
    tilted = mono.copy()
    tilted.cell[0, 2] = 0.3
    with pytest.raises(HarnessError, match="xy plane"):
        slab(tilted, 20.0)
