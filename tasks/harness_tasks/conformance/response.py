"""Polarization: dipole, Born charges and the answer to a field, of whatever offers them.

Sheet polarizations are dipoles over area, pC/m. Along periodic directions a polarization is known up to a quantum,
e times a lattice vector over the area, and models differ in whether they count Σ q r there: both are allowed for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from scipy.spatial.transform import Rotation

from harness.contracts.material import Material
from harness.contracts.potential import PolarizationModel
from harness.materials.honeycomb import STACKINGS
from harness.materials.sheets import area
from harness.units import PC_PER_M
from harness_tasks.conformance.probe import Probe, largest
from harness_tasks.conformance.response_slopes import slope_lines
from harness_tasks.conformance.state import foreign_state, other
from harness_tasks.conformance.structures import distance
from harness_tasks.conformance.symmetry import COPIES, HIGHER, MIRROR, TALLER, another_order, upside_down

#: Largest difference of heights in a layer that counts as flat, Å.
FLAT = 1e-6


@dataclass(frozen=True, slots=True)
class Response:
    """A polarization model under examination."""

    probe: Probe
    model: PolarizationModel

    @property
    def born(self) -> bool:
        """Whether Born charges are offered."""
        return "born_effective_charges" in self.model.implemented_properties

    def ask(self, atoms: Atoms, names: Sequence[str], field: Sequence[float] = (0.0, 0.0, 0.0)) -> dict[str, Any]:
        """The named properties; numbers that are not finite are counted."""
        found = self.model.calculate(atoms.copy(), list(names), field)
        answers = {name: np.array(found[name], dtype=float) for name in names}
        self.probe.wrong += sum(int((~np.isfinite(a)).sum()) for a in answers.values())
        return answers

    def dipole(self, atoms: Atoms, field: Sequence[float] = (0.0, 0.0, 0.0)) -> np.ndarray:
        """Dipole (3,), e Å."""
        return np.asarray(self.ask(atoms, ["dipole"], field)["dipole"])

    def charges(self, atoms: Atoms) -> np.ndarray:
        """Born charges (N, 3, 3), e."""
        return np.asarray(self.ask(atoms, ["born_effective_charges"])["born_effective_charges"])

    def same_dipole(self, name: str, got: np.ndarray, expected: np.ndarray, atoms: Atoms, what: str) -> None:
        """One line: the sheet polarization of `atoms` has to be as expected, up to quanta along its vectors.

        Parameters
        ----------
        name
            Of the line.
        got, expected
            Dipoles (3,), e Å.
        atoms
            Give area and quanta.
        what
            Why they have to be the same.
        """
        difference = modulo_quantum(got - expected, atoms) / area(atoms) * PC_PER_M
        limit = self.probe.precision.sheet
        self.probe.add(
            f"polarization_{name}",
            largest(difference),
            limit,
            "pC/m",
            f"{what}; {limit:g} pC/m, where layers of hBN that slide have 2 pC/m ({self.probe.precision.name})",
        )

    def same_charges(self, name: str, got: np.ndarray, expected: np.ndarray, what: str) -> None:
        """One line: Born charges have to be as expected.

        Parameters
        ----------
        name
            Of the line.
        got, expected
            Born charges (natoms, 3, 3), e.
        what
            Why they have to be the same.
        """
        self.probe.add(f"born_{name}", largest(got - expected), self.probe.precision.charge, "e", self.reason(what))

    def reason(self, what: str) -> str:
        """Why Born charges have the tolerance they have."""
        return f"{what}; a quarter of the 2e-3 e that decide how layers slide, times four in float32"


def response_lines(probe: Probe, atoms: Atoms) -> None:
    """Everything that can be asked of the run's polarization model, on a slab with pbc (T, T, F)."""
    model = probe.ctx.polarization
    if model is None or "dipole" not in model.implemented_properties:
        probe.leave_out(["polarization", "born"], "neither the potential nor a polarization model offers a dipole")
        return
    response = Response(probe, model)
    P = response.dipole(atoms)
    Z = response.charges(atoms) if response.born else None
    if Z is None:
        probe.leave_out(["born"], f"{model.name} offers no Born charges")
    _symmetry(response, atoms, P, Z)
    probe.attempt("polarization_vacuum", lambda: _vacuum(response, atoms, P))
    probe.attempt(["polarization_supercell", "born_supercell"], lambda: _supercell(response, atoms, P, Z))
    probe.attempt("polarization_flat_layer", lambda: _flat_layer(response, probe.ctx.material))
    probe.attempt(["polarization_AB_BA", "polarization_AA"], lambda: _stackings(response, probe.ctx.material))
    slope_lines(response, atoms, Z)
    _state(response, atoms, P)


def modulo_quantum(difference: np.ndarray, atoms: Atoms) -> np.ndarray:
    """A dipole (3,), e Å, less the nearest multiple of e times the periodic cell vectors."""
    lattice = atoms.cell.array[atoms.pbc]
    if not np.isfinite(difference).all():
        return difference
    along = np.linalg.lstsq(lattice.T, difference, rcond=None)[0]
    return np.asarray(difference - np.round(along) @ lattice)


def _symmetry(response: Response, atoms: Atoms, P: np.ndarray, Z: np.ndarray | None) -> None:
    rng, height = response.probe.rng, (0.0, 0.0, atoms.cell[2, 2])

    def compare(name: str, image: Atoms, matrix: np.ndarray, what: str, order: np.ndarray | None = None) -> None:
        response.same_dipole(name, response.dipole(image), matrix @ P, image, what)
        if Z is not None:
            expected = np.einsum("ab,ibc,dc->iad", matrix, Z, matrix)
            if order is not None:
                expected = expected[order]
            response.same_charges(name, response.charges(image), expected, what)

    turn = Rotation.from_euler("z", rng.uniform(0.2, 2.9)).as_matrix()
    rotated = atoms.copy()
    rotated.set_cell(atoms.cell.array @ turn.T)
    rotated.positions[:] = atoms.positions @ turn.T
    compare("rotation", rotated, turn, "P turns with the slab in its plane")
    compare("turned_over", upside_down(atoms), np.diag([1.0, -1.0, -1.0]), "the slab turned over about x")
    for name, matrix, what in (
        ("mirror", MIRROR, "P_z is odd and the rest even under the mirror in the plane"),
        ("inversion", -np.eye(3), "P is odd under inversion"),
    ):
        image = atoms.copy()
        image.positions = atoms.positions @ matrix + height
        compare(name, image, matrix, what)
    shifted = atoms.copy()
    shifted.positions += rng.uniform(-2, 2, 2) @ atoms.cell.array[:2]
    compare("translation", shifted, np.eye(3), "moved in its plane, out of the cell")
    raised = atoms.copy()
    raised.positions[:, 2] += HIGHER
    compare("origin", raised, np.eye(3), f"raised by {HIGHER:g} Å in its cell")
    order = another_order(atoms, rng)
    compare("permutation", atoms[order], np.eye(3), "atoms in another order", order)


def _vacuum(response: Response, atoms: Atoms, P: np.ndarray) -> None:
    taller = atoms.copy()
    taller.cell[2, 2] += TALLER
    response.same_dipole("vacuum", response.dipole(taller), P, atoms, f"{TALLER:g} Å more vacuum")


def _supercell(response: Response, atoms: Atoms, P: np.ndarray, Z: np.ndarray | None) -> None:
    large = atoms.repeat(COPIES)
    times = len(large) // len(atoms)
    what = f"{times} cells side by side"
    response.same_dipole("supercell", response.dipole(large), times * P, large, what)
    if Z is not None:
        response.same_charges("supercell", response.charges(large), np.tile(Z, (times, 1, 1)), what)


def _flat_layer(response: Response, material: Material) -> None:
    single = material.single_layer()
    if single.thickness > FLAT:
        response.probe.leave_out(["polarization_flat_layer"], f"layers of {material.name} are not flat")
        return
    layer = single.atoms
    _sheet_z(response, "flat_layer", response.dipole(layer)[2], layer, "a flat layer has no P_z")


def _stackings(response: Response, material: Material) -> None:
    if not material.honeycomb:
        why = f"layers of {material.name} are no honeycombs"
        response.probe.leave_out(["polarization_AB_BA", "polarization_AA"], why)
        return
    cells = [material.restacked(2, distance(material), registry=STACKINGS[s][0]).atoms for s in ("AB", "BA", "AA")]
    ab, ba, aa = (response.dipole(cell)[2] for cell in cells)
    _sheet_z(response, "AB_BA", ab + ba, cells[0], "P_z(AB) = −P_z(BA), its mirror image")
    _sheet_z(response, "AA", aa, cells[2], "AA has a mirror plane between its layers: no P_z")
    response.probe.arrays["P_z_AB_pC_per_m"] = np.array(ab / area(cells[0]) * PC_PER_M)


def _sheet_z(response: Response, name: str, value: float, atoms: Atoms, what: str) -> None:
    limit = response.probe.precision.sheet
    reason = f"{what}; {limit:g} pC/m, where layers of hBN that slide have 2 pC/m"
    response.probe.add(f"polarization_{name}", value / area(atoms) * PC_PER_M, limit, "pC/m", reason)


def _state(response: Response, atoms: Atoms, P: np.ndarray) -> None:
    moved = other(response.probe, atoms)
    response.dipole(moved)
    what = "the first answer of all, asked for again at the end"
    response.same_dipole("history", response.dipole(atoms), P, atoms, what)

    def foreign() -> None:
        with foreign_state(response.probe.precision.name):
            response.dipole(moved)
            got = response.dipole(atoms)
        what = "another backend set number type, threads and seeds"
        response.same_dipole("foreign_state", got, P, atoms, what)

    response.probe.attempt("polarization_foreign_state", foreign)
