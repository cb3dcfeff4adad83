"""What the task `coercive_field` returns; docs/tasks/coercive_field.md has the definitions in full."""

from __future__ import annotations

from dataclasses import dataclass

from harness.contracts.observable import Observable
from harness.contracts.quantity import Quantity


@dataclass(frozen=True, slots=True)
class LeastFieldObservables:
    """The smallest total field that switches, its dip angle, and what it saves against a vertical field."""

    total: Observable
    dip: Observable
    reduction: Observable

    @classmethod
    def declare(cls, ending: str, symbol: str, what: str, headline: tuple[str, ...] = ()) -> LeastFieldObservables:
        """With keys that end in `ending`; `what` completes the definitions; `headline` names the stems shown first.

        Parameters
        ----------
        ending
            Of the keys.
        symbol
            Subscript of the symbols.
        what
            Completes the definitions.
        headline
            Stems of the keys that reports show first.
        """
        stems = {
            "minimum_total_field": ("V/A", "E_min", "Smallest total field that switches"),
            "dip_angle": ("deg", "θ", "Angle to the plane of the smallest total field"),
            "reduction": ("%", "R", "Share of the vertical coercive field that the smallest total saves"),
        }
        return cls(
            *(
                Observable(
                    f"{stem}_{ending}",
                    unit,
                    f"{sign}{',' if '_' in sign else '_'}{symbol}",
                    f"{text}; {what}.",
                    stem in headline,
                )
                for stem, (unit, sign, text) in stems.items()
            )
        )

    @property
    def all(self) -> tuple[Observable, Observable, Observable]:
        """All three."""
        return self.total, self.dip, self.reduction


@dataclass(frozen=True, slots=True)
class RunObservable:
    """A number of equal runs, with one declaration for vertical fields and one for those with an in-plane field."""

    vertical: Observable
    inclined: Observable

    @classmethod
    def declare(cls, key: str, symbol: str, definition: str, headline: bool = False) -> RunObservable:
        """In V/Å; `definition` is without its full stop.

        Parameters
        ----------
        key, symbol, headline
            As in `Observable`.
        definition
            Without its full stop.
        """
        return cls(
            Observable(f"{key}_{{temperature}}", "V/A", f"{symbol},{{temperature}}", f"{definition}.", headline),
            Observable(
                f"{key}_{{temperature}}_parallel_{{parallel}}",
                "V/A",
                f"{symbol},{{temperature}},E∥={{parallel}}",
                f"{definition}, beside a constant in-plane field of {{parallel}} V/Å.",
            ),
        )

    def key(self, temperature: float, parallel: float) -> str:
        """Of the runs at `temperature` (K) in the in-plane field `parallel` (V/Å)."""
        return self._chosen(parallel).key_of(**labels(temperature, parallel))

    def of(self, quantity: Quantity, temperature: float, parallel: float) -> dict[str, Quantity]:
        """The entry of the runs at `temperature` (K) in the in-plane field `parallel` (V/Å)."""
        return self._chosen(parallel).of(quantity, **labels(temperature, parallel))

    def _chosen(self, parallel: float) -> Observable:
        return self.inclined if parallel else self.vertical


def labels(temperature: float, parallel: float = 0.0) -> dict[str, str]:
    """``{"temperature": "100K"}``, and ``"parallel": "0.2"`` where there is an in-plane field."""
    return {"temperature": f"{temperature:g}K"} | ({"parallel": f"{parallel:g}"} if parallel else {})


STATIC = Observable(
    "coercive_field_static",
    "V/A",
    "E_c",
    "Vertical field that takes the minimum at BA away at zero temperature, all else at rest in the field.",
    headline=True,
)
LEAST_STATIC = LeastFieldObservables.declare(
    "static", "0K", "layers held in the field", ("minimum_total_field", "dip_angle", "reduction")
)
MODEL = Observable(
    "coercive_field_model",
    "V/A",
    "E_c,model",
    "Vertical coercive field of the polynomials of Deng et al. fitted to the path.",
    headline=True,
)
LEAST_MODEL = LeastFieldObservables.declare(
    "model", "model", "polynomials of Deng et al. fitted to the path", ("minimum_total_field",)
)
LEAST_BELOW_START = LeastFieldObservables.declare(
    "model_below_start",
    "model′",
    "the same polynomials, switched where the barrier in the field falls below the start of the path",
)
PATH = Observable(
    "coercive_field_path", "V/A", "E_c,path", "Vertical coercive field of the calculated path.", headline=True
)
LEAST_PATH = LeastFieldObservables.declare("path", "path", "polynomials of higher order along the path")
HORIZONTAL_PATH = Observable(
    "horizontal_field_path", "V/A", "E_∥,path", "In-plane field along the path that switches without a vertical one."
)
HORIZONTAL_STATIC = Observable(
    "horizontal_field_static", "V/A", "E_∥", "In-plane field that switches at zero temperature, layers held in it."
)
BETA = Observable(
    "beta_model", "A^0.5/V^0.5", "β", "Coefficient of the square root law of the coercive field in the in-plane field."
)
E4 = Observable("e4", "meV/A^4", "e_4", "Coefficient of the energy along the path, e₄ (t² - t_BA²)².")
E0 = Observable("e0", "meV", "e_0", "Energy at SP over that at BA, of the fitted path, for each cell of four atoms.")
P4 = Observable("p4", "e/A^3", "p_4", "Coefficient of the fourth power of the slip in the dipole along the path.")
P2 = Observable("p2", "e/A", "p_2", "Coefficient of the second power of the slip in the dipole along the path.")
P3 = Observable("p3", "e/A^2", "p_3", "Coefficient of the third power of the slip in the dipole across the layers.")
SECTOR = Observable(
    "sliding_sector",
    "deg",
    "Δφ",
    "Range of directions of an in-plane field that slides the layers along one path.",
    headline=True,
)
TURNED_RATIO = Observable(
    "turned_field_ratio",
    "1",
    "r_E",
    "Vertical coercive field with the in-plane field turned by nearly 60 degrees, over that with it along the path.",
)
#: Of runs at temperatures, by the way in which the vertical field grows.
FIELD = {
    "ramp": RunObservable.declare(
        "coercive_field_ramp",
        "E_c,ramp",
        "Mean vertical field at which the layers first reach SP at {temperature} while it grows steadily",
        headline=True,
    ),
    "steps": RunObservable.declare(
        "coercive_field_steps",
        "E_c,steps",
        "Mean vertical field at which the layers first reach SP at {temperature} while it grows in steps",
    ),
}
LEAST_STEPS = LeastFieldObservables.declare(
    "steps_{temperature}", "steps,{temperature}", "of the in-plane fields beside which steps were made at {temperature}"
)
RIGID = RunObservable.declare(
    "coercive_field_rigid",
    "E_c,rigid",
    "Mean field of rigid layers in the same ramp at {temperature} by transition-state theory on the path",
)
ALONG = {
    kind: Observable(
        f"runs_along_the_path_{kind}_{{temperature}}_parallel_{{parallel}}",
        "1",
        f"f_{kind},{{temperature}},E∥={{parallel}}",
        "Share of the runs at {temperature} that slid along the in-plane field of {parallel} V/Å, of those that slid.",
    )
    for kind in FIELD
}
BORN_ERROR = Observable(
    "born_interval_error",
    "1",
    "δF_Z",
    "Rms error of the sliding force when Born charges are as old as they get, over the rms of that force.",
)
OBSERVABLES = (
    STATIC,
    *LEAST_STATIC.all,
    MODEL,
    *LEAST_MODEL.all,
    *LEAST_BELOW_START.all,
    PATH,
    *LEAST_PATH.all,
    *(each for kind in FIELD.values() for each in (kind.vertical, kind.inclined)),
    *LEAST_STEPS.all,
    RIGID.vertical,
    RIGID.inclined,
    SECTOR,
    TURNED_RATIO,
    *ALONG.values(),
    HORIZONTAL_STATIC,
    HORIZONTAL_PATH,
    BETA,
    E4,
    E0,
    P4,
    P2,
    P3,
    BORN_ERROR,
)
