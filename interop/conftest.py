"""Make the equipment importable, and its fixtures known, however pytest is started."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

pytest_plugins = ["realmesos.fixtures"]
