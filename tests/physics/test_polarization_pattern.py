"""The task `polarization_pattern` on a polarization that is known in closed form, and its parts."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import harness_charge_dipole
import numpy as np
import pytest
from harness_tasks.moire.cells import Moire, mismatched, twisted
from harness_tasks.moire.pattern import in_m, region_centres, symmetrised, turns
from harness_tasks.oracles.cosine import CosinePolarization, CosinePotential
from harness_tasks.polarization_pattern.task import PolarizationPattern
from harness_tasks.polarization_pattern.winding import winding
from harness_tasks.structures.bilayers import bilayer
from harness_tasks.structures.registries import AB, BA

from harness.contracts.measurement import Measurement
from harness.engine.ase import ASEEngine
from harness.engine.field import FieldEngine
from harness.registry.lookup import build_polarization, build_potential
from harness.testing.free_atoms import FreeAtoms
from harness.testing.trial import MemoryCheckpoint, TrialContext, measure
from tests.support.checkpoints import FragileCheckpoint, Killed

from .first_star import MATERIAL, LocalStar, known_cells, on_grid

CD = Path(harness_charge_dipole.__file__).parent / "models" / "bn_bilayer_cd.json"
CELL = math.sqrt(3) / 2 * 2.511**2
PC_PER_M = 1602.176634 / CELL  # of e Å per cell
FLAT = {"geometry": ("flat",), "fields": (), "mismatch": (), "antiparallel_n": 0}


def value(measurement: Measurement, name: str) -> float:
    return float(measurement.observables[name].value)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def found() -> Measurement:
    params = FLAT | {"fields": (-0.01, 0.01, 0.03), "mismatch": (9, -11)}
    return measure(PolarizationPattern(), FreeAtoms(), LocalStar(), material=MATERIAL, **params)


@pytest.mark.parametrize(
    "moire",
    [
        twisted(MATERIAL, 5),
        mismatched(MATERIAL, 12),
        mismatched(MATERIAL, -12),
    ],
)
@pytest.mark.parametrize(
    ("bias", "expected"), [(0.01, (0, -1)), (-0.01, (1, 0)), (2.5, (0, -1)), (2.7, (0, 0)), (-2.7, (0, 0))]
)
def test_first_star_wraps_the_sphere_as_its_bias_says(moire: Moire, bias: float, expected: tuple[int, int]) -> None:
    """P⊥ reaches 3√3/2 = 2.598: beyond that bias nothing points the other way, and nothing is wrapped."""
    wrapped = winding(on_grid(moire, 192, bias), moire.plane)
    inside = in_m(turns(moire), wrapped.centres)
    assert wrapped.number(inside) == pytest.approx(expected[0], abs=1e-6)
    assert wrapped.number(~inside) == pytest.approx(expected[1], abs=1e-6)
    assert wrapped.number() == pytest.approx(round(wrapped.number()), abs=1e-9)


def test_winding_on_the_lattice_is_the_integral_of_the_density() -> None:
    """Against Eq. 3 of the paper, n·(∂n/∂x × ∂n/∂y), by central differences on a fine grid."""
    moire, size = twisted(MATERIAL, 5), 600
    field = on_grid(moire, size, 1.5)
    n = field / np.linalg.norm(field, axis=-1, keepdims=True)
    slopes = [(np.roll(n, -1, axis) - np.roll(n, 1, axis)) / 2 for axis in (0, 1)]
    density = np.einsum("ija,ija->ij", n, np.cross(*slopes)) / (4 * math.pi)
    steps = (np.stack(np.meshgrid(np.arange(size), np.arange(size), indexing="ij"), axis=-1) + 1e-6) / size
    lower = ~in_m(turns(moire), steps.reshape(-1, 2)).reshape(size, size)
    wrapped = winding(field, moire.plane)
    assert density[lower].sum() == pytest.approx(-1, abs=2e-3)
    assert wrapped.number(~in_m(turns(moire), wrapped.centres)) == pytest.approx(density[lower].sum(), abs=2e-3)


def test_orientation_of_the_cell_does_not_matter() -> None:
    moire = twisted(MATERIAL, 5)
    field = on_grid(moire, 60, 0.5)
    assert winding(field, moire.plane).number() == pytest.approx(-1)
    assert winding(field.swapaxes(0, 1), moire.plane[::-1]).number() == pytest.approx(-1)


def test_m_has_ba_at_its_centre_and_n_has_ab() -> None:
    for moire in known_cells():
        centres = region_centres(turns(moire))
        for name, registry in (("M", BA), ("N", AB)):
            assert np.allclose((centres[name] @ turns(moire)) % 1, registry)
            assert in_m(turns(moire), centres[name][None])[0] == (name == "M")


def test_symmetry_averages_keep_what_is_symmetric_and_remove_the_rest() -> None:
    twist = twisted(MATERIAL, 4)
    field = on_grid(twist, 48)
    assert np.allclose(symmetrised(field, "twist"), field, atol=1e-12)
    strained = on_grid(mismatched(MATERIAL, 9), 48)
    assert np.allclose(symmetrised(strained, "threefold"), strained, atol=1e-12)
    assert np.abs(symmetrised(field + [0.1, 0, 0], "threefold") - field).max() < 1e-12
    assert np.abs(symmetrised(field + [0, 0, 0.1], "threefold") - field).max() == pytest.approx(0.1)
    assert np.abs(symmetrised(field + [0, 0, 0.1], "twist") - field).max() < 1e-12


def test_local_dipoles_become_the_pattern(found: Measurement) -> None:
    moire = twisted(MATERIAL, 5)
    exact = LocalStar.size * PC_PER_M * on_grid(moire, 96)
    assert np.allclose(found.arrays["pattern_flat"], exact, atol=1e-6 * PC_PER_M)
    assert value(found, "polarization_perp_M_flat") == pytest.approx(1.5 * math.sqrt(3) * LocalStar.size * PC_PER_M)


def test_meron_and_antimeron(found: Measurement) -> None:
    assert value(found, "winding_M_flat") == pytest.approx(0.5, abs=1e-6)
    assert value(found, "winding_N_flat") == pytest.approx(-0.5, abs=1e-6)
    assert value(found, "winding_total_flat") == pytest.approx(0, abs=1e-6)
    assert value(found, "winding_M_without_nodes_flat") == pytest.approx(0.5, abs=0.02)
    assert value(found, "winding_N_without_nodes_flat") == pytest.approx(-0.5, abs=0.02)
    sides = [value(found, f"winding_{k}_{side}_flat") for side in ("raised", "lowered") for k in "MN"]
    assert sides == pytest.approx([0, -1, 1, 0], abs=1e-6)


def test_field_makes_skyrmions_and_then_one_direction(found: Measurement) -> None:
    """Response 0.125 e Å per V/Å of dipoles of 2.6e-3 e Å: all one way at 0.0208 V/Å."""
    expected = {"-0.01": (1, 0), "0.01": (0, -1), "0.03": (0, 0)}
    for field, numbers in expected.items():
        for region, number in zip("MN", numbers, strict=True):
            assert value(found, f"winding_{region}_field_{field}") == pytest.approx(number, abs=1e-6)
    assert value(found, "uniform_field") == pytest.approx(
        1.5 * math.sqrt(3) * LocalStar.size / LocalStar.response, rel=1e-3
    )
    assert value(found, "response_perp") == pytest.approx(LocalStar.response / CELL / 5.526349e-3, rel=1e-6)


def test_an_assumed_susceptibility_does_the_same_for_models_without_response() -> None:
    class Frozen(LocalStar):
        implemented_properties = ("dipole", "atomic_dipoles")
        response = 0.0

    length = LocalStar.response / CELL / 5.526349406e-3
    params = FLAT | {"fields": (-0.01, 0.01, 0.03), "susceptibility": length}
    found = measure(PolarizationPattern(), FreeAtoms(), Frozen(), material=MATERIAL, **params)
    assert [round(value(found, f"winding_{k}_field_0.01"), 6) for k in "MN"] == [0, -1]
    all_one_way = 1.5 * math.sqrt(3) * LocalStar.size / LocalStar.response
    assert value(found, "uniform_field") == pytest.approx(all_one_way, rel=1e-3)
    assert "response_perp" not in found.observables
    assert any("assumed" in note for note in found.notes)
    params["susceptibility"] = None
    without = measure(PolarizationPattern(), FreeAtoms(), Frozen(), material=MATERIAL, **params)
    assert not any("field" in name for name in without.observables)
    assert any("no response" in note for note in without.notes)


def test_perfect_bilayers_of_the_same_registry_give_the_same_pattern(found: Measurement) -> None:
    """The local star has no memory of its surroundings, so both ways to the pattern must agree, directions included."""
    assert np.allclose(found.arrays["pattern_registry"], found.arrays["pattern_flat"], atol=1e-6 * PC_PER_M)
    assert value(found, "nonlocality_perp") < 1e-6


def test_twist_makes_vortices_and_mismatch_sources(found: Measurement) -> None:
    assert abs(value(found, "helicity_flat")) == pytest.approx(90, abs=1e-3)
    assert abs(value(found, "helicity_mismatch_9")) == pytest.approx(180, abs=1e-3)
    assert value(found, "phase_difference") == pytest.approx(90, abs=1e-3)


def test_own_checks_pass(found: Measurement) -> None:
    assert [check.name for check in found.checks if not check.passed] == []
    assert all(check.reason and check.about == "polarization" for check in found.checks)


def test_dipoles_alone_give_the_pattern_by_registry() -> None:
    class DipoleAlone(CosinePolarization):
        implemented_properties = ("dipole",)

    found = measure(PolarizationPattern(), FreeAtoms(), DipoleAlone(), material=MATERIAL, **FLAT)
    assert value(found, "polarization_perp_M_flat") == pytest.approx(3.2e-3 * PC_PER_M, rel=1e-6)
    assert value(found, "polarization_parallel_max_flat") == pytest.approx(2.5e-3 * PC_PER_M, rel=1e-3)
    assert value(found, "winding_M_flat") == pytest.approx(0.5, abs=1e-6)
    assert any("perfect bilayers" in note for note in found.notes)


def test_killed_anywhere_it_goes_on_to_the_same_numbers() -> None:
    params = FLAT | {"fields": (-0.01, 0.01), "grid": 24}
    task = PolarizationPattern()
    whole = measure(task, FreeAtoms(), LocalStar(), material=MATERIAL, **params)
    for saves in (1, 2):
        fragile = FragileCheckpoint(saves)
        context = TrialContext(
            task,
            FreeAtoms(),
            LocalStar(),
            MATERIAL,
            task.Params(**params),
            checkpoint=fragile,
            lost_at_most=0,
        )
        with pytest.raises(Killed):
            task.measure(context)
        again = MemoryCheckpoint()
        again.stored = fragile.stored
        rest = measure(task, FreeAtoms(), LocalStar(), material=MATERIAL, checkpoint=again, **params)
        assert {k: q.value for k, q in rest.observables.items()} == {k: q.value for k, q in whole.observables.items()}


def test_forces_in_a_field_are_those_of_the_energy() -> None:
    """Away from any symmetric registry; a shift of everything is free."""
    bare = ASEEngine(CosinePotential().calculator())
    engine = FieldEngine(bare, CosinePolarization().calculate, np.array([0.2, -0.1, 0.7]))
    atoms = bilayer(MATERIAL, (0.21, 0.47), 3.35)
    atoms.rattle(0.02, seed=3)
    forces = engine.evaluate([atoms])[0]["forces"]
    for i, axis in ((0, 0), (1, 2), (2, 1), (3, 0)):
        ends = []
        for step in (-1e-3, 1e-3):
            moved = atoms.copy()
            moved.positions[i, axis] += step
            ends.append(engine.evaluate([moved])[0]["energy"])
        assert forces[i, axis] == pytest.approx((ends[0] - ends[1]) / 2e-3, abs=1e-5)
    assert np.abs(forces - bare.evaluate([atoms])[0]["forces"]).max() > 1e-3


def mtp_cd() -> tuple[Any, Any]:
    """The shipped set: MTP, Lennard-Jones, charge-dipole."""
    layers = {"name": "mtp", "params": {"model": "bn_bilayer.mtp"}}
    between = {"name": "lj", "params": {"model": "bn_bilayer_lj.json"}}
    potential = build_potential("layered", {"intralayer": layers, "interlayer": between}, ["layered", "mtp"])
    return potential, build_polarization("charge_dipole", {"model": str(CD)}, ["charge_dipole"])


def test_domains_along_the_field_grow_and_a_kill_changes_nothing() -> None:
    """Twofold axes turn the twist in a field into the one in the opposite field, up and down exchanged."""
    task, (potential, polarization) = PolarizationPattern(), mtp_cd()
    params = FLAT | {"n": 2, "geometry": ("relaxed",), "fields": (-0.3, 0.3), "response": "ionic", "grid": 24}

    def run(checkpoint: MemoryCheckpoint) -> Measurement:
        context = TrialContext(
            task,
            potential,
            polarization,
            MATERIAL,
            task.Params(**params),
            checkpoint=checkpoint,
            lost_at_most=0,
        )
        return task.measure(context)

    fragile = FragileCheckpoint(14)
    with pytest.raises(Killed):
        run(fragile)
    rest = MemoryCheckpoint()
    rest.stored = fragile.stored
    found, whole = run(rest), run(MemoryCheckpoint())
    symmetric = [check for check in found.checks if "smooth" not in check.name]  # 19 groups are too few for that
    assert [check.name for check in symmetric if not check.passed] == []
    up, down = (value(found, f"share_up_field_{field}") for field in ("0.3", "-0.3"))
    assert up + down == pytest.approx(1, abs=0.02)
    assert abs(up - down) > 0.05
    assert set(found.frames) == {"relaxed", "field_-0.3", "field_0.3"}
    numbers = {name: quantity.value for name, quantity in found.observables.items()}
    assert numbers == pytest.approx({name: quantity.value for name, quantity in whole.observables.items()}, abs=1e-8)
