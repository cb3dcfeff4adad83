"""Pictures of the task `moire_relax`, from the record and its arrays alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.contracts.measurement import Arrays
from harness.contracts.observable import Observable
from harness.contracts.record import Record
from harness.stats import number
from harness_tasks.moire_relax import observables as declared
from harness_tasks.moire_relax.analysis import REGIMES
from harness_tasks.plotting import BLUE, FAINT, GREEN, ORANGE, figure, suited_scale

#: Period cells shown along each axis, and arrows along each period.
TILES, ARROWS = 2, 12


def draw(record: Record, arrays: Arrays, folder: Path) -> list[Path]:
    """The pictures that the arrays allow; returns the files."""
    title = ", ".join(str(word) for word in (record.label, record.config["material"].get("name")) if word)
    names = [key.split("|")[0] for key in arrays if key.endswith("|registry")]
    if not names:
        return []
    longest = max(names, key=lambda name: float(np.linalg.norm(arrays[f"{name}|cell"][0])))
    paths = [_map(arrays, longest, title, folder / "map.png")]
    twists = [name for name in names if float(arrays[f"{name}|angle"]) > 0]
    if len(twists) > 1:
        paths.append(_angles(record, arrays, twists, title, folder / "angles.png"))
    if f"{longest}|wall_place" in arrays:
        paths.append(_wall(arrays, longest, title, folder / "wall.png"))
    return paths


def _map(arrays: Arrays, name: str, title: str, path: Path) -> Path:
    """Local layer distance, and the in-plane displacement of the upper layer."""
    get = {key: arrays[f"{name}|{key}"] for key in ("positions", "distance", "displacement", "layer", "cell")}
    plane, upper = get["cell"][:2, :2], get["layer"] == 1
    inside = get["positions"][upper, :2] @ np.linalg.inv(plane) % 1.0
    shifts = [np.array([i, j]) for i in range(TILES) for j in range(TILES)]
    places = np.concatenate([(inside + shift) @ plane for shift in shifts])
    with figure(path, (11.0, 4.4), f"{title}: {_spoken(arrays, name)}, upper layer", columns=2) as axes:
        moved = get["displacement"][upper, :2] - get["displacement"][upper, :2].mean(axis=0)
        size = np.linalg.norm(moved, axis=1)
        for axis, values, colours, words in (
            (axes[0], get["distance"][upper], "viridis", "local layer distance (Å)"),
            (axes[1], size, "magma", "in-plane displacement (Å)"),
        ):
            shown = axis.tripcolor(*places.T, np.tile(values, len(shifts)), cmap=colours, shading="gouraud")
            axes[0].figure.colorbar(shown, ax=axis, label=words, shrink=0.85)
            axis.set_aspect("equal")
            axis.set_axis_off()
            corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]) @ plane
            axis.plot(*corners.T, "--", color="white", linewidth=0.9)
        cells = np.floor(inside * ARROWS).astype(int)
        _, chosen = np.unique(cells[:, 0] * ARROWS + cells[:, 1], return_index=True)
        every = np.concatenate([(inside[chosen] + shift) @ plane for shift in shifts])
        arrows = np.tile(moved[chosen], (len(shifts), 1))
        if size.max() > 1e-4:
            axes[1].quiver(*every.T, *arrows.T, color="white", width=0.003, scale=22 * size.max())
    return path


def _angles(record: Record, arrays: Arrays, names: list[str], title: str, path: Path) -> Path:
    """Distances and areas against the twist angle."""
    names = sorted(names, key=lambda name: float(arrays[f"{name}|angle"]))
    angle = np.array([float(arrays[f"{name}|angle"]) for name in names])
    with figure(
        path, (9.4, 3.6), f"{title}: grey lines bound the regimes of Nieto Luna et al. (2025)", columns=2
    ) as axes:

        def values(observable: Observable, **labels: str) -> np.ndarray:
            each, found = declared.of_each(observable), record.observables
            return np.array([number(found[each.key_of(cell=name, **labels)]) for name in names])

        for observable, colour, words in (
            (declared.D_MAX, ORANGE, "largest"),
            (declared.D_MEAN, FAINT, "mean"),
            (declared.D_MIN, BLUE, "smallest"),
        ):
            axes[0].plot(angle, values(observable), "o-", color=colour, markersize=4, linewidth=1.2, label=words)
        for stacking, line in (("AA", ":"), ("AAp", ":"), ("AB", "--")):
            distance = record.observables.get(declared.DISTANCE.key_of(stacking=stacking))
            if distance is not None:
                axes[0].axhline(number(distance), linestyle=line, color="black", linewidth=0.8)
                place = (angle[-1], number(distance))
                axes[0].annotate(stacking.replace("p", "′"), place, fontsize=8, va="bottom", ha="right")
        axes[0].set_ylabel("local layer distance (Å)")
        for stacking, colour in (("AA", ORANGE), ("AB", BLUE), ("BA", GREEN), ("SP", FAINT)):
            share = values(declared.AREA, stacking=stacking)
            axes[1].plot(angle, share, "o-", color=colour, markersize=4, linewidth=1.2, label=stacking)
        axes[1].set_ylabel("share of the area")
        for axis in axes:
            axis.set_xscale(suited_scale(angle))
            axis.set_xlabel("twist angle (°)")
            for _, bound in REGIMES[:-1]:
                axis.axvline(bound, color=FAINT, linewidth=0.6, zorder=0)
            axis.set_xticks(angle, [f"{a:.3g}" for a in angle], minor=False)
            axis.set_xticks([], minor=True)
            axis.tick_params(axis="x", labelsize=7, rotation=45)
            axis.legend(frameon=False, fontsize=8)
    return path


def _wall(arrays: Arrays, name: str, title: str, path: Path) -> Path:
    """Slip across a domain wall, of atoms and of elastic sheets."""
    place, slip = arrays[f"{name}|wall_place"], arrays[f"{name}|wall_slip"]
    with figure(path, (4.6, 3.4), f"{title}: {_spoken(arrays, name)}", columns=1) as axes:
        axes[0].plot(place, place / np.ptp(place), ":", color=FAINT, label="rigid layers")
        axes[0].plot(
            place, arrays[f"{name}|wall_slip_sheets"], "-", color=ORANGE, linewidth=1.2, label="elastic sheets"
        )
        axes[0].plot(place, slip.mean(axis=0), ".", color=BLUE, markersize=5, markevery=6, label="atoms, three walls")
        axes[0].set_xlabel("place on the line between two domains (Å)")
        axes[0].set_ylabel("slip (Burgers vector)")
        axes[0].legend(frameon=False, fontsize=8)
    return path


def _spoken(arrays: Arrays, name: str) -> str:
    angle, mismatch = float(arrays[f"{name}|angle"]), float(arrays[f"{name}|mismatch"])
    atoms = len(arrays[f"{name}|layer"])
    return f"{angle:.2f}°, {atoms} atoms" if angle > 0 else f"mismatch {100 * mismatch:.3g} %, {atoms} atoms"
