"""How far energies, forces, stress and polarization are from the labels of frames that no model was fitted to.

Docs: docs/tasks/accuracy.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from ase import Atoms

from harness.contracts.material import Material, Need
from harness.contracts.measurement import Arrays, Measurement
from harness.contracts.observable import Observable
from harness.contracts.record import Record
from harness.contracts.task import Context
from harness.data.dataset import LEVELS, Dataset, dataset_folder
from harness.errors import HarnessError
from harness.fitting.parity import PROPERTIES, Parity, predict
from harness.fitting.parity_plot import to_arrays
from harness_tasks.accuracy import figures
from harness_tasks.accuracy.analysis import answers_check, observables, without_constants
from harness_tasks.accuracy.observables import OBSERVABLES
from harness_tasks.accuracy.params import AccuracyParams
from harness_tasks.polarization.responses import Responses

GROUND_STATE = ("energy", "forces", "stress")
RESPONSES = tuple(word for word in PROPERTIES if word not in GROUND_STATE)


class Accuracy:
    """Errors on the test split of a data set."""

    name: ClassVar[str] = "accuracy"
    version: ClassVar[int] = 2
    requires: ClassVar[frozenset[str]] = frozenset({"energy"})
    needs: ClassVar[frozenset[Need]] = frozenset()
    Params: ClassVar[type] = AccuracyParams
    observables: ClassVar[tuple[Observable, ...]] = OBSERVABLES

    def structure(self, material: Material, params: AccuracyParams) -> Atoms:
        """The largest test frame.

        Raises
        ------
        HarnessError
            When the data set is not one of this material's elements, or has nothing to test by.
        """
        frames = _load(params.dataset).frames("test")
        if not frames:
            raise HarnessError(f"the data set {params.dataset} has no test frames.", "Give task.params.dataset=FOLDER.")
        atoms = max(frames, key=len)
        wanted, there = set(material.atoms.symbols), set(atoms.symbols)
        if wanted != there:
            raise HarnessError(
                f"the data set {Path(params.dataset).name} is of {', '.join(sorted(there))}, "
                f"material={material.name} of {', '.join(sorted(wanted))}.",
                "Choose the material of the data set, or give task.params.dataset=FOLDER.",
            )
        return Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)

    def measure(self, ctx: Context) -> Measurement:
        """Errors of all that potential and polarization model offer."""
        level = ctx.potential.provenance().get("level_of_theory")
        data = _load(ctx.params.dataset).view(dispersion=ctx.params.dispersion or dispersion_of(level))
        # energy and forces of a polarization model are those that a field adds
        ground = [word for word in GROUND_STATE if word in ctx.potential.implemented_properties]
        asked = Responses.of(ctx)
        responses = [word for word in RESPONSES if word in asked.offered]
        frames, answered = data.frames("test"), data.frames("test", "responses") if responses else []
        with ctx.stages.stage("frames", total=len(frames) + len(answered)) as stage, ctx.clock("evaluation"):
            energies = predict(
                frames, lambda atoms, names: ctx.engine.evaluate([atoms], names)[0], ground, stage.advance
            )
            answers = predict(answered, asked, responses, stage.advance)
        aligned = without_constants(energies, _counts(frames))
        found = observables(aligned, ctx.seed, relative=True)
        if level == data.level_of_theory:
            only = replace(energies, values={"energy": energies.values["energy"]})
            found |= observables(only, ctx.seed)
        found |= observables(answers, ctx.seed)
        absent = [word for word in PROPERTIES if word not in {*ground, *responses}]
        parities: dict[str, Parity] = {"test": aligned} | ({"test, responses": answers} if answered else {})
        return Measurement(
            found,
            to_arrays(parities, f"labels {data.level_of_theory}"),
            {"test": frames},
            [answers_check(found)],
            notes=notes(data, level, absent, bool(answered)),
        )

    def figures(self, record: Record, arrays: Arrays, folder: Path) -> list[Path]:
        """Parity of everything that was compared, and the errors by family."""
        return figures.draw(record, arrays, folder)


def dispersion_of(level: Any) -> str:
    """The dispersion of a level of theory; ``d3bj`` for a level that no label has."""
    return next((word for word, name in LEVELS.items() if name == level), "d3bj")


def notes(data: Dataset, level: Any, absent: Sequence[str], answered: bool) -> list[str]:
    """What a reader has to know of these numbers.

    Parameters
    ----------
    data
        The data set.
    level
        Level of theory of the potential.
    absent
        Properties that were not compared.
    answered
        Whether responses were compared.
    """
    facts = data.facts()
    counts = {kind: split["test"] for kind, split in facts["frames"].items()}
    what = f"{counts['energies']} test frames" + (f", {counts['responses']} with responses" if answered else "")
    lines = [
        f"labels: {facts['folder']} {facts['version'] or ''} at {data.level_of_theory}; {what}",
        "relative energies: a constant per element, fitted to these frames, is taken off the energies",
    ]
    if level != data.level_of_theory:
        lines.append(
            f"LEVEL MISMATCH: the potential's level of theory is {level or 'not stated'}, that of the labels "
            f"{data.level_of_theory}; errors contain the difference, and total energies are not compared"
        )
    if absent:
        lines.append(f"not offered, hence not compared: {', '.join(absent)}")
    return lines


def _counts(frames: Sequence[Atoms]) -> np.ndarray:
    elements = sorted({z for atoms in frames for z in atoms.numbers})
    return np.array([[np.count_nonzero(atoms.numbers == z) for z in elements] for atoms in frames])


@lru_cache(maxsize=2)
def _read(folder: Path, stamp: int) -> Dataset:
    return Dataset.load(folder)


def _load(name: str) -> Dataset:
    folder = dataset_folder(name, "task.params.dataset")
    listing = folder / "checksums.txt"
    return _read(folder, listing.stat().st_mtime_ns if listing.is_file() else 0)
