"""From a material to the strain series of its relaxed sheet."""

from __future__ import annotations

import math

import numpy as np
from ase import Atoms
from ase.constraints import FixedLine

from harness.contracts.engine import UnphysicalError
from harness.contracts.task import Context, Progress
from harness.engine.watch import TORN
from harness.materials.sheets import area
from harness.units import N_PER_M
from harness_tasks.mechanics.strain_series import Series
from harness_tasks.mechanics.virial import Virial, strained
from harness_tasks.services.store import Store

#: Share of what is left of a stage by which each evaluation moves the bar: how many there will be is not known.
PER_EVALUATION = 0.05
#: Sheet stress at which a lattice constant that is found without the engine counts as found, N/m.
STRESS_FREE = 0.02


#: Relative change of lattice constant or height from which a note says that this is another structure.
FAR = 0.05


class Stages:
    """Moves a progress bar through stages of known share, by evaluations within each."""

    def __init__(self, bar: Progress) -> None:
        self._bar, self._left, self._note = bar, 0.0, ""

    def begin(self, share: float, note: str) -> None:
        """Finish the stage before and begin one that is worth `share` of the bar."""
        self._bar.update(self._left, note)
        self._left, self._note = 0.999999 * share, note  # rounding must not pass the end

    def tick(self) -> None:
        """One evaluation was made."""
        step = PER_EVALUATION * self._left
        self._left -= step
        self._bar.update(step, self._note)


def start_series(ctx: Context, store: Store, virial: Virial) -> Series:
    """Try the stress, relax the sheet, and set up its strain series; whatever the checkpoint has is not done again.

    In the plane atoms stay where the stacking has them while the cell relaxes: AA and SP are no minima.

    Raises
    ------
    UnphysicalError
        When the potential tears the sheet, or its answers are not numbers.
    """
    params = ctx.params
    tried = store.get("stress")
    if tried is None:
        virial.try_stress(ctx.atoms)
        state = [virial.from_stress, virial.error, virial.scale, virial.rounding]
        store.put("stress", {"state": np.array(state, dtype=float)})
    else:
        trusted, virial.error, virial.scale, virial.rounding = (float(x) for x in tried["state"])
        virial.from_stress = bool(trusted)
    found = store.get("base")
    if found is None:
        base = ctx.atoms.copy()
        if params.relax_cell:
            _relax(ctx, base, virial)
        _whole(base, ctx.atoms, virial)
        found = {"positions": base.positions, "cell": base.cell.array}
        store.put("base", found)
    base = ctx.atoms.copy()
    base.set_cell(found["cell"])
    base.positions = found["positions"]
    return Series(base, virial, store, params.fmax, params.displacement)


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
