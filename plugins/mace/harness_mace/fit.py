"""Fit a MACE energy model: ``python -m harness.fit potential=mace``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms

from harness.contracts.fitter import Fitted, Fitter, MakeProgress
from harness.data.dataset import SPLITS
from harness.errors import HarnessError
from harness.potentials.backend import torch_state
from harness.registry.files import resolve_model, sha256
from harness_mace.architecture import Architecture, build
from harness_mace.backend import torch_dtype
from harness_mace.graph import collate, graph
from harness_mace.modelfile import executes_code, load, read_architecture
from harness_mace.potential import MacePotential
from harness_mace.settings import Common, finish, identity, model_name, read
from harness_mace.training import train

if TYPE_CHECKING:
    from harness.data.dataset import Dataset

__all__ = ["Settings", "fit"]


@dataclass(frozen=True)
class Settings(Common):
    """What a fit can be told; all of it goes into the provenance.

    Attributes
    ----------
    energy, forces, stress
        Errors that count as one: eV/atom, eV/Å, eV per atom (stress times volume over the number of atoms).
    energy_scale
        That of the energy grows with its height h above the lowest energy per atom by 1 + h / scale (eV/atom): layers
        slide over differences of tenths of meV per atom, hot frames are wanted roughly.
    force_scale
        The others grow with the forces F of an atom, or of a frame (root mean square), by 1 + F / scale (eV/Å).
    start
        ``.mace`` file to go on from, with its hyperparameters; empty: from random ones.
    """

    energy: float = 0.0002
    forces: float = 0.02
    stress: float = 0.01
    energy_scale: float = 0.02
    force_scale: float = 1.0
    start: str = ""


def fit(
    dataset: Dataset,
    out: Path,
    params: Mapping[str, Any],
    seed: int,
    progress: MakeProgress,
    fitted: Fitted | None = None,
) -> dict[str, Any]:
    """Fit energies, forces and stresses; writes the model, its facts (.json), parity data (.npz) and plot (.png).

    Parameters
    ----------
    out
        Folder. Files there are replaced together, when all are whole; a fit that was killed goes on from its
        checkpoint there.
    params
        ``model``: file name; fields of `Settings`, of `architecture.Architecture` and of `training.Schedule`.

    Returns
    -------
    dict
        The facts, and the ``potential`` made.
    """
    name = model_name(params, dataset, "bn_bilayer")
    settings, shape, schedule = read(params, Settings, "energy")
    frames = {s: dataset.frames(s) for s in SPLITS}
    elements = tuple(sorted({str(symbol) for atoms in frames["train"] for symbol in atoms.symbols}))
    start = _start(settings.start, elements)
    if start is not None:
        shape["r_max"] = start[1].r_max
        digest = sha256(resolve_model(settings.start, package="harness_mace"))
        settings = replace(settings, start=f"{Path(settings.start).name}, sha256 {digest}")
    with torch_state(torch_dtype(settings.dtype), seed):
        free = list(start[1].atomic_energies) if start is not None else free_atoms(frames["train"], elements)
        lowest = min(_rest(a, elements, free) / len(a) for a in frames["train"])
        train_set, judged = (
            [_labelled(a, elements, shape["r_max"], free, lowest, settings) for a in some]
            for some in (frames["train"], frames["validation"] or frames["train"])
        )
        if start is not None:
            model, architecture = start[0].to(torch_dtype(settings.dtype)), start[1]
        else:
            neighbours = sum(g["edge_index"].shape[1] for g in train_set) / sum(len(g["batch"]) for g in train_set)
            scale = float(np.sqrt(np.mean([np.mean(a.get_forces() ** 2) for a in frames["train"]])))
            architecture = Architecture(
                kind="energy", elements=elements, neighbours=neighbours, atomic_energies=tuple(free), scale=scale,
                **shape,
            )  # fmt: skip
            model = build(architecture, settings.dtype, seed)
        model.atomic_energies_fn.atomic_energies.zero_()  # the labels are without them, to keep the digits of float32
        objective = _Objective(settings)
        with progress("mace", schedule.epochs) as bar:
            outcome = train(
                model, train_set, objective, objective.judge(judged, schedule.batch), schedule, seed,
                out / f".{name}.checkpoint", identity(dataset, settings, shape, schedule, seed), bar,
            )  # fmt: skip
    return finish(
        "mace", name, model, architecture, dataset, out, outcome, settings, schedule, seed, frames,
        lambda path: MacePotential(str(path)).calculator(), ("energy", "forces", "stress"),
    )  # fmt: skip


def _start(file: str, elements: Sequence[str]) -> tuple[Any, Architecture] | None:
    """Model and hyperparameters to go on from."""
    if not file:
        return None
    path = resolve_model(file, package="harness_mace")
    if executes_code(path):
        raise HarnessError(
            f"a fit goes on from a .mace file, not from '{path.name}'.", "Give +options.mace.start=FILE."
        )
    architecture = read_architecture(path)
    if architecture.kind != "energy" or tuple(architecture.elements) != tuple(elements):
        raise HarnessError(f"'{path.name}' is no energy model of {', '.join(elements)}.", "Give another start.")
    return load(path)[0], architecture


def free_atoms(frames: Sequence[Atoms], elements: Sequence[str]) -> list[float]:
    """Energy of each element (eV) by least squares; where compositions cannot tell them apart, the shortest."""
    counts = np.array([[np.sum(atoms.symbols == s) for s in elements] for atoms in frames], dtype=float)
    energies = np.array([atoms.get_potential_energy() for atoms in frames])
    return [float(e) for e in np.linalg.lstsq(counts, energies, rcond=None)[0]]


def _rest(atoms: Atoms, elements: Sequence[str], free: Sequence[float]) -> float:
    """Energy of a frame without its free atoms, eV."""
    alone = sum(e * np.sum(atoms.symbols == s) for e, s in zip(free, elements, strict=True))
    return float(atoms.get_potential_energy() - alone)


def _labelled(
    atoms: Atoms, elements: Sequence[str], cutoff: float, free: Sequence[float], lowest: float, settings: Settings
) -> dict[str, Any]:
    """Graph of a frame with its labels and weights; `lowest` is the least energy per atom of the training set, eV."""
    import torch

    data = graph(atoms, elements, cutoff)
    rest = _rest(atoms, elements, free)
    height = abs(rest / len(atoms) - lowest)
    forces = atoms.get_forces()
    virial = atoms.get_stress(voigt=False) * atoms.get_volume() / len(atoms)
    size = np.sum(forces**2, axis=1)
    real = torch.get_default_dtype()
    data["energy"] = torch.tensor([rest], dtype=real)
    data["forces"] = torch.tensor(forces, dtype=real)
    data["virial"] = torch.tensor(virial[None], dtype=real)
    data["volume"] = torch.tensor([atoms.get_volume() / len(atoms)], dtype=real)
    data["atoms"] = torch.tensor([float(len(atoms))], dtype=real)
    data["unit"] = torch.tensor([settings.energy * (1.0 + height / settings.energy_scale)], dtype=real)
    data["weight"] = torch.tensor([(1.0 + size.mean() ** 0.5 / settings.force_scale) ** -2], dtype=real)
    data["weights"] = torch.tensor((1.0 + size**0.5 / settings.force_scale) ** -2, dtype=real)
    return data


class _Objective:
    """Mean squares of errors in units of those that count as one, and the logarithm of one plus each.

    With the logarithm every kind pulls by the part of its error that a step removes, whether it is still hundreds of
    units away, as energies are at first, or nearly there.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def __call__(self, model: Any, graphs: Sequence[dict[str, Any]], training: bool = True) -> Any:
        import torch

        s, batch = self.settings, collate(graphs)
        out = model(dict(batch), training=training, compute_force=True, compute_stress=True)
        energy = ((out["interaction_energy"] - batch["energy"]) / batch["atoms"] / batch["unit"]) ** 2
        forces = batch["weights"] * (((out["forces"] - batch["forces"]) / s.forces) ** 2).mean(dim=1)
        virial = ((out["stress"] * batch["volume"][:, None, None] - batch["virial"]) / s.stress) ** 2
        virial = batch["weight"] * virial.mean(dim=(1, 2))
        return torch.log1p(energy.mean()) + torch.log1p(forces.mean()) + 0.2 * torch.log1p(virial.mean())

    def judge(self, graphs: Sequence[dict[str, Any]], size: int) -> Callable[[Any], float]:
        """Mean objective over frames that are not trained on."""
        batches = [graphs[k : k + 4 * size] for k in range(0, len(graphs), 4 * size)]
        shares = np.array([len(batch) for batch in batches], dtype=float)

        def error(model: Any) -> float:
            values = [float(self(model, batch, training=False).detach()) for batch in batches]
            return float(np.dot(shares, values) / shares.sum())

        return error


if TYPE_CHECKING:
    _: Fitter[Dataset] = fit
