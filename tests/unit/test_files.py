"""Model files are found, hashed, and missed with a hint."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.registry.files import resolve_model, sha256


def test_hash_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"model")
    assert sha256(tmp_path / "m") == hashlib.sha256(b"model").hexdigest()


def test_folder_hash_sees_names_and_content(tmp_path: Path) -> None:
    def folder(name: str, **files: str) -> Path:
        (tmp_path / name).mkdir()
        for file, text in files.items():
            (tmp_path / name / file).write_text(text)
        return tmp_path / name

    first = sha256(folder("1", a="x", b="y"))
    assert first == sha256(folder("2", b="y", a="x"))
    assert first != sha256(folder("3", a="y", b="x"))


def test_a_path_wins_over_shipped_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped, here = tmp_path / "models", tmp_path / "here"
    for folder in (shipped, here):
        folder.mkdir()
        (folder / "bn.mtp").write_text(folder.name)
    monkeypatch.chdir(tmp_path)
    assert resolve_model("bn.mtp", folders=(shipped,)).read_text() == "models"
    monkeypatch.chdir(here)
    assert resolve_model("bn.mtp", folders=(shipped,)).read_text() == "here"


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "bn_bilayer.mtp").write_text("")
    with pytest.raises(HarnessError, match=r"'bn_bilayr.mtp' does not exist. Did you mean 'bn_bilayer.mtp'"):
        resolve_model("bn_bilayr.mtp", folders=(tmp_path,))
