"""Fetch the library, patch it, compile the launcher; all kept in a cache.

Each folder of the cache is named by a hash of what it was made from, is made under a lock, and appears
by one rename: concurrent builds wait for each other, an interrupted one leaves nothing behind.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from realmesos import elf, system
from realmesos.errors import BuildFailed
from realmesos.releases import LATEST, Release

LAUNCHER = Path(__file__).resolve().parent.parent / "launcher"
_COMPILE = ["-std=c++14", "-O1", "-Wall", "-Werror", "-rdynamic", "-pthread"]
_PROGRAMS = {
    "executors.py": ("mesos-executor", "mesos-default-executor"),
    "fetcher.py": ("mesos-fetcher",),
}
_LINKS = ("mesos-containerizer", "mesos-io-switchboard")

# The package is a "dumb" binary archive: no setup.py, and a version that is not PEP 440. This pip
# still finds it by "===", checks the hash, unpacks it and only then fails, which is expected.
_PIP = "pip==23.2.1"


@dataclass(frozen=True, slots=True)
class Build:
    """A release of Mesos, ready to run."""

    release: Release
    directory: Path

    @property
    def program(self) -> Path:
        """The launcher of masters and agents."""
        return self.directory / "realmesos"

    @property
    def launcher_dir(self) -> Path:
        """The agent's `--launcher_dir`."""
        return self.directory / "libexec"


def cache_root() -> Path:
    """Return the folder of the cache."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "mesos-python" / "interop"


def build(release: Release = LATEST) -> Build:
    """Return the release, built now unless the cache has it.

    Raises `NotSupported` where this machine cannot run it, `BuildFailed` when a step fails.
    """
    system.check_platform()
    system.ensure((*system.BUILD_PACKAGES, *release.packages))
    library_key = _digest([release.sha256.encode(), Path(elf.__file__).read_bytes()])
    library = _cached(
        f"library-{release.version}-{library_key}", lambda target: _make_library(release, target)
    )
    sources = sorted(LAUNCHER.iterdir())
    parts = [library_key, *_COMPILE, *(path.name for path in sources)]
    key = _digest([*(part.encode() for part in parts), *(path.read_bytes() for path in sources)])
    folder = _cached(f"launcher-{release.version}-{key}", lambda target: _make_launcher(library, target))
    return Build(release, folder)


def _digest(parts: Iterable[bytes]) -> str:
    state = hashlib.sha256()
    for part in parts:
        state.update(b"%d:" % len(part) + part)
    return state.hexdigest()[:16]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with open(path, "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _cached(name: str, make: Callable[[Path], None]) -> Path:
    root = cache_root()
    root.mkdir(parents=True, exist_ok=True)
    final = root / name
    with _locked(root / f"{name}.lock"):
        if not final.exists():
            with tempfile.TemporaryDirectory(dir=root, prefix=f"{name}.") as work:
                target = Path(work) / "new"
                target.mkdir()
                make(target)
                target.rename(final)
    return final


def _run(command: list[str | Path], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def _must(command: list[str | Path]) -> None:
    answer = _run(command)
    if answer.returncode != 0:
        words = " ".join(str(word) for word in command)
        raise BuildFailed(f"{words}\n{answer.stdout[-4000:]}{answer.stderr[-4000:]}")


def _make_library(release: Release, target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="realmesos.") as name:
        work = Path(name)
        python = work / "venv" / "bin" / "python"
        _must([sys.executable, "-m", "venv", work / "venv"])
        _must([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", _PIP])
        requirements = work / "requirements.txt"
        requirements.write_text(release.requirement + "\n", encoding="utf-8")
        unpacked = work / "unpacked"
        unpacked.mkdir()
        answer = _run(
            [
                *(python, "-m", "pip", "download", "--no-deps", "--no-clean", "--no-cache-dir"),
                *("--require-hashes", "--dest", unpacked, "--requirement", requirements),
            ],
            TMPDIR=str(unpacked),
        )
        found = list(unpacked.rglob("_scheduler.so"))
        if not found:
            raise BuildFailed(
                f"pip did not bring {release.requirement}\n{answer.stdout[-2000:]}{answer.stderr[-4000:]}"
            )
        (target / "libmesos.so").write_bytes(elf.patch(found[0].read_bytes()))


def _make_launcher(library: Path, target: Path) -> None:
    sources = sorted(LAUNCHER.glob("*.cpp"))
    compiler = os.environ.get("CXX", "g++")
    _must([compiler, *_COMPILE, "-o", target / "realmesos", *sources, "-ldl"])
    (target / "libmesos.so").symlink_to(library / "libmesos.so")
    helpers = target / "libexec"
    helpers.mkdir()
    for source, names in _PROGRAMS.items():
        for name in names:
            shutil.copy(LAUNCHER / source, helpers / name)
            (helpers / name).chmod(0o755)
    for name in _LINKS:
        (helpers / name).symlink_to("../realmesos")
