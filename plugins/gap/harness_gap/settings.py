"""What a fit can be told, and the descriptor strings that gap_fit makes of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from ase.data import atomic_numbers

from harness.errors import HarnessError, unknown_choice

__all__ = ["Pairs", "Settings", "Soap", "candidates", "read"]


@dataclass(frozen=True)
class Soap:
    """One smooth overlap of atomic positions (Bartók, Kondor, Csányi, Phys. Rev. B 87, 184115 (2013)).

    Attributes
    ----------
    cutoff, width
        Radius of the neighbourhood and of the transition at its edge, Å.
    n_max, l_max
        Radial and angular functions.
    atom_sigma
        Width of the atomic densities, Å.
    zeta
        Power of the kernel.
    delta
        Size of the energies that it has to explain, eV.
    sparse
        Sparse points for each central element, at most.
    """

    cutoff: float
    width: float
    n_max: int
    l_max: int
    atom_sigma: float
    zeta: int
    delta: float
    sparse: int

    def string(self, centre: str, species: Sequence[str]) -> str:
        """As QUIP wants it, for the neighbourhoods of one element."""
        numbers = " ".join(str(atomic_numbers[s]) for s in species)
        return (
            f"soap cutoff={self.cutoff} cutoff_transition_width={self.width} n_max={self.n_max} l_max={self.l_max} "
            f"atom_sigma={self.atom_sigma} zeta={self.zeta} n_species={len(species)} Z={atomic_numbers[centre]} "
            f"species_Z={{{numbers}}}"
        )


@dataclass(frozen=True)
class Pairs:
    """Functions of the distance of two atoms.

    Attributes
    ----------
    cutoff, width
        Reach, and transition at its end, Å.
    theta
        Length over which they vary, Å.
    delta
        Size of the energies that they have to explain, eV.
    sparse
        Sparse points for each pair of elements.
    """

    cutoff: float = 8.0
    width: float = 1.0
    theta: float = 0.8
    delta: float = 3.0
    sparse: int = 20

    def string(self, first: str, second: str) -> str:
        """As gap_fit wants it."""
        return (
            f"distance_2b cutoff={self.cutoff} cutoff_transition_width={self.width} n_sparse={self.sparse} "
            f"covariance_type=ard_se delta={self.delta} theta_uniform={self.theta} sparse_method=uniform add_species=F "
            f"Z1={atomic_numbers[first]} Z2={atomic_numbers[second]}"
        )


#: Bonds and angles, and what layers do to each other. One SOAP of 6 Å (Nieto Luna et al. 2025) would have to resolve
#: both with the same functions; with as few frames as here the two are better. The near one ends before it meets the
#: other layer: what it has for bonds would make the landscape between layers rough.
NEAR = Soap(cutoff=3.2, width=0.6, n_max=8, l_max=4, atom_sigma=0.4, zeta=2, delta=1.0, sparse=350)
FAR = Soap(cutoff=6.0, width=1.0, n_max=6, l_max=4, atom_sigma=0.9, zeta=2, delta=0.2, sparse=300)


@dataclass(frozen=True)
class Settings:
    """A fit.

    Attributes
    ----------
    pairs, near, far
        Descriptors; `far` may be None.
    energy_sigma, force_sigma, virial_sigma
        How far off the labels of a quiet frame may be: eV/atom, eV/Å, eV/atom.
    hot
        The same for a frame with large forces: this share of their root mean square, where it is larger; the share
        of energies and virials is so much smaller as their sigmas are.
    jitter
        Of the kernel matrix of the sparse points.
    """

    pairs: Pairs = field(default_factory=Pairs)
    near: Soap = NEAR
    far: Soap | None = FAR
    energy_sigma: float = 0.00005
    force_sigma: float = 0.012
    virial_sigma: float = 0.01
    hot: float = 0.0
    jitter: float = 1e-8


#: Tried in turn where nothing else is asked for; the validation frames choose.
GRID: dict[str, tuple[Any, ...]] = {"near.atom_sigma": (0.3, 0.4)}


def read(params: Mapping[str, Any]) -> tuple[Settings, dict[str, list[Any]]]:
    """Settings, and the values to try by dotted name, from the options of a fit.

    An option that is a list is tried value by value. `GRID` is tried unless one of its options is given.

    Raises
    ------
    HarnessError
        For an unknown option or a value that is no number.
    """
    settings, grid = Settings(), {}
    given = _flat(params)
    for name, value in given.items():
        if isinstance(value, (list, tuple)):
            grid[name] = [_checked(settings, name, v) for v in value]
        elif name == "far" and value is None:
            settings = replace(settings, far=None)
        else:
            settings = _with(settings, name, _checked(settings, name, value))
    if not set(GRID) & set(given):
        grid = {**{name: list(values) for name, values in GRID.items()}, **grid}
    return settings, grid


def candidates(settings: Settings, grid: Mapping[str, Sequence[Any]]) -> Iterator[tuple[dict[str, Any], Settings]]:
    """Every combination of the values to try: what was set, and the settings."""
    for values in itertools.product(*grid.values()):
        chosen, made = dict(zip(grid, values, strict=True)), settings
        for name, value in chosen.items():
            made = _with(made, name, value)
        yield chosen, made


def _flat(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in params.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        elif not (key == "model" and not prefix):
            flat[f"{prefix}{key}"] = value
    return flat


def _names() -> dict[str, Any]:
    names: dict[str, Any] = {f.name: getattr(Settings(), f.name) for f in fields(Settings)}
    for part in ("pairs", "near", "far"):
        names |= {f"{part}.{key}": value for key, value in asdict(names.pop(part)).items()}
    return names


def _checked(settings: Settings, name: str, value: Any) -> Any:
    known = _names()
    if name not in known:
        raise unknown_choice("setting of the GAP fit", name, known)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or (value <= 0 and name != "hot"):
        raise HarnessError(f"+options.gap.{name}={value} is no positive number.", f"It is {known[name]} by default.")
    return type(known[name])(value)


def _with(settings: Settings, name: str, value: Any) -> Settings:
    part, dot, key = name.partition(".")
    if not dot:
        return replace(settings, **{part: value})
    inner: Any = replace(getattr(settings, part) or FAR, **{key: value})
    changed: dict[str, Any] = {part: inner}
    return replace(settings, **changed)
