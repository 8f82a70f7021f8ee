"""Seeded histories of a scheduler, masters, agents and executors with faults; see `simulation/`.

A violation names its seed: `python -m simulation.history --seed N --verbose` shows that history again.
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
HISTORIES = 500
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


@pytest.mark.parametrize("first", range(0, HISTORIES, CHUNK))
def test_promises_hold_and_all_comes_to_rest(history: Any, first: int) -> None:
    outcomes = [history.run(seed) for seed in range(first, first + CHUNK)]
    assert sum(outcome.delivered for outcome in outcomes) > CHUNK * 20
    assert sum(sum(outcome.faults.values()) for outcome in outcomes) > CHUNK


def test_a_framework_without_failover_timeout_dies_with_its_scheduler(history: Any) -> None:
    world = history.History(1, failover_timeout=0.0)
    framework = world.framework
    framework.trouble = 0.0
    assert world.step_until(lambda: framework.launched, 100)
    framework.kill()
    world.network.later(5.0, framework.start)
    assert world.step_until(lambda: framework.removed, 1000)
    assert framework.errors == ["Framework has been removed"]
    assert world.step_until(lambda: not any(agent.executors for agent in world.agents), 1000)


def test_an_acknowledgement_before_the_callback_has_returned_is_found(
    history: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mesos_scheduler import commands, events
    from mesos_scheduler.session import SchedulerSession

    handle = SchedulerSession.handle

    def hasty(self: SchedulerSession, event: commands.SessionEvent, now: float) -> list[commands.Command]:
        result = handle(self, event, now)
        for command in list(result):
            if isinstance(command, commands.Deliver):
                due = [
                    each.acknowledgement for each in command.events if isinstance(each, events.StatusUpdate)
                ]
                result += handle(self, commands.Handled([each for each in due if each is not None]), now)
        return result

    monkeypatch.setattr(SchedulerSession, "handle", hasty)
    with pytest.raises(history.Violation, match="before its callback returned"):
        history.run(0)


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
