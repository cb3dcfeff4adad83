"""Structures by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase.calculators.lj import LennardJones
from ase.geometry import find_mic
from ase.io import read
from ase.neighborlist import neighbor_list
from pipeline.choose import choose
from pipeline.hot import HELD, start
from pipeline.layers import bent, twisted
from pipeline.plan import energies, queue, responses
from pipeline.structures import FAMILIES, build, stored

from harness.errors import HarnessError

FOLDER = Path(__file__).resolve().parents[1]


def test_every_stored_frame_is_rebuilt_from_its_name():
    for file in filter(Path.exists, (FOLDER / f"{kind}.extxyz" for kind in ("energies", "responses", "pending"))):
        for frame in read(file, ":"):
            atoms = build(frame.info["name"])
            assert list(atoms.symbols) == list(frame.symbols)
            np.testing.assert_allclose(atoms.positions, frame.positions, atol=1e-8, err_msg=frame.info["name"])
            np.testing.assert_allclose(atoms.cell.array, frame.cell.array, atol=1e-8)


def test_planned_structures_exist_once_and_hold_no_clash():
    """B and N no nearer than 1 Å and every layer complete, so that self-consistency is not asked of nonsense."""
    names = responses() + energies()
    assert len(names) == len(set(names))
    for name in names:
        atoms = build(name)
        assert atoms.symbols.count("B") == atoms.symbols.count("N")
        assert neighbor_list("d", atoms, 2.0).min() > 1.0, name
        assert atoms.positions[:, 2].mean() == pytest.approx(0, abs=1e-9)


def test_two_kinds_take_turns():
    both = list(queue(["responses", "energies"]))
    assert [kind for kind, _ in both[:4]] == ["responses", "energies", "responses", "energies"]
    assert len(both) == len(responses()) + len(energies())


def test_a_misspelt_family_names_the_nearest():
    with pytest.raises(HarnessError, match="Did you mean 'rand-mono8'"):
        build("rand-mno8-001")


def test_bending_keeps_bonds_and_layer_distance():
    """At constant arc length a 17 Å wave of 1 Å height changes bonds by less than the chord of the arc does."""
    flat, wave = bent(4, 0.0, layers=2), bent(4, 1.0, 0.4, layers=2)
    assert wave.cell[1, 1] < flat.cell[1, 1] - 0.4
    bonds = neighbor_list("d", wave, 1.8)
    assert len(bonds) == 3 * len(wave)
    assert abs(bonds / neighbor_list("d", flat, 1.8).mean() - 1).max() < 0.02
    apart = neighbor_list("d", wave, 6.0, self_interaction=False)
    assert np.ptp(wave.positions[:, 2]) > 3.35 + 1.5 and apart.min() > 1.4


def test_twisted_cell_is_commensurate():
    atoms = twisted(1, 2, 3.4)
    assert len(atoms) == 28
    assert len(neighbor_list("d", atoms, 1.6)) == 3 * 28
    top = atoms.positions[atoms.positions[:, 2] > 0]
    assert len(top) == 14


def test_layers_of_an_antiparallel_twist_are_twisted_and_exchanged():
    parallel, antiparallel = twisted(1, 2, 3.4), twisted(1, 2, 3.4, flip=True)
    upper = parallel.positions[:, 2] > 0
    np.testing.assert_allclose(antiparallel.positions, parallel.positions, atol=1e-9)
    assert [a != b for a, b in zip(antiparallel.symbols, parallel.symbols, strict=True)] == upper.tolist()


def test_held_layers_keep_registry_and_distance():
    names = [name for name in stored() if name.startswith(HELD)]
    assert {name.rpartition("-")[0] for name in names} == set(HELD)
    for name in names:
        flat, hot = start(name)[0], build(name)
        upper = flat.positions[:, 2] > 0
        moved = (hot.positions - flat.positions) * hot.get_masses()[:, None]
        slid = 2 * (moved[upper].sum(axis=0) - moved[~upper].sum(axis=0)) / hot.get_masses().sum()
        assert np.linalg.norm(slid) < 0.12, name


def test_antiparallel_layers_show_the_other_element():
    """AA' has N over B and B over N; the others are what they are called."""
    for name, over_boron, over_nitrogen in (
        ("line-flipped4-003", "N", "B"),
        ("line-flipped4-011", None, "N"),
        ("line-flipped4-015", "B", None),
    ):
        atoms = build(name)
        assert np.ptp(atoms.positions[:, 2]) == pytest.approx(3.35)
        low, top = atoms[:2], atoms[2:]
        for atom, expected in zip(low, (over_boron, over_nitrogen), strict=True):
            apart, _ = find_mic((top.positions - atom.position) * [1, 1, 0], low.cell, pbc=(True, True, False))
            found = [str(s) for s, d in zip(top.symbols, np.linalg.norm(apart, axis=1), strict=True) if d < 1e-6]
            assert found == ([expected] if expected else [])


def test_random_numbers_are_a_families_own():
    assert not np.allclose(build("rand-mono2-000").positions, build("rand-mono2-001").positions)
    for name in FAMILIES:
        np.testing.assert_array_equal(build(f"{name}-001").positions, build(f"{name}-001").positions)


def test_a_committee_chooses_what_it_disagrees_on():
    """Springs of two lengths disagree most where bonds are stretched unequally; a clash is never chosen."""
    names = [f"shaken-mono8-{i:03d}" for i in range(18, 25)] + ["scan-mono2-005"]
    ranked = choose(names, [LennardJones(sigma=s, epsilon=0.1, rc=3.0) for s in (1.30, 1.32)])
    assert ranked[-1][0] == "scan-mono2-005" and ranked[-1][1] < 1e-9
    assert "shaken-mono8-019" not in dict(ranked)
    assert [value for _, value in ranked] == sorted((value for _, value in ranked), reverse=True)
