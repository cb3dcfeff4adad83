"""Whether a material has what a task needs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.contracts.material import Material, Need
from harness.errors import UnsupportedError


def check_needs(task: str, needs: Iterable[Need], material: Material) -> None:
    """Compare what a task needs with the material.

    Raises
    ------
    UnsupportedError
        Says what the material lacks, what it has instead, and which material has it.
    """
    lacking = [need for need in Need if need in set(needs) and not has(material, need)]
    if lacking:
        found, remedy = _instead(material, lacking[0])
        raise UnsupportedError(f"task '{task}' needs {lacking[0]}; {found}.", remedy, lacking)


def has(material: Material, need: Need) -> bool:
    """Whether `material` has what `need` names."""
    match need:
        case Need.TWO_LAYERS:
            return material.layers == 2
        case Need.ONE_OR_TWO_LAYERS:
            return material.layers <= 2
        case Need.HONEYCOMB_LAYERS:
            return material.honeycomb
        case Need.PARALLEL_LAYERS:
            return not material.antiparallel
        case Need.POLAR_STACKING:
            return material.stacking in ("AB", "BA")


def _instead(material: Material, need: Need) -> tuple[str, str]:
    """What the material has, and what to type."""
    match need:
        case Need.TWO_LAYERS | Need.ONE_OR_TWO_LAYERS:
            if material.source.file:
                return f"{Path(material.source.file).name} has {material.layers}", "Give another file."
            return f"material.layers is {material.layers}", "Give material=bn_bilayer, or material.layers=2."
        case Need.HONEYCOMB_LAYERS:
            what = f"layers of {material.name} are not flat honeycombs of the same two atoms each"
            return what, "Give material=bn_bilayer, or another file."
        case Need.PARALLEL_LAYERS | Need.POLAR_STACKING:
            return f"material.stacking is {material.stacking or 'none'}", "Give material.stacking=AB."
