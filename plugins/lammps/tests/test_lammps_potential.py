"""Parameters, files, provenance and errors."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness_lammps.library import potentials_folder, start
from harness_lammps.sources import resolve
from lammps_support import ILP, TERSOFF

from harness.errors import HarnessError
from harness.registry.lookup import build_potential

Make = Callable[..., Any]


def test_provenance_names_commands_files_and_hashes() -> None:
    facts = build_potential("lammps", ILP).provenance()
    folder = potentials_folder()
    assert folder is not None
    for name in ("BNC.tersoff", "BNCH.ILP"):
        assert facts["model"][name]["sha256"] == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    assert facts["settings"]["commands"][1] == "pair_coeff * * tersoff BNC.tersoff B N"
    assert facts["settings"]["atom_style"] == "molecular"
    assert facts["level_of_theory"] == "empirical" and facts["executes_code"] is False
    assert facts["versions"]["lammps"] == "2025.7.22.4.0"


def test_a_file_of_ones_own(tmp_path: Path, stack: Make, calculator: Make) -> None:
    folder = potentials_folder()
    assert folder is not None
    own = tmp_path / "my copy.tersoff"  # a blank in the path
    own.write_bytes((folder / "BNC.tersoff").read_bytes())
    atoms = stack(layers=1)
    other = atoms.copy()
    atoms.calc = calculator(TERSOFF)
    other.calc = calculator({**TERSOFF, "pair_coeff": "* * {model} B N", "model": str(own)})
    assert other.get_potential_energy() == pytest.approx(atoms.get_potential_energy(), abs=1e-12)
    facts = build_potential("lammps", {**TERSOFF, "pair_coeff": "* * {model} B N", "model": str(own)}).provenance()
    assert facts["model"]["{model}"] == {"file": own.name, "sha256": hashlib.sha256(own.read_bytes()).hexdigest()}


def test_files_are_looked_up_in_the_folder_first(tmp_path: Path) -> None:
    (tmp_path / "a.tersoff").write_text("mine")
    (tmp_path / "library").write_text("mine too")
    shipped = {"a.tersoff": Path("/shipped/a.tersoff"), "b.tersoff": Path(__file__)}
    lines, found = resolve(["* * a.tersoff B N 0.5 1e-3", "* * b.tersoff library NULL"], shipped, tmp_path)
    assert found == {"a.tersoff": tmp_path / "a.tersoff", "b.tersoff": Path(__file__),
                     "library": tmp_path / "library"}  # fmt: skip
    assert lines[0] == f"* * {tmp_path}/a.tersoff B N 0.5 1e-3" and lines[1].endswith("/library NULL")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pair_style": "tersofff"}, "Unrecognized pair style 'tersofff'.*Did you mean 'tersoff'"),
        ({"pair_style": "pace"}, "LAMMPS says: Unrecognized pair style 'pace'"),
        ({"pair_coeff": "* * BNC.tersof B N"}, "'BNC.tersof' does not exist. Did you mean 'BNC.tersoff'"),
        ({"pair_coeff": "* * BNC.tersoff B"}, "LAMMPS says: "),
        ({"pair_coeff": "* * BNCH.ILP B N"}, "LAMMPS says: "),
        ({"pair_coeff": []}, "LAMMPS says: All pair coeffs are not set"),
        ({"species": ["B"], "pair_coeff": "* * BNC.tersoff B"}, "does not know the element N; it knows B"),
        ({"species": ["B", "M"]}, "unknown element 'M'"),
        ({"species": ["B", "B"]}, "does not name one element for each"),
        ({"units": "lj"}, "unknown unit system of LAMMPS 'lj'"),
        ({"after": ["fixx"]}, "LAMMPS says: Unknown command: fixx"),
        ({"model": "nothing.tersoff"}, "'nothing.tersoff' does not exist"),
        ({"folder": "/nowhere"}, "'/nowhere' does not exist"),
        ({"molecules": "sheet"}, "carries no array 'sheet'"),
    ],
)
def test_mistakes_are_one_line_in_lammps_own_words(change: dict[str, Any], words: str, stack: Make) -> None:
    with pytest.raises(HarnessError, match=words) as caught:
        atoms = stack()
        atoms.calc = build_potential("lammps", {**TERSOFF, **change}).calculator()
        atoms.get_potential_energy()
    assert "\n" not in str(caught.value) and "src/" not in str(caught.value)


def test_a_truncated_file(tmp_path: Path, stack: Make, calculator: Make) -> None:
    folder = potentials_folder()
    assert folder is not None
    whole = (folder / "BNC.tersoff").read_text()
    (tmp_path / "half.tersoff").write_text(whole[: whole.rindex("B      N")])
    atoms = stack()
    atoms.calc = calculator({**TERSOFF, "pair_coeff": "* * half.tersoff B N", "folder": str(tmp_path)})
    with pytest.raises(HarnessError, match="LAMMPS says: Potential file is missing an entry"):
        atoms.get_potential_energy()


def test_an_error_leaves_the_process_and_later_runs_intact(stack: Make, calculator: Make) -> None:
    atoms = stack()
    atoms.calc = calculator(ILP)
    before = atoms.get_potential_energy()
    for _ in range(3):
        with pytest.raises(HarnessError):
            other = stack()
            other.calc = calculator({**TERSOFF, "pair_coeff": "* * BNCH.ILP B N"})
            other.get_potential_energy()
    atoms.rattle(1e-3, seed=4)
    atoms.positions = stack().positions
    assert atoms.get_potential_energy() == pytest.approx(before, abs=1e-10)


def test_numbers_are_those_of_a_plain_lammps_input(stack: Make, calculator: Make) -> None:
    atoms = stack(n=4, pbc=(1, 1, 1))
    atoms.wrap()
    atoms.calc = calculator(ILP)
    lammps = start()
    a, b, c = atoms.cell.array
    for line in (
        "units metal", "atom_style full", "boundary p p p", "box tilt large",
        f"region r prism 0 {a[0]:.16g} 0 {b[1]:.16g} 0 {c[2]:.16g} {b[0]:.16g} 0 0", "create_box 2 r",
    ):  # fmt: skip
        lammps.command(line)
    folder = potentials_folder()
    for atom in atoms:
        place = " ".join(f"{x:.16g}" for x in atom.position)
        lammps.command(f"create_atoms {1 if atom.symbol == 'B' else 2} single {place}")
        lammps.command(f"set atom {atom.index + 1} mol {1 if atom.z < 8 else 2}")
    for line in (
        "mass 1 10.8", "mass 2 14.0", "pair_style hybrid/overlay tersoff ilp/graphene/hbn 16.0 1",
        f"pair_coeff * * tersoff {folder}/BNC.tersoff B N", f"pair_coeff * * ilp/graphene/hbn {folder}/BNCH.ILP B N",
        "thermo_style custom step pe pxx pyy pzz pyz pxz pxy", "run 0",
    ):  # fmt: skip
        lammps.command(line)
    assert atoms.get_potential_energy() == pytest.approx(lammps.get_thermo("pe"), abs=1e-9)
    forces = np.array(lammps.gather_atoms("f", 1, 3)).reshape(-1, 3)
    np.testing.assert_allclose(atoms.get_forces(), forces, atol=1e-9)
    bar = np.array([lammps.get_thermo(f"p{k}") for k in ("xx", "yy", "zz", "yz", "xz", "xy")])
    np.testing.assert_allclose(atoms.get_stress(), -bar / 1602176.5, atol=1e-11)  # LAMMPS' own bar in eV/Å³


def test_a_long_range_solver_works_on_a_crystal(calculator: Make) -> None:
    from ase.spacegroup import crystal

    salt = crystal(["Na", "Cl"], [(0, 0, 0), (0.5, 0.5, 0.5)], spacegroup=225, cellpar=[5.64] * 3 + [90] * 3)
    salt.calc = calculator(
        {"pair_style": "coul/long 8.0", "pair_coeff": "* *", "species": ["Na", "Cl"]},
        charges={"Na": 1, "Cl": -1},
        after=["kspace_style ewald 1e-7"],
    )
    madelung = 1.747564594633
    assert salt.get_potential_energy() / 4 == pytest.approx(-madelung * 14.3996454784 / 2.82, rel=1e-5)
