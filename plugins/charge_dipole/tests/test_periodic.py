"""Periodic sums: isolated limit, replicas, vacuum, wrapping, constraints, an independent Ewald sum."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from cd_structures import PARAMETERS, bilayer, model, rattled_cluster, rippled

from harness.errors import HarnessError
from harness.materials.layers import assign_layers
from harness.units import COULOMB


def test_replicas_of_the_cell_change_nothing() -> None:
    cd, cell = model(), bilayer()
    big = cell.repeat((3, 2, 1))
    one, six = (cd.calculate(a, ["energy", "charges", "atomic_dipoles", "polarizability"]) for a in (cell, big))
    assert six["energy"] == pytest.approx(6 * one["energy"], rel=1e-9)
    assert six["charges"] == pytest.approx(np.tile(one["charges"], 6), abs=1e-9)
    assert six["atomic_dipoles"] == pytest.approx(np.tile(one["atomic_dipoles"], (6, 1)), abs=1e-9)
    assert six["polarizability"] == pytest.approx(6 * one["polarizability"], rel=1e-8)


@pytest.mark.parametrize("height", [0.0, 4.0, 100.0])
def test_vacuum_does_not_matter(height: float) -> None:
    cd, words = model(), ["energy", "dipole", "forces", "born_effective_charges"]
    atoms = rippled(2, 2, 0.4)
    before = cd.calculate(atoms, words)
    atoms.cell[2] = [0, 0, height]
    after = cd.calculate(atoms, words)
    for word in words:
        assert after[word] == pytest.approx(before[word], abs=1e-9)


def test_wrapping_and_moving_change_nothing() -> None:
    cd, atoms, words = model("layer"), rippled(2, 2, 0.4), ["energy", "dipole", "forces"]
    before = cd.calculate(atoms, words)
    atoms.positions += [3.1, -1.7, 5.0]
    atoms.wrap()
    after = cd.calculate(atoms, words)
    for word in words:
        assert after[word] == pytest.approx(before[word], abs=1e-9)


@pytest.mark.parametrize("periodic", [(True, False, False), (True, True, False)])
def test_wide_cells_tend_to_the_isolated_molecule(periodic: tuple[bool, bool, bool]) -> None:
    """Images of a dipole at distance L change the energy like 1/L³; dipoles along open directions are comparable."""
    cd, atoms = model(), rattled_cluster(8)
    alone = cd.calculate(atoms, ["energy", "charges"])
    left = []
    for length in (40.0, 80.0):
        there = atoms.copy()
        there.cell, there.pbc = [length] * 3, periodic
        out = cd.calculate(there, ["energy", "charges"])
        left.append(abs(out["energy"] - alone["energy"]))
        assert out["charges"] == pytest.approx(alone["charges"], abs=40 / length**3)
    assert left[0] < 1e-6
    assert left[1] < left[0] / 6


def test_agrees_with_a_three_dimensional_sum_and_slab_correction() -> None:
    """Plain Fourier sum in a tall cell with the correction of Yeh and Berkowitz: another route to the same matrix."""
    atoms = bilayer(height=40.0)
    s = atoms.get_chemical_symbols()
    widths, chi, _ = PARAMETERS.of(s)
    n, volume, z = len(atoms), atoms.get_volume(), atoms.positions[:, 2]
    reciprocal = 2 * np.pi * np.linalg.inv(atoms.cell.array).T
    kmax = 13.0
    count = [int(kmax / np.linalg.norm(b)) + 1 for b in reciprocal]
    k = np.stack(np.meshgrid(*[np.arange(-c, c + 1) for c in count], indexing="ij"), -1).reshape(-1, 3) @ reciprocal
    k2 = (k**2).sum(axis=1)
    k, k2 = k[(k2 > 1e-9) & (k2 < kmax**2)], k2[(k2 > 1e-9) & (k2 < kmax**2)]
    wave = np.exp(1j * k @ atoms.positions.T - np.outer(k2, widths**2) / 4)
    shape = np.concatenate([wave] + [1j * k[:, [a]] * wave for a in range(3)], axis=1)
    matrix = 4 * np.pi * COULOMB / volume * np.real(shape.conj().T @ (shape / k2[:, None]))
    moment = np.concatenate([z, np.zeros(2 * n), np.ones(n)])
    matrix += 4 * np.pi * COULOMB / volume * np.outer(moment, moment)
    full = np.zeros((4 * n + 1, 4 * n + 1))
    full[:-1, :-1], full[-1, :n], full[:n, -1] = matrix, 1.0, 1.0
    x = np.linalg.solve(full, np.concatenate([-chi, np.zeros(3 * n + 1)]))
    out = model().calculate(atoms, ["charges", "atomic_dipoles", "dipole"])
    assert out["charges"] == pytest.approx(x[:n], abs=1e-7)
    assert out["atomic_dipoles"] == pytest.approx(x[n : 4 * n].reshape(3, n).T, abs=1e-7)
    assert out["dipole"][2] == pytest.approx(moment @ x[:-1], abs=1e-7)


def test_polarizability_of_a_dilute_sheet_is_the_sum_of_its_atoms() -> None:
    """And closer atoms in open circuit weaken each other's answer across the sheet."""
    cd, cell = model(), bilayer()
    bare = sum(3 * np.sqrt(np.pi / 2) * PARAMETERS.elements[s].width ** 3 for s in cell.get_chemical_symbols())
    far = cell.copy()
    far.set_cell(far.cell.array * 40.0, scale_atoms=True)
    assert cd.calculate(far, ["polarizability"])["polarizability"][0, 0] == pytest.approx(bare, rel=1e-3)
    apart = model("layer").calculate(bilayer(gap=40.0), ["polarizability"])["polarizability"]
    assert apart[2, 2] < bare < apart[0, 0]


def test_each_layer_is_neutral_only_under_its_own_constraint() -> None:
    atoms = bilayer()
    layers = assign_layers(atoms)
    for constraint, neutral in (("layer", True), ("total", False)):
        q = model(constraint).calculate(atoms, ["charges"])["charges"]
        sums = np.bincount(layers, q)
        assert sums.sum() == pytest.approx(0.0, abs=1e-12)
        assert bool(abs(sums[0]) < 1e-12) is neutral


def test_three_periodic_directions_are_refused() -> None:
    atoms = bilayer()
    atoms.pbc = True
    with pytest.raises(HarnessError, match="periodic in 3 directions"):
        model().calculate(atoms, ["dipole"])


def test_degenerate_cells_and_empty_structures_are_refused() -> None:
    for bad, match in (
        (Atoms("B", pbc=(True, False, False)), "no cell vector"),
        (Atoms(), "no atoms"),
        (Atoms("B", positions=[[np.nan, 0, 0]]), "finite"),
    ):
        with pytest.raises(HarnessError, match=match):
            model().calculate(bad, ["dipole"])
