"""Records of DFT as a package of tasks ships them: what others are compared with, without the machine."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.contracts.record import Record
from harness.errors import HarnessError
from harness.records.references import is_of
from harness.records.store import cannot_write

#: What of a configuration says what was measured.
MEASURED = ("task", "potential", "polarization", "material", "profile", "seed")


class ReferenceRecords:
    """``<task>-<material>-<profile>.json`` for every valid record whose potential is ``dft``.

    They belong into ``reference/dft`` of the package that brings the task; every report then compares with them.
    """

    name = "reference"
    unasked = False

    def render(self, records: Sequence[Record], folder: Path) -> list[Path]:
        """Write the files.

        Raises
        ------
        HarnessError
            When there is no such record, or the folder cannot be written.
        """
        chosen = [record for record in records if record.valid and is_of(record, "dft")]
        if not chosen:
            raise HarnessError(
                "none of the records is a valid one of potential=dft.", "Make one: python -m harness … potential=dft"
            )
        written = []
        for record in sorted(chosen, key=lambda r: (r.task, r.identity)):
            material = record.config["material"]
            parts = (record.task, record.material, material.get("stacking"), record.profile)
            path = folder / (re.sub(r"[^\w-]+", "_", "-".join(str(part) for part in parts if part)) + ".json")
            try:
                folder.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(lean(record).to_dict(), indent=1, allow_nan=False) + "\n")
            except OSError as error:
                raise cannot_write(path, error) from error
            written.append(path)
        return written


def lean(record: Record) -> Record:
    """A record without what is of one machine alone: folders, host, command, versions of packages."""
    kept = ("potential", "polarization")
    provenance: dict[str, Any] = {key: record.provenance[key] for key in kept if key in record.provenance}
    config = {key: record.config[key] for key in MEASURED if key in record.config}
    return replace(
        record, config=config, provenance=provenance, host={}, stderr="", files=[], folder=None, seconds={}, notes=[]
    )
