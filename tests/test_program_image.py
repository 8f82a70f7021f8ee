"""What the Dockerfile copies and runs, without Docker: the same files in an empty folder, run."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from mesos_local import LocalCluster
from wheel_helpers import ROOT, run

DOCKERFILE = (ROOT / "examples" / "Dockerfile").read_text(encoding="utf-8")

pytestmark = pytest.mark.timeout(400)


def instruction(pattern: str) -> str:
    """The one line of the Dockerfile that matches, from the group on."""
    (found,) = re.findall(rf"^{pattern}$", DOCKERFILE, re.MULTILINE)
    return str(found)


def context(target: Path) -> None:
    """Copy what Docker is sent: of the tree, what `.dockerignore` lets through."""
    patterns = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()

    def ignored(name: str) -> bool:
        parents = [name, *map(str, Path(name).parents)]
        result = False
        for pattern in patterns:
            plain = pattern.removeprefix("!").removeprefix("**/")
            names = [
                path for each in parents for path in ([each, Path(each).name] if "**/" in pattern else [each])
            ]
            if any(
                fnmatch.fnmatchcase(each, plain) and each.count("/") == plain.count("/") for each in names
            ):
                result = not pattern.startswith("!")
        return result

    for folder in ("examples", "packages"):
        for path in (ROOT / folder).rglob("*"):
            name = str(path.relative_to(ROOT))
            if path.is_file() and not ignored(name):
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target / name)


@pytest.fixture(scope="module")
def image(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that is `/opt` in the image."""
    source, opt = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("opt")
    context(source)
    assert not [path for path in source.rglob("*") if path.name.startswith("test_") or path.suffix == ".pyz"]
    command, script, target = instruction(r"RUN (.*)").split()
    assert (command, target) == ("sh", "/opt")
    script = str(source / Path(script).relative_to(instruction(r"COPY \. (.*)")))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    run("env", f"PATH={path}", "sh", script, opt, wheels, cwd=opt)
    return opt


def entry_point(image: Path, *flags: str) -> str:
    """Run the image's entry point, in a folder where nothing of ours lies."""
    words = [word.replace("/opt", str(image), 1) for word in json.loads(instruction(r"ENTRYPOINT (.*)"))]
    return run(*words, *flags, cwd=image.parent)


def test_the_image_is_pinned_and_not_run_by_root() -> None:
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64}", instruction(r"ARG PYTHON=(.*)"))
    assert instruction(r"USER (.*)") == "65534:65534"
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["${PYTHON}", "${PYTHON}"]


def test_it_has_what_runs_and_nothing_that_builds(image: Path) -> None:
    assert sorted(path.name for path in image.iterdir()) == [
        "example-executor",
        "example_scheduler_httpv1.py",
        "httpv1",
        "python",
    ]
    (packages,) = image.glob("python/lib/python3*/site-packages")
    assert not {"pip", "setuptools", "hatchling", "shiv"} & {path.name for path in packages.iterdir()}
    assert "-credentials.passwordFile" in entry_point(image, "-help")


def test_it_runs_tasks(image: Path) -> None:
    with LocalCluster() as cluster:
        flags = [f"-url={cluster.master_address}", "-tasks=2", "-cpu=0.1", "-metrics.port=0"]
        shown = entry_point(image, *flags, f"-executor={image / 'example-executor'}")
    assert shown.splitlines()[-1] == "finished 2 of 2 tasks"
