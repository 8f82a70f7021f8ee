"""What the machine must have: Debian's packages, installed by root or named for the user."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterable

from realmesos.errors import NotSupported

BUILD_PACKAGES = ("g++", "python3")
ZOOKEEPER_PACKAGES = ("zookeeper",)  # which brings a Java


def check_platform() -> None:
    """Raise `NotSupported` where the binary cannot run."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise NotSupported(
            f"the library is for Linux on x86_64, not {platform.system()} on {platform.machine()}"
        )
    if shutil.which("dpkg-query") is None:
        raise NotSupported(
            "the library needs the packages of Debian 12, and this is no Debian (no dpkg-query)"
        )


def missing(packages: Iterable[str]) -> list[str]:
    """Return those packages that are not installed."""
    wanted = sorted(set(packages))
    command = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *wanted]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    installed = {line.split()[0] for line in answer.stdout.splitlines() if line.endswith(" installed")}
    return [package for package in wanted if package not in installed]


def ensure(packages: Iterable[str]) -> None:
    """Install what is missing as root; otherwise say what to install."""
    lacking = missing(packages)
    if not lacking:
        return
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *lacking]
    if os.geteuid() != 0:
        raise NotSupported(f"please install: sudo {' '.join(command)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    waiting = ["-o", "DPkg::Lock::Timeout=300", "--quiet"]
    for step in (["apt-get", *waiting, "update"], [*command, *waiting]):
        answer = subprocess.run(step, capture_output=True, text=True, env=environment, check=False)
    still = missing(lacking)
    if still:
        raise NotSupported(
            f"cannot install {' '.join(still)}: {answer.stdout[-2000:]}{answer.stderr[-2000:]}"
        )
