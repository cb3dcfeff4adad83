"""The checks of the task ``conformance`` as test classes, for whoever writes a potential or a polarization model.

    from harness.testing import PolarizationConformance, PotentialConformance

    class TestMine(PotentialConformance):
        def potential(self):
            return Mine("mine.pt")

    class TestMyCharges(PolarizationConformance):
        def polarization(self):
            return MyCharges("charges.json")

They need pytest; neither Hydra nor a terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from harness.contracts.task import Context, Task

if TYPE_CHECKING:
    from harness.contracts.material import Material
    from harness.contracts.measurement import Check, Measurement
    from harness.contracts.potential import PolarizationModel, Potential

__all__ = ["PolarizationConformance", "PotentialConformance"]

#: Two layers of hexagonal boron nitride.
BILAYER: Mapping[str, Any] = {
    "name": "bn_bilayer", "symbols": ["B", "N"], "layers": 2, "stacking": "AB",
    "a": 2.511, "distance": 3.35, "vacuum": 20.0,
}  # fmt: skip


class ConformanceTask(Task, Protocol):
    """What the task ``conformance`` offers beyond a task."""

    def examine(self, ctx: Context) -> tuple[Measurement, dict[str, list[str]]]:
        """The measurement, and the names of the checks of each group."""
        ...


class _Conformance:
    """What both classes share.

    Attributes
    ----------
    material
        A `Material`, or a mapping with the keys of ``conf/material``; choose elements that the model knows.
    dtype
        Number type that the potential is asked for: ``float64`` or ``float32``.
    seed
        Of the random structures.
    params
        Parameters of the task ``conformance`` that are not to be its defaults.
    """

    material: ClassVar[Material | Mapping[str, Any]] = BILAYER
    dtype: ClassVar[str] = "float64"
    seed: ClassVar[int] = 0
    params: ClassVar[Mapping[str, Any]] = {}
    _found: ClassVar[tuple[Measurement, dict[str, list[str]]] | None] = None
    _modules: ClassVar[frozenset[str]] = frozenset()

    def potential(self) -> Potential:
        """The potential under test; called once."""
        raise NotImplementedError("say which potential is meant: def potential(self): return Mine(...)")

    def polarization(self) -> PolarizationModel | None:
        """The polarization model beside it; None for the potential's own, where it has one."""
        return None

    def test_polarization(self) -> None:
        """Sum rules, parities, Born charges as derivatives, answers to a field."""
        self._assert("response")

    def test_model_files_are_stated(self) -> None:
        """``model_files`` in the plugin's ``pyproject.toml`` are the parameters that its factories mark as files."""
        import pytest

        from harness.registry.catalogue import catalogue
        from harness.registry.model_files import declared

        self._examined()
        plugins = [p for p in catalogue().values() if p.module in self._modules and p.static]
        if not plugins:
            pytest.skip("the pyproject.toml of the plugin is not known here")
        for plugin in plugins:
            stated = plugin.static.get("model_files", {})
            assert {name: sorted(files) for name, files in stated.items()} == declared(plugin)

    def _assert(self, group: str) -> None:
        import pytest

        found, groups = self._examined()
        lines = [check for check in found.checks if check.name in groups[group]]
        if not lines:
            pytest.skip("; ".join(found.notes) or "nothing of it is offered")
        failed = [check for check in lines if not check.passed]
        table = "\n".join(map(_line, failed))
        assert not failed, f"{len(failed)} of {len(lines)} lines of conformance failed:\n{table}"

    def _examined(self) -> tuple[Measurement, dict[str, list[str]]]:
        from harness.registry.lookup import build_task
        from harness.registry.parameters import build_params
        from harness.testing.trial import TrialContext

        cls = type(self)
        if "_found" not in vars(cls):
            task = cast("ConformanceTask", build_task("conformance"))
            params = build_params(task.Params, cls.params, "task 'conformance'")
            potential, model = self.potential(), self.polarization()
            cls._modules = frozenset(type(part).__module__.partition(".")[0] for part in (potential, model))
            cls._found = task.examine(
                TrialContext(task, potential, model, cls.material, params, cls.seed, dtype=cls.dtype)
            )
        assert cls._found is not None
        return cls._found


class PotentialConformance(_Conformance):
    """Inherit from it, in a class whose name begins with ``Test``, and say which potential is meant.

    The potential is examined once for each class; each test asserts one group of lines, and is skipped where nothing
    of it is offered. Class attributes: ``material`` (as the keys of ``conf/material``; of elements that the model
    knows), ``dtype`` (``float64`` or ``float32``), ``seed``, and ``params`` (of the task, where not its defaults).
    """

    def test_forces_and_stress_are_derivatives_of_the_energy(self) -> None:
        """In bulk, and in a slab with and without periodicity across the vacuum."""
        self._assert("derivatives")

    def test_symmetries_size_and_vacuum(self) -> None:
        """Rotation, translation, order, mirror, inversion, supercell, vacuum, net force and torque."""
        self._assert("symmetries")

    def test_smoothness_across_the_cutoff(self) -> None:
        """Energy and forces have no jump."""
        self._assert("smooth")

    def test_energy_is_conserved(self) -> None:
        """At constant energy."""
        self._assert("dynamics")

    def test_nothing_but_the_structure_matters(self) -> None:
        """Neither the past nor the global state; and none of it is altered."""
        self._assert("state")


class PolarizationConformance(_Conformance):
    """The lines about polarization alone, of a model that stands beside some potential.

    Inherit from it and say which polarization model is meant; class attributes as for `PotentialConformance`.
    """

    params: ClassVar[Mapping[str, Any]] = {"nve_steps": 40, "path_points": 30}

    def potential(self) -> Potential:
        """Free atoms: the least that can stand beside a polarization model."""
        from harness.testing.free_atoms import FreeAtoms

        return FreeAtoms()


def _line(check: Check) -> str:
    return f"  {check.name}: {check.value:.3g} {check.unit}, allowed {check.tolerance:.3g} ({check.reason})"
