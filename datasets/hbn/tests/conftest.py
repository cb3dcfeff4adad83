"""The pipeline lies beside the data; it is no installed package."""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]
ROOT = FOLDER.parents[1]
sys.path[:0] = [str(FOLDER), str(ROOT / "plugins" / "dft")]
