"""Where Java and ZooKeeper are on this machine; on Debian, as root, they are installed when missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from mesos_detector.errors import DetectorError

_JAR = Path("/usr/share/java/zookeeper.jar")
_LOGGER = "/usr/share/java/slf4j-simple.jar"  # Writes to stderr; where it is missing, servers say nothing.
_PACKAGES = ("zookeeper", "default-jre-headless")
_INSTALL_SECONDS = 600


class ZooKeeperUnavailableError(DetectorError):
    """There is no ZooKeeper here and none can be installed; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Installation:
    """A Java and the class path of a ZooKeeper server."""

    java: str
    class_path: str


def find_installation(*, install: bool = True) -> Installation:
    """Return the installation of Debian's `zookeeper` package, installing it if that is possible.

    Raises ZooKeeperUnavailableError.
    """
    found = _look()
    if found is None and install:
        _install()
        found = _look()
    if found is None:
        raise ZooKeeperUnavailableError(f"no ZooKeeper at {_JAR} or no java; run: {_command_text()}")
    return found


def _look() -> Installation | None:
    java = shutil.which("java")
    return Installation(java, f"{_JAR}:{_LOGGER}") if java is not None and _JAR.exists() else None


def _command_text() -> str:
    return "apt-get install --no-install-recommends " + " ".join(_PACKAGES)


def _install() -> None:
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise ZooKeeperUnavailableError(f"ZooKeeper is missing; as root on Debian, run: {_command_text()}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    steps = (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *_PACKAGES])
    for arguments in steps:
        command = [apt, "-o", "DPkg::Lock::Timeout=300", *arguments]
        try:
            run = subprocess.run(
                command,
                env=environment,
                capture_output=True,
                text=True,
                timeout=_INSTALL_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ZooKeeperUnavailableError(f"{' '.join(command)} did not work: {error}") from error
        if run.returncode != 0 and arguments[0] == "install":
            tail = (run.stderr or run.stdout)[-500:]
            raise ZooKeeperUnavailableError(f"{' '.join(command)} ended with {run.returncode}: {tail}")
