"""Bad model files are named in one line; good ones say where they come from."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import harness_deep_wannier
import pytest
from ase.build import molecule
from harness_deep_wannier import frozen
from harness_deep_wannier.backend import deepmd
from harness_deep_wannier.potential import DeepWannierPolarization, DeepWannierPotential

from harness.errors import HarnessError

MODELS = Path(harness_deep_wannier.__file__).parent / "models"


def refused(path: Path, kind: str = "energy") -> str:
    with pytest.raises(HarnessError) as caught:
        frozen.open_model(frozen.find(str(path)), kind)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_wrong_kind_of_model():
    assert "is a model of deepmd for 'dipole', not for 'energy'" in refused(MODELS / "bn_bilayer_wannier.pb")
    assert "is a model of deepmd for 'energy', not for 'dipole'" in refused(MODELS / "bn_bilayer.pb", "dipole")


def test_files_that_are_no_models(tmp_path):
    whole = (MODELS / "bn_bilayer.pb").read_bytes()
    for name, content in {"half.pb": whole[: len(whole) // 2], "text.pb": b"pair_style deepmd\n", "no.pb": b""}.items():
        (tmp_path / name).write_bytes(content)
        assert name in refused(tmp_path / name)
    (tmp_path / "model.pth").write_bytes(b"PK")
    assert "convert-backend" in refused(tmp_path / "model.pth")
    (tmp_path / "saved.pb").mkdir()
    assert "folder" in refused(tmp_path / "saved.pb")
    assert "Did you mean 'bn_bilayer.pb'" in refused(Path("bn_bilayr.pb"))


def test_a_graph_that_writes_files_is_refused(tmp_path):
    """It could be hidden behind the energy."""
    tf = deepmd().tf
    graph = tf.GraphDef()
    graph.ParseFromString((MODELS / "bn_bilayer.pb").read_bytes())
    with tf.Graph().as_default() as other:
        tf.io.write_file(str(tmp_path / "written"), "x", name="innocent")
    graph.node.extend(other.as_graph_def().node)
    (tmp_path / "evil.pb").write_bytes(graph.SerializeToString())
    assert "WriteFile" in refused(tmp_path / "evil.pb")
    (tmp_path / "other.pb").write_bytes(other.as_graph_def().SerializeToString())
    assert "not a model of deepmd" in refused(tmp_path / "other.pb")


def test_foreign_element(potential, polarization):
    assert potential.elements == {"B", "N"} == polarization.elements
    with pytest.raises(HarnessError, match="does not know the element O"):
        potential.calculator().get_property("energy", molecule("H2O"))


def test_energies_alone(atoms):
    plain = DeepWannierPotential("bn_bilayer.pb")
    assert "dipole" not in plain.implemented_properties
    assert plain.provenance()["wannier"] is None
    assert "dipole" not in plain.calculator().implemented_properties
    with pytest.raises(HarnessError, match="Did you mean 'centroids'"):
        DeepWannierPotential("bn_bilayer.pb", {"centroid": {}})


def test_outputs_that_are_dipoles_already(tmp_path, atoms, polarization):
    """A dipole model without facts gives its outputs as they are; with `centroids` it is read as ours."""
    (tmp_path / "theirs.pb").write_bytes((MODELS / "bn_bilayer_wannier.pb").read_bytes())
    raw = DeepWannierPolarization(str(tmp_path / "theirs.pb"))
    ours = DeepWannierPolarization(str(tmp_path / "theirs.pb"), raw_centroids())
    a, b = (model.calculate(atoms, ["atomic_dipoles"])["atomic_dipoles"] for model in (ours, polarization))
    assert a == pytest.approx(b)
    ionic, _ = polarization._dipoles.cores.of(atoms)
    assert -8 * raw.calculate(atoms, ["atomic_dipoles"])["atomic_dipoles"] + ionic == pytest.approx(b)
    with pytest.raises(HarnessError, match="are not understood"):
        DeepWannierPolarization(str(tmp_path / "theirs.pb"), {"charges": {"B": 3, "N": 5}})
    (tmp_path / "theirs.json").write_text("{")
    with pytest.raises(HarnessError, match="cannot be read"):
        DeepWannierPolarization(str(tmp_path / "theirs.pb"))


def raw_centroids() -> dict:
    return {"charges": {"B": 3, "N": 5}, "centroid": -8, "carriers": ["N"]}


def test_provenance(potential, polarization):
    said = json.loads(json.dumps(potential.provenance()))
    for part, name in ((said["model"], "bn_bilayer.pb"), (said["wannier"], "bn_bilayer_wannier.pb")):
        assert part["file"] == name
        assert part["sha256"] == hashlib.sha256((MODELS / name).read_bytes()).hexdigest()
        assert part["executes_code"]
    assert said["level_of_theory"] == "PBE-D3(BJ)"
    assert said["versions"]["deepmd-kit"] == "3.2.0"
    assert polarization.provenance()["model"] == said["wannier"]


def test_shipped_models_are_no_worse_than_said(shipped_facts):
    """README has the numbers, and says that the energy model is undertrained; this guards against worse ones."""
    energy = shipped_facts["bn_bilayer"]["errors"]["test"]
    assert energy["force_rmse_meV_per_A"] < 500
    wannier = shipped_facts["bn_bilayer_wannier"]["errors"]
    assert wannier["test"]["born_rmse_e"] < 0.031
    assert wannier["train"]["born_slide_rmse_e"] < 1e-3
    assert sum(path.stat().st_size for path in MODELS.iterdir()) < 1.4e6
    assert not any(b"/home" in path.read_bytes() or b"/work" in path.read_bytes() for path in MODELS.glob("*.pb"))


def test_threads_and_environment_stay_as_they_were():
    """TensorFlow gets as many threads as OpenMP, whatever the machine has, and leaves no variables behind."""
    code = (
        "import os; before = dict(os.environ)\n"
        "from harness_deep_wannier.backend import deepmd; deepmd()\n"
        "assert dict(os.environ) == before\n"
        "from deepmd.tf.env import default_tf_session_config as c\n"
        "print(c.intra_op_parallelism_threads, c.inter_op_parallelism_threads)\n"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("DP_", "TF_"))} | {"OMP_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == ["2", "2"]
    assert done.stderr == ""
