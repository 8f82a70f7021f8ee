"""kill -9 among real processes; `python -m simulation.rounds --rounds 200` is the long form."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PLAN = (
    ("master", "registration"),
    ("agent", "running"),
    ("executor", "update"),
    ("scheduler", "offers"),
    ("master", "update"),
    ("agent", "offers"),
    ("executor", "running"),
    ("scheduler", "update"),
)


@pytest.mark.timeout(400)
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks into /proc")
@pytest.mark.parametrize("api", ["v0", "v1-json"])
def test_every_task_is_accounted_for_whoever_is_killed(monkeypatch: pytest.MonkeyPatch, api: str) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    rounds = importlib.import_module("simulation.rounds")
    said: list[str] = []
    rounds.run_rounds(PLAN, 7, said.append, api)
    assert said[-1].startswith("8 rounds") and "all ended" in said[-1]
