"""Progress bars on standard error; quiet where nobody looks."""

from __future__ import annotations

import sys
from types import TracebackType

from tqdm import tqdm

#: A run that takes no longer shows no bar, s.
SHOWN_AFTER = 1.0
#: Bars that are open, the innermost last.
_open: list[TqdmProgress] = []


def where() -> str:
    """How far this process is by the outermost open bar, e.g. ``"54 % of bend"``; empty when there is none."""
    return _open[0].told() if _open else ""


class TqdmProgress:
    """A bar with an estimate of the time left.

    On a terminal it is redrawn in place; in a log file it prints a line at most every ten seconds.
    """

    def __init__(self, description: str, total: float) -> None:
        live = sys.stderr.isatty()
        self._bar = tqdm(
            total=total,
            desc=description,
            file=sys.stderr,
            leave=True,
            delay=SHOWN_AFTER,
            ascii=None if live else True,
            mininterval=0.1 if live else 10.0,
            maxinterval=0.5 if live else 20.0,
            bar_format="{desc}: {percentage:3.0f}% |{bar:24}| {n:g}/{total:g} [{elapsed}<{remaining}]{postfix}",
        )

    def update(self, n: float = 1, note: str = "") -> None:
        """Advance by `n`, with a short remark."""
        if note:
            self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(n)

    def told(self) -> str:
        """How far it is, in words."""
        return f"{100 * self._bar.n / self._bar.total:.0f} % of {self._bar.desc}" if self._bar.total else ""

    def __enter__(self) -> TqdmProgress:
        _open.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _open.remove(self)
        self._bar.close()
