"""The mesh solver against the dense one: same equations, at a cost that grows like the number of atoms."""

from __future__ import annotations

import time

import numpy as np
import pytest
from ase import Atoms
from cd_structures import PARAMETERS, bilayer, model, rattled_cluster, rippled
from harness_charge_dipole.cg import Neutral, conjugate_gradients
from harness_charge_dipole.geometry import Frame
from harness_charge_dipole.mesh import Mesh
from harness_charge_dipole.smooth import FourierSum

from harness.errors import HarnessError

WORDS = ["energy", "forces", "charges", "atomic_dipoles", "dipole", "polarizability", "born_effective_charges"]


def structures() -> list:
    wire = rattled_cluster(40)
    wire.set_cell([8.0, 0, 0])
    wire.pbc = (True, False, False)
    return [
        pytest.param(rattled_cluster(40), id="cluster"),
        pytest.param(wire, id="wire"),
        pytest.param(rippled(4, 5, 2.0), id="sheet"),
        pytest.param(bilayer(), id="smallest cell"),
        pytest.param(bilayer(1, 30), id="narrow ribbon"),
    ]


@pytest.mark.parametrize("atoms", structures())
@pytest.mark.parametrize("constraint", ["total", "layer"])
def test_every_property_agrees_with_the_dense_solver(atoms: Atoms, constraint: str) -> None:
    dense = model(constraint, "dense").calculate(atoms, WORDS, (0.1, 0.0, 0.2))
    for tolerance in (1e-5, 1e-6):
        mesh = model(constraint, "mesh", tolerance).calculate(atoms, WORDS, (0.1, 0.0, 0.2))
        for word in WORDS:
            # small numbers, such as the dipole of a nearly symmetric sheet, are differences of large ones
            scale = max(np.abs(dense[word]).max(), 1.0)
            # forces and Born charges are made of further derivatives on the mesh
            loose = 30 if word in ("forces", "born_effective_charges") else 5
            assert np.abs(mesh[word] - dense[word]).max() < loose * tolerance * scale, word


def test_error_of_charges_and_dipoles_follows_the_tolerance() -> None:
    atoms = rippled(5, 6, 3.0)
    dense = model("layer", "dense").calculate(atoms, ["charges", "atomic_dipoles"])
    for tolerance in (1e-4, 1e-6, 1e-8):
        mesh = model("layer", "mesh", tolerance).calculate(atoms, ["charges", "atomic_dipoles"])
        for word, value in mesh.items():
            assert np.linalg.norm(value - dense[word]) < tolerance * np.linalg.norm(dense[word]), (word, tolerance)


@pytest.mark.parametrize("atoms", structures())
def test_mesh_equals_the_explicit_fourier_sum(atoms: Atoms) -> None:
    frame, rng = Frame.of(atoms), np.random.default_rng(4)
    x, y = rng.normal(size=(2, len(atoms), 4))
    for state in (x, y):  # charged sheets have no energy of their own
        state[:, 0] -= state[:, 0].mean()
    exact, mesh = FourierSum(frame, 2.0, 11.0), Mesh(frame, 2.0, 8.0)
    difference = (mesh.matvec(x.ravel()) - exact.matrix() @ x.ravel()).reshape(-1, 4)
    difference[:, 0] -= difference[:, 0].mean()  # a constant potential does nothing to neutral states
    expected = exact.matrix() @ x.ravel()
    assert np.abs(difference).max() < 1e-5 * np.abs(expected).max()
    forces = exact.forces(x, y)
    assert np.abs(mesh.forces(x, y) - forces).max() < 1e-5 * np.abs(forces).max()


def test_the_split_between_near_and_far_does_not_matter() -> None:
    from harness_charge_dipole.system import MeshSystem

    atoms = rippled(4, 4, 1.0)
    widths, chi, _ = PARAMETERS.of(atoms.get_chemical_symbols())
    rhs = np.column_stack([-chi, np.zeros((len(atoms), 3))])
    groups = np.zeros(len(atoms), dtype=int)
    one, other = (MeshSystem(Frame.of(atoms), widths, groups, smooth=a).solve(rhs) for a in (1.8, 3.0))
    assert np.linalg.norm(one - other) < 2e-6 * np.linalg.norm(one)


def test_a_trajectory_starts_from_its_last_solution() -> None:
    cd, atoms = model("layer", "mesh"), rippled(6, 6, 1.0)
    cd.calculate(atoms, ["dipole"])
    cold = cd.iterations
    atoms.positions += np.random.default_rng(1).normal(scale=1e-4, size=atoms.positions.shape)
    warm_dipole = cd.calculate(atoms, ["dipole"])["dipole"]
    assert 0 < cd.iterations < cold
    assert warm_dipole == pytest.approx(model("layer", "mesh").calculate(atoms, ["dipole"])["dipole"], abs=1e-4)
    swapped = atoms[::-1]
    assert cd.calculate(swapped, ["charges"])["charges"].sum() == pytest.approx(0.0, abs=1e-9)


def test_conjugate_gradients_refuse_what_has_no_minimum() -> None:
    rhs = np.random.default_rng(0).normal(size=(6, 4))
    precondition = Neutral(lambda r: r, np.zeros(6, dtype=int))
    with pytest.raises(HarnessError, match="no minimum"):
        conjugate_gradients(lambda x: -x, rhs, precondition, 1e-6)
    with pytest.raises(HarnessError, match="no convergence"):
        conjugate_gradients(lambda x: x * (1 + 1e3 * np.random.default_rng().random(x.shape)), rhs, precondition, 1e-12)


def test_a_large_bent_sheet_is_solved_in_seconds() -> None:
    """4,624 atoms, 80 x 80 Å, corrugated by 20 Å; bounded by processor time, which other jobs do not change much."""
    atoms = rippled(34, 34, 10.0, rattle=0.02)
    start = time.process_time()
    out = model("layer").calculate(atoms, ["charges", "dipole"])
    assert time.process_time() - start < 20.0
    assert abs(out["charges"].sum()) < 1e-9
    assert np.isfinite(out["dipole"]).all()
    bonded = out["charges"][atoms.numbers == 5]
    assert bonded.min() > 0.0  # every boron keeps its sign, crest or trough
