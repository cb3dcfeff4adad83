"""Names of the optimisers."""

from __future__ import annotations

from typing import Literal

Optimizer = Literal["stack_lbfgs", "sheet_lbfgs", "precon_lbfgs", "lbfgs", "fire"]
