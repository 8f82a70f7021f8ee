"""Tests that ask for `logs` have log files in a folder of their own, and give the settings back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyglog
import pytest
from pyglog import _core
from pyglog_helpers import Logs


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Logs]:
    """Log files in `tmp_path`, of a program called `test`; ERROR does not go to stderr."""
    before = pyglog.configure(log_dir=str(tmp_path), program="test", stderrthreshold="FATAL")
    yield Logs(tmp_path)
    pyglog.restore(before)
    assert not _core.text_sinks and not _core.structured_sinks, "the test left a sink"
