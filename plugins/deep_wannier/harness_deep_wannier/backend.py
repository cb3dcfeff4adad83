"""deepmd-kit's TensorFlow backend, imported once, quietly, and with as many threads as the run was given.

TensorFlow takes every core that it finds, whatever OpenMP and BLAS were told, and the first session of a process
fixes the size of its thread pool. So the number is set before the import, from ``OMP_NUM_THREADS`` (the harness puts
``device.threads`` there), or else one. Both packages leave variables in the environment, and deepmd writes about a
missing CUDA runtime straight to file descriptor 2, at the import and once more when the process ends; neither is let
through.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from types import SimpleNamespace
from typing import Any

from harness.errors import HarnessError

__all__ = ["deepmd", "quiet", "threads", "variables"]


def threads() -> int:
    """Threads that TensorFlow may use."""
    text = os.environ.get("OMP_NUM_THREADS", "1").split(",")[0]
    return max(int(text), 1) if text.strip().isdigit() else 1


def variables() -> dict[str, str]:
    """Environment of a process that imports deepmd."""
    number = str(threads())
    return {
        "OMP_NUM_THREADS": number,
        "DP_INTRA_OP_PARALLELISM_THREADS": number,
        "DP_INTER_OP_PARALLELISM_THREADS": number,
        "DP_INTERFACE_PREC": "high",  # float64 throughout; `low` would feed float32
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_ENABLE_ONEDNN_OPTS": "0",  # its kernels are for float32, and sum in another order
        "CUDA_VISIBLE_DEVICES": "",
    }


@cache
def deepmd() -> Any:
    """The parts of deepmd that are used: ``DeepPot``, ``DeepDipole``, ``tf``, ``version``.

    Raises
    ------
    HarnessError
        When it cannot be imported.
    """
    before = dict(os.environ)
    os.environ.update(variables())
    try:
        with quiet():
            import deepmd as package
            from deepmd.infer.deep_dipole import DeepDipole
            from deepmd.infer.deep_pot import DeepPot
            from deepmd.tf.env import tf
            from deepmd.tf.infer import deep_eval  # noqa: F401 (registers the backend)
    except ImportError as error:
        raise HarnessError(
            f"deepmd-kit's TensorFlow backend cannot be imported: {error}.",
            'Install "deepmd-kit[cpu]==3.2.0" (without a PyTorch-only build).',
        ) from error
    finally:
        os.environ.clear()
        os.environ.update(before)
    atexit.register(_silence)
    return SimpleNamespace(DeepPot=DeepPot, DeepDipole=DeepDipole, tf=tf, version=package.__version__)


def _silence() -> None:
    """The CUDA stubs complain once more when they are unloaded, after Python has gone."""
    with contextlib.suppress(OSError):
        sys.stderr.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hold back what libraries write to file descriptor 2; it is shown when the block fails."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        except BaseException:
            aside.seek(0)
            os.write(kept, aside.read()[-4000:])
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
