"""Kernels compiled once by AOTInductor and kept in the cache folder.

Compilation happens in a process of its own, so that nothing it sets in torch reaches the numbers of this one. A cached
kernel is machine code: named by everything it depends on, the processor included, it appears whole or not at all.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from harness.execution.environments import cache_folder
from harness.potentials.backend import torch_state
from harness.registry.files import sha256
from harness_allegro_dream import kernels, modelfile, network
from harness_allegro_dream.guard import process_state

__all__ = ["Kernel", "cache_entry", "compiled_kernel", "compiler", "eager_kernel", "ensure"]

Kernel = Callable[..., tuple[torch.Tensor, ...]]


def compiler() -> str | None:
    """The C++ compiler that AOTInductor would use, or None."""
    return shutil.which(os.environ.get("CXX") or "g++")


@functools.cache
def _processor() -> str:
    """What kind of machine code runs here."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line for line in lines if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        return platform.processor()


def cache_entry(model: Path, kernel: str, device: str, dtype: str, ending: str = ".pt2") -> Path:
    """Where the compiled kernel of a model lies, whether it is there or not.

    Parameters
    ----------
    model
        The model file.
    kernel
        Name of the kernel.
    device, dtype
        Of the kernel's tensors.
    ending
        Of the file's name.
    """
    parts = [sha256(model), kernel, device, dtype, platform.machine(), _processor()]
    parts += [f"{p}=={version(p)}" for p in ("torch", "nequip", "nequip-allegro", "e3nn")]
    parts += [sha256(Path(str(module.__file__))) for module in (network, kernels)]
    if device == "cuda":
        parts.append(str(torch.cuda.get_device_capability()))
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    stem = model.name.partition(".")[0]
    return cache_folder() / "allegro_dream" / f"{stem}-{kernel}-{device}-{dtype}-{digest[:16]}{ending}"


def eager_kernel(model: Path, kernel: str, device: str, dtype: str) -> Kernel:
    """The kernel as plain torch operations.

    Parameters
    ----------
    model
        The model file.
    kernel
        Name of the kernel.
    device, dtype
        Of the kernel's tensors.
    """
    net = modelfile.load(model, dtype).to(device)
    made: Kernel = kernels.KERNELS[kernel](net)
    return made


def compiled_kernel(model: Path, kernel: str, device: str, dtype: str) -> Kernel | None:
    """The compiled kernel, made now when the cache has none; None, with a warning, where it cannot be made.

    Parameters
    ----------
    model
        The model file.
    kernel
        Name of the kernel.
    device, dtype
        Of the kernel's tensors.
    """

    def command(out: Path) -> list[str]:
        job = {"model": str(model), "kernel": kernel, "device": device, "dtype": dtype, "out": str(out)}
        return [sys.executable, "-m", "harness_allegro_dream.compiled", json.dumps(job)]

    entry = cache_entry(model, kernel, device, dtype)
    if not ensure(entry, command):
        return None
    try:
        from torch._inductor import codecache as _  # noqa: F401  (the loader of torch 2.13 expects it imported)

        with process_state():
            loaded: Kernel = torch._inductor.aoti_load_package(str(entry))
    except (OSError, RuntimeError) as error:
        _warn(f"{entry} cannot be loaded: {error}")
        return None
    return loaded


def ensure(entry: Path, command: Callable[[Path], list[str]]) -> bool:
    """Make a cache entry by a command that writes the file it is given; False, with a warning, where it fails."""
    from filelock import FileLock

    if entry.is_file():
        return True
    if compiler() is None:
        _warn("there is no C++ compiler (g++)")
        return False
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{entry}.lock"):
            if not entry.is_file():
                _make(entry, command)
    except (OSError, subprocess.CalledProcessError) as error:
        _warn(_reason(error))
        return False
    return True


def _make(entry: Path, command: Callable[[Path], list[str]]) -> None:
    """Under the lock: make the file aside, then move it to its place."""
    aside = entry.with_name(f"{entry.name}.making")
    shutil.rmtree(aside, ignore_errors=True)  # what a killed compilation left
    aside.mkdir()
    print(f"allegro_dream: compiling {entry.name} (once; a minute or two)", file=sys.stderr, flush=True)
    out = aside / entry.name
    environment = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": str(aside / "inductor")}
    try:
        subprocess.run(command(out), check=True, capture_output=True, text=True, env=environment, cwd=aside)
        out.replace(entry)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _warn(why: str) -> None:
    warnings.warn(f"allegro_dream runs uncompiled: {why}.", stacklevel=4)


def _reason(error: OSError | subprocess.CalledProcessError) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = [line.strip() for line in (error.stderr or "").splitlines() if line.strip()]
        return f"compilation failed: {lines[-1][:300] if lines else error}"
    return f"compilation failed: {error}"


def export(model: Path, kernel: str, device: str, dtype: str, out: Path) -> None:
    """Trace a kernel with its derivatives unfolded, and compile it for any number of atoms and edges.

    Parameters
    ----------
    model
        The model file.
    kernel
        Name of the kernel.
    device, dtype
        Of the kernel's tensors.
    out
        File to write.
    """
    from nequip.utils.fx import _nequip_make_fx  # symbolic make_fx with the decompositions that derivatives need
    from torch.export import Dim

    with torch_state(network.DTYPES[dtype]):
        net = modelfile.load(model, dtype).to(device)
        inputs = [x.to(device) for x in kernels.example(net, 13, 29)]
        traced = _nequip_make_fx(kernels.KERNELS[kernel](net), inputs)
        edges, nodes = Dim("edges", min=2), Dim("nodes", min=2)
        shapes = ({0: edges}, {1: edges}, {0: nodes})
        program = torch.export.export(traced, tuple(inputs), dynamic_shapes=shapes)
        options: dict[str, Any] = {"cpp.dynamic_threads": True}  # threads of the run, not of the compilation
        torch._inductor.aoti_compile_and_package(program, package_path=str(out), inductor_configs=options)


def main() -> None:
    """``python -m harness_allegro_dream.compiled JOB``: one compilation; JOB is JSON."""
    job = json.loads(sys.argv[1])
    export(Path(job["model"]), job["kernel"], job["device"], job["dtype"], Path(job["out"]))


if __name__ == "__main__":
    main()
