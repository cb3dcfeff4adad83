"""Force calls of a potential through the harness and of its bare backend, in turn, in the backend's environment.

``python arms.py NAME NATOMS ROUNDS`` prints one JSON object: processor time (s) of every call on both sides, and the
largest difference of their forces (eV/Å; null where the bare side gives none). `test_potentials.py` runs it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import graphene

from harness.registry.lookup import build_potential

Call = Callable[[Atoms], Any]


def bilayer(natoms: int) -> Atoms:
    """Nearly square AB bilayer of hBN, 3.35 Å apart, with thermal displacements."""
    n, m = {64: (4, 4), 900: (15, 15), 3600: (30, 30)}[natoms]
    lower = graphene("BN", a=2.511, size=(n, m, 1), vacuum=10.0)
    upper = lower.copy()
    upper.positions += (lower.cell[0] / n + 2 * lower.cell[1] / m) / 3 + np.array([0.0, 0.0, 3.35])
    atoms = lower + upper
    atoms.pbc = (True, True, False)
    atoms.center(vacuum=10.0, axis=2)
    atoms.rattle(0.03, seed=0)
    return atoms


def of_calculator(calculator: Any) -> Call:
    """Forces of an ASE calculator."""

    def call(atoms: Atoms) -> np.ndarray:
        forces: np.ndarray = calculator.get_property("forces", atoms)
        return forces

    return call


def gap(potential: Any, atoms: Atoms) -> Call:
    """quippy's own calculator."""
    from harness_gap.potential import load

    return of_calculator(load(potential.file))


def mace(potential: Any, atoms: Atoms) -> Call:
    """mace's own calculator on the same parameters."""
    from harness_mace.modelfile import load
    from mace.calculators import MACECalculator

    return of_calculator(MACECalculator(models=[load(potential.path)[0]], device="cpu", default_dtype="float64"))


def deep_wannier(potential: Any, atoms: Atoms) -> Call:
    """deepmd's own calculator; energies and forces alone."""
    from deepmd.calculator import DP

    return of_calculator(DP(model=str(potential.path)))


def allegro_dream(potential: Any, atoms: Atoms) -> Call:
    """What nequip's calculator does at a force call (its data, its neighbour list), around the same compiled kernel."""
    import torch
    from harness_allegro_dream.guard import torch_state
    from nequip.data.ase import from_ase
    from nequip.data.transforms import NeighborListTransform

    calculator = potential.calculator()
    calculator.engine = "compiled"
    kernel = calculator._kernel("forces", len(atoms))
    neighbours = NeighborListTransform(calculator.hyper.r_max)

    def call(atoms: Atoms) -> np.ndarray:
        with torch_state(torch.float64):
            data = neighbours(from_ase(atoms))
            (i, j), r = data["edge_index"], data["pos"]
            vectors = r[j] - r[i] + data["edge_cell_shift"] @ data["cell"].reshape(3, 3)
            types = torch.from_numpy(calculator._types(atoms))
            _, gradient, _ = kernel(vectors, data["edge_index"], types)
            forces = torch.zeros_like(r).index_add(0, i, gradient).index_add(0, j, -gradient)
        found: np.ndarray = forces.numpy()
        return found

    return call


def tersoff_ilp(potential: Any, atoms: Atoms) -> Call:
    """LAMMPS' own loop over steps without an integrator; the call does twenty, and counts as one."""
    calculator = potential.calculator()
    calculator.get_property("forces", atoms)
    lammps = calculator._session._lammps

    def call(atoms: Atoms) -> None:
        lammps.command("run 20 pre no post no")

    return call


def chgnet(potential: Any, atoms: Atoms) -> Call:
    """chgnet's own calculator."""
    from chgnet.model.dynamics import CHGNetCalculator

    return of_calculator(CHGNetCalculator(use_device="cpu"))


def sevenn(potential: Any, atoms: Atoms) -> Call:
    """sevenn's own calculator."""
    from sevenn.calculator import SevenNetCalculator

    return of_calculator(SevenNetCalculator("7net-0", device="cpu"))


BARE = {f.__name__: f for f in (gap, mace, deep_wannier, allegro_dream, tersoff_ilp, chgnet, sevenn)}
REPEATS = {"tersoff_ilp": 20}


def main(name: str, natoms: int, rounds: int) -> dict[str, Any]:
    """Both arms on the same moving structure; whichever starts takes turns."""
    params = json.loads(sys.argv[4]) if len(sys.argv) > 4 else {}
    potential: Any = build_potential(name, params)
    atoms = bilayer(natoms)
    arms = {"harness": of_calculator(potential.calculator()), "bare": BARE[name](potential, atoms.copy())}
    seconds: dict[str, list[float]] = {arm: [] for arm in arms}
    steps = np.random.default_rng(1).normal(scale=0.003, size=(rounds + 2, natoms, 3))
    worst: float | None = None
    for turn, step in enumerate(steps):
        atoms.positions += step
        forces = {}
        for arm in sorted(arms, reverse=turn % 2 == 1):
            start = time.process_time()
            forces[arm] = arms[arm](atoms)
            if turn > 1:  # two rounds to build lists and warm up
                seconds[arm].append((time.process_time() - start) / (REPEATS.get(name, 1) if arm == "bare" else 1))
        if forces["bare"] is not None:
            worst = max(worst or 0.0, float(np.abs(forces["harness"] - forces["bare"]).max()))
    return {"seconds": seconds, "largest_difference": worst}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
