"""Born charges against finite differences of the dipole, sum rules, and forces and energy in a field."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from harness.units import COULOMB
from harness_tasks.conformance.derivatives import slope
from harness_tasks.conformance.probe import largest

if TYPE_CHECKING:
    from harness_tasks.conformance.response import Response

#: Field of the central differences, V/Å.
FIELD = 0.01
#: Difference of the Born charges and their transposes below which the order of the indices cannot be told, e.
TELLING = 0.01


def slope_lines(response: Response, atoms: Atoms, Z: np.ndarray | None) -> None:
    """All lines that differentiate."""
    probe, offers = response.probe, response.model.implemented_properties
    if "charges" in offers:
        probe.attempt("charge_neutrality", lambda: _neutral(response, atoms))
    if Z is not None:
        limit = 2 * probe.precision.charge
        reason = f"Σ Z* = 0: moving everything makes no polarization; {limit:.0e} e"
        probe.add("born_sum_rule", largest(Z.sum(axis=0)), limit, "e", reason)
        names = ["born_finite_differences", "born_index_order"]
        probe.attempt(names, lambda: _finite_differences(response, atoms, Z))
        if "forces" in offers:
            probe.attempt("field_forces", lambda: _field_forces(response, atoms, Z))
        else:
            probe.leave_out(["field_forces"], f"{response.model.name} offers no forces in a field")
    if "energy" in offers:
        probe.attempt("field_energy", lambda: _field_energy(response, atoms))
    else:
        probe.leave_out(["field_energy"], f"{response.model.name} offers no energy in a field")
    if {"energy", "forces"} <= set(offers):
        probe.attempt("polarization_forces", lambda: _own_forces(response, atoms))
    if "polarizability" in offers:
        probe.attempt("field_polarizability", lambda: _polarizability(response, atoms))


def _neutral(response: Response, atoms: Atoms) -> None:
    total = response.ask(atoms, ["charges"])["charges"].sum()
    limit = response.probe.precision.charge
    response.probe.add("charge_neutrality", total, limit, "e", f"the slab is neutral; {limit:.0e} e")


def _finite_differences(response: Response, atoms: Atoms, Z: np.ndarray) -> None:
    """Z contracted with random displacements against the five-point derivative of the dipole along them."""
    probe, n = response.probe, len(atoms)
    step = probe.precision.step * math.sqrt(3 * n)
    own = response.ask(atoms, ["charges"])["charges"] if "charges" in response.model.implemented_properties else None
    periodic = np.diag(atoms.pbc.astype(float))
    with_charges, without = 0.0, 0.0
    as_given, exchanged = 0.0, 0.0
    for _ in range(max(2, probe.ctx.params.directions)):
        direction = probe.rng.normal(size=(n, 3))
        direction /= np.linalg.norm(direction)

        def along(t: float, d: np.ndarray = direction) -> np.ndarray:
            moved = atoms.copy()
            moved.positions += t * d
            return response.dipole(moved)

        found = slope(along, step)
        expected = np.einsum("iab,ib->a", Z, direction)
        carried = np.zeros(3) if own is None else periodic @ (own @ direction)
        without = _worse(without, found - expected)
        with_charges = _worse(with_charges, found + carried - expected)
        if own is not None and largest(found + carried - expected) < largest(found - expected):
            found = found + carried
        as_given += float(((found - expected) ** 2).sum())
        exchanged += float(((found - np.einsum("iba,ib->a", Z, direction)) ** 2).sum())
    limit = probe.precision.charge
    extra = "" if without <= with_charges or own is None else ", with Σ q u along periodic directions"
    what = f"Z* = dP/du along random displacements of all atoms{extra}"
    probe.add("born_finite_differences", min(without, with_charges), limit, "e", response.reason(what))
    if largest(Z - Z.transpose(0, 2, 1)) > TELLING:
        probe.add(
            "born_index_order",
            math.sqrt(as_given / exchanged) if exchanged else math.inf,
            2.0,
            "1",
            "first index polarization, second displacement: error against finite differences, over that with the two "
            "indices exchanged",
        )
    else:
        probe.leave_out(["born_index_order"], f"the Born charges are symmetric within {TELLING} e")


def _field_forces(response: Response, atoms: Atoms, Z: np.ndarray) -> None:
    errors = []
    for axis in range(3):
        field = FIELD * np.eye(3)[axis]
        up, down = (response.ask(atoms, ["forces"], s * field)["forces"] for s in (1, -1))
        errors.append(largest((up - down) / (2 * FIELD) - Z[:, axis]))
    limit, what = response.probe.precision.charge, "dF/dE = Z*, F in eV/Å and E in V/Å"
    response.probe.add("field_forces", largest(np.array(errors)), limit, "e", response.reason(what))


def _field_energy(response: Response, atoms: Atoms) -> None:
    P, errors = response.dipole(atoms), []
    for axis in range(3):
        field = FIELD * np.eye(3)[axis]
        up, down = (response.ask(atoms, ["energy"], s * field)["energy"] for s in (1, -1))
        errors.append(float(up - down) / (2 * FIELD) + P[axis])
    limit = 1e-3 * max(1.0, largest(P)) if response.probe.precision.name == "float32" else 1e-5 * max(1.0, largest(P))
    reason = f"dU/dE = −P; {limit:.0e} e Å of |P| = {largest(P):.3g} e Å"
    response.probe.add("field_energy", largest(np.array(errors)), limit, "e A", reason)


def _own_forces(response: Response, atoms: Atoms) -> None:
    """Forces of the model against its energy, without a field."""
    probe = response.probe
    step = probe.precision.step * math.sqrt(3 * len(atoms))
    forces, error = response.ask(atoms, ["forces"])["forces"], 0.0
    for _ in range(probe.ctx.params.directions):
        direction = probe.rng.normal(size=atoms.positions.shape)
        direction /= np.linalg.norm(direction)

        def along(t: float, d: np.ndarray = direction) -> float:
            moved = atoms.copy()
            moved.positions += t * d
            return float(response.ask(moved, ["energy"])["energy"])

        error = _worse(error, slope(along, step) + float((forces * direction).sum()))
    scale = max(float(np.sqrt(np.mean(forces**2))), 0.1)
    limit = probe.precision.slope * scale
    reason = f"F = −dE/dr of the polarization model; {probe.precision.slope:.0e} of the rms force {scale:.2g} eV/Å"
    probe.add("polarization_forces", error, limit, "eV/A", reason)


def _polarizability(response: Response, atoms: Atoms) -> None:
    alpha, slopes = response.ask(atoms, ["polarizability"])["polarizability"], np.zeros((3, 3))
    for axis in range(3):
        field = FIELD * np.eye(3)[axis]
        up, down = (response.dipole(atoms, s * field) for s in (1, -1))
        slopes[:, axis] = COULOMB * (up - down) / (2 * FIELD)
    if largest(slopes) == 0.0 < largest(alpha):
        response.probe.leave_out(["field_polarizability"], f"{response.model.name} gives the dipole without the field")
        return
    limit = 1e-3 * largest(alpha)
    reason = f"dP/dE, with 1 e Å/(V/Å) = {COULOMB:.3f} Å³; 1e-3 of the polarizability {largest(alpha):.3g} Å³"
    response.probe.add("field_polarizability", largest(slopes - alpha), limit, "A^3", reason)


def _worse(worst: float, difference: np.ndarray | float) -> float:
    """The larger of a magnitude and those of a difference; nan wins."""
    return largest(np.append(difference, worst))
