"""What the form can do: fits under different constraints and weights, as a Markdown table.

``python -m harness_charge_dipole.study datasets/hbn`` takes some minutes. docs/charge_dipole.md discusses the result.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

import numpy as np
from ase import Atoms
from ase.build import make_supercell

from harness.data.dataset import Dataset
from harness.errors import HarnessError
from harness_charge_dipole.fit import Settings, best
from harness_charge_dipole.flexo import flexoelectric
from harness_charge_dipole.model import ChargeDipole
from harness_charge_dipole.parameters import Parameters
from harness_charge_dipole.targets import labels

#: Frames that the table describes: AB stacking, and half-way between AB and BA.
AB, SADDLE = "path-bilayer4-000", "path-bilayer4-004"
WEIGHTS: dict[str, Mapping[str, float]] = {
    "all classes equal": {},
    "dipole x 100": {"dipole_out": 100.0},
    "no Born charges, dipole x 0.001": {
        "born_in": 0.0,
        "born_out": 0.0,
        "born_mixed": 0.0,
        "site_out": 0.0,
        "dipole_out": 0.001,
    },
}
HEADER = (
    "weights",
    "alpha",
    "neutral",
    "cost",
    "R_B, R_N / Å",
    "alpha_B, alpha_N / Å³",
    "chi_N - chi_B / eV",
    "q_B / e",
    "alpha_in / Å³",
    "alpha_out / Å³",
    "Z_in / e",
    "Z_out / e",
    "P_z / 1e-3 e Å",
    "Z_slide / 1e-3 e",
    "dP/dw'' / e",
)


def describe(ab: Atoms, saddle: Atoms, parameters: Parameters | None) -> list[str]:
    """AB: charge, polarizability per cell, Born charges of the lower B, P_z; saddle: layer-summed Z_z; AB bent."""
    if parameters is None:  # DFT
        charge = "-"
        wanted = labels(ab)
        alpha_in, alpha_out = wanted["polarizability_in"][0], wanted["polarizability_out"][0]
        dipole = wanted["dipole_out"][0]
        born, there = (a.arrays["born_charges"].reshape(-1, 3, 3) for a in (ab, saddle))
    else:
        words = ["charges", "polarizability", "born_effective_charges", "dipole"]
        out, far = (ChargeDipole(parameters).calculate(a, words) for a in (ab, saddle))
        charge = f"{out['charges'][0]:.2f}"
        alpha_in, alpha_out = out["polarizability"][0, 0], out["polarizability"][2, 2]
        dipole, born, there = out["dipole"][2], out["born_effective_charges"], far["born_effective_charges"]
    bend = "" if parameters is None else " + ".join(f"{v:.2f}" for v in flexoelectric(parameters, rectangular(ab)))
    upper = saddle.positions[:, 2] > saddle.positions[:, 2].mean()
    slide = np.linalg.norm(there[upper].sum(axis=0)[2, :2])
    return [
        charge,
        f"{alpha_in:.2f}",
        f"{alpha_out:.2f}",
        f"{born[0, 0, 0]:.2f}",
        f"{born[0, 2, 2]:.3f}",
        f"{1e3 * dipole:.2f}",
        f"{1e3 * slide:.1f}",
        bend,
    ]


def rectangular(cell: Atoms) -> Atoms:
    """The rectangular cell of a hexagonal one with 120° between its vectors, armchair along y, mid-plane at z = 0."""
    doubled = make_supercell(cell, [[1, 0, 0], [1, 2, 0], [0, 0, 1]])
    doubled.positions[:, 2] -= doubled.positions[:, 2].mean()
    return doubled


def rows(dataset: Dataset) -> Iterator[list[str]]:
    """One row of the table at a time, DFT first."""
    named = {a.info["name"]: a for a in dataset.frames("all", kind="responses")}
    try:
        ab, saddle = named[AB], named[SADDLE]
    except KeyError as error:
        raise HarnessError(f"the data set has no response frame {error}.", "Give the hBN data set.") from None
    yield ["DFT", "", "", "", "", "", "", *describe(ab, saddle, None)]
    train = dataset.frames("train", kind="responses")
    for title, weights in WEIGHTS.items():
        for constraint in ("layer", "total"):
            for tied in (True, False):
                found, cost = best(train, Settings(constraint=constraint, tied=tied, starts=2, weights=weights))
                e = list(found.elements.values())
                alpha = "of width" if tied else ", ".join(f"{x.polarizability:.2f}" for x in e)
                yield [
                    title,
                    "tied" if tied else "free",
                    constraint,
                    f"{cost:.3f}",
                    ", ".join(f"{x.width:.3f}" for x in e),
                    alpha,
                    f"{e[1].electronegativity - e[0].electronegativity:.1f}",
                    *describe(ab, saddle, found),
                ]


def main() -> None:
    """Print the table for the data set named on the command line."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m harness_charge_dipole.study DATASET")
    try:
        dataset = Dataset.load(sys.argv[1])
        print("| " + " | ".join(HEADER) + " |\n|" + "---|" * len(HEADER))
        for row in rows(dataset):
            print("| " + " | ".join(row) + " |", flush=True)
    except HarnessError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
