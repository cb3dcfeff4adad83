"""Model files: what is read, and what is refused before QUIP could end the process."""

from __future__ import annotations

import hashlib
import lzma
import shutil
from pathlib import Path

import pytest
from harness_gap import gapfile

from harness.errors import HarnessError
from harness.registry.lookup import build_potential


@pytest.fixture
def copied(small: Path, tmp_path: Path) -> Path:
    for path in small.parent.glob("bn_bilayer*"):
        shutil.copy(path, tmp_path)
    return tmp_path / small.name


def test_what_the_file_says(small: Path) -> None:
    model = gapfile.read(small)
    assert model.elements == {"B", "N"} and model.label.startswith("GAP_")
    assert [d.split()[0] for d in model.descriptors] == ["distance_2b"] * 3 + ["soap"] * 2
    assert model.hashes()[small.name] == hashlib.sha256(small.read_bytes()).hexdigest()
    assert "gap={" in model.command


def test_a_model_as_gap_fit_left_it_is_read_too(copied: Path) -> None:
    """Plain files of sparse points, no facts: any user's GAP."""
    before = build_potential("gap", {"model": str(copied)})
    for path in copied.parent.glob("*.xz"):
        path.with_suffix("").write_bytes(lzma.decompress(path.read_bytes()))
        path.unlink()
    copied.with_suffix(".json").unlink()
    plain = build_potential("gap", {"model": str(copied)})
    assert plain.provenance()["level_of_theory"] is None
    from ase import Atoms

    atoms = Atoms("BNB", positions=[[0, 0, 0], [0, 0, 1.4], [0, 1.3, 2.0]])
    energies = [p.calculator().get_potential_energy(atoms) for p in (before, plain)]
    assert energies[0] == energies[1]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not a whole XML file"),
        (b"<a><b></a>", "is not a whole XML file"),
        (b"\x00\x01\x02 not xml at all", "is not a whole XML file"),
        (b"<mtp>version = 1.1.0</mtp>", "no GAP"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "no GAP"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "x.xml").write_bytes(content)
    with pytest.raises(HarnessError, match=words) as caught:
        build_potential("gap", {"model": str(tmp_path / "x.xml")})
    assert "\n" not in str(caught.value)


def test_a_truncated_model_does_not_end_the_process(copied: Path) -> None:
    text = copied.read_text()
    for share in (0.3, 0.6, 0.95):
        copied.write_text(text[: int(share * len(text))])
        with pytest.raises(HarnessError, match="is not a whole XML file"):
            build_potential("gap", {"model": str(copied)})


def test_sparse_points_that_are_missing_foreign_or_broken(copied: Path) -> None:
    file = copied.with_name("bn_bilayer.xml.sparseX4.xz")
    whole = file.read_bytes()
    file.write_bytes(lzma.compress(lzma.decompress(whole)[:-100]))
    with pytest.raises(HarnessError, match="MD5 differs"):
        build_potential("gap", {"model": str(copied)}).calculator()
    file.write_bytes(whole[:100])
    with pytest.raises(HarnessError, match="cannot be read"):
        build_potential("gap", {"model": str(copied)}).calculator()
    file.unlink()
    with pytest.raises(HarnessError, match="there is no bn_bilayer.xml.sparseX4 beside it"):
        build_potential("gap", {"model": str(copied)})


def test_sparse_points_stay_in_their_folder(copied: Path) -> None:
    copied.write_text(copied.read_text().replace('filename="bn_bilayer.xml.sparseX4"', 'filename="../../etc/passwd"'))
    with pytest.raises(HarnessError, match="in another folder"):
        build_potential("gap", {"model": str(copied)})


def test_a_gap_that_quip_refuses(copied: Path) -> None:
    copied.write_text(copied.read_text().replace("IP GAP", "IP GAPP"))
    here, good = Path.cwd(), copied.read_text().replace("IP GAPP", "IP GAP")
    with pytest.raises(HarnessError, match="QUIP refuses 'bn_bilayer.xml'"):
        build_potential("gap", {"model": str(copied)}).calculator()
    assert Path.cwd() == here
    copied.write_text(good)
    build_potential("gap", {"model": str(copied)}).calculator()  # the process lives on


def test_a_missing_file_names_the_nearest() -> None:
    with pytest.raises(HarnessError, match="'bn_bilayr.xml' does not exist"):
        build_potential("gap", {"model": "bn_bilayr.xml"})
