"""The flat sheet before it is bent: its own lattice, its stiffness, and how easily its layers slip."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.constraints import FixedLine

from harness.contracts.engine import Engine
from harness.contracts.task import Context
from harness.materials.sheets import area, sheet_stress
from harness_tasks.structures.cells import rectangular

#: Strain and slip of the finite differences.
STRAIN, SLIP = 2e-3, 0.05  # 1, Å


@dataclass(frozen=True, slots=True)
class Sheet:
    """One rectangular cell of the flat sheet with its mechanical constants.

    Attributes
    ----------
    cell
        Relaxed structure, one zigzag by one armchair period.
    modulus
        C = ∂²E/∂ε_yy² per area at held width, all layers together, eV/Å².
    distance
        Between the layers, Å; 0 for one layer.
    shear
        k = ∂²E/∂s² per area for a slip s of the layers along y at relaxed distance, eV/Å⁴; 0 for one layer.
    """

    cell: Atoms
    modulus: float
    distance: float
    shear: float

    def coupling_stiffness(self, length: float) -> float:
        """What the coupling of two layers adds to the bending stiffness of a clamped ribbon of that length (Å), eV.

        Two layers of modulus C/2 at distance d, bent as cos(qy), slip by s and stretch by ±v in opposite ways.
        Minimising (C/2) v'² + ½ k s² with s = 2v + d w' gives

            C d² k / (C q² + 4k),    q = 2π/L

        between free sliding (k → 0) and the bonded plate (k → ∞, C d²/4). Negative where the layers would rather slip
        (k < 0, as AA), and nan where they do: C q² + 4k ≤ 0, a ribbon too long to hold them.
        """
        if not self.distance:
            return 0.0
        held = self.modulus * (2 * math.pi / length) ** 2 + 4 * self.shear
        return self.modulus * self.distance**2 * self.shear / held if held > 0 else math.nan


def prepare_sheet(ctx: Context) -> Sheet:
    """Relax the flat sheet with the potential of `ctx` and measure it."""
    cell = rectangular(ctx.material)
    layer = cell.arrays["layer"]
    upright = FixedLine(np.arange(len(cell)), (0, 0, 1))  # AA and SP are no minima; keep the registry
    cell.set_constraint(upright)
    with_stress = "stress" in ctx.potential.implemented_properties
    if ctx.params.relax_cell:
        ctx.engine.relax(
            cell, fmax=1e-4, max_steps=300, optimizer="lbfgs", cell=(1, 1, 0, 0, 0, 0) if with_stress else None
        )
    cell.set_constraint()
    modulus = _modulus(ctx.engine, cell)
    if layer.max() == 0:
        return Sheet(cell, modulus, 0.0, 0.0)
    heights = [cell.positions[layer == number, 2].mean() for number in (0, layer.max())]
    return Sheet(cell, modulus, float(heights[1] - heights[0]), _shear(ctx.engine, cell, layer, upright))


def _modulus(engine: Engine, cell: Atoms) -> float:
    energies = []
    for strain in (-STRAIN, 0.0, STRAIN):
        strained = cell.copy()
        strained.set_cell(cell.cell.array @ np.diag([1, 1 + strain, 1]), scale_atoms=True)
        engine.relax(strained, fmax=1e-4, max_steps=300, optimizer="lbfgs")
        energies.append(engine.evaluate([strained], ["energy"])[0]["energy"])
    return float((energies[0] - 2 * energies[1] + energies[2]) / STRAIN**2 / area(cell))


def _shear(engine: Engine, cell: Atoms, layer: np.ndarray, upright: FixedLine) -> float:
    energies = []
    for slip in (-SLIP, 0.0, SLIP):
        slid = cell.copy()
        slid.positions[layer == layer.max(), 1] += slip
        slid.set_constraint(upright)
        engine.relax(slid, fmax=1e-4, max_steps=300, optimizer="lbfgs")
        energies.append(engine.evaluate([slid], ["energy"])[0]["energy"])
    return float((energies[0] - 2 * energies[1] + energies[2]) / SLIP**2 / area(cell))


def lateral_stress(engine: Engine, atoms: Atoms) -> float:
    """σ_xx of the sheet, eV/Å²."""
    return float(sheet_stress(engine.evaluate([atoms], ["stress"])[0]["stress"], atoms)[0])
