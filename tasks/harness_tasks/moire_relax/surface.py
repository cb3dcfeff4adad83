"""Potential above the structures of the task `moire_relax`, and the polarization that a probe reads from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from harness.contracts.measurement import Arrays, Check, Measurement
from harness.contracts.quantity import Quantity
from harness.contracts.record import Record
from harness.contracts.task import Context, Stage
from harness.materials.sheets import area
from harness.stats import number
from harness_tasks.moire.relaxation import Structure
from harness_tasks.moire_relax import observables as declared
from harness_tasks.plotting import figure
from harness_tasks.polarization.responses import Responses
from harness_tasks.polarization.surface_potential import SurfacePotential, surface_potential

#: Points of the potential along each period.
GRID = 96
#: e/Å² in 10¹² e/cm².
PER_CM2 = 1e4
METHOD = "ε0 (V_max - V_min) on the highest atom, interval: grid of every second point"


def surface(ctx: Context, structures: Sequence[Structure], stage: Stage) -> Measurement:
    """P_max of each structure, relaxed and with rigid layers; empty where no charges are offered.

    Names end like those of the other observables; without an ending that of the longest period.
    """
    measurement = Measurement()
    whole = [s for s in structures if not s.reason]
    responses = Responses.of(ctx)
    if "charges" not in responses.offered or not whole:
        return measurement
    longest = max(whole, key=lambda s: s.moire.period)
    with ctx.clock("potential"):
        for structure in whole:
            for geometry, atoms in (("", structure.atoms), ("_rigid", structure.moire.atoms)):
                values = _charges(responses, stage, f"{structure.name}{geometry}", atoms)
                stage.advance(len(atoms), structure.name)
                above = surface_potential(atoms, values["charges"], values.get("atomic_dipoles"), grid=GRID)
                found = _numbers(structure, values["charges"], above, geometry)
                if structure is longest:
                    measurement.observables = found | measurement.observables
                measurement.observables |= declared.of_cell(found, structure.name)
                measurement.arrays[f"{structure.name}|potential{geometry}"] = above.values
                measurement.checks.append(_threefold(f"{structure.name}{geometry}", above))
    return measurement


def _charges(responses: Responses, stage: Stage, name: str, atoms: Atoms) -> Arrays:
    if name not in stage:
        stage.keep(name, responses(atoms, ["charges", "atomic_dipoles"]))
    return stage[name]


def _numbers(structure: Structure, charges: np.ndarray, above: SurfacePotential, geometry: str) -> dict[str, Quantity]:
    value, coarse = above.largest_polarization, SurfacePotential(above.values[::2, ::2], above.height)
    half_width = max(abs(value - coarse.largest_polarization), 1e-4 * value)
    upper = structure.moire.layer == 1
    boron = structure.atoms.symbols == structure.atoms.symbols[0]
    moved = [float(np.sqrt(np.mean((charges[kind] - charges[kind].mean()) ** 2))) for kind in (boron, ~boron)]
    cells = len(charges) / 4
    density = float(np.abs(charges[upper].reshape(-1, 2).sum(axis=1)).max()) * cells / area(structure.atoms)
    largest = Quantity(value, "pC/m", (value - half_width, value + half_width), "numerical", method=METHOD)
    method = "largest charge of a cell of the upper layer, over its area"
    layer = Quantity(density * PER_CM2, "1e12 e/cm^2", method=method)
    method = "rms change over the moiré of the charges of the first element, over that of the second"
    ratio = Quantity(moved[0] / moved[1] if moved[1] else np.nan, "1", method=method)
    return {
        **declared.P_MAX[geometry].of(largest),
        **declared.LAYER_CHARGE[geometry].of(layer),
        **declared.CHARGE_RATIO[geometry].of(ratio),
    }


def _threefold(name: str, above: SurfacePotential) -> Check:
    i, j = np.indices(above.values.shape)
    turned = above.values[-j, (i - j) % GRID]
    size = float(np.ptp(above.values))
    return Check(
        f"threefold_potential_{name}",
        float(np.abs(turned - above.values).max()) / size if size else 0.0,
        0.02,
        reason="the moiré has a threefold axis: 2 % of the potential's range",
        about="polarization",
    )


def draw(record: Record, arrays: Arrays, folder: Path) -> list[Path]:
    """P_max against the angle, and the potential above the longest period; nothing where there is no potential."""
    names = [key.split("|")[0] for key in arrays if key.endswith("|potential")]
    if not names:
        return []
    longest = max(names, key=lambda name: float(np.linalg.norm(arrays[f"{name}|cell"][0])))
    path = folder / "potential.png"
    with figure(path, (10.0, 4.0), f"{record.label}, {record.config['material'].get('name')}", columns=2) as axes:
        _curve(record, arrays, [n for n in names if float(arrays[f"{n}|angle"]) > 0], axes[0])
        _potential(arrays, longest, axes[1])
    return [path]


def _curve(record: Record, arrays: Arrays, names: list[str], axis: Any) -> None:
    for geometry, style in (("", "o-"), ("_rigid", "s--")):
        observable = declared.of_each(declared.P_MAX[geometry])
        found = {n: number(record.observables[observable.key_of(cell=n)]) for n in names}
        points = sorted((float(arrays[f"{n}|angle"]), found[n]) for n in names)
        if points:
            axis.plot(*zip(*points, strict=True), style, label="rigid layers" if geometry else "relaxed")
    axis.set(xlabel="twist angle (°)", ylabel=r"$P_{max} = \varepsilon_0\,\Delta V$ (pC/m)", ylim=(0, None))
    axis.legend()


def _potential(arrays: Arrays, name: str, axis: Any) -> None:
    values, plane = arrays[f"{name}|potential"], arrays[f"{name}|cell"][:2, :2]
    size = 2 * len(values)
    steps = np.arange(size) / len(values)
    points = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1) @ plane
    shown = axis.pcolormesh(*np.moveaxis(points, -1, 0), np.tile(values, (2, 2)), cmap="RdBu_r", shading="gouraud")
    axis.figure.colorbar(shown, ax=axis, label="potential on the upper layer (V)", shrink=0.9)
    axis.set_aspect("equal")
    axis.set_axis_off()
    axis.set_title(name.replace("deg", "°"), fontsize=9)
