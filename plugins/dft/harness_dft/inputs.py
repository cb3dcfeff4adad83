"""Input files of pw.x, ph.x, pw2wannier90.x and wannier90.x, as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ase import Atoms

from harness.errors import HarnessError, unknown_choice
from harness_dft.settings import MASSES, VALENCE, Settings

PREFIX = "sheet"


def pw_input(atoms: Atoms, settings: Settings, calculation: str = "scf", symmetry: bool = False, **more: Any) -> str:
    """Input of ``pw.x`` for a sheet that `harness_dft.settings.slab` has placed.

    Parameters
    ----------
    calculation
        ``"scf"``; or ``"nscf"``, which lists the whole k-mesh explicitly (Wannier90 wants every point) and takes the
        occupied bands only.
    symmetry
        Whether pw.x may look for point symmetry. ph.x 6.7 stops on that of stacked layers, so responses go without.
    more
        Further entries, or replacements: ``conv_thr=1e-10``.
    """
    mesh = settings.kmesh(atoms)
    nscf = calculation == "nscf"
    groups: dict[str, dict[str, Any]] = {
        "control": {
            "calculation": calculation,
            "prefix": PREFIX,
            "pseudo_dir": settings.pseudo_dir,
            "outdir": "tmp",
            "tprnfor": not nscf,
            "tstress": not nscf,
            "disk_io": "low",
        },
        "system": {
            "ibrav": 0,
            "nat": len(atoms),
            "ntyp": len(set(atoms.symbols)),
            "ecutwfc": settings.ecutwfc,
            "ecutrho": settings.ecutrho,
            "occupations": "fixed",
            "assume_isolated": "2D",
            "nosym": not symmetry,
        },
        "electrons": {
            "conv_thr": settings.conv_thr,
            "mixing_beta": settings.mixing_beta,
            "diago_full_acc": nscf,
        },
    }
    if nscf:
        groups["system"].update(noinv=True, nbnd=occupied_bands(atoms))
    home = {key: group for group in groups.values() for key in group}
    for key, value in more.items():
        if key not in home:
            raise unknown_choice("pw.x setting", key, home)
        home[key][key] = value
    text = "".join(_namelist(name, group) for name, group in groups.items())
    species = sorted(set(atoms.symbols))
    text += "CELL_PARAMETERS angstrom\n" + _rows(atoms.cell.array)
    text += "ATOMIC_SPECIES\n" + "".join(f"{s} {MASSES[s]} {settings.pseudopotentials[s]}\n" for s in species)
    text += "ATOMIC_POSITIONS angstrom\n" + _sites(atoms)
    if not nscf:
        return text + "K_POINTS automatic\n{} {} {} 0 0 0\n".format(*mesh)
    points = mesh_points(mesh)
    return text + f"K_POINTS crystal\n{len(points)}\n" + "".join(_numbers((*k, 1.0)) for k in points)


def ph_input(settings: Settings) -> str:
    """Input of ``ph.x``: the linear response to a uniform field, and from it the Born charges."""
    entries = {
        "prefix": PREFIX,
        "outdir": "tmp",
        "epsil": True,
        "trans": False,
        "zeu": True,
        "tr2_ph": settings.tr2_ph,
    }
    return f"response to a field\n{_namelist('inputph', entries)}0 0 0\n"


def pw2wannier_input() -> str:
    """Input of ``pw2wannier90.x``."""
    entries = {"outdir": "tmp", "prefix": PREFIX, "seedname": PREFIX, "write_amn": True, "write_mmn": True}
    return _namelist("inputpp", entries)


def wannier_input(atoms: Atoms, settings: Settings) -> str:
    """Input of ``wannier90.x``: maximally localised functions of the occupied bands, four sp3 guesses per N."""
    mesh, bands = settings.kmesh(atoms), occupied_bands(atoms)
    head = {
        "num_wann": bands,
        "num_bands": bands,
        "num_iter": 400,
        "conv_tol": 1e-12,
        "conv_window": 3,
        "guiding_centres": "true",
        "write_u_matrices": "true",
        "mp_grid": "{} {} {}".format(*mesh),
    }
    return "".join(f"{key} = {value}\n" for key, value in head.items()) + "".join(
        f"begin {name}\n{body}end {name}\n"
        for name, body in (
            ("projections", "N:sp3\n"),
            ("unit_cell_cart", "Ang\n" + _rows(atoms.cell.array)),
            ("atoms_cart", "Ang\n" + _sites(atoms)),
            ("kpoints", _rows(mesh_points(mesh))),
        )
    )


def mesh_points(mesh: Sequence[int]) -> list[tuple[float, float, float]]:
    """All points of a Γ-centred mesh, in fractions of the reciprocal lattice vectors."""
    return [
        (i / mesh[0], j / mesh[1], k / mesh[2]) for i in range(mesh[0]) for j in range(mesh[1]) for k in range(mesh[2])
    ]


def occupied_bands(atoms: Atoms) -> int:
    """Half the number of valence electrons.

    Raises
    ------
    HarnessError
        When an element has no data set here or the number of electrons is odd.
    """
    for symbol in sorted(set(atoms.symbols)):
        if symbol not in VALENCE:
            raise unknown_choice("element for potential 'dft'", symbol, VALENCE)
    electrons = sum(VALENCE[s] for s in atoms.symbols)
    if electrons % 2:
        raise HarnessError(
            f"'dft' takes closed shells, but {atoms.get_chemical_formula()} has {electrons} valence electrons.",
            "Take a stoichiometric structure.",
        )
    return electrons // 2


def _namelist(name: str, entries: dict[str, Any]) -> str:
    return f"&{name}\n" + "".join(f" {key} = {_fortran(value)}\n" for key, value in entries.items()) + "/\n"


def _fortran(value: Any) -> str:
    if isinstance(value, bool):
        return ".true." if value else ".false."
    return f"'{value}'" if isinstance(value, str) else f"{value}"


def _numbers(row: Iterable[float]) -> str:
    return " ".join(f"{x:.12f}" for x in row) + "\n"


def _rows(array: Iterable[Iterable[float]]) -> str:
    return "".join(_numbers(row) for row in array)


def _sites(atoms: Atoms) -> str:
    return "".join(f"{s} {_numbers(r)}" for s, r in zip(atoms.symbols, atoms.positions, strict=True))
