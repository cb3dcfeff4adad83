"""Parameter files of the model: widths and electronegativities by element, with where they came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import HarnessError, unknown_choice
from harness.registry.files import resolve_model, sha256

__all__ = ["CONSTRAINTS", "Element", "Parameters", "check_constraint", "tied_polarizability"]

FORMAT = "charge_dipole"
CONSTRAINTS = ("total", "layer")


@dataclass(frozen=True)
class Element:
    """What the model knows of an element.

    Attributes
    ----------
    width
        Gaussian width R, Å.
    electronegativity
        chi, eV/e; only differences matter.
    polarizability
        Å³; None ties it to the width (`tied_polarizability`), as in paper 000. Setting it is a variant, also Mayer's;
        no larger than the tied value it keeps the energy bounded for any structure.
    """

    width: float
    electronegativity: float
    polarizability: float | None = None


@dataclass(frozen=True)
class Parameters:
    """Elements, the constraint that they were fitted with, and their origin."""

    elements: Mapping[str, Element]
    constraint: str = "total"
    provenance: Mapping[str, Any] = field(default_factory=dict)
    file: Path | None = None

    @classmethod
    def load(cls, name: str) -> Parameters:
        """Read a parameter file, by path or by the name of a shipped one.

        Raises
        ------
        HarnessError
            When it does not exist, or is not such a file; says what is wrong with it.
        """
        path = resolve_model(name, package="harness_charge_dipole")
        hint = "Give a file that harness.fit wrote for charge_dipole."
        try:
            content = json.loads(path.read_text())
            if content["format"] != FORMAT:
                raise HarnessError(f"{path.name} is a model of the form '{content['format']}', not {FORMAT}.", hint)
            elements = {symbol: Element(**entry) for symbol, entry in content["elements"].items()}
            if any(not e.width > 0.0 for e in elements.values()):
                raise HarnessError(f"{path.name}: a width is not positive.", hint)
            return cls(elements, check_constraint(content["constraint"]), content.get("provenance", {}), path)
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            reason = f"lacks the entry {error}" if isinstance(error, KeyError) else f"cannot be read ({error})"
            raise HarnessError(f"{path.name} is not a charge_dipole model: it {reason}.", hint) from error

    def save(self, path: Path) -> None:
        """Write a parameter file."""
        entries = {
            symbol: {key: value for key, value in vars(element).items() if value is not None}
            for symbol, element in self.elements.items()
        }
        path.write_text(
            json.dumps(
                {
                    "format": FORMAT,
                    "constraint": self.constraint,
                    "elements": entries,
                    "provenance": dict(self.provenance),
                },
                indent=1,
            )
            + "\n"
        )

    def describe(self) -> dict[str, Any]:
        """Origin, for a record."""
        out: dict[str, Any] = {"provenance": dict(self.provenance)}
        if self.file is not None:
            out["model"] = {"file": self.file.name, "sha256": sha256(self.file)}
        return out

    def of(self, symbols: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Width (Å), electronegativity (eV/e) and inverse polarizability (N, 3) (1/Å³; None when tied) of atoms.

        Raises
        ------
        HarnessError
            For an element without parameters; names those that have them.
        """
        for symbol in sorted(set(symbols) - set(self.elements)):
            source = self.file.name if self.file else "this model"
            raise HarnessError(
                f"charge_dipole has no parameters for the element {symbol} in {source}.",
                f"Known elements: {', '.join(sorted(self.elements))}. Give polarization.params.model "
                "fitted for this material.",
            )
        chosen = [self.elements[symbol] for symbol in symbols]
        widths = np.array([e.width for e in chosen])
        inverse = None
        if any(e.polarizability is not None for e in chosen):
            tied = tied_polarizability(widths)
            alpha = np.array([e.polarizability or t for e, t in zip(chosen, tied, strict=True)])
            inverse = np.repeat(1 / alpha[:, None], 3, axis=1)
        return widths, np.array([e.electronegativity for e in chosen]), inverse


def tied_polarizability(width: np.ndarray) -> np.ndarray:
    """Polarizability volume (Å³) of a Gaussian of a width (Å): ``3 sqrt(pi / 2) R**3`` (Mayer 2007)."""
    return np.asarray(3 * np.sqrt(np.pi / 2) * width**3)


def check_constraint(word: str) -> str:
    """`word` if it names a neutrality constraint; HarnessError otherwise."""
    if word not in CONSTRAINTS:
        raise unknown_choice("constraint of charge_dipole", str(word), CONSTRAINTS)
    return word
