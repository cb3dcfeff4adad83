"""What a layered potential makes of whole bilayers: errors of the sum against DFT.

Its parts have fitters of their own (``lj``, ``mtp``), which run before this one. What is left here is what the sum
gets wrong; on rigid bilayers that is the interlayer part alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.contracts.fitter import Fitted, Fitter, MakeProgress
from harness.data.dataset import SPLITS
from harness.fitting.atomic_output import atomic_output
from harness.fitting.parity import by_family, errors, predict
from harness.fitting.parity_plot import draw
from harness.materials.layers import assign_layers
from harness_layered.potential import LayeredPotential

if TYPE_CHECKING:
    from harness.data.dataset import Dataset

__all__ = ["fit"]

PARTS = {"intralayer": ("mtp", "bn_bilayer{}.mtp"), "interlayer": ("lj", "bn_bilayer_lj{}.json")}


def fit(
    dataset: Dataset,
    out: Path,
    params: Mapping[str, Any],
    seed: int,
    progress: MakeProgress,
    fitted: Fitted | None = None,
) -> dict[str, Any]:
    """Evaluate the sum on every frame of several layers; writes ``<stem>_layered.json`` and its parity data and plot.

    Parameters
    ----------
    params
        ``intralayer``, ``interlayer``: ``{name, params}``. Where not given: as just fitted, else as shipped.
        ``stem``: of the file names (``bn_bilayer_layered``, with the data set's suffix).
    fitted
        Reports of the fitters that ran before; one that made a part of a potential names it under ``potential``.

    Returns
    -------
    dict
        Errors by split and by family: energy per atom, forces along z and in plane.
    """
    specs = {role: params.get(role) or _made(fitted or {}, role, dataset) for role in PARTS}
    potential = LayeredPotential(specs["intralayer"], specs["interlayer"])
    stem = str(params.get("stem") or f"bn_bilayer_layered{dataset.suffix}")
    frames = {s: [a for a in dataset.frames(s) if assign_layers(a).max(initial=0) > 0] for s in SPLITS}
    with progress("whole bilayers", sum(len(f) for f in frames.values())) as bar:
        calculator = potential.calculator()
        parities = {s: predict(f, calculator, ("energy", "forces", "stress"), bar.update) for s, f in frames.items()}
    pair = {"intralayer": potential.intralayer, "interlayer": potential.interlayer}
    parts = {role: part.provenance() for role, part in pair.items() if part is not None}
    report = {
        "level_of_theory": dataset.level_of_theory,
        "data": {**dataset.facts(), "used": {s: len(f) for s, f in frames.items()}},
        "parts": {role: facts["model"] for role, facts in parts.items() if "model" in facts},
        "errors": {s: errors(p) for s, p in parities.items() if p.names},
        "errors_by_family": {s: by_family(p) for s, p in parities.items() if p.names},
    }
    with atomic_output(out) as folder:
        text = json.dumps(report, indent=1, ensure_ascii=False) + "\n"
        (folder / f"{stem}.json").write_text(text, encoding="utf-8")
        draw(parities, folder / f"{stem}_parity.png", f"whole bilayers, {dataset.level_of_theory}")
    return report


def _made(fitted: Fitted, role: str, dataset: Dataset) -> Mapping[str, Any]:
    name, model = PARTS[role]
    return fitted.get(name, {}).get("potential") or {"name": name, "params": {"model": model.format(dataset.suffix)}}


if TYPE_CHECKING:
    _: Fitter[Dataset] = fit
