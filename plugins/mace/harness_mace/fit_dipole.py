"""Fit a MACE model of atomic dipoles to Born charges and dipoles: ``harness.fit polarization=mace_dipole``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from harness.contracts.fitter import Fitted, Fitter, MakeProgress
from harness.data.dataset import SPLITS
from harness.errors import HarnessError
from harness.materials.layers import assign_layers
from harness.potentials.backend import torch_state
from harness_mace.architecture import Architecture, build
from harness_mace.backend import torch_dtype
from harness_mace.dipole import MaceDipole, gradients
from harness_mace.graph import collate, graph
from harness_mace.settings import Common, finish, identity, model_name, read
from harness_mace.training import train

if TYPE_CHECKING:
    from harness.data.dataset import Dataset

__all__ = ["Settings", "fit", "frames_with_dipoles"]

#: Where its schedule and hyperparameters differ from those of an energy model.
OWN = {"r_max": 5.0, "batch": 12, "epochs": 300, "minutes": 12.0}
#: More layers than any frame has.
_LAYERS = 64


@dataclass(frozen=True)
class Settings(Common):
    """What a fit can be told; all of it goes into the provenance.

    Attributes
    ----------
    born, layers
        Errors that count as one, e: of a Born charge, and of their sum over a layer, which is what sliding layers see.
    dipole, share
        The same, e Å per atom, of the dipole along z, and the share of the dipole itself that is added to it: else the
        hottest frames would decide.
    plane, plane_share
        The same of the dipole in the plane. Born charges alone leave open how it follows a strain: they are derivatives
        in which all images of an atom move alike, and a strain moves them by different amounts. The labels are sums of
        Wannier dipoles, without a polarization quantum, that are zero in the flat sheet as the model's are.
    """

    born: float = 0.02
    layers: float = 0.003
    dipole: float = 0.0005
    share: float = 0.1
    plane: float = 0.001
    plane_share: float = 0.02


def fit(
    dataset: Dataset,
    out: Path,
    params: Mapping[str, Any],
    seed: int,
    progress: MakeProgress,
    fitted: Fitted | None = None,
) -> dict[str, Any]:
    """Fit Born charges and dipoles; writes the model, its facts (.json), parity data (.npz) and plot (.png).

    Parameters
    ----------
    out
        Folder. Files there are replaced together, when all are whole; a fit that was killed goes on from its
        checkpoint there.
    params
        ``model``: file name; fields of `Settings`, of `architecture.Architecture` and of `training.Schedule`.

    Raises
    ------
    HarnessError
        When the data set has no frames with responses.
    """
    name = model_name(params, dataset.view(dispersion="d3bj"), "bn_bilayer_dipole")  # the same at every dispersion
    settings, shape, schedule = read(params, Settings, "dipole", OWN)
    frames = {s: frames_with_dipoles(dataset, s) for s in SPLITS}
    if not any("born_charges" in atoms.arrays for atoms in frames["train"]):
        raise HarnessError(f"the data set {dataset.folder.name} has no frames with Born charges to train on.",
                           "Choose another dataset=FOLDER.")  # fmt: skip
    elements = tuple(sorted({str(symbol) for atoms in frames["train"] for symbol in atoms.symbols}))
    with torch_state(torch_dtype(settings.dtype), seed):
        train_set = [_labelled(a, elements, shape["r_max"]) for a in frames["train"]]
        judged = [_labelled(a, elements, shape["r_max"]) for a in frames["validation"] or frames["train"]]
        neighbours = sum(g["edge_index"].shape[1] for g in train_set) / sum(len(g["batch"]) for g in train_set)
        architecture = Architecture(kind="dipole", elements=elements, neighbours=neighbours, **shape)
        model = build(architecture, settings.dtype, seed)
        objective = _Objective(settings)
        with progress("mace_dipole", schedule.epochs) as bar:
            outcome = train(
                model, train_set, objective, objective.judge(judged), schedule, seed,
                out / f".{name}.checkpoint", identity(dataset, settings, shape, schedule, seed), bar,
            )  # fmt: skip

    def calculator(path: Path) -> Callable[[Atoms, Sequence[str]], Mapping[str, Any]]:
        return MaceDipole(str(path)).calculate

    report = finish(
        "mace_dipole", name, model, architecture, dataset, out, outcome, settings, schedule, seed, frames, calculator,
        ("dipole", "born_effective_charges"), "PBE",
    )  # fmt: skip
    report["polarization"] = report.pop("potential")
    return report


def frames_with_dipoles(dataset: Dataset, split: str) -> list[Atoms]:
    """Frames with Born charges, then those of which only the dipole along z is known (the rest of it is nan)."""
    responses = dataset.frames(split, kind="responses")
    known = {atoms.info["name"] for atoms in responses}
    others = [a for a in dataset.frames(split) if "dipole_z" in a.info and a.info["name"] not in known]
    for atoms in others:
        atoms.calc = SinglePointCalculator(atoms, dipole=np.array([np.nan, np.nan, atoms.info["dipole_z"]]))
    return [*responses, *others]


def _labelled(atoms: Atoms, elements: Sequence[str], cutoff: float) -> dict[str, Any]:
    """Graph of a frame with its labels; nan where there is none."""
    import torch

    real = torch.get_default_dtype()
    data = graph(atoms, elements, cutoff)
    n = len(atoms)
    born = atoms.arrays.get("born_charges", np.full((n, 9), np.nan)).reshape(n, 3, 3)
    born = born - born.mean(axis=0)  # the labels obey the sum rule to a few 1e-3 e only
    plane = atoms.calc.results["dipole"][:2]
    data["born"] = torch.tensor(born, dtype=real)
    data["dipole"] = torch.tensor([[*plane, atoms.info.get("dipole_z", np.nan)]], dtype=real)
    data["atoms"] = torch.tensor([float(n)], dtype=real)
    data["has_born"] = torch.tensor([bool(np.isfinite(born).all())])
    data["layer"] = torch.tensor(assign_layers(atoms), dtype=torch.int64)
    return data


class _Objective:
    """Squared errors in units of those that count as one."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def __call__(self, model: Any, graphs: Sequence[dict[str, Any]], training: bool = True) -> Any:
        import torch

        s = self.settings
        value, along_z, in_plane = 0.0, [], []
        for with_born in (True, False):  # derivatives cost several times the dipole
            some = [g for g in graphs if bool(g["has_born"]) == with_born]
            if not some:
                continue
            batch = collate(some)
            out = model(batch)
            # unknown components become zeros first: a nan would spoil the gradient although nothing depends on it
            there = torch.isfinite(batch["dipole"])
            known = torch.where(there, batch["dipole"], 0.0)
            off, n = out["dipole"] - known, batch["atoms"]
            along_z.append((off[:, 2] / (s.dipole * n + s.share * known[:, 2].abs()))[there[:, 2]])
            unit = s.plane * n + s.plane_share * known[:, :2].norm(dim=1)
            in_plane.append((off[:, :2] / unit[:, None])[there[:, :2]])
            if with_born:
                # first index of the gradient: dipole; of the labels: polarization
                difference = gradients(out["dipole"], batch["positions"], keep=training) - batch["born"]
                value = (difference**2).mean() / s.born**2 + (_layer_sums(difference, batch) ** 2).mean() / s.layers**2
        for errors in (torch.cat(along_z), torch.cat(in_plane)):
            value = value + (errors**2).mean() if errors.numel() else value
        return value

    def judge(self, graphs: Sequence[dict[str, Any]]) -> Callable[[Any], float]:
        """Root of the objective over frames that are not trained on."""

        def error(model: Any) -> float:
            return math.sqrt(float(self(model, graphs, training=False).detach()))

        return error


def _layer_sums(values: Any, batch: dict[str, Any]) -> Any:
    """Sums over the atoms of each layer of each graph, (layers, 3, 3)."""
    import torch

    groups = torch.unique(batch["batch"] * _LAYERS + batch["layer"], return_inverse=True)[1]
    return torch.zeros(int(groups.max()) + 1, 3, 3, dtype=values.dtype).index_add(0, groups, values)


if TYPE_CHECKING:
    _: Fitter[Dataset] = fit
