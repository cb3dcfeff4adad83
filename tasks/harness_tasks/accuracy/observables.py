"""What the task `accuracy` returns: errors over the test frames, by word of `harness.fitting.parity.COMPONENTS`."""

from __future__ import annotations

from harness.contracts.observable import Observable
from harness.fitting.parity import COMPONENTS, SIZED

#: The word for energies after a constant per element was taken off.
RELATIVE = "relative_energy"
_UNITS = {word: unit for components in COMPONENTS.values() for word, _, unit, _, _ in components}
#: Symbol and meaning of each word.
_WORDS = {
    RELATIVE: ("ΔE", "the energy per atom, after one constant per element fitted to these frames"),
    "energy": ("E", "the total energy per atom"),
    "force": ("F", "force components"),
    "force_xy": ("Fxy", "force components in the plane"),
    "force_z": ("Fz", "force components across the sheet"),
    "stress": ("σ", "the sheet stress components xx, yy and xy"),
    "dipole_xy": ("pxy", "the dipole moment in the plane, modulo a lattice vector times e"),
    "dipole_z": ("pz", "the dipole moment of a cell across the sheet"),
    "born": ("Z*", "components of the Born charges of atoms"),
    "born_layers": ("ΣZ*", "Born charges summed over the atoms of a layer"),
    "born_slide": ("ΣZ*z", "the dipole across the sheet by sliding a layer in the plane: Born charges summed over it"),
    "polarizability_in": ("α∥", "the polarizability in the plane"),
    "polarizability_out": ("α⊥", "the polarizability across the sheet"),
}
_HEADLINE = {
    "relative_energy_rmse", "energy_mae", "force_rmse", "thermal_force_rmse", "force_mae", "force_xy_rmse",
    "force_z_rmse", "stress_rmse", "dipole_z_rmse", "born_rmse", "born_mae", "born_slide_rmse",
}  # fmt: skip


def _declare(words: tuple[str, ...], key: str, symbol: str, definition: str) -> dict[str, Observable]:
    found = {}
    for word in words:
        sign, what = _WORDS[word]
        name = key.replace("WORD", word)
        unit = _UNITS["energy" if word == RELATIVE else word]
        found[word] = Observable(name, unit, f"{symbol}_{sign}", f"{definition} {what}.", name in _HEADLINE)
    return found


RMSE = _declare(
    tuple(_WORDS), "WORD_rmse", "RMSE", "Root-mean-square error over all test frames, against the labels, of"
)
MAE = _declare(tuple(_WORDS), "WORD_mae", "MAE", "Mean absolute error over all test frames, against the labels, of")
#: Sizes of the labels themselves.
SIZE = _declare(SIZED, "WORD_size", "RMS", "Root mean square of the labels of")
THERMAL = _declare(
    (RELATIVE, "force"),
    "thermal_WORD_rmse",
    "RMSE(≤2000 K)",
    "Root-mean-square error over the frames that dynamics at up to 2000 K visits, of",
)
BY_FAMILY = _declare(
    (RELATIVE, "force", "born"),
    "WORD_rmse_{family}",
    "RMSE({family})",
    "Root-mean-square error over the frames of the family {family}, of",
)
OBSERVABLES = tuple(table[word] for word in _WORDS for table in (RMSE, MAE, THERMAL, SIZE, BY_FAMILY) if word in table)
