"""What must not change: rotation, translation, order of atoms, mirror, size, vacuum; and forces that cancel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from ase import Atoms
from scipy.spatial.transform import Rotation

from harness_tasks.conformance.probe import Probe, Values, largest
from harness_tasks.conformance.structures import far_apart

#: Height that is added to the cell, and lift of the slab in it, Å.
TALLER, HIGHER = 10.0, 3.0
#: Copies along the two vectors of the sheet.
COPIES = (2, 2, 1)
MIRROR = np.diag([1.0, 1.0, -1.0])


def slab_lines(probe: Probe, atoms: Atoms, values: Values) -> None:
    """Everything that holds for a slab in vacuum, pbc (T, T, F)."""
    net_force(probe, "net_force_slab", values)

    turn = Rotation.from_euler("z", probe.rng.uniform(0.2, 2.9)).as_matrix()
    turned_values(probe, "rotation_slab", atoms, values, turn, "energy and forces turn with the slab in its plane")

    over = upside_down(atoms)
    got = probe.evaluate(over)
    probe.same("turned_over", turned(got, np.diag([1.0, -1.0, -1.0])), values, "the slab turned over about x")

    shifted = atoms.copy()
    shifted.positions += probe.rng.uniform(-20, 20, 2) @ atoms.cell.array[:2] / 10
    probe.same("translation_slab", probe.evaluate(shifted), values, "moved in its plane, out of the cell")
    shifted.wrap(pbc=(True, True, False))
    probe.same("wrapped_slab", probe.evaluate(shifted), values, "moved in its plane and wrapped into the cell")
    raised = atoms.copy()
    raised.positions[:, 2] += HIGHER
    probe.same("origin_slab", probe.evaluate(raised), values, f"raised by {HIGHER:g} Å in its cell")

    order = another_order(atoms, probe.rng)
    got = probe.evaluate(atoms[order])
    back = np.argsort(order)
    probe.same("permutation", replace(got, forces=got.forces[back]), values, "atoms in another order")

    for name, matrix, what in (
        ("mirror", MIRROR, "the mirror image in the plane of the slab"),
        ("inversion", -np.eye(3), "the inverted slab"),
    ):
        image = atoms.copy()
        image.positions = atoms.positions @ matrix + (0, 0, atoms.cell[2, 2])
        probe.same(name, turned(probe.evaluate(image), matrix), values, what)

    probe.attempt(_lines("supercell", stress=True), lambda: _supercell(probe, atoms, values))
    probe.attempt(_lines("far_apart"), lambda: _far_apart(probe, atoms, values))
    probe.attempt(_lines("vacuum", stress=True), lambda: _vacuum(probe, atoms, values))
    probe.attempt(_lines("periodic_vacuum", stress=True), lambda: _periodic_vacuum(probe, atoms, values))


def bulk_lines(probe: Probe, atoms: Atoms, values: Values) -> None:
    """What holds in a crystal, pbc (T, T, T)."""
    net_force(probe, "net_force_bulk", values)
    seed = int(probe.rng.integers(2**31))
    turn = Rotation.random(random_state=seed).as_matrix()
    turned_values(probe, "rotation_bulk", atoms, values, turn, "energy, forces and stress turn with the crystal")
    shifted = atoms.copy()
    shifted.positions += probe.rng.uniform(-5, 5, 3)
    shifted.wrap()
    probe.same("translation_bulk", probe.evaluate(shifted), values, "moved and wrapped into the cell", stress=True)


def molecule_lines(probe: Probe, atoms: Atoms) -> None:
    """Net force and torque of a molecule, pbc (F, F, F)."""
    values = probe.evaluate(atoms)
    net_force(probe, "net_force_molecule", values)
    arms = atoms.positions - atoms.positions.mean(axis=0)
    torque = np.cross(arms, values.forces).sum(axis=0)
    reach = float(np.sqrt((arms**2).sum(axis=1).mean()))
    probe.add(
        "net_torque_molecule",
        largest(torque) / len(atoms),
        (probe.precision.same * values.force + probe.ctx.noise.forces) * reach,
        "eV",
        f"rotating a molecule costs nothing; per atom, {probe.precision.same:.0e} of the rms force times the arm",
    )


def net_force(probe: Probe, name: str, values: Values) -> None:
    """One line: the mean force."""
    probe.add(
        name,
        largest(values.forces.mean(axis=0)),
        probe.precision.same * values.force + probe.ctx.noise.forces,
        "eV/A",
        f"moving everything costs nothing; mean force, {probe.precision.same:.0e} of the rms force "
        f"{values.force:.2g} eV/Å ({probe.precision.name})",
    )


def turned_values(probe: Probe, name: str, atoms: Atoms, values: Values, turn: np.ndarray, what: str) -> None:
    """Evaluate the rotated structure, rotate the answers back and compare.

    Parameters
    ----------
    probe
        Collects the lines.
    name
        With which the names of the lines begin.
    atoms, values
        The structure, and what the model gives for it.
    turn
        Rotation matrix, (3, 3).
    what
        Why both have to agree.
    """
    moved = atoms.copy()
    moved.set_cell(atoms.cell.array @ turn.T)
    moved.positions[:] = atoms.positions @ turn.T
    probe.same(name, turned(probe.evaluate(moved), turn.T), values, what, stress=True)


def turned(values: Values, matrix: np.ndarray) -> Values:
    """The answers after an orthogonal transformation x' = matrix x."""
    virial = None if values.virial is None else matrix @ values.virial @ matrix.T
    return replace(values, forces=values.forces @ matrix.T, virial=virial)


def upside_down(atoms: Atoms) -> Atoms:
    """A slab turned by 180° about x, in a right-handed cell."""
    over = atoms.copy()
    over.positions = atoms.positions * (1, -1, -1) + (0, 0, atoms.cell[2, 2])
    a, b, c = atoms.cell.array
    over.set_cell([b * (1, -1, 1), a * (1, -1, 1), c])
    return over


def another_order(atoms: Atoms, rng: np.random.Generator) -> np.ndarray:
    """A permutation that puts other elements into most places, where there are several."""
    orders = [rng.permutation(len(atoms)) for _ in range(50)]
    return max(orders, key=lambda order: int((atoms.numbers[order] != atoms.numbers).sum()))


def _supercell(probe: Probe, atoms: Atoms, values: Values) -> None:
    got = probe.evaluate(atoms.repeat(COPIES))
    times = got.n // values.n
    worst = largest(got.forces - np.tile(values.forces, (times, 1)))
    one = Values(
        got.energy / times,
        values.forces + worst,  # the worst copy decides
        None if got.virial is None else got.virial / times,
    )
    probe.same("supercell", one, values, f"{times} cells side by side", stress=True)


def _far_apart(probe: Probe, atoms: Atoms, values: Values) -> None:
    got = probe.evaluate(far_apart(atoms))
    worst = largest(got.forces - np.tile(values.forces, (2, 1)))
    one = Values(got.energy / 2, values.forces + worst, None)
    probe.same("far_apart", one, values, "two slabs that do not reach each other")


def _vacuum(probe: Probe, atoms: Atoms, values: Values) -> None:
    taller = atoms.copy()
    taller.cell[2, 2] += TALLER
    probe.same("vacuum", probe.evaluate(taller), values, f"{TALLER:g} Å more vacuum", stress=True)


def _periodic_vacuum(probe: Probe, atoms: Atoms, values: Values) -> None:
    periodic = atoms.copy()
    periodic.pbc = True
    what = "the same slab, repeated across its vacuum"
    probe.same("periodic_vacuum", probe.evaluate(periodic), values, what, stress=True)


def _lines(name: str, stress: bool = False) -> list[str]:
    return [f"{name}_{part}" for part in ("energy", "forces", *(["stress"] if stress else []))]
