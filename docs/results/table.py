"""The tables of this page, from records:  python docs/results/table.py runs [quick|standard]

The column DFT has what the shipped records of DFT say, which are `quick` ones. Where a potential has no polarization of
its own, the column takes what it has with another polarization model, marked by an asterisk.
"""

from __future__ import annotations

import sys
from pathlib import Path

from harness.contracts.record import Record
from harness.records.references import shipped_records
from harness.records.store import find_records
from harness.registry import lookup

POTENTIALS = ("mtp_cd", "allegro_dream", "deep_wannier", "gap", "mace", "tersoff_ilp")
OWN = (None, "charge_dipole", "dft")
ROWS = (
    ("C11, C12, C66 of AB, N/m", "elastic", ("C11", "C12", "C66")),
    ("vertical constant E_zzzz, GPa", "elastic", ("E_zzzz",)),
    ("distance of AB, Å", "interlayer", ("h0_AB",)),
    ("C33 of AB, GPa", "interlayer", ("c33_AB",)),
    ("binding energy of AB, meV/atom", "interlayer", ("binding_energy_per_atom_AB",)),
    ("AA above AB, meV per cell", "interlayer", ("energy_above_AB_per_cell_AA",)),
    ("AA′ above AB, meV per cell", "interlayer", ("energy_above_AB_per_cell_AAp",)),
    ("sliding barrier, relaxed, meV per cell", "sliding", ("barrier_per_cell",)),
    ("P⊥ of AB at 3.35 Å, pC/m", "sliding", ("spontaneous_polarization_rigid",)),
    ("P∥ of SP, pC/m", "sliding", ("polarization_parallel_SP_rigid",)),
    ("Σ Z of a layer across at SP, 10⁻³ e", "sliding", ("layer_born_charge_perp_SP_rigid",)),
    ("e_yyy, clamped and relaxed, nC/m", "piezo", ("e_yyy_clamped", "e_yyy")),
    ("coercive field, model of the path, V/Å", "coercive_field", ("coercive_field_model",)),
    ("the same, atoms at rest in the field", "coercive_field", ("coercive_field_static",)),
    ("dip angle, own path", "coercive_field", ("dip_angle_path",)),
    ("T_C of 4 cells at 2.5 ps, K", "tc_sweep", ("curie_temperature",)),
    ("bending stiffness of AB, ribbon of 80 Å, eV", "bend", ("bending_stiffness",)),
    ("twist of 4.41°: d_max, d_min, Å", "moire_relax", ("d_max_4.41deg", "d_min_4.41deg")),
    ("twist of 1.89°: d_max, d_min, Å", "moire_relax", ("d_max_1.89deg", "d_min_1.89deg")),
    ("P⊥ at M, flat 6.01°, pC/m", "polarization_pattern", ("polarization_perp_M_flat",)),
    ("force error within reach of 2000 K, meV/Å", "accuracy", ("thermal_force_rmse",)),
    ("energy error, all test frames, meV/atom", "accuracy", ("relative_energy_rmse",)),
    ("Born charges, e", "accuracy", ("born_rmse",)),
)
SCALED = {"layer_born_charge_perp_SP_rigid": 1e3}


def cell(records: list[Record], potential: str, task: str, names: tuple[str, ...]) -> str:
    """What a potential has for some observables of a task."""
    mine = [r for r in records if (r.potential, r.task) == (potential, task)]
    for record in sorted(mine, key=lambda r: r.polarization not in OWN):
        if any(name in record.observables for name in names):
            star = "" if record.polarization in OWN else "*"
            return ", ".join(number(record, name) + star for name in names)
    return next((r.status for r in mine if r.status in ("timeout", "failed", "interrupted")), "–")


def number(record: Record, name: str) -> str:
    """A value to three digits, or four where distances and stiffnesses ask for them."""
    quantity = record.observables.get(name)
    if quantity is None or quantity.value != quantity.value:
        return "–"
    value = quantity.value * SCALED.get(name, 1.0)
    digits = "#.3g" if abs(value) < 100 else ".0f"
    digits = {"A": ".3f", "N/m": ".1f"}.get(quantity.unit, digits)
    text = f"{value:{digits}}"
    return text.replace("-", "−") + "!" * (not record.valid)


def main(folder: str, profile: str = "quick") -> None:
    """Print the table of a profile; rows for which nobody has a value there are left out."""
    records = [r for r in find_records([Path(folder)])[0] if r.profile == profile]
    known = shipped_records(lookup.tasks())
    print("| | DFT |", *(f" `{name}` |" for name in POTENTIALS), sep="")
    print("|---|---|" + "---|" * len(POTENTIALS))
    for title, task, names in ROWS:
        cells = [cell(records, name, task, names) for name in POTENTIALS]
        if any(text != "–" for text in cells):
            dft = cell(known, "dft", task, names).replace("–", "")
            print("|", *(f" {text} |" for text in (title, dft, *cells)), sep="")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python docs/results/table.py RUNS [quick|standard]")
    main(*sys.argv[1:])
