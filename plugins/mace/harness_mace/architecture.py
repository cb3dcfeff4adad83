"""Models from their hyperparameters: what a file without code has to say."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ase.data import atomic_numbers

from harness.errors import HarnessError
from harness.potentials.backend import torch_state
from harness_mace.backend import mace_modules, torch_dtype

__all__ = ["Architecture", "build"]

KINDS = ("energy", "dipole")


@dataclass(frozen=True)
class Architecture:
    """Hyperparameters of a model; JSON-able.

    Attributes
    ----------
    kind
        ``energy``: ScaleShiftMACE; ``dipole``: AtomicDipolesMACE.
    elements
        Chemical symbols, in the order of the model's types.
    r_max
        Range of one layer, Å.
    hidden, readout
        Irreducible representations (e3nn's notation) of the features, and of the last readout's hidden layer.
    layers, correlation, max_ell, bessel, radial
        Message passing layers, body order of a message less one, largest degree of the spherical harmonics, radial
        functions, widths of the radial network.
    neighbours
        Mean number of neighbours, a fixed normalisation.
    atomic_energies
        eV, of each element.
    scale, shift
        Of the interaction energy of an atom, eV.
    """

    kind: str
    elements: tuple[str, ...]
    r_max: float = 6.0
    hidden: str = "16x0e+16x1o"
    readout: str = "16x0e"
    layers: int = 2
    correlation: int = 3
    max_ell: int = 2
    bessel: int = 8
    radial: tuple[int, ...] = (32, 32)
    neighbours: float = 60.0
    atomic_energies: tuple[float, ...] = field(default=())
    scale: float = 1.0
    shift: float = 0.0

    def facts(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Architecture:
        """The inverse of `facts`.

        Raises
        ------
        ValueError
            When a value is missing, foreign, or of the wrong kind.
        """
        known = {f.name for f in fields(cls)}
        if set(values) - known or not {"kind", "elements"} <= set(values) or values["kind"] not in KINDS:
            raise ValueError("not the hyperparameters of a MACE model")
        clean: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        if any(symbol not in atomic_numbers for symbol in clean["elements"]):
            raise ValueError("unknown elements")
        return cls(**clean)


def build(architecture: Architecture, dtype: str = "float64", seed: int = 0) -> Any:
    """An untrained model.

    Raises
    ------
    HarnessError
        When the hyperparameters do not go together.
    """
    modules = mace_modules()
    from e3nn import o3

    common: dict[str, Any] = {
        "r_max": architecture.r_max,
        "num_bessel": architecture.bessel,
        "num_polynomial_cutoff": 5,
        "max_ell": architecture.max_ell,
        "num_interactions": architecture.layers,
        "num_elements": len(architecture.elements),
        "avg_num_neighbors": architecture.neighbours,
        "atomic_numbers": [atomic_numbers[s] for s in architecture.elements],
        "correlation": architecture.correlation,
        "radial_MLP": list(architecture.radial),
    }
    block = modules.interaction_classes["RealAgnosticResidualInteractionBlock"]
    with torch_state(torch_dtype(dtype), seed), _plain_python():
        import torch

        try:
            common |= {
                "hidden_irreps": o3.Irreps(architecture.hidden),
                "MLP_irreps": o3.Irreps(architecture.readout),
                "gate": torch.nn.functional.silu,
                "interaction_cls": block,
                "interaction_cls_first": block,
            }
            if architecture.kind == "energy":
                import numpy as np

                return modules.ScaleShiftMACE(
                    atomic_energies=np.asarray(architecture.atomic_energies or [0.0] * len(architecture.elements)),
                    atomic_inter_scale=architecture.scale,
                    atomic_inter_shift=architecture.shift,
                    **common,
                )
            model = modules.AtomicDipolesMACE(atomic_energies=None, **common)
            # The gates of mace's last readout are functions of scalars, of which its input has none: it is always
            # zero. A linear one lets the last layer speak.
            if architecture.layers > 1:
                vectors = o3.Irreps(str(o3.Irreps(architecture.hidden)[1]))
                model.readouts[-1] = modules.readout_classes["LinearDipoleReadoutBlock"](vectors, dipole_only=True)
            return model
        except (AssertionError, ValueError, IndexError, RuntimeError) as error:
            raise HarnessError(f"no MACE can be built of these settings: {error}.",
                               "See the plugin's README for ones that work.") from error  # fmt: skip


@contextlib.contextmanager
def _plain_python() -> Iterator[None]:
    """e3nn's layers without TorchScript: as fast once warm, warm at once, and made in half the time."""
    import e3nn

    kept = e3nn.get_optimization_defaults()
    e3nn.set_optimization_defaults(jit_script_fx=False)
    try:
        yield
    finally:
        e3nn.set_optimization_defaults(**kept)
