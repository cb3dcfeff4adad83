"""Compiled kernels: the same numbers, kept in the cache; and what happens where there is no compiler."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from harness_allegro_dream import compiled

BORN = "born_effective_charges"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    return tmp_path / "allegro_dream"


@pytest.mark.skipif(compiled.compiler() is None, reason="no C++ compiler")
def test_compiled_gives_the_same_numbers_and_is_kept(
    cache: Path, calculator: Callable[..., Any], bilayer: Callable[..., Atoms], monkeypatch: pytest.MonkeyPatch
) -> None:
    eager, made = calculator(), calculator(engine="compiled")
    for atoms in (bilayer(2), bilayer(1), Atoms("B", positions=[[0, 0, 0]]), Atoms("BN", positions=np.eye(2, 3))):
        for name in ("energy", "forces", "dipole"):
            np.testing.assert_allclose(made.get_property(name, atoms), eager.get_property(name, atoms), atol=1e-11)
    (entry,) = cache.glob("*.pt2")
    assert not list(cache.glob("*.making"))
    kept = calculator(engine="auto")  # now compiled from the first call, and without a compiler
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert kept.get_property("energy", bilayer()) == pytest.approx(eager.get_property("energy", bilayer()), abs=1e-11)
    assert list(kept._kernels) == [("forces", "compiled")] and entry.is_file()


def test_without_a_compiler_it_says_so_and_runs_uncompiled(
    cache: Path, calculator: Callable[..., Any], bilayer: Callable[..., Atoms], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    atoms = bilayer(1)
    with pytest.warns(UserWarning, match="runs uncompiled: there is no C"):
        found = calculator(engine="compiled").get_property(BORN, atoms)
    np.testing.assert_array_equal(found, calculator().get_property(BORN, atoms))


def test_a_compilation_that_fails_leaves_nothing(cache: Path) -> None:
    entry = cache / "model.pt2"
    with pytest.warns(UserWarning, match=r"compilation failed: .*no such compiler"):
        made = compiled.ensure(entry, lambda out: ["sh", "-c", f"echo x > {out}; echo no such compiler >&2; exit 1"])
    assert not made and [p.name for p in cache.iterdir() if p.suffix != ".lock"] == []
    assert compiled.ensure(entry, lambda out: ["sh", "-c", f"echo x > {out}"])
    assert entry.read_text() == "x\n"


def test_entries_are_named_by_what_they_depend_on(cache: Path, model_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "random.safetensors"
    other.write_bytes(model_file.read_bytes() + b" ")
    names = {
        compiled.cache_entry(model, kernel, "cpu", dtype).name
        for model in (model_file, other)
        for kernel in ("forces", "responses")
        for dtype in ("float64", "float32")
    }
    assert len(names) == 8
    assert os.fspath(compiled.cache_entry(model_file, "forces", "cpu", "float64")).startswith(str(cache))


def test_auto_compiles_when_it_pays(
    cache: Path, calculator: Callable[..., Any], bilayer: Callable[..., Atoms], monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness_allegro_dream import calculator as module

    asked: list[str] = []
    monkeypatch.setattr(module, "compiled_kernel", lambda model, kernel, device, dtype: asked.append(kernel))
    monkeypatch.setitem(module.PATIENCE, "forces", 10)
    c = calculator(engine="auto")
    for seed in range(5):  # four atoms each
        c.get_property("energy", bilayer(1, seed=seed))
    assert asked == ["forces"]
    assert list(c._kernels) == [("forces", "eager"), ("forces", "compiled")]
