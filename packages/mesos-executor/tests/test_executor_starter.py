"""The first step of a packed file: which Python, which folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
from mesos_executor import _starter

Version = namedtuple("Version", "major minor micro")


class Replaced(Exception):
    """Stands for the process image that `execv` replaces."""


@pytest.fixture
def pythons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of interpreters that is all of PATH."""
    monkeypatch.setattr(os, "environ", {"PATH": str(tmp_path)})

    def execv(path: str, arguments: list[str]) -> None:
        raise Replaced(path, arguments)

    monkeypatch.setattr(os, "execv", execv)
    monkeypatch.setattr(sys, "argv", ["my.pyz", "-x"])
    return tmp_path


def add(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text("")
        (folder / name).chmod(0o755)


def test_a_new_enough_python_is_kept(pythons: Path) -> None:
    add(pythons, "python3.10", "python3.19")
    _starter._choose_python()


def test_an_old_python_makes_way_for_the_newest(pythons: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(pythons, "python3.9", "python3.10", "python3.12")
    monkeypatch.setattr(sys, "version_info", Version(3, 9, 1))
    with pytest.raises(Replaced) as replaced:
        _starter._choose_python()
    path = str(pythons / "python3.12")
    assert replaced.value.args == (path, [path, "my.pyz", "-x"])


def test_the_interpreter_that_packed_the_file_is_the_last_resort(
    pythons: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(pythons, "built")
    monkeypatch.setattr(_starter, "BUILT_WITH", str(pythons / "built"))
    monkeypatch.setattr(sys, "version_info", Version(3, 9, 1))
    with pytest.raises(Replaced, match="built"):
        _starter._choose_python()


def test_no_python_new_enough_is_said(pythons: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", Version(3, 6, 0))
    with pytest.raises(SystemExit, match=r"my\.pyz needs Python 3\.10 or newer; .* is 3\.6"):
        _starter._choose_python()


def test_compiled_modules_ask_for_their_version(pythons: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_starter, "COMPILED_FOR", "3.77")
    _starter._choose_python()
    add(pythons, "python3.12", "python3.77")
    with pytest.raises(Replaced, match=r"python3\.77"):
        _starter._choose_python()
    # A second time would be a loop: what runs now has to do.
    _starter._choose_python()


def test_a_temporary_folder_of_somebody_else_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", {})
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    expected = tmp_path / f"mesos-executor-{os.getuid()}"
    assert _starter._choose_folder() == str(expected)
    assert expected.stat().st_mode & 0o777 == 0o700
    assert _starter._choose_folder() == str(expected)
    expected.chmod(0o777)
    assert _starter._choose_folder() != str(expected)


def test_a_read_only_home_or_sandbox_is_passed_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"MESOS_SANDBOX": "/", "MESOS_DIRECTORY": str(tmp_path), "HOME": "/"}
    monkeypatch.setattr(os, "environ", environment)
    # Root may write anywhere, so the answer of the system is not asked for.
    monkeypatch.setattr(os, "access", lambda path, mode: str(path).startswith(str(tmp_path)))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert _starter._choose_folder() == str(tmp_path / ".unpacked")
    del environment["MESOS_DIRECTORY"]
    assert _starter._choose_folder() == str(tmp_path / f"mesos-executor-{os.getuid()}")


def test_the_starter_is_understood_by_old_pythons() -> None:
    # ast knows the grammar of older versions; 3.7 is the oldest it still tells apart.
    code = "import ast, sys; ast.parse(open(sys.argv[1]).read(), feature_version=(3, 6))"
    subprocess.run([sys.executable, "-c", code, str(Path(_starter.__file__))], check=True, timeout=60)
