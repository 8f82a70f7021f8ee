"""The test equipment itself: what it says and does where ZooKeeper is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from mesos_detector import DetectorError
from mesos_detector.testing import (
    Installation,
    ZooKeeperEnsemble,
    ZooKeeperUnavailableError,
    find_installation,
    installation,
)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without ZooKeeper; returns where its jar would be."""
    jar = tmp_path / "zookeeper.jar"
    monkeypatch.setattr(installation, "_JAR", jar)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return jar


def test_missing_and_not_to_be_installed(bare: Path) -> None:
    with pytest.raises(ZooKeeperUnavailableError, match="apt-get install"):
        find_installation(install=False)


def test_missing_and_nobody_may_install(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ZooKeeperUnavailableError, match="as root on Debian, run: apt-get install"):
        find_installation()


def test_missing_and_installed(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        if "install" in command:
            bare.touch()
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    assert isinstance(find_installation(), Installation)
    assert ["update" in command for command in commands] == [True, False]
    assert "zookeeper" in commands[1]


def test_installation_that_fails_says_why(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 100, "", "E: no such package")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(ZooKeeperUnavailableError, match="ended with 100: E: no such package"):
        find_installation()

    def missing(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        raise FileNotFoundError("apt-get")

    monkeypatch.setattr(subprocess, "run", missing)
    with pytest.raises(ZooKeeperUnavailableError, match="did not work"):
        find_installation()


def test_server_that_does_not_start_is_an_error_with_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Installation("/bin/sh", "")
    monkeypatch.setattr("mesos_detector.testing.ensemble.find_installation", lambda: broken)
    ensemble = ZooKeeperEnsemble(1)
    with pytest.raises(DetectorError, match=r"ended(.|\n)*server 0"):
        ensemble.start()
    ensemble.stop()
