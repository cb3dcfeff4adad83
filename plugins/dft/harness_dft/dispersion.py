"""The dispersion correction that is added to PBE."""

from __future__ import annotations

import numpy as np
from ase import Atoms

from harness.data.dataset import DISPERSIONS
from harness.data.dispersion import d2
from harness.errors import unknown_choice


def dispersion(atoms: Atoms, kind: str = "d3bj") -> tuple[float, np.ndarray, np.ndarray]:
    """Energy (eV), forces (natoms, 3) in eV/Å and stress (6,) in eV/Å³, referred to the cell of `atoms`.

    Atoms at negative z lie outside the cell, and releases of the dftd3 package have then silently left out the
    interaction between the layers (1.7.0 does not). So the sheet is moved to the middle of a tall periodic cell.

    Parameters
    ----------
    kind
        ``"d3bj"``: D3 with Becke-Johnson damping for PBE (Grimme et al., J. Comput. Chem. 32, 1456 (2011));
        ``"d2"``: `harness.data.dispersion.d2`; ``"none"``: zeros.
    """
    if kind not in DISPERSIONS:
        raise unknown_choice("dispersion", kind, DISPERSIONS)
    if kind == "none":
        return 0.0, np.zeros((len(atoms), 3)), np.zeros(6)
    if kind == "d2":
        found = d2(Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=(True, True, False)))
        return found.energy, found.forces, found.stress
    from dftd3.ase import DFTD3

    sheet = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=True)
    # 25 Å between the sheets' images is what the first frames of the data set were labelled with.
    height = max(25.0, float(np.ptp(sheet.positions[:, 2])) + 20.0)
    ratio = height / float(atoms.cell[2, 2])
    sheet.cell[2] = (0.0, 0.0, height)
    sheet.center(axis=2)
    sheet.calc = DFTD3(method="PBE", damping="d3bj")
    return sheet.get_potential_energy(), sheet.get_forces(), sheet.get_stress() * ratio
