"""The potential `dft` and the polarization model `dft`."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from harness.data.dataset import DISPERSIONS, LEVELS
from harness.errors import HarnessError, unknown_choice
from harness.registry.files import sha256
from harness.registry.provenance import package_versions
from harness_dft.calculator import DFTCalculator
from harness_dft.programs import program_version
from harness_dft.response import Response, response, wannier_dipoles
from harness_dft.settings import PSEUDOPOTENTIALS, Settings

#: What takes a linear response.
LINEAR = ("born_effective_charges", "polarizability")


def _settings(params: dict[str, Any]) -> Settings:
    known = {field.name for field in fields(Settings)}
    for key in params:
        if key not in known:
            raise TypeError(f"unexpected parameter '{key}'; there are: {', '.join(sorted(known))}")
    return Settings(**params)


def _provenance(settings: Settings, level: str, programs: Sequence[str]) -> dict[str, Any]:
    files = {s: Path(settings.pseudo_dir) / name for s, name in settings.pseudopotentials.items()}
    versions = {name: program_version(name) for name in programs} | package_versions("ase", "dftd3")
    return {
        "form": "plane-wave density-functional theory, PAW, truncated Coulomb interaction",
        "model": {s: {"file": f.name, "sha256": sha256(f) if f.is_file() else None} for s, f in files.items()},
        "settings": asdict(settings),
        "level_of_theory": level,
        "licence": "GPL-2.0-or-later (programs)",
        "versions": versions,
    }


class DFTPotential:
    """PBE, PBE-D2 or PBE-D3(BJ) energies, forces and stresses of B-N sheets; the level of ``datasets/hbn``.

    Parameters
    ----------
    dispersion
        ``"d3bj"``, ``"d2"`` or ``"none"``.
    scratch
        Folder for the temporary files of the runs.
    settings
        Fields of `harness_dft.settings.Settings`, e.g. ``ecutwfc=50``, ``k_length=17.4``.
    """

    name = "dft"
    implemented_properties = ("energy", "forces", "stress")
    elements = frozenset(PSEUDOPOTENTIALS)

    def __init__(self, dispersion: str = "d3bj", scratch: str | None = None, **settings: Any) -> None:
        if dispersion not in DISPERSIONS:
            raise unknown_choice("dispersion", dispersion, DISPERSIONS)
        self.dispersion, self.scratch, self.settings = dispersion, scratch, _settings(settings)

    def calculator(self, device: str = "cpu", dtype: str = "float64") -> DFTCalculator:
        """A fresh ASE calculator; the programs run in double precision on one core whatever is asked for."""
        return DFTCalculator(self.settings, self.dispersion, self.scratch)

    def provenance(self) -> dict[str, Any]:
        """Data sets with their sha256, settings, versions of the programs."""
        return _provenance(self.settings, LEVELS[self.dispersion], ["pw.x"])


class DFTPolarization:
    """Dipoles from Wannier centres, Born charges and polarizability from the linear response to a field.

    ``dipole`` is, along the periodic directions, the sum of the atomic dipoles, each of a neutral group
    (`harness_dft.wannier`), hence without branches; along z it is that of the charge density. B atoms carry no dipole.

    Parameters
    ----------
    born_charges
        Whether to offer Born charges and polarizability. Without, ph.x is spared: 90 s of a core for AB.
    scratch, settings
        As for `DFTPotential`.
    """

    name = "dft"
    elements = frozenset(PSEUDOPOTENTIALS)

    def __init__(self, born_charges: bool = True, scratch: str | None = None, **settings: Any) -> None:
        self.scratch, self.settings = scratch, _settings(settings)
        self.implemented_properties = (
            "dipole",
            "atomic_dipoles",
            *(LINEAR if born_charges else ()),
            "energy",
            "forces",
        )

    def calculate(
        self, atoms: Atoms, properties: Sequence[str], field: Sequence[float] = (0.0, 0.0, 0.0)
    ) -> dict[str, np.ndarray]:
        """The named properties without a field, by one run; see `harness.contracts.potential.PolarizationModel`.

        ``energy`` and ``forces`` are those of PBE.

        Raises
        ------
        HarnessError
            For an unknown property, or a field: the run is at zero field.
        """
        if np.any(np.asarray(field)):
            raise HarnessError("the polarization model 'dft' has no response run in a finite field.", "Leave field=0.")
        for name in properties:
            if name not in self.implemented_properties:
                raise unknown_choice("property of polarization model 'dft'", name, self.implemented_properties)
        with tempfile.TemporaryDirectory(prefix="ph-", dir=self.scratch) as work:
            run = wannier_dipoles if set(LINEAR).isdisjoint(properties) else response
            found = run(atoms, self.settings, Path(work))
        everything = {
            "dipole": found.dipole,
            "atomic_dipoles": found.atomic_dipoles,
            "energy": np.array(found.state.energy),
            "forces": found.state.forces,
        }
        if isinstance(found, Response):
            everything |= {"born_effective_charges": found.born_charges, "polarizability": found.polarizability}
        return {name: everything[name] for name in properties}

    def provenance(self) -> dict[str, Any]:
        """As for the potential."""
        return _provenance(self.settings, "PBE", ["pw.x", "ph.x", "pw2wannier90.x", "wannier90.x"])
