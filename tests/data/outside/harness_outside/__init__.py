"""A potential and a task from somebody else's distribution."""

from __future__ import annotations

from dataclasses import dataclass

from harness import hookimpl
from harness.contracts.measurement import Measurement
from harness.contracts.observable import Observable
from harness.contracts.quantity import Quantity


class Tether:
    """Every atom is tied to the plane z = 0 by a spring of constant k (eV/Å²)."""

    name = "tether"
    implemented_properties = ("energy", "forces")
    elements = None

    def __init__(self, k: float = 1.0) -> None:
        import six  # only here, so that listing the plugin does not need it

        self.k, self.version = k, six.__version__

    def calculator(self, device="cpu", dtype="float64"):
        from ase.calculators.calculator import Calculator, all_changes

        k = self.k

        class Springs(Calculator):
            implemented_properties = ["energy", "forces"]

            def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
                super().calculate(atoms, properties, system_changes)
                heights = atoms.positions[:, 2]
                forces = 0 * atoms.positions
                forces[:, 2] = -k * heights
                self.results = {"energy": 0.5 * k * float(heights @ heights), "forces": forces}

        return Springs()

    def provenance(self):
        return {"form": "springs", "model": {"k": self.k}, "versions": {"six": self.version}}


@dataclass
class Params:
    """Height (Å) to which the atoms are lifted, and how long (s) the measurement pretends to take."""

    height: float = 1.0
    wait: float = 0.0


class Stretch:
    """Energy per atom of atoms lifted off the plane: k height² / 2."""

    name, version, requires, Params = "stretch", 1, frozenset({"energy", "forces"}), Params
    needs = frozenset()  # any material will do
    observables = (Observable("energy", "eV/atom", "E", "Energy per atom of the lifted atoms.", headline=True),)

    def structure(self, material, params):
        from ase import Atoms

        return Atoms(material.symbols, [(2.0 * i, 0, params.height) for i in range(len(material.symbols))])

    def measure(self, ctx):
        import time

        with ctx.stages.stage("lifted", total=2) as stage:
            ctx.atoms.calc = ctx.calculator
            energy = ctx.atoms.get_potential_energy() / len(ctx.atoms)
            stage.advance()
            time.sleep(ctx.params.wait)
            stage.advance()
        return Measurement(
            observables={"energy": Quantity(energy, "eV/atom")},
            arrays={"forces": ctx.atoms.get_forces()},
            frames={"lifted": [ctx.atoms]},
        )

    def figures(self, record, arrays, folder):
        return []


@hookimpl
def harness_potentials():
    return {"tether": Tether}


@hookimpl
def harness_tasks():
    return {"stretch": Stretch}


@hookimpl
def harness_fitters():
    return {"tether": "harness_outside.springs:fit"}
