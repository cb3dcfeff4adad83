"""Parameters of the task `elastic`."""

from __future__ import annotations

from dataclasses import dataclass

from harness.contracts.parameters import Length
from harness_tasks.mechanics.params import SeriesParams


@dataclass(frozen=True, slots=True)
class ElasticParams(SeriesParams):
    """What the configuration may set; the rest is explained in `SeriesParams`.

    Attributes
    ----------
    free_width
        Measure Young's modulus also directly, on a sheet that may contract across.
    thickness
        Å. When given, constants in the plane are reported in GPa as well, and it is the length that vertical
        strain refers to; null: the distance of the outermost atomic planes, and nothing in the plane in GPa.
    """

    free_width: bool = True
    thickness: Length | None = None
