"""The three formats: Markdown, CSV and one self-contained HTML page."""

from __future__ import annotations

import base64
import csv
import io
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.contracts.record import Record
from harness.errors import HarnessError
from harness.records.references import Reference
from harness_reports import numbers
from harness_reports.cells import plain
from harness_reports.page import Page
from harness_reports.pictures import aspect, caption
from harness_reports.tidy import COMPARISON_FIELDS, FIELDS, comparisons, tidy
from harness_reports.view import build

if TYPE_CHECKING:
    from jinja2 import Environment


class Format:
    """What the formats share.

    Parameters
    ----------
    errors
        Records that could not be read; the report lists them.
    tasks, references
        See `harness_reports.view.build`.
    """

    name = ""

    def __init__(
        self,
        errors: Sequence[HarnessError] = (),
        tasks: Mapping[str, type] | None = None,
        references: Sequence[Reference] | None = None,
    ) -> None:
        self.errors, self.tasks, self.references = errors, tasks, references

    def render(self, records: Sequence[Record], folder: Path) -> list[Path]:
        """Write the report into `folder`; returns the files written.

        Raises
        ------
        HarnessError
            When the folder cannot be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            page = build(records, self._figures(folder), self.errors, self.tasks, self.references)
            texts = self.texts(page, folder)
            for name, text in texts.items():
                draft = folder / f".{name}.{os.getpid()}"
                draft.write_text(text, encoding="utf-8", newline="")
                draft.replace(folder / name)
        except OSError as error:
            raise HarnessError(
                f"cannot write the report to {folder}: {error.strerror or error}.", "Choose another folder with --out."
            ) from error
        return [folder / name for name in texts]

    def _figures(self, folder: Path) -> Path | None:
        return folder

    def texts(self, page: Page, folder: Path) -> dict[str, str]:
        """File name -> content."""
        raise NotImplementedError


class CSV(Format):
    """One row for each observable of each record."""

    name = "csv"

    def _figures(self, folder: Path) -> None:
        return None

    def texts(self, page: Page, folder: Path) -> dict[str, str]:
        """The results, and all references beside them."""
        return {
            "results.csv": _table(FIELDS, tidy(page)),
            "references.csv": _table(COMPARISON_FIELDS, comparisons(page)),
        }


def _table(fields: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


class Markdown(Format):
    """A page for a repository or an issue; figures lie beside it."""

    name = "markdown"

    def texts(self, page: Page, folder: Path) -> dict[str, str]:
        """The page."""
        environment = _environment(autoescape=False)
        environment.filters["md"] = markdown_text
        environment.filters["link"] = lambda path: (
            os.path.relpath(path, folder).replace(os.sep, "/").replace(" ", "%20")
        )
        environment.filters |= {"fenced": fenced, "code": code}
        return {"report.md": environment.get_template("report.md.j2").render(page=page)}


class HTML(Format):
    """One file that needs nothing else: styles and figures are inside."""

    name = "html"

    def texts(self, page: Page, folder: Path) -> dict[str, str]:
        """The page."""
        environment = _environment(autoescape=True)
        environment.filters |= {"image": _image, "aspect": aspect}
        return {"report.html": environment.get_template("report.html.j2").render(page=page)}


def _environment(autoescape: bool) -> Environment:
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise HarnessError(
            "this format needs jinja2, which is not installed.",
            "Install it with `pip install 'mlip-harness[cli]'`, or give --format csv.",
        ) from error

    environment = Environment(
        loader=PackageLoader("harness_reports"),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "unit": numbers.unit,
        "seconds": numbers.seconds,
        "caption": caption,
        "written": numbers.written,
        "plain": plain,
    }
    return environment


def _image(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def markdown_text(text: object) -> str:
    """Text that stays text inside a Markdown table or line."""
    words = " ".join(str(text).split())
    for special in "\\`*_[]#|~":
        words = words.replace(special, "\\" + special)
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code(name: str) -> str:
    """A name in the type of code; one that is no identifier stays text."""
    return f"`{name}`" if re.fullmatch(r"[\w.\-]+", name) else markdown_text(name)


def fenced(text: str) -> str:
    """Text as a Markdown code block, whatever it holds."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}"
