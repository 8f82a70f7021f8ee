"""Every package's wheel, alone with its siblings' wheels, works in an empty environment."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

import pytest
from wheel_helpers import NAMES, ROOT, run

SMOKE = ROOT / "tests" / "smoke"

pytestmark = pytest.mark.timeout(400)


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
