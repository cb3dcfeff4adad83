"""The test class for plugin authors: passes, fails and skips as the task does; needs no Hydra."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PHYSICS = Path(__file__).parents[1] / "physics"
SUITE = """
import sys
sys.path.insert(0, {physics!r})
from conformance_models import PairPotential, Shell
from harness.testing import PolarizationConformance, PotentialConformance

SHORT = {{"nve_steps": 40, "path_points": 40}}

class TestSound(PotentialConformance):
    params = SHORT
    def potential(self):
        return PairPotential()

class TestPolar(TestSound):
    dtype = "float32"
    def polarization(self):
        return Shell()

class TestBroken(TestSound):
    def potential(self):
        def stress(results, atoms, calculator):
            results["stress"] = 2 * results["stress"]
        return PairPotential(stress)

class TestShell(PolarizationConformance):
    def polarization(self):
        return Shell(lambda found, atoms: found.update(born_effective_charges=-found["born_effective_charges"]))

def test_without_hydra():
    assert "hydra" not in sys.modules
"""


def test_a_plugin_author_inherits_the_checks(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(SUITE.format(physics=str(PHYSICS)))
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", "-p", "no:hydra_pytest", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=280)
    assert "2 failed, 16 passed, 6 skipped" in run.stdout, run.stdout  # four have no pyproject.toml here
    assert "FAILED test_mine.py::TestBroken::test_forces_and_stress_are_derivatives_of_the_energy" in run.stdout
    assert "FAILED test_mine.py::TestShell::test_polarization" in run.stdout
    assert "stress_slab_ttf: " in run.stdout and "born_finite_differences: " in run.stdout
    assert "allowed" in run.stdout and "neither the potential nor a polarization model offers a dipole" in run.stdout
