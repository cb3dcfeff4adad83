"""Starting the programs, and saying what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from harness.errors import HarnessError
from harness_dft.settings import Settings

# Debian's default BLAS is the slow reference implementation; without a fast one the same run takes much longer.
PACKAGES = "quantum-espresso quantum-espresso-data wannier90 libopenblas0-serial"
INSTALL = f"On Debian: apt install {PACKAGES}."


def require(*programs: str) -> None:
    """Check that `programs` are on the path.

    Raises
    ------
    HarnessError
        Naming the Debian packages that bring them.
    """
    for program in programs:
        if shutil.which(program) is None:
            raise HarnessError(f"'{program}' is not on the path; 'dft' needs it.", INSTALL)


def require_pseudopotentials(settings: Settings, symbols: set[str]) -> None:
    """Check that the PAW data sets of `symbols` are where `settings` says.

    Raises
    ------
    HarnessError
        Naming the missing file.
    """
    for symbol in sorted(symbols & set(settings.pseudopotentials)):
        file = Path(settings.pseudo_dir) / settings.pseudopotentials[symbol]
        if not file.is_file():
            raise HarnessError(f"there is no pseudopotential {file} for {symbol}.", INSTALL)


def run(work: Path, step: str, command: list[str], stdin: str = "") -> str:
    """Run one program in `work` on one thread and return its standard output.

    Parameters
    ----------
    step
        Input and output are kept in ``<step>.in`` and ``<step>.out``.
    stdin
        Text of its input.

    Raises
    ------
    RuntimeError
        When it fails, with the last lines of its output.
    """
    out = work / f"{step}.out"
    (work / f"{step}.in").write_text(stdin)
    with out.open("w") as sink:
        # Outside mpirun, Open MPI would start a daemon for each process.
        alone = {"OMPI_MCA_ess_singleton_isolated": "1"}
        env = {**os.environ, **alone, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(
            command,
            cwd=work,
            input=stdin,
            stdout=sink,
            stderr=subprocess.STDOUT,
            text=True,
            env=env,
            check=False,
        )
    text = out.read_text(errors="replace")
    if done.returncode != 0:
        tail = " | ".join(line.strip() for line in text.splitlines() if line.strip(" %"))[-400:]
        raise RuntimeError(f"{' '.join(command)} ended with code {done.returncode}: {tail}")
    return text


def program_version(program: str) -> str | None:
    """Version of the Debian package that `program` came with, or None when that cannot be told."""
    path, dpkg = shutil.which(program), shutil.which("dpkg-query")
    if path is None or dpkg is None:
        return None
    found = subprocess.run([dpkg, "-S", path], capture_output=True, text=True, check=False)
    package = found.stdout.partition(":")[0].strip()
    if found.returncode != 0 or not package:
        return None
    shown = subprocess.run(
        [dpkg, "-W", "-f=${Package} ${Version}", package], capture_output=True, text=True, check=False
    )
    return shown.stdout or None
