"""Types of parameters that state what is allowed, for the annotations of a task's ``Params``.

A value outside the stated range, NaN and infinity are refused before anything runs; the error says what is allowed.
Physical quantities have an upper bound far beyond any sensible use, so that a slip of the unit is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt, Predicate


@dataclass(frozen=True, slots=True)
class Rule(Predicate):
    """A condition on one value that bounds cannot express.

    Parameters
    ----------
    func
        Returns whether the value is allowed.
    text
        What is allowed, in words that follow "Give"; part of the error.
    """

    text: str = ""


#: A number above zero.
Positive = Annotated[float, Gt(0)]
#: A whole number of at least one.
Count = Annotated[int, Ge(1), Le(10**9)]
#: A share: from zero to below one.
Fraction = Annotated[float, Ge(0), Lt(1)]
#: Magnitude of a strain within the range of linear elasticity.
SmallStrain = Annotated[float, Gt(0), Le(0.1)]
#: Å.
Length = Annotated[float, Gt(0), Le(1e5)]
#: K.
Temperature = Annotated[float, Gt(0), Le(1e5)]
#: ps.
Duration = Annotated[float, Gt(0), Le(1e6)]
#: Time step of molecular dynamics, fs.
Timestep = Annotated[float, Gt(0), Le(100)]
#: Relaxation time of a thermostat, fs.
Damping = Annotated[float, Gt(0), Le(1e6)]
#: Magnitude of an electric field, V/Å.
FieldStrength = Annotated[float, Ge(0), Le(10)]
#: Largest force that a relaxation leaves, eV/Å.
ForceTolerance = Annotated[float, Gt(0), Le(100)]
#: Extrapolation grade.
Grade = Annotated[float, Gt(0), Le(1e6)]
#: Seed of the random numbers: 32 bits, as NumPy's and every backend's generators take.
Seed = Annotated[int, Ge(0), Lt(2**32)]

Distinct = Rule(lambda values: len(set(values)) == len(values), "different values")
Odd = Rule(lambda number: number % 2 == 1, "an odd number")
Increasing = Rule(lambda values: all(a < b for a, b in zip(values, values[1:], strict=False)), "increasing values")


@dataclass(frozen=True, slots=True)
class FileMark:
    """Marks a parameter that names a file or a data set: resolved before a run, part of its identity by content.

    Parameters
    ----------
    kind
        ``model``: a path, or the name of a file that ships with a plugin. ``arguments``: a mapping, each of whose words
        is a model file where such a file exists. ``dataset``: a folder, or the name of one in ``datasets/``.
    """

    kind: Literal["model", "arguments", "dataset"]


#: A model file; what the factory gets is an absolute path.
ModelFile = Annotated[str, FileMark("model")]
#: Keyword arguments of somebody else's function, any of which may be a model file.
FileArguments = Annotated[Mapping[str, Any], FileMark("arguments")]
#: A data set; what the task gets is an absolute path.
DatasetName = Annotated[str, FileMark("dataset")]
