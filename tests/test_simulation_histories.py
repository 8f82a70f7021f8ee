"""Seeded histories of a scheduler, masters, agents and executors with faults; see `simulation/`.

A violation names its seed: `python -m simulation.history --seed N --verbose` shows that history again (with
`--api v1` one over HTTP).
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
HISTORIES = {"v0": 500, "v1": 250}
CHUNK = 50


@pytest.fixture(scope="module")
def history() -> Iterator[Any]:
    sys.path.insert(0, str(ROOT))
    try:
        yield importlib.import_module("simulation.history")
    finally:
        sys.path.remove(str(ROOT))


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep the sessions' many words out of the report, and out of the time."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(before)


@pytest.mark.parametrize(
    ("api", "first"),
    [(api, first) for api, count in HISTORIES.items() for first in range(0, count, CHUNK)],
)
def test_promises_hold_and_all_comes_to_rest(history: Any, api: str, first: int) -> None:
    outcomes = [history.run(seed, api) for seed in range(first, first + CHUNK)]
    assert sum(outcome.delivered for outcome in outcomes) > CHUNK * 20
    assert sum(sum(outcome.faults.values()) for outcome in outcomes) > CHUNK


@pytest.mark.parametrize("api", ["v0", "v1"])
def test_a_framework_without_failover_timeout_dies_with_its_scheduler(history: Any, api: str) -> None:
    world = history.History(1, 0.0, api)
    framework = world.framework
    framework.trouble = 0.0
    assert world.step_until(lambda: framework.launched, 100)
    framework.kill()
    world.network.later(5.0, framework.start)
    assert world.step_until(lambda: framework.removed, 1000)
    assert framework.errors == ["Framework has been removed"]
    assert world.step_until(lambda: not any(agent.executors for agent in world.agents), 1000)


@pytest.mark.parametrize("api", ["v0", "v1"])
def test_an_acknowledgement_before_the_callback_has_returned_is_found(
    history: Any, monkeypatch: pytest.MonkeyPatch, api: str
) -> None:
    from mesos_scheduler import commands, events
    from mesos_scheduler.session import SchedulerSession
    from mesos_scheduler.v1 import HttpSession

    kind: Any = SchedulerSession if api == "v0" else HttpSession
    handle = kind.handle

    def hasty(self: Any, event: Any, now: float) -> list[Any]:
        result: list[Any] = handle(self, event, now)
        for command in list(result):
            if isinstance(command, commands.Deliver):
                due = [
                    each.acknowledgement for each in command.events if isinstance(each, events.StatusUpdate)
                ]
                result += handle(self, commands.Handled([each for each in due if each is not None]), now)
        return result

    monkeypatch.setattr(kind, "handle", hasty)
    with pytest.raises(history.Violation, match="before its callback returned"):
        history.run(0, api)


def test_a_scheduler_that_does_not_miss_heartbeats_is_found(
    history: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mesos_scheduler.v1._connection import Connection

    monkeypatch.setattr(Connection, "liveness_due", lambda self, now: None)
    monkeypatch.setattr(history, "PATIENCE", 600.0)
    with pytest.raises(history.Violation, match="did not come to rest"):
        for seed in range(200):
            history.run(seed, "v1")


def test_messages_of_strangers_that_are_believed_are_found(
    history: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mesos_scheduler._inbound import Inbound

    def believe(self: Inbound, messages: Any, now: float) -> None:
        for _, message in messages:
            self._from_master(message, now)

    monkeypatch.setattr(Inbound, "receive", believe)
    with pytest.raises(history.Violation, match=r"forged|aborted"):
        for seed in range(50):
            history.run(seed)
