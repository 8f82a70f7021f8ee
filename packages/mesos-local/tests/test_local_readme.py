"""What the README shows, runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mesos_detector.testing import ZooKeeperEnsemble

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def example(word: str) -> str:
    (found,) = [each for each in EXAMPLES if word in each]
    return str(found)


def test_the_first_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(example("agents=2, resources="), "README.md", "exec"), {})
    address, url = capsys.readouterr().out.split()
    assert url == f"http://{address}/"


def test_the_examples_of_faults_run(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(example("faults.cut("), "README.md", "exec"), {})
    assert capsys.readouterr().out == "0\n"


def test_the_example_of_several_masters_runs(zookeeper: ZooKeeperEnsemble) -> None:
    """But for the crash, which takes as long as ZooKeeper waits."""
    text = example("ZooKeeperEnsemble").replace("old.crash()", "old.stop()")
    names: dict[str, object] = {}
    exec(compile(text, "README.md", "exec"), names)
    assert names["new"] is not names["old"]
