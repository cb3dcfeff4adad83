"""The network: an Allegro trunk with an energy head and a polarization head, as a function of edge vectors.

Allegro is strictly local: what an atom contributes depends on the vectors to its own neighbours alone. The network
therefore takes edge vectors, and every derivative (forces, stress, Born charges) follows from those with respect to
them, which also lets a large structure be evaluated in pieces of bounded memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import redirect_stderr
from dataclasses import asdict, dataclass, fields
from io import StringIO
from typing import Any

import torch
from e3nn.o3 import Irreps

from harness.errors import HarnessError, unknown_choice
from harness.potentials.backend import torch_state

with redirect_stderr(StringIO()):  # e3nn and nequip warn about their own use of torch
    from allegro.nn import (
        Allegro_Module,
        TwoBodyBesselScalarEmbed,
        TwoBodySphericalHarmonicTensorEmbed,
    )
    from nequip.data import AtomicDataDict
    from nequip.nn import ScalarMLP, SequentialGraphNetwork
    from nequip.nn.embedding import EdgeLengthNormalizer

__all__ = ["DTYPES", "AllegroDream", "Hyperparameters", "build"]

DTYPES = {"float64": torch.float64, "float32": torch.float32}


@dataclass(frozen=True)
class Hyperparameters:
    """Everything but the weights; nequip-allegro's words where it has one.

    Attributes
    ----------
    type_names
        Chemical symbols.
    r_max
        Cutoff, Å.
    dipole_species
        Elements that carry an atomic dipole; the others have none.
    energy_references
        Energy of an atom of each type that the network does not have to describe, eV.
    energy_scale, dipole_scale
        Units of the two heads, eV and e Å.
    """

    type_names: tuple[str, ...]
    energy_references: tuple[float, ...]
    r_max: float = 6.0
    dipole_species: tuple[str, ...] = ("N",)
    num_bessels: int = 8
    polynomial_cutoff_p: int = 6
    l_max: int = 3
    parity: bool = True
    num_layers: int = 1
    num_scalar_features: int = 32
    num_tensor_features: int = 8
    mlp_depth: int = 1
    mlp_width: int = 32
    readout_width: int = 16
    avg_num_neighbors: float = 50.0
    energy_scale: float = 1.0
    dipole_scale: float = 1.0

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Hyperparameters:
        """From a JSON object.

        Raises
        ------
        HarnessError
            For an unknown or missing key, or a value of the wrong kind.
        """
        known = {f.name: str(f.type) for f in fields(cls)}
        for key in values:
            if key not in known:
                raise unknown_choice("hyperparameter of allegro_dream", str(key), known)
        casts: dict[str, Callable[[Any], Any]] = {"int": int, "float": float, "bool": bool,
                 "tuple[str, ...]": lambda v: tuple(str(x) for x in v),
                 "tuple[float, ...]": lambda v: tuple(float(x) for x in v)}  # fmt: skip
        try:
            return cls(**{k: casts[known[k]](v) for k, v in values.items()})
        except (TypeError, ValueError) as error:
            raise HarnessError(f"the hyperparameters of the model are not whole: {error}.",
                               "Take an undamaged model file.") from error  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class AllegroDream(torch.nn.Module):
    """Energy and dipole of every centre atom from the vectors to its neighbours.

    The energy of edge ij is an MLP of Allegro's scalar features; the dipole of an atom is the sum of its unit edge
    vectors, each times another MLP of the same features. Energies are relative to the reference energies.

    Called with ``vectors`` (edges, 3), Å, from centre to neighbour; ``edges`` (2, edges), indices of centre and
    neighbour; ``types`` (natoms,). Returns ``(energies, dipoles)``: (natoms,) eV and (natoms, 3) e Å.
    """

    def __init__(self, hyper: Hyperparameters) -> None:
        super().__init__()
        self.hyper = hyper
        names = list(hyper.type_names)
        harmonics = Irreps.spherical_harmonics(hyper.l_max, p=-1)
        tracked = Irreps([(1, (k, p)) for k in range(hyper.l_max + 1) for p in (1, -1)]) if hyper.parity else harmonics
        lengths = EdgeLengthNormalizer(r_max=hyper.r_max, type_names=names)
        radial = TwoBodyBesselScalarEmbed(
            type_names=names,
            num_bessels=hyper.num_bessels,
            polynomial_cutoff_p=hyper.polynomial_cutoff_p,
            module_output_dim=hyper.num_scalar_features,
            scalar_embed_field=AtomicDataDict.EDGE_EMBEDDING_KEY,
            irreps_in=lengths.irreps_out,
        )
        embed = ScalarMLP(
            output_dim=hyper.num_scalar_features,
            hidden_layers_depth=hyper.mlp_depth,
            hidden_layers_width=hyper.mlp_width,
            field=AtomicDataDict.EDGE_EMBEDDING_KEY,
            irreps_in=radial.irreps_out,
        )
        tensors = TwoBodySphericalHarmonicTensorEmbed(
            irreps_edge_sh=harmonics, num_tensor_features=hyper.num_tensor_features, irreps_in=embed.irreps_out
        )
        layers = Allegro_Module(
            num_layers=hyper.num_layers,
            num_scalar_features=hyper.num_scalar_features,
            num_tensor_features=hyper.num_tensor_features,
            tensor_track_allowed_irreps=tracked,
            avg_num_neighbors=hyper.avg_num_neighbors,
            type_names=names,
            latent_kwargs={"hidden_layers_depth": hyper.mlp_depth, "hidden_layers_width": hyper.mlp_width},
            irreps_in=tensors.irreps_out,
        )
        self.trunk = SequentialGraphNetwork(
            {"lengths": lengths, "radial": radial, "embed": embed, "tensors": tensors, "layers": layers}
        )
        self.energy_head, self.dipole_head = (
            ScalarMLP(
                output_dim=1,
                hidden_layers_depth=1,
                hidden_layers_width=hyper.readout_width,
                field=AtomicDataDict.EDGE_FEATURES_KEY,
                out_field=f"{what}_of_edge",
                irreps_in=layers.irreps_out,
            )
            for what in ("energy", "dipole")
        )
        carries = [hyper.dipole_scale * float(name in hyper.dipole_species) for name in names]
        self.register_buffer("dipole_of_type", torch.tensor(carries), persistent=False)
        self.norm = (2 * hyper.avg_num_neighbors) ** -0.5

    def forward(
        self, vectors: torch.Tensor, edges: torch.Tensor, types: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Energies and dipoles of the atoms."""
        data = self.trunk(
            {
                AtomicDataDict.EDGE_VECTORS_KEY: vectors,
                AtomicDataDict.EDGE_INDEX_KEY: edges,
                AtomicDataDict.ATOM_TYPE_KEY: types,
            }
        )
        energy = self.energy_head(data)["energy_of_edge"] * (self.norm * self.hyper.energy_scale)
        scale = self.norm * torch.index_select(self.dipole_of_type, 0, torch.index_select(types, 0, edges[0]))
        weight = self.dipole_head(data)["dipole_of_edge"] * scale.unsqueeze(1)
        dipole = weight * (vectors / data[AtomicDataDict.EDGE_LENGTH_KEY]).to(weight.dtype)
        sums = torch.zeros((types.shape[0], 4), dtype=torch.float64, device=vectors.device)
        sums = sums.index_add(0, edges[0], torch.cat((energy, dipole), dim=1).to(torch.float64))
        return sums[:, 0], sums[:, 1:]


def build(hyper: Hyperparameters, dtype: str = "float64", seed: int = 0) -> AllegroDream:
    """A network with random weights.

    Parameters
    ----------
    dtype
        ``float64`` or ``float32``: numbers inside the network; vectors, energies and dipoles are float64.

    Raises
    ------
    HarnessError
        For hyperparameters that make no network.
    """
    try:
        with torch_state(DTYPES[dtype]):
            torch.manual_seed(seed)
            return AllegroDream(hyper)
    except (AssertionError, ValueError, RuntimeError, TypeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise HarnessError(f"these hyperparameters make no Allegro network: {reason}.",
                           "Features and layers are positive, num_scalar_features is even.") from error  # fmt: skip
