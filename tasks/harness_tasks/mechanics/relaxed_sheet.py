"""From a material to the strain series of its relaxed sheet."""

from __future__ import annotations

import math

import numpy as np
from ase import Atoms
from ase.constraints import FixedLine

from harness.contracts.engine import UnphysicalError
from harness.contracts.measurement import Check
from harness.contracts.task import Context, Stage
from harness.engine.watch import TORN
from harness.materials.sheets import area
from harness.units import N_PER_M
from harness_tasks.mechanics.strain_series import Series
from harness_tasks.mechanics.virial import Virial, strained

#: Sheet stress at which a lattice constant that is found without the engine counts as found, N/m.
STRESS_FREE = 0.02


#: Relative change of lattice constant or height from which a note says that this is another structure.
FAR = 0.05


def start_series(ctx: Context, stage: Stage) -> tuple[Series, Virial]:
    """Try the stress, relax the sheet, and set up its strain series, and what it asks.

    What `stage` has kept is not done again.

    In the plane atoms stay where the stacking has them while the cell relaxes: AA and SP are no minima.

    Raises
    ------
    UnphysicalError
        When the potential tears the sheet, or its answers are not numbers.
    """
    params = ctx.params
    virial = Virial(
        ctx.engine,
        stage,
        with_stress="stress" in ctx.potential.implemented_properties,
        dtype=str(ctx.device.get("dtype", "float64")),
        noise=ctx.noise,
    )
    if "stress" not in stage:
        virial.try_stress(ctx.atoms)
        stage.keep("stress", virial.state())
    virial.restore(stage["stress"])
    if "base" not in stage:
        base = ctx.atoms.copy()
        if params.relax_cell:
            _relax(ctx, base, virial)
        _whole(base, ctx.atoms, virial)
        stage.keep("base", {"positions": base.positions, "cell": base.cell.array})
    base = ctx.atoms.copy()
    base.set_cell(stage["base"]["cell"])
    base.positions = stage["base"]["positions"]
    return Series(base, virial, stage, params.fmax, params.displacement), virial


def _relax(ctx: Context, base: Atoms, virial: Virial) -> None:
    params = ctx.params
    base.set_constraint(FixedLine(np.arange(len(base)), (0, 0, 1)))
    mask = (1, 1, 0, 0, 0, 0) if virial.from_stress else None
    fmax = 10 * params.fmax
    ctx.engine.relax(base, fmax=fmax, max_steps=params.max_steps, optimizer="lbfgs", cell=mask)
    if mask is None:
        stiffness = None
        for _ in range(10):  # secant steps of the lattice constant
            stress = _biaxial(virial, base)
            if abs(stress) * N_PER_M < STRESS_FREE:
                break
            if stiffness is None:
                stiffness = (_biaxial(virial, _grown(base, 1e-3)) - stress) / 1e-3
            base.set_constraint()
            grown = _grown(base, -stress / stiffness)
            base.set_cell(grown.cell.array)
            base.positions = grown.positions
            base.set_constraint(FixedLine(np.arange(len(base)), (0, 0, 1)))
            ctx.engine.relax(base, fmax=fmax, max_steps=params.max_steps, optimizer="lbfgs")
    base.set_constraint()


def holds_check(broken: str = "") -> Check:
    """Whether the unstrained sheet holds; `broken` says why not."""
    reason = broken or "the unstrained sheet must neither tear nor answer with numbers that are not finite"
    return Check("sheet_lost", float(bool(broken)), 0.0, "1", reason)


def changes_at_rest(start: Atoms, base: Atoms) -> list[str]:
    """Notes on a relaxed sheet that is far from what the material says."""
    a0, a = (float(np.linalg.norm(atoms.cell[0])) for atoms in (start, base))
    sizes = {"lattice constant": (a0, a), "height": (np.ptp(start.positions[:, 2]), np.ptp(base.positions[:, 2]))}
    return [
        f"at rest the {name} is {after:.3f} Å where the material has {before:.3f} Å: the numbers are of that structure"
        for name, (before, after) in sizes.items()
        if before and abs(after / before - 1) > FAR
    ]


def _whole(base: Atoms, start: Atoms, virial: Virial) -> None:
    """Raise `UnphysicalError` when the relaxed sheet is torn or has no energy."""
    with np.errstate(all="ignore"):
        stretch = math.sqrt(abs(area(base) / area(start)))
        torn = not (1 / TORN < stretch < TORN) or not np.isfinite(base.positions).all()
    if torn:
        raise UnphysicalError(
            f"the sheet does not hold: its lattice constant changed by a factor {stretch:.3g} at rest"
        )
    answer = virial(base)
    if not (math.isfinite(answer.energy) and np.isfinite(answer.forces).all() and np.isfinite(answer.virial).all()):
        raise UnphysicalError("energy, forces or stress of the unstrained sheet are not finite")


def _grown(atoms: Atoms, strain: float) -> Atoms:
    return strained(atoms, [strain, strain, 0, 0, 0, 0])


def _biaxial(virial: Virial, atoms: Atoms) -> float:
    return float(virial(atoms).virial[:2].mean()) / area(atoms)
