"""How numbers are written: as many digits as their interval supports, never without a unit."""

from __future__ import annotations

import math
import re

from harness.contracts.quantity import Quantity

#: Smaller than this is zero.
TINY = 1e-290
#: Digits of a number that has no interval: enough to tell two energies apart by a meV.
DIGITS = 6
#: Most digits of a number that has one.
MOST = 9
#: Half-widths below this share of the value are rounding, as where symmetry makes residuals vanish: no interval.
ROUNDING = 1e-12
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def decimals(value: float, low: float | None = None, high: float | None = None, digits: int = DIGITS) -> int:
    """Decimals worth writing: the half-width to one digit (to two when it begins with 1 or 2), `MOST` digits at most.

    Without an interval, or with one of rounding alone, `digits` digits.

    Parameters
    ----------
    value
        The number.
    low, high
        Its interval; None where there is none.
    digits
        Without an interval.
    """
    size = abs(value)
    known = size > TINY and math.isfinite(size)
    half = (high - low) / 2 if low is not None and high is not None else 0.0
    if math.isfinite(half) and half > ROUNDING * size:
        exponent = math.floor(math.log10(max(half, TINY)))
        if round(half / 10**exponent, 1) < 3:
            exponent -= 1
        return min(-exponent, MOST - 1 - math.floor(math.log10(size))) if known else -exponent
    return digits - 1 - math.floor(math.log10(size)) if known else 0


def _plain(value: float, places: int) -> str:
    if math.isnan(value):
        return "no answer"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    rounded = round(value, places)
    if places < 0:
        return f"{rounded:.0f}"
    text = f"{rounded:.{places}f}"
    return text.lstrip("-") if float(text) == 0 else text


def compact(
    value: float, interval: tuple[float, float] | None = None, ascii_only: bool = False, digits: int = DIGITS
) -> tuple[str, str]:
    """A number and its interval, as text without unit: ``("4.9", "[4.6, 5.2]")``; either may be empty.

    Very small and very large numbers are written with a power of ten, the same in all three.

    Parameters
    ----------
    value, interval
        The number and its interval.
    ascii_only
        Whether powers are written without superscripts.
    digits
        Without an interval.
    """
    bounds = interval or ()
    size = max((abs(x) for x in (value, *bounds) if math.isfinite(x) and abs(x) > TINY), default=0.0)
    power = math.floor(math.log10(size)) if size and not 1e-3 <= size < 1e5 else 0
    value, *scaled = (x / 10.0**power for x in (value, *bounds))
    ranged = math.isnan(value) and interval is not None
    low, high = scaled if scaled and not ranged else (None, None)
    places = decimals(size / 10.0**power if ranged else value, low, high, digits)
    ten = (f"e{power}" if ascii_only else f"×10{str(power).translate(_SUPERSCRIPTS)}") if power else ""
    texts = [_plain(x, min(places, 12)) for x in (value, *scaled)]
    if ranged or not scaled or not all(map(math.isfinite, scaled)):
        texts = [text.rstrip("0").rstrip(".") if "." in text else text for text in texts]
    number = "" if ranged else texts[0] + (ten if math.isfinite(value) else "")
    if ascii_only:
        texts = [text + ten if text[-1].isdigit() else text for text in texts]
        ten = ""
    between = f"[{texts[1]}, {texts[2]}]{ten}" if scaled else ""
    sign = _in_ascii if ascii_only else _minus
    return sign(number), sign(between)


def _in_ascii(text: str) -> str:
    return text.replace("∞", "inf").replace("−", "-")


def _minus(text: str) -> str:
    return re.sub(r"(?<![\w⁻])-(?=\d)", "−", text)


def written(quantity: Quantity, ascii_only: bool = False, digits: int = DIGITS) -> str:
    """A quantity in one line, e.g. ``4.9 [4.6, 5.2] eV (95 % confidence)``."""
    if isinstance(quantity.value, list):
        return f"{len(quantity.value)} values in {quantity.unit}"
    parts = compact(quantity.value, quantity.interval, ascii_only, digits)
    kind = f"({quantity.interval_kind})" if parts[1] else ""
    return " ".join(part for part in (*parts, unit(quantity.unit, ascii_only), kind) if part)


def unit(text: str, ascii_only: bool = False) -> str:
    """A unit as it is printed: ``eV/A^2`` becomes ``eV/Å²``; ``1`` becomes nothing."""
    if text == "1":
        return ""
    if ascii_only:
        return text.replace("Å", "A").replace("²", "^2").replace("³", "^3").replace("⁻", "^-").replace("¹", "1")
    text = re.sub(r"\bA\b", "Å", text.replace("**", "^").replace("*", " "))
    return re.sub(r"\^(-?\d+)", lambda found: found[1].translate(_SUPERSCRIPTS), text)


def seconds(value: float) -> str:
    """A duration: ``830 ms``, ``12.4 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if not math.isfinite(value):
        return "no answer"
    if value < 1e-3:
        return f"{value * 1e6:.3g} µs"
    if value < 1:
        return f"{value * 1e3:.3g} ms"
    if value < 59.95:
        return f"{value:.3g} s"
    if value < 3599.5:
        return f"{round(value) // 60} min {round(value) % 60:02d} s"
    return f"{round(value / 60) // 60} h {round(value / 60) % 60:02d} min"
