"""Read and write ``.mtp`` files of MLIP-2 and MLIP-3.

motep 0.2.0 reads a file only when its keys come in one order, and writes them in another. Here the order does
not matter, and every count is checked, so that a truncated file is an error and not a wrong energy.
"""

from __future__ import annotations

import os
import re
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.data import atomic_numbers

from harness.errors import HarnessError

if TYPE_CHECKING:
    from motep.potentials.mtp.data import MTPData

__all__ = ["read", "species_of_tag", "write"]

_MEND = "Give a complete MTP file as MLIP-2 or MLIP-3 writes it (potential.params.model)."
_ALIASES = {"min": "min_dist", "max": "max_dist", "size": "radial_basis_size", "min_val": "min_dist",
            "max_val": "max_dist", "basis_size": "radial_basis_size"}  # fmt: skip


def read(path: str | os.PathLike[str]) -> MTPData:
    """Read a trained potential.

    Raises
    ------
    HarnessError
        When the file is missing, is not an MTP, is truncated, is untrained or has a radial or magnetic basis
        that the engine lacks.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("latin-1")
    except OSError as error:
        raise HarnessError(f"cannot read MTP model '{path}': {error.strerror}.", _MEND) from error
    # an MLIP active-set state (binary) may follow the potential after a line that starts with '#'
    lines = [line.strip() for line in text.split("\n#", 1)[0].splitlines()]
    lines = [line for line in lines if line]
    if not lines or lines[0] != "MTP":
        raise HarnessError(f"'{path}' is not an MTP file: its first line is not 'MTP'.", _MEND)
    try:
        return _build(*_split(lines[1:]))
    except (KeyError, ValueError, IndexError) as error:
        what = f"no '{error.args[0]}'" if isinstance(error, KeyError) else str(error)
        raise HarnessError(f"MTP file '{path}' is truncated or damaged: {what}.", _MEND) from error


def write(path: str | os.PathLike[str], data: MTPData, species: list[str] | None = None) -> None:
    """Write `data` atomically in the key order of MLIP-2; `species` are kept in ``potential_tag``."""

    def row(values: Any) -> str:
        return "{" + ", ".join(f"{v:.17g}" for v in np.ravel(values)) + "}"

    def table(values: Any) -> str:
        return "{" + ", ".join("{" + ", ".join(str(int(v)) for v in r) + "}" for r in values) + "}"

    out = ["MTP", "version = 1.1.0", f"potential_name = {data.potential_name}", f"scaling = {data.scaling:.17g}",
           f"species_count = {data.species_count}", f"potential_tag = {' '.join(species or [])}",
           f"radial_basis_type = {data.radial_basis.type}", f"\tmin_dist = {data.radial_basis.min:.17g}",
           f"\tmax_dist = {data.radial_basis.max:.17g}", f"\tradial_basis_size = {data.radial_basis.size}",
           f"\tradial_funcs_count = {data.radial_funcs_count}", "\tradial_coeffs"]  # fmt: skip
    for a, b in product(range(data.species_count), repeat=2):
        out.append(f"\t\t{a}-{b}")
        out.extend(f"\t\t\t{row(values)}" for values in data.radial_coeffs[a, b])
    out += [f"alpha_moments_count = {data.alpha_moments_count}",
            f"alpha_index_basic_count = {data.alpha_index_basic_count}",
            f"alpha_index_basic = {table(data.alpha_index_basic)}",
            f"alpha_index_times_count = {data.alpha_index_times_count}",
            f"alpha_index_times = {table(data.alpha_index_times)}",
            f"alpha_scalar_moments = {data.alpha_scalar_moments}",
            f"alpha_moment_mapping = {{{', '.join(str(int(v)) for v in data.alpha_moment_mapping)}}}",
            f"species_coeffs = {row(data.species_coeffs)}",
            f"moment_coeffs = {row(data.moment_coeffs)}"]  # fmt: skip
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text("\n".join(out) + "\n", encoding="ascii")
    part.replace(path)


def species_of_tag(data: MTPData) -> list[str] | None:
    """Chemical symbols kept in ``potential_tag``, when it holds one per species and nothing else."""
    words = re.split(r"[\s,]+", str(data.potential_tag).strip())
    known = len(words) == data.species_count and all(w in atomic_numbers for w in words)
    return words if known else None


def _split(lines: list[str]) -> tuple[dict[str, str], list[list[float]]]:
    """Keys with their texts, and the rows of radial coefficients in file order."""
    keys: dict[str, str] = {}
    rows: list[list[float]] = []
    for line in lines:
        if "=" in line:
            key, value = (part.strip() for part in line.split("=", 1))
            if key.startswith("magnetic") or key == "mag_basis_size":
                raise ValueError("it has a magnetic basis, which this potential does not support")
            keys[_ALIASES.get(key, key)] = value
        elif line.startswith("{"):
            rows.append(_floats(line))
        elif line != "radial_coeffs" and not re.fullmatch(r"\d+-\d+", line):
            raise ValueError(f"unexpected line '{line[:40]}'")
    return keys, rows


def _floats(text: str) -> list[float]:
    if not (text.startswith("{") and text.endswith("}")):
        raise ValueError(f"a list without its closing brace, '{text[:30]}...'")
    return [float(word) for word in text.strip("{}").split(",") if word.strip()]


def _ints(text: str, columns: int = 0) -> np.ndarray:
    if not (text.startswith("{") and text.endswith("}")):
        raise ValueError(f"a list without its closing brace, '{text[:30]}...'")
    values = np.array([int(word) for word in re.findall(r"-?\d+", text)], dtype=np.int32)
    return values.reshape(-1, columns) if columns else values


def _build(keys: dict[str, str], rows: list[list[float]]) -> MTPData:
    from motep.potentials.mtp.data import BasisData, MTPData

    if keys["radial_basis_type"] != "RBChebyshev":
        raise ValueError(f"radial basis '{keys['radial_basis_type']}' is not supported, only RBChebyshev")
    n, size, functions = (int(keys[k]) for k in ("species_count", "radial_basis_size", "radial_funcs_count"))
    if not rows or "moment_coeffs" not in keys:
        raise ValueError("it holds no trained coefficients (an untrained template?)")
    if len(rows) != n * n * functions or any(len(row) != size for row in rows):
        raise ValueError(f"{len(rows)} rows of radial coefficients instead of {n * n * functions} of {size}")
    data = MTPData(
        version=keys.get("version", "1.1.0"),
        potential_name=keys.get("potential_name", ""),
        scaling=float(keys.get("scaling", 1.0)),
        species_count=n,
        potential_tag=keys.get("potential_tag", ""),
        radial_basis=BasisData(
            "RBChebyshev", np.float64(keys["min_dist"]), np.float64(keys["max_dist"]), np.int32(size)
        ),
        radial_funcs_count=functions,
        radial_coeffs=np.array(rows).reshape(n, n, functions, size),
        alpha_moments_count=int(keys["alpha_moments_count"]),
        alpha_index_basic_count=int(keys["alpha_index_basic_count"]),
        alpha_index_basic=_ints(keys["alpha_index_basic"], 4),
        alpha_index_times_count=int(keys["alpha_index_times_count"]),
        alpha_index_times=_ints(keys["alpha_index_times"], 4),
        alpha_scalar_moments=int(keys["alpha_scalar_moments"]),
        alpha_moment_mapping=_ints(keys["alpha_moment_mapping"]),
        species_coeffs=np.array(_floats(keys["species_coeffs"])),
        moment_coeffs=np.array(_floats(keys["moment_coeffs"])),
    )
    _check(data)
    return data


def _check(data: MTPData) -> None:
    """Counts against lengths, and indices within bounds: the C engine checks neither."""
    lengths = {
        "alpha_index_basic": (len(data.alpha_index_basic), data.alpha_index_basic_count),
        "alpha_index_times": (len(data.alpha_index_times), data.alpha_index_times_count),
        "alpha_moment_mapping": (len(data.alpha_moment_mapping), data.alpha_scalar_moments),
        "moment_coeffs": (len(data.moment_coeffs), data.alpha_scalar_moments),
        "species_coeffs": (len(data.species_coeffs), data.species_count),
    }
    for name, (found, expected) in lengths.items():
        if found != expected:
            raise ValueError(f"{found} entries in {name} instead of {expected}")
    slots = np.concatenate([data.alpha_index_times[:, [0, 1, 3]].ravel(), data.alpha_moment_mapping])
    if slots.min(initial=0) < 0 or slots.max(initial=0) >= data.alpha_moments_count:
        raise ValueError("an index of alpha_index_times or alpha_moment_mapping is out of range")
    basic = data.alpha_index_basic
    if len(basic) and (basic.min() < 0 or basic[:, 0].max() >= data.radial_funcs_count):
        raise ValueError("an index of alpha_index_basic is out of range")
    coefficients = (data.radial_coeffs, data.species_coeffs, data.moment_coeffs)
    if not all(np.isfinite(c).all() for c in coefficients):
        raise ValueError("a coefficient is not finite")
