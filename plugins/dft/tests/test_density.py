"""The dipole along z from a charge density."""

from __future__ import annotations

import numpy as np
import pytest
from ase.units import Bohr
from harness_dft.density import dipole_z
from harness_dft.settings import slab
from scipy.io import FortranFile


def write_density(file, sheet, centre, width=1.0, electrons=8.0, gamma_only=False):
    """The file of pw.x for electrons in a Gaussian layer at `centre` (Å), with some waves in the plane."""
    height = sheet.cell[2, 2]
    n = np.arange(0 if gamma_only else -60, 61)
    k = 2 * np.pi * n / height
    rho = electrons / sheet.cell.volume * Bohr**3 * np.exp(-((k * width) ** 2) / 2 - 1j * k * centre)
    miller = np.concatenate([np.stack([0 * n, 0 * n, n], axis=1), np.stack([0 * n + 1, 0 * n, n], axis=1)])
    file.parent.mkdir(parents=True)
    with FortranFile(file, "w") as stream:
        stream.write_record(np.array([int(gamma_only), len(miller), 1], dtype=np.int32))
        stream.write_record(np.eye(3).ravel())
        stream.write_record(miller.astype(np.int32).ravel())
        stream.write_record(np.concatenate([rho, 5 * rho]).astype(complex).view(float))


@pytest.mark.parametrize("gamma_only", [False, True])
@pytest.mark.parametrize("height", [16.0, 25.0])
def test_dipole_of_a_known_density(mono, tmp_path, gamma_only, height):
    """Cores at ±0.1 Å, electrons at 0.3 Å: 0.1·(3 − 5) − 8 · 0.3 e Å, whatever the height of the cell."""
    mono.positions[:, 2] = (0.1, -0.1)
    sheet = slab(mono, height)
    write_density(tmp_path / "tmp" / "sheet.save" / "charge-density.dat", sheet, 0.3, gamma_only=gamma_only)
    assert dipole_z(sheet, tmp_path) == pytest.approx(0.1 * (3 - 5) - 8 * 0.3, abs=1e-6)
