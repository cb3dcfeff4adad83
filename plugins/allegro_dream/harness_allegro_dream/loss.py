"""The objective of a fit: residuals in units of what is expected of a model, averaged by kind."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from harness_allegro_dream.examples import Batch
from harness_allegro_dream.network import AllegroDream

__all__ = ["Weights", "energy_terms", "objective", "response_terms"]


@dataclass(frozen=True)
class Weights:
    """Expected errors, each ``absolute + relative × size of the label``, and how much each kind counts.

    Of the Born charges, the sum over the atoms of a layer is what drives sliding. It is a hundredth of the charges
    themselves, so it has an expected error and a count of its own.

    Attributes
    ----------
    energy, energy_relative
        eV per atom; the size is the energy above the lowest of the training set.
    forces, forces_relative
        eV/Å, for each atom.
    virial, virial_relative
        eV per atom.
    born, layer_born
        e; the latter for sums over layers of stacks, relative 0.
    dipole_z, dipole_z_relative
        e Å, of a frame.
    atomic_dipoles, atomic_dipoles_relative
        e Å.
    """

    energy: float = 1.5e-4
    energy_relative: float = 0.01
    forces: float = 0.015
    forces_relative: float = 0.005
    virial: float = 5e-3
    virial_relative: float = 0.01
    born: float = 0.01
    layer_born: float = 1e-3
    dipole_z: float = 5e-4
    dipole_z_relative: float = 0.02
    atomic_dipoles: float = 5e-3
    atomic_dipoles_relative: float = 0.02
    count_energy: float = 1.0
    count_forces: float = 1.0
    count_virial: float = 0.2
    count_born: float = 0.5
    count_layer_born: float = 0.5
    count_dipole_z: float = 0.5
    count_atomic_dipoles: float = 0.2


def _sum(values: torch.Tensor, index: torch.Tensor, size: int) -> torch.Tensor:
    return values.new_zeros((size, *values.shape[1:])).index_add(0, index, values)


def _to_atoms(slope: torch.Tensor, batch: Batch) -> torch.Tensor:
    n = len(batch.types)
    return _sum(slope, batch.edges[1], n) - _sum(slope, batch.edges[0], n)


def energy_terms(
    network: AllegroDream, batch: Batch, weights: Weights, lowest: float, graph: bool = True
) -> dict[str, torch.Tensor]:
    """Residuals of energy, forces and virial in units of their expected errors.

    Parameters
    ----------
    lowest
        Least energy per atom of the training set, eV, relative to the references.
    graph
        Whether the residuals will be differentiated.
    """
    vectors = batch.vectors.detach().requires_grad_(True)
    energies, _ = network(vectors, batch.edges, batch.types)
    (slope,) = torch.autograd.grad(energies.sum(), vectors, create_graph=graph)
    count = len(batch.sizes)
    energy = _sum(energies, batch.frame, count).to(slope.dtype)
    height = (batch.energy / batch.sizes - lowest).abs()
    size = weights.energy + weights.energy_relative * height
    terms = {"energy": (energy - batch.energy) / batch.sizes / size}
    force_size = weights.forces + weights.forces_relative * batch.forces.norm(dim=1, keepdim=True)
    terms["forces"] = (-_to_atoms(slope, batch) - batch.forces) / force_size
    products = torch.stack([vectors[:, a] * slope[:, b] for a, b in ((0, 0), (1, 1), (0, 1))], dim=1)
    virial = _sum(products, batch.frame.index_select(0, batch.edges[0]), count)
    known = torch.isfinite(batch.virial).all(dim=1)
    per_atom = (batch.virial / batch.sizes[:, None])[known]
    size = weights.virial + weights.virial_relative * per_atom.norm(dim=1, keepdim=True)
    terms["virial"] = ((virial / batch.sizes[:, None])[known] - per_atom) / size
    return terms


def response_terms(
    network: AllegroDream, batch: Batch, weights: Weights, graph: bool = True
) -> dict[str, torch.Tensor]:
    """Residuals of Born charges, their layer sums and dipoles in units of their expected errors.

    Parameters
    ----------
    network
        The model.
    batch
        Structures and labels.
    weights
        Of the labels.
    graph
        Whether derivatives by the weights of the network will be taken.
    """
    assert batch.born is not None and batch.atomic_dipoles is not None
    vectors = batch.vectors.detach().requires_grad_(True)
    _, dipoles = network(vectors, batch.edges, batch.types)
    total = dipoles.sum(dim=0)
    rows = [torch.autograd.grad(total[a], vectors, create_graph=graph, retain_graph=True)[0] for a in range(3)]
    difference = _to_atoms(torch.stack(rows, dim=1), batch) - batch.born
    dipoles = dipoles.to(difference.dtype)
    terms = {"born": difference / weights.born}
    layers = int(batch.layer.max()) + 1
    frame = _frame_of_layer(batch, layers)
    stacked = torch.bincount(frame, minlength=len(batch.sizes)) > 1
    sums = _sum(difference, batch.layer, layers) / weights.layer_born
    terms["layer_born"] = sums[stacked[frame]]
    z = _sum(dipoles[:, 2], batch.frame, len(batch.sizes))
    terms["dipole_z"] = _known(z, batch.dipole_z, weights.dipole_z, weights.dipole_z_relative)
    terms["atomic_dipoles"] = _known(
        dipoles, batch.atomic_dipoles, weights.atomic_dipoles, weights.atomic_dipoles_relative
    )
    return terms


def _known(value: torch.Tensor, label: torch.Tensor, absolute: float, relative: float) -> torch.Tensor:
    """Residuals where there is a label; chosen before the arithmetic, since the derivative of nan is nan."""
    known = torch.isfinite(label)
    return (value[known] - label[known]) / (absolute + relative * label[known].abs())


def _frame_of_layer(batch: Batch, layers: int) -> torch.Tensor:
    out = torch.zeros(layers, dtype=torch.int64)
    out[batch.layer] = batch.frame
    return out


def objective(terms: dict[str, torch.Tensor], weights: Weights, knee: float = 30.0) -> torch.Tensor:
    """Sum over the kinds of log(1 + mean square), times their counts; squares turn linear beyond `knee`.

    With the logarithm every kind pulls by the part of its error that a step removes, whether it is still hundreds of
    expected errors away, as energies are at first, or nearly there.
    """
    total = torch.zeros(())
    for kind, values in terms.items():
        if values.numel():
            square = 2 * knee**2 * (torch.sqrt(1 + (values / knee).square()) - 1)
            total = total + float(getattr(weights, f"count_{kind}")) * torch.log1p(square.mean())
    return total
