"""What a framework changed while it registered: masters without UPDATE_FRAMEWORK hear of its roles."""

from __future__ import annotations

import pytest
from mesos_proto.v0 import scheduler_pb2 as v0_scheduler
from mesos_scheduler import commands
from scheduler_helpers import Driven, framework, registered, sent

Call = v0_scheduler.Call


def register(version: str, *roles: str) -> list[object]:
    """Suppress roles between SUBSCRIBE and its answer; return what follows the answer."""
    driven = Driven(framework(roles=["a", "b"]) if roles else framework(role="a"))
    driven.detect(version)
    driven.do(commands.SuppressOffers(roles))
    answer = registered()
    answer.master_info.version = version
    return list(sent(driven.receive(answer)))


def test_a_new_master_hears_of_all_changes() -> None:
    (call,) = register("1.9.0", "a")
    assert isinstance(call, Call) and call.type == Call.UPDATE_FRAMEWORK
    assert list(call.update_framework.suppressed_roles) == ["a"]


@pytest.mark.parametrize("roles", [(), ("a", "b")])
def test_a_master_without_the_call_hears_that_all_is_suppressed(roles: tuple[str, ...]) -> None:
    (call,) = register("1.4.3", *roles)
    assert isinstance(call, Call) and call.type == Call.SUPPRESS and not call.suppress.roles


def test_a_master_without_the_call_hears_which_roles_are_suppressed() -> None:
    revive, suppress = register("1.4.3", "a")
    assert isinstance(revive, Call) and revive.type == Call.REVIVE
    assert isinstance(suppress, Call) and list(suppress.suppress.roles) == ["a"]


def test_a_master_without_suppress_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    assert register("0.22.0") == []
    assert "suppress_offers needs a master of Mesos 0.25 or newer" in caplog.text


def test_a_revival_reaches_a_master_without_the_call() -> None:
    driven = Driven(framework(role="a"), suppressed_roles=["a"])
    driven.detect("1.4.3")
    driven.do(commands.ReviveOffers(()))
    answer = registered()
    answer.master_info.version = "1.4.3"
    (call,) = sent(driven.receive(answer))
    assert isinstance(call, Call) and call.type == Call.REVIVE and not call.revive.roles
