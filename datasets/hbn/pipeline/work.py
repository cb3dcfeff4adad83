"""Label a queue of frames in the background: restartable, several workers side by side, failures kept."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

from ase import Atoms
from ase.io import write

Labeller = Callable[[str, str, Path], Atoms]


def take(lock: Path) -> bool:
    """Take `lock` for this process; a lock whose process is gone is removed first.

    The file comes into being with the process id already in it (a hard link is atomic), so that no other worker can
    read an empty one and take it for stale.
    """
    if lock.exists() and not _alive(lock):
        lock.unlink(missing_ok=True)
    mine = lock.with_suffix(f".{os.getpid()}")
    mine.write_text(str(os.getpid()))
    try:
        os.link(mine, lock)
    except FileExistsError:
        return False
    finally:
        mine.unlink()
    return True


def _alive(lock: Path) -> bool:
    try:
        os.kill(int(lock.read_text()), 0)
    except (OSError, ValueError):
        return False
    return True


def work_through(queue: Iterable[tuple[str, str]], out: Path, labeller: Labeller) -> dict[str, int]:
    """Label every ``(kind, name)`` of `queue` that has no file in `out` yet.

    A finished frame is ``<kind>/<name>.extxyz``. A failure leaves ``<kind>/<name>.failed`` with its traceback; it is
    not tried again until that file is removed, and the queue goes on.

    Returns
    -------
    dict
        Numbers of frames ``done``, ``failed`` and ``skipped``.
    """
    count = {"done": 0, "failed": 0, "skipped": 0}
    for kind, name in queue:
        folder = out / kind
        folder.mkdir(parents=True, exist_ok=True)
        target, failed, lock = (folder / f"{name}{end}" for end in (".extxyz", ".failed", ".lock"))
        if target.exists() or failed.exists() or not take(lock):
            count["skipped"] += 1
            continue
        try:
            # Another worker may have finished it between the look and the lock.
            if not target.exists():
                seconds = _one(kind, name, out, target, labeller)
                count["done"] += 1
                print(f"{time.strftime('%H:%M:%S')} {kind} {name} {seconds:.0f} s", flush=True)
        except Exception as error:
            failed.write_text(traceback.format_exc())
            count["failed"] += 1
            print(f"{time.strftime('%H:%M:%S')} FAILED {kind} {name}: {error}", file=sys.stderr, flush=True)
        finally:
            lock.unlink(missing_ok=True)
    return count


def _one(kind: str, name: str, out: Path, target: Path, labeller: Labeller) -> float:
    work = out / "work" / f"{kind}-{name}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    start = time.monotonic()
    frame = labeller(name, kind, work)
    frame.info["seconds"] = seconds = round(time.monotonic() - start, 1)
    part = target.with_suffix(".part")
    write(part, frame, format="extxyz")
    part.replace(target)
    with contextlib.suppress(OSError):
        shutil.rmtree(work)
    return seconds
