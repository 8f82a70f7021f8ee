"""Packing: what goes into the file, and that it runs with what an agent gives."""

from __future__ import annotations

import importlib.util
import os
import stat
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mesos_executor import PackError
from mesos_executor.pack import main, pack

PROGRAM = """\
import json
import os
import sys

import beside
from google.protobuf import descriptor_pb2

if __name__ == "__main__":
    import mesos_executor
    print(json.dumps({
        "arguments": sys.argv[1:],
        "beside": beside.WORD,
        "environment": sorted(os.environ),
        "files": [descriptor_pb2.__file__, mesos_executor.__file__, __file__],
    }))
"""

AGENT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program packed once for all tests that run it."""
    folder = tmp_path_factory.mktemp("packed")
    program = write_program(folder)
    return pack(program, folder / "my_executor.pyz")


def write_program(folder: Path, text: str = PROGRAM) -> Path:
    program = folder / "my_executor.py"
    program.write_text(text, encoding="utf-8")
    (folder / "beside.py").write_text("WORD = 'beside'\n", encoding="utf-8")
    return program


def run(packed: Path, *arguments: str, **environment: str) -> dict[str, object]:
    """Run a packed file with this interpreter and nothing inherited; return what it printed."""
    import json

    done = subprocess.run(
        [sys.executable, packed, *arguments],
        env={"PATH": AGENT_PATH, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    described = json.loads(done.stdout)
    assert isinstance(described, dict)
    return described


def test_it_runs_from_the_sandbox_with_what_is_inside(packed: Path, tmp_path: Path) -> None:
    described = run(packed, "-v=1", "x", MESOS_SANDBOX=str(tmp_path))
    assert described["arguments"] == ["-v=1", "x"]
    assert described["beside"] == "beside"
    files = described["files"]
    assert isinstance(files, list)
    for path in files:
        assert path.startswith(f"{tmp_path}/.unpacked/")
    environment = described["environment"]
    assert isinstance(environment, list)
    assert not [name for name in environment if name.startswith("SHIV") or name == "MESOS_EXECUTOR_PYTHON"]


def test_the_host_path_of_a_container_is_not_needed(packed: Path, tmp_path: Path) -> None:
    described = run(packed, MESOS_SANDBOX=str(tmp_path), MESOS_DIRECTORY="/only/on/the/host")
    assert str(tmp_path) in str(described["files"])
    described = run(packed, MESOS_DIRECTORY=str(tmp_path))
    assert str(tmp_path) in str(described["files"])


def test_it_runs_by_hand_with_a_home_or_without(packed: Path, tmp_path: Path) -> None:
    assert f"{tmp_path}/.shiv/" in str(run(packed, HOME=str(tmp_path))["files"])
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    described = run(packed, HOME="/nonexistent", TMPDIR=str(temporary))
    assert f"{temporary}/mesos-executor-{os.getuid()}/" in str(described["files"])


def test_first_starts_at_the_same_time_share_one_folder(packed: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        runs = list(threads.map(lambda _: run(packed, MESOS_SANDBOX=str(tmp_path)), range(4)))
    assert len({str(described["files"]) for described in runs}) == 1


def test_a_google_package_of_the_system_does_not_hide_ours(packed: Path, tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    (site / "google" / "protobuf").mkdir(parents=True)
    (site / "google" / "__init__.py").write_text("")
    (site / "google" / "protobuf" / "__init__.py").write_text("raise RuntimeError('the wrong one')")
    starter = (
        f"import sys, runpy; sys.path.append({str(site)!r}); import google; "
        f"sys.argv = [{str(packed)!r}]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", starter],
        env={"PATH": AGENT_PATH, "MESOS_SANDBOX": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_exit_status_is_the_programs(tmp_path: Path) -> None:
    packed = pack(write_program(tmp_path, "import sys\nsys.exit(int(sys.argv[1]))\n"))
    for status in (0, 3):
        done = subprocess.run(
            [sys.executable, packed, str(status)],
            env={"PATH": AGENT_PATH, "MESOS_SANDBOX": str(tmp_path)},
            timeout=60,
            check=False,
        )
        assert done.returncode == status


def test_the_same_content_is_not_packed_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = write_program(tmp_path)
    assert main([str(program)]) == 0
    packed = tmp_path / "my_executor.pyz"
    first = packed.stat()
    assert stat.S_IMODE(first.st_mode) == 0o755
    assert "packed" in capsys.readouterr().out
    assert main([str(program)]) == 0
    assert "up to date" in capsys.readouterr().out
    assert packed.stat().st_ino == first.st_ino
    (tmp_path / "beside.py").write_text("WORD = 'changed'\n")
    assert main([str(program)]) == 0
    assert packed.stat().st_ino != first.st_ino
    assert run(packed, MESOS_SANDBOX=str(tmp_path))["beside"] == "changed"


def test_a_broken_file_is_packed_anew(tmp_path: Path) -> None:
    program = write_program(tmp_path)
    output = tmp_path / "my_executor.pyz"
    output.write_bytes(b"PK\x03\x04 not a zip")
    assert pack(program) == output
    assert zipfile.is_zipfile(output)


def test_two_packs_of_the_same_content_are_the_same(tmp_path: Path) -> None:
    program = write_program(tmp_path)
    one, two = (pack(program, tmp_path / name / "x.pyz") for name in made(tmp_path, "one", "two"))
    assert content(one) == content(two)
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["x.pyz"]


def content(packed: Path) -> dict[str, int]:
    """Return the checksum of each file inside, but for byte code, which Python does not promise to repeat."""
    with zipfile.ZipFile(packed) as archive:
        infos = archive.infolist()
    assert len({info.filename for info in infos}) == len(infos)
    return {info.filename: info.CRC for info in infos if not info.filename.endswith(".pyc")}


def test_byte_code_comes_along_and_is_used(packed: Path, tmp_path: Path) -> None:
    run(packed, MESOS_SANDBOX=str(tmp_path))
    (compiled,) = tmp_path.glob(".unpacked/*/site-packages/beside.*")
    cached = Path(importlib.util.cache_from_source(str(compiled)))
    assert cached.read_bytes()[4:8] == (0b01).to_bytes(4, "little"), "unchecked, so not written by the run"


def made(folder: Path, *names: str) -> tuple[str, ...]:
    for name in names:
        (folder / name).mkdir()
    return names


def test_more_can_be_put_beside_the_program(tmp_path: Path) -> None:
    program = write_program(
        tmp_path,
        "import json, pathlib\nhere = pathlib.Path(__file__).parent\n"
        "print(json.dumps({'data': (here / 'data' / 'x.txt').read_text()}))\n",
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.txt").write_text("hello")
    packed = pack(program, include=[tmp_path / "data"])
    assert run(packed, MESOS_SANDBOX=str(tmp_path)) == {"data": "hello"}


def test_a_package_beside_needs_no_init(tmp_path: Path) -> None:
    program = write_program(
        tmp_path, "import json\nfrom parts import one\nprint(json.dumps({'one': one.ONE}))\n"
    )
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "one.py").write_text("ONE = 1\n")
    assert run(pack(program), MESOS_SANDBOX=str(tmp_path)) == {"one": 1}


def test_installed_distributions_come_along_when_imported(tmp_path: Path) -> None:
    packed = pack(write_program(tmp_path, "import h11\nimport beside\n"))
    with zipfile.ZipFile(packed) as archive:
        names = archive.namelist()
    assert "site-packages/h11/__init__.py" in names
    assert "site-packages/google/protobuf/__init__.py" in names
    assert "site-packages/mesos_executor/__init__.py" in names
    assert not [name for name in names if name.endswith((".pyi", ".pth"))]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import no_such_module_anywhere\n", "imports no_such_module_anywhere"),
        ("def broken(:\n", "is not a Python program"),
        ("import beside\nfrom no_such.sub import x\n", "imports no_such,"),
    ],
)
def test_what_could_not_run_is_refused(text: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(PackError, match=why):
        pack(write_program(tmp_path, text))
    assert not (tmp_path / "my_executor.pyz").exists()


def test_guarded_imports_may_be_missing(tmp_path: Path) -> None:
    text = (
        "from typing import TYPE_CHECKING\n"
        "try:\n    import no_such_module\nexcept ImportError:\n    pass\n"
        "if TYPE_CHECKING:\n    import no_such_either\n"
    )
    assert pack(write_program(tmp_path, text)).exists()


def test_misuse_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = write_program(tmp_path, "pass\n")
    cases = {
        "no such program": [str(tmp_path / "absent.py")],
        "would replace the program": [str(program), "-o", str(program)],
        "no such folder": [str(program), "-o", str(tmp_path / "absent" / "x.pyz")],
        "no-such-distribution": [str(program), "--with", "no-such-distribution"],
        "too long for the first line": [str(program), "--python", "/" + "x" * 200],
        "no such file or folder to include": [str(program), "--include", str(tmp_path / "absent")],
    }
    for why, arguments in cases.items():
        assert main(arguments) == 1
        error = capsys.readouterr().err
        assert why in error
        assert error.count("\n") == 1


def test_a_program_must_not_hide_what_it_is_packed_with(tmp_path: Path) -> None:
    program = tmp_path / "mesos_executor.py"
    program.write_text("pass\n")
    with pytest.raises(PackError, match="rename it"):
        pack(program)


def test_the_interpreter_of_the_first_line_can_be_chosen(tmp_path: Path) -> None:
    packed = pack(write_program(tmp_path, "pass\n"), python=sys.executable)
    assert packed.read_bytes().startswith(f"#!{sys.executable}\n".encode())
    done = subprocess.run([packed], env={"MESOS_SANDBOX": str(tmp_path)}, timeout=60, check=False)
    assert done.returncode == 0
