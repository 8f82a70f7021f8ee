"""What several tests of the whole need."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from wheel_helpers import NAMES, ROOT, run

EXTRAS = {"mesos-executor": "[pack]", "mesos-scheduler": "[metrics]"}


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of wheels: ours, and those of what they and their extras need."""
    folder = tmp_path_factory.mktemp("wheels")
    packages = [ROOT, *(f"{ROOT / 'packages' / name}{EXTRAS.get(name, '')}" for name in NAMES)]
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", folder, *packages, cwd=folder)
    return folder
