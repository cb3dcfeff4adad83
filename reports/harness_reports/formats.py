"""The three formats: Markdown, CSV and one self-contained HTML page."""

from __future__ import annotations

import base64
import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.record import Record, cannot_write
from harness.references import Reference
from harness_reports import numbers
from harness_reports.pictures import caption
from harness_reports.tidy import FIELDS, tidy
from harness_reports.view import Page, build

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
    file = ""

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
        path = folder / self.file
        try:
            folder.mkdir(parents=True, exist_ok=True)
            text = self.text(build(records, self._figures(folder), self.errors, self.tasks, self.references), folder)
            draft = path.with_name(f".{path.name}.{os.getpid()}")
            draft.write_text(text, encoding="utf-8", newline="")
            draft.replace(path)
        except OSError as error:
            raise cannot_write(path, error) from error
        return [path]

    def _figures(self, folder: Path) -> Path | None:
        return folder

    def text(self, page: Page, folder: Path) -> str:
        """The file's content."""
        raise NotImplementedError


class CSV(Format):
    """One row for each observable of each record."""

    name, file = "csv", "results.csv"

    def _figures(self, folder: Path) -> None:
        return None

    def text(self, page: Page, folder: Path) -> str:
        """The table, with its header."""
        stream = io.StringIO()
        writer = csv.DictWriter(stream, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(tidy(page))
        return stream.getvalue()


class Markdown(Format):
    """A page for a repository or an issue; figures lie beside it."""

    name, file = "markdown", "report.md"

    def text(self, page: Page, folder: Path) -> str:
        """The page."""
        environment = _environment(autoescape=False)
        environment.filters["md"] = markdown_text
        environment.filters["link"] = lambda path: os.path.relpath(path, folder).replace(os.sep, "/").replace(" ", "%20")
        return environment.get_template("report.md.j2").render(page=page)


class HTML(Format):
    """One file that needs nothing else: styles and figures are inside."""

    name, file = "html", "report.html"

    def text(self, page: Page, folder: Path) -> str:
        """The page."""
        environment = _environment(autoescape=True)
        environment.filters["image"] = _image
        return environment.get_template("report.html.j2").render(page=page)


def _environment(autoescape: bool) -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("harness_reports"),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"unit": numbers.unit, "seconds": numbers.seconds, "caption": caption, "written": numbers.written}
    return environment


def _image(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def markdown_text(text: object) -> str:
    """Text that stays text inside a Markdown table or line."""
    words = " ".join(str(text).split())
    for special in "\\`*_[]#|~":
        words = words.replace(special, "\\" + special)
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
