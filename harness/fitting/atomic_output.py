"""Files that belong together appear together."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_output(out: str | Path) -> Iterator[Path]:
    """A folder whose files move into `out` together when the block ends well.

    A block that fails or is killed leaves the old files of `out` as they were: a model and its facts stay in step.

    Parameters
    ----------
    out
        Made when it does not exist. Files and folders of the same names are replaced.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    prefix = f".publish-{socket.gethostname()}-"
    for left in out.glob(f"{prefix}*"):
        if not _alive(left.name.removeprefix(prefix).partition("-")[0]):
            shutil.rmtree(left, ignore_errors=True)  # of a process that was killed
    # inside `out`, so that each move is a rename within one file system
    with tempfile.TemporaryDirectory(prefix=f"{prefix}{os.getpid()}-", dir=out) as aside:
        yield Path(aside)
        for path in sorted(Path(aside).iterdir()):
            target = out / path.name
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            path.replace(target)


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (ValueError, OSError):  # not ours to judge
        return True
    return True
