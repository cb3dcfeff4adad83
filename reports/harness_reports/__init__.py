"""Built-in reports: Markdown, CSV and HTML views of records. No physics, no models."""

from __future__ import annotations

from typing import Any

from harness import hookimpl


@hookimpl
def harness_reports() -> dict[str, Any]:
    """The three formats, and records of DFT as they ship with a task."""
    from harness_reports.formats import CSV, HTML, Markdown
    from harness_reports.reference import ReferenceRecords

    return {"markdown": Markdown, "csv": CSV, "html": HTML, "reference": ReferenceRecords}
