"""Kernels: the network with its derivatives, as plain functions of tensors that can be traced and compiled."""

from __future__ import annotations

import torch

from harness_allegro_dream.network import AllegroDream

__all__ = ["KERNELS", "Forces", "Responses", "example"]


class Forces(torch.nn.Module):
    """``(vectors, edges, types) -> (energies (n,), gradient (edges, 3), dipoles (n, 3))``; gradient is ∂E/∂vectors."""

    def __init__(self, network: AllegroDream) -> None:
        super().__init__()
        self.network = network

    def forward(self, vectors: torch.Tensor, edges: torch.Tensor, types: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """See the class."""
        vectors = vectors.detach().requires_grad_(True)
        energies, dipoles = self.network(vectors, edges, types)
        (gradient,) = torch.autograd.grad(energies.sum(), vectors)
        return energies.detach(), gradient, dipoles.detach()


class Responses(torch.nn.Module):
    """As `Forces`, and last ∂P/∂vectors (edges, 3, 3), the component of the polarization first."""

    def __init__(self, network: AllegroDream) -> None:
        super().__init__()
        self.network = network

    def forward(self, vectors: torch.Tensor, edges: torch.Tensor, types: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """See the class."""
        vectors = vectors.detach().requires_grad_(True)
        energies, dipoles = self.network(vectors, edges, types)
        total = dipoles.sum(dim=0)
        (gradient,) = torch.autograd.grad(energies.sum(), vectors, retain_graph=True)
        rows = [torch.autograd.grad(total[a], vectors, retain_graph=a < 2)[0] for a in range(3)]
        return energies.detach(), gradient, dipoles.detach(), torch.stack(rows, dim=1)


KERNELS: dict[str, type[torch.nn.Module]] = {"forces": Forces, "responses": Responses}


def example(network: AllegroDream, natoms: int, neighbours: int, seed: int = 0) -> tuple[torch.Tensor, ...]:
    """Inputs of a kernel with random neighbours, to trace with.

    Parameters
    ----------
    network
        The model.
    natoms, neighbours
        Numbers of atoms and of neighbours of each.
    seed
        Of the random numbers.
    """
    random = torch.Generator().manual_seed(seed)
    count = natoms * neighbours
    direction = torch.randn((count, 3), generator=random, dtype=torch.float64)
    length = 1.0 + (network.hyper.r_max - 1.0) * torch.rand((count, 1), generator=random, dtype=torch.float64)
    vectors = direction / direction.norm(dim=1, keepdim=True) * length
    centres = torch.arange(natoms).repeat_interleave(neighbours)
    others = torch.randint(0, natoms, (count,), generator=random)
    types = torch.arange(natoms) % len(network.hyper.type_names)
    return vectors, torch.stack((centres, others)), types
