"""Numbers that cannot be read without their unit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

IntervalKind = Literal["confidence", "model", "numerical", "range"]
#: What an interval of each kind says, from the strongest statement to the weakest.
KINDS: Mapping[IntervalKind, str] = {
    "confidence": "error of sampling, from block averages or a bootstrap",
    "model": "spread over a committee of fits",
    "numerical": "convergence: a finer grid or step, another order of a fit, what symmetry forbids",
    "range": "values of parts that are equal in an ideal structure, such as three walls or two layers",
}
#: Kinds that are stated at a level of confidence.
WITH_LEVEL: frozenset[str] = frozenset({"confidence", "model"})


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value with its unit and, where it was sampled or fitted, its interval.

    Parameters
    ----------
    value
        A number, or nested lists of numbers; `nan` where a measurement has no answer.
    unit
        As in ``"eV"``, ``"eV/A^2"``, ``"pC/m"``; ``"1"`` for a pure number.
    interval
        Lower and upper bound, in `unit`; None where nothing is known of the error.
    kind
        What the interval says; None in records of the first schema, which did not tell.
    level
        Of confidence; only for the kinds ``confidence`` and ``model``, where the default is 0.95.
    n, n_eff
        Number of samples, and the number of independent ones among them.
    method
        How value and interval were obtained, e.g. ``"least squares, bootstrap over steps"``.
    labels
        What tells this value from others of the same observable, e.g. ``{"stacking": "AB"}``; see
        `harness.contracts.observable.Observable`.
    """

    value: float | list[Any]
    unit: str
    interval: tuple[float, float] | None = None
    kind: IntervalKind | None = None
    n: int | None = None
    n_eff: float | None = None
    level: float | None = None
    method: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        value = self.value
        if hasattr(value, "tolist"):
            value = value.tolist()
        object.__setattr__(self, "value", float(value) if isinstance(value, (int, float)) else value)
        if self.interval is not None:
            low, high = (float(x) for x in self.interval)
            if low > high:
                raise ValueError(f"interval ({low}, {high}) of a quantity in {self.unit} is reversed")
            object.__setattr__(self, "interval", (low, high))
        if self.interval is None:
            object.__setattr__(self, "kind", None)
            object.__setattr__(self, "level", None)
        elif self.kind in WITH_LEVEL:
            object.__setattr__(self, "level", 0.95 if self.level is None else self.level)
        elif self.kind is not None:
            object.__setattr__(self, "level", None)

    @property
    def interval_kind(self) -> str:
        """What the interval says, in words: ``95 % confidence``, ``numerical``; empty without an interval."""
        if self.interval is None:
            return ""
        if self.kind is None:
            return "kind not stated"
        return f"{100 * self.level:g} % {self.kind}" if self.kind in WITH_LEVEL and self.level else self.kind

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able mapping; `nan` and infinities become None."""
        entries = asdict(self)
        entries["value"] = _jsonable(self.value)
        entries["interval"] = None if self.interval is None else [_jsonable(x) for x in self.interval]
        return {key: item for key, item in entries.items() if item not in (None, "", {})} | {"value": entries["value"]}

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> Quantity:
        """The inverse of `to_dict`."""
        fields = dict(entries)
        fields["value"] = _number(fields["value"])
        if fields.get("interval") is not None:
            low, high = fields["interval"]
            fields["interval"] = (
                -math.inf if low is None else low,
                math.inf if high is None else high,
            )
        return cls(**fields)

    def __str__(self) -> str:
        if isinstance(self.value, list):
            return f"[{len(self.value)} values] {self.unit}"
        text = f"{self.value:.4g}"
        if self.interval is not None:
            text += f" [{self.interval[0]:.3g}, {self.interval[1]:.3g}]"
        return text if self.unit == "1" else f"{text} {self.unit}"


def _jsonable(value: Any) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_jsonable(x) for x in value]
    return value if math.isfinite(value) else None


def _number(value: Any) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_number(x) for x in value]
    return math.nan if value is None else value
