"""Errors that a user can correct: one line each, with the nearest right word and what to type."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HarnessError(Exception):
    """What is wrong, and what to do about it.

    The command line prints it as one line without a traceback and exits with code 2.

    Parameters
    ----------
    message
        The mistake, naming the offending word.
    hint
        The command or change that puts it right.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        super().__init__(" ".join(part for part in (message, hint) if part))


class UnsupportedError(HarnessError):
    """The potential or polarization model lacks a property that the task requires, or the material what it needs.

    Parameters
    ----------
    missing
        Names of what is missing.
    """

    def __init__(self, message: str, hint: str = "", missing: Iterable[str] = ()) -> None:
        super().__init__(message, hint)
        self.missing = sorted(missing)


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that `word` most probably meant, or None when nothing is near."""
    lowered = {choice.lower(): choice for choice in choices}
    found = difflib.get_close_matches(word.lower(), list(lowered), n=1, cutoff=0.55)
    return lowered[found[0]] if found else None


def unknown_choice(kind: str, word: str, choices: Iterable[str], hint: str = "") -> HarnessError:
    """An error for a name that does not exist, with the nearest match and the choices.

    Parameters
    ----------
    kind
        What the name is of, e.g. ``optimizer``.
    word
        The name that was given.
    choices
        The names that exist.
    hint
        What to do, where that is more than to choose another name.
    """
    choices = sorted(choices)
    parts = [f"unknown {kind} '{word}'."]
    near = nearest(word, choices)
    if near is not None:
        parts.append(f"Did you mean '{near}'?")
    parts.append(f"Choices: {', '.join(choices)}." if choices else "There are none.")
    return HarnessError(" ".join(parts), hint)
