"""What a master does with the election's results, as a pure session."""

from __future__ import annotations

import random

import pytest
from local_helpers import MASTER
from mesos_local._wire import Received, Send
from mesos_local.master.registry import Registry
from mesos_local.master.session import (
    CandidacyLost,
    LeaderDetected,
    MasterSession,
    RegistryRecovered,
    Started,
)
from mesos_local.master.state import Contend, MasterSettings, RecoverRegistry, StopMaster, StoreRegistry
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal

OTHER = mesos.MasterInfo(id="other", ip=1, port=5050, hostname="elsewhere")


def contending() -> MasterSession:
    session = MasterSession(MasterSettings(), pid=MASTER, rng=random.Random(1), now=1.0, registry=None)
    assert session.handle(Started(), 1.0) == []
    return session


def registration() -> Received:
    message = internal.RegisterSlaveMessage(version="1.11.0")
    message.slave.hostname = "host"
    return Received("slave(1)@127.0.0.1:5051", message)


def replies(session: MasterSession, event: Received) -> list[str]:
    return [type(each.message).__name__ for each in session.handle(event, 3.0) if isinstance(each, Send)]


def elect(session: MasterSession, registry: Registry) -> list[object]:
    assert session.handle(LeaderDetected(session.state.info), 2.0) == [RecoverRegistry()]
    return list(session.handle(RegistryRecovered(registry), 2.0))


def test_a_master_that_does_not_lead_hears_nobody() -> None:
    session = contending()
    assert replies(session, registration()) == []
    session.handle(LeaderDetected(OTHER), 1.0)
    assert replies(session, registration()) == []
    session.handle(LeaderDetected(session.state.info), 2.0)
    assert replies(session, registration()) == [], "the registry is not read yet"
    session.handle(RegistryRecovered(Registry()), 2.0)
    assert replies(session, registration()) == ["SlaveRegisteredMessage"]
    assert session.state.counters["dropped_messages"] == 3


def test_the_elected_master_knows_what_earlier_ones_did() -> None:
    info = mesos.SlaveInfo(hostname="host", id=mesos.SlaveID(value="S0"))
    session = contending()
    first, *rest = elect(session, Registry(OTHER, (info,), {"S1": 5.0}, {"S2": 6.0}))
    assert first == StoreRegistry(Registry(session.state.info, (info,), {"S1": 5.0}, {"S2": 6.0}))
    assert ("recovered",) in [getattr(each, "key", None) for each in rest]
    assert session.state.elected_time == 2.0


def test_what_is_known_for_good_is_kept_before_it_is_told() -> None:
    session = contending()
    elect(session, Registry())
    first, *rest = session.handle(registration(), 3.0)
    assert isinstance(first, StoreRegistry)
    assert [each.hostname for each in first.registry.agents] == ["host"]
    assert any(isinstance(each, Send) for each in rest)


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (LeaderDetected(None), "without a result"),
        (LeaderDetected(OTHER), "conceded"),
        (CandidacyLost("the session expired"), "the session expired"),
    ],
)
def test_a_master_that_loses_the_leadership_ends(event: LeaderDetected | CandidacyLost, why: str) -> None:
    session = contending()
    elect(session, Registry())
    (command,) = session.handle(event, 3.0)
    assert isinstance(command, StopMaster) and why in command.reason


def test_a_follower_contends_again_unless_it_cannot() -> None:
    session = contending()
    session.handle(LeaderDetected(OTHER), 2.0)
    assert session.handle(LeaderDetected(None), 2.0) == []
    assert session.handle(CandidacyLost("the session expired"), 2.0) == [Contend()]
    (command,) = session.handle(CandidacyLost("the ACL forbids it", final=True), 2.0)
    assert isinstance(command, StopMaster) and "the ACL forbids it" in command.reason


def test_an_election_again_changes_nothing() -> None:
    session = contending()
    elect(session, Registry())
    assert session.handle(LeaderDetected(session.state.info), 9.0) == []
    assert session.state.elected_time == 9.0
