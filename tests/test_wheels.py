"""Every package's wheel, alone with its siblings' wheels, works in an empty environment."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NAMES = sorted(path.parent.name for path in (ROOT / "packages").glob("*/pyproject.toml"))
SMOKE = ROOT / "tests" / "smoke"

pytestmark = pytest.mark.timeout(400)


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command away from the source tree; its output, or a failure that shows it."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COV_"))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of wheels: ours, and those of what they need."""
    folder = tmp_path_factory.mktemp("wheels")
    packages = [ROOT, *(ROOT / "packages" / name for name in NAMES)]
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", folder, *packages, cwd=folder)
    return folder


def install(environment: Path, wheels: Path, *requirements: str) -> Path:
    """Make an empty environment with these requirements, from the folder alone; return its python."""
    venv.create(environment, with_pip=False, symlinks=True)
    python = environment / "bin" / "python"
    run(
        *(sys.executable, "-m", "pip", "--quiet", "--python", python, "install"),
        *("--no-index", "--find-links", wheels, *requirements),
        cwd=environment,
    )
    return python


@pytest.mark.parametrize("name", NAMES)
def test_wheel_works_alone(name: str, wheels: Path, tmp_path: Path) -> None:
    python = install(tmp_path / "environment", wheels, name)
    listed = run(python, "-W", "error", SMOKE / f"{name}-smoke.py", cwd=tmp_path)
    assert listed.splitlines()[-1] == f"{name}: works"
    here = run(python, "-c", f"import {name.replace('-', '_')} as m; print(m.__file__)", cwd=tmp_path)
    assert here.startswith(str(tmp_path))


def test_meta_package_brings_everything(wheels: Path, tmp_path: Path) -> None:
    python = install(tmp_path / "environment", wheels, "mesos-python")
    for name in NAMES:
        run(python, "-c", f"import {name.replace('-', '_')}", cwd=tmp_path)


def test_every_package_has_a_smoke_program() -> None:
    assert sorted(path.stem for path in SMOKE.glob("*.py")) == [f"{name}-smoke" for name in NAMES]
