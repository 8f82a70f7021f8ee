"""Standing for election: the pure session, and candidates in a real ZooKeeper ensemble."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from detector_helpers import DEADLINE, News, as_json, kazoo, master_info, wait_for
from hypothesis import given, settings
from hypothesis import strategies as st
from kazoo.client import KazooClient
from kazoo.security import make_digest_acl
from mesos_detector import (
    Candidacy,
    Contender,
    ContenderError,
    DetectionTimeoutError,
    Leader,
    detect,
)
from mesos_detector._candidacy import (
    ENDED,
    Announce,
    CandidacySession,
    Changed,
    Command,
    Connected,
    Create,
    Created,
    Delete,
    Event,
    Expired,
    Failed,
    MakePath,
    PathMade,
    Scan,
    Scanned,
    Suspended,
)
from mesos_detector._source import SetTimer, TimerFired
from mesos_detector.testing import ZooKeeperEnsemble

_numbers = itertools.count(1)


@pytest.fixture
def path() -> str:
    return f"/contender-{next(_numbers)}"


def announced(commands: list[Command]) -> list[Candidacy]:
    return [command.state for command in commands if isinstance(command, Announce)]


def entered(*others: str) -> CandidacySession:
    """A candidacy whose node is json.info_5, beside others."""
    session = CandidacySession(session_timeout=10.0)
    assert MakePath(1) in session.handle(Connected())
    assert session.handle(PathMade(1)) == [Scan(1)]
    assert session.handle(Scanned(1, tuple((name, False) for name in others))) == [Create(1)]
    assert session.handle(Created(1)) == [Scan(1)]
    return session


def seen(*names: str, epoch: int = 1) -> Scanned:
    return Scanned(epoch, tuple((name, name == "json.info_5") for name in names))


def test_lowest_number_is_elected() -> None:
    session = entered()
    assert announced(session.handle(seen("json.info_5", "json.info_6", "log_replicas"))) == [
        Candidacy.ELECTED
    ]
    assert announced(session.handle(seen("json.info_5"))) == []


def test_who_is_not_first_waits_for_the_others_to_go() -> None:
    session = entered("info_4")
    assert announced(session.handle(seen("info_4", "json.info_5"))) == [Candidacy.CONTENDING]
    assert session.handle(Changed()) == [Scan(1)]
    assert announced(session.handle(seen("json.info_5"))) == [Candidacy.ELECTED]


def test_creation_whose_answer_was_lost_is_found_again() -> None:
    session = CandidacySession(session_timeout=10.0)
    session.handle(Connected())
    session.handle(PathMade(1))
    assert session.handle(Scanned(1, ())) == [Create(1)]
    session.handle(Suspended())
    assert session.handle(Created(1)) == []
    session.handle(Connected())
    session.handle(PathMade(2))
    assert announced(session.handle(seen("json.info_5", epoch=2))) == [Candidacy.ELECTED]


def test_second_node_of_ours_is_deleted() -> None:
    session = entered()
    commands = session.handle(Scanned(1, (("json.info_5", True), ("json.info_7", True))))
    assert Delete("json.info_7") in commands
    assert announced(commands) == [Candidacy.ELECTED]


def test_leadership_is_lost_with_the_session_the_node_or_the_connection_for_too_long() -> None:
    endings: list[Callable[[CandidacySession], list[Command]]] = [
        lambda session: session.handle(Expired()),
        lambda session: session.handle(seen()),
        lambda session: session.handle(seen("info_4", "json.info_5")),
        lambda session: session.handle(Suspended()) and session.handle(TimerFired("session")),
    ]
    for ending in endings:
        session = entered()
        session.handle(seen("json.info_5"))
        assert announced(ending(session)) == [Candidacy.LOST]
        assert session.handle(Connected()) == []


def test_short_loss_of_connection_keeps_the_leadership() -> None:
    session = entered()
    session.handle(seen("json.info_5"))
    assert SetTimer("session", 10.0) in session.handle(Suspended())
    session.handle(Connected())
    session.handle(PathMade(2))
    assert announced(session.handle(seen("json.info_5", epoch=2))) == []
    assert session.handle(TimerFired("session")) == []


def test_session_lost_before_the_first_node_is_no_loss() -> None:
    session = CandidacySession(session_timeout=10.0)
    session.handle(Connected())
    assert announced(session.handle(Expired())) == []
    assert MakePath(2) in session.handle(Connected())


def test_errors_are_retried_or_final() -> None:
    session = CandidacySession(session_timeout=10.0)
    session.handle(Connected())
    assert any(isinstance(command, SetTimer) for command in session.handle(Failed(1, "busy", retryable=True)))
    assert session.handle(TimerFired("retry")) == [MakePath(1)]
    assert announced(session.handle(Failed(1, "no", retryable=False))) == [Candidacy.FAILED]


NAMES = ["json.info_4", "json.info_5", "info_6", "log_replicas"]
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.sampled_from([Connected(), Suspended(), Expired(), Changed()]),
    st.sampled_from(["session", "retry"]).map(TimerFired),
    st.builds(PathMade, st.integers(0, 3)),
    st.builds(Created, st.integers(0, 3)),
    st.builds(Failed, st.integers(0, 3), st.just("busy"), retryable=st.booleans()),
    st.builds(
        Scanned,
        st.integers(0, 3),
        st.lists(st.tuples(st.sampled_from(NAMES), st.booleans()), unique_by=lambda item: item[0]).map(tuple),
    ),
)


@given(st.lists(EVENTS, max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_history_leads_only_with_a_lowest_node_of_ours_and_ends_once(history: list[Event]) -> None:
    session = CandidacySession(session_timeout=10.0)
    over = False
    for event in history:
        states = announced(session.handle(event))
        assert not (over and states)
        if Candidacy.ELECTED in states:
            assert isinstance(event, Scanned)
            members = {"json.info_4": 4, "json.info_5": 5, "info_6": 6}
            first = min((name for name, _ in event.children if name in members), key=members.__getitem__)
            assert dict(event.children)[first]
        over = over or any(state in ENDED for state in states)


# In a real ensemble.


def test_election_failover_and_what_detectors_see(ensemble: ZooKeeperEnsemble, path: str) -> None:
    url = ensemble.url(path)
    news: News[Leader | None] = News()
    losses: News[str] = News()
    with detect(url) as detector, Contender(url, master_info(1), on_lost=losses) as first:
        detector.watch(news)
        first.wait_elected(DEADLINE)
        news.until(lambda leader: leader is not None and leader.info == master_info(1))
        elections: News[None] = News()
        with Contender(url, master_info(2), on_elected=lambda: elections(None)) as second:
            wait_for(lambda: second.state is Candidacy.CONTENDING)
            with pytest.raises(DetectionTimeoutError, match="another master leads"):
                second.wait_elected(0.01)
            first.withdraw()
            withdrawn = time.monotonic()
            at, _ = news.until(lambda leader: leader is not None and leader.info == master_info(2))
            assert at - withdrawn < 1.0
            elections.next()
            assert second.state is Candidacy.ELECTED
        news.until(lambda leader: leader is None)
        assert first.state is Candidacy.WITHDRAWN
        assert losses.empty()
        with pytest.raises(ContenderError, match="withdrawn"):
            first.wait_elected(0)


def test_node_is_what_mesos_reads(ensemble: ZooKeeperEnsemble, path: str) -> None:
    with kazoo(ensemble.hosts) as client, Contender(ensemble.url(path), master_info(1)) as contender:
        contender.wait_elected(DEADLINE)
        (name,) = client.get_children(path)
        assert name == "json.info_0000000000"
        data, stat = client.get(f"{path}/{name}")
        assert stat.ephemeralOwner != 0
        document = json.loads(data)
        assert document["ip"] == 16777343 and document["port"] == 5051
        assert document["address"] == {"hostname": "localhost", "ip": "127.0.0.1", "port": 5051}


def test_expired_session_ends_the_leadership(ensemble: ZooKeeperEnsemble, path: str) -> None:
    losses: News[str] = News()
    with Contender(ensemble.url(path), master_info(1), on_lost=losses) as contender:
        contender.wait_elected(DEADLINE)
        usurper = KazooClient(ensemble.hosts, timeout=10, client_id=contender._connection._client.client_id)
        usurper.start(timeout=DEADLINE)
        usurper.stop()
        usurper.close()
        assert "expired" in losses.next() or contender.state is Candidacy.LOST
        with pytest.raises(ContenderError, match="has ended"):
            contender.wait_elected(DEADLINE)


def test_deleted_node_ends_the_leadership(ensemble: ZooKeeperEnsemble, path: str) -> None:
    losses: News[str] = News()
    with kazoo(ensemble.hosts) as client:
        with Contender(ensemble.url(path), master_info(1), on_lost=losses) as contender:
            contender.wait_elected(DEADLINE)
            client.delete(f"{path}/json.info_0000000000")
            assert "deleted" in losses.next()
            assert contender.state is Candidacy.LOST


def test_leadership_survives_the_loss_of_the_ensembles_leader(ensemble: ZooKeeperEnsemble, path: str) -> None:
    losses: News[str] = News()
    with Contender(ensemble.url(path), master_info(1), on_lost=losses, session_timeout=30) as contender:
        contender.wait_elected(DEADLINE)
        ensemble.kill(ensemble.leader_index())
        ensemble.leader_index()
        with detect(ensemble.url(path)) as detector:
            assert detector.leader(timeout=DEADLINE).info == master_info(1)
        assert contender.state is Candidacy.ELECTED
        assert losses.empty()


def test_majority_out_of_reach_for_too_long_ends_the_leadership(
    ensemble: ZooKeeperEnsemble, path: str
) -> None:
    losses: News[str] = News()
    with Contender(ensemble.url(path), master_info(1), on_lost=losses, session_timeout=2.0) as contender:
        contender.wait_elected(DEADLINE)
        for index in range(3):
            ensemble.kill(index)
        assert "out of reach" in losses.next()
    assert [thread.name for thread in threading.enumerate() if "contender" in thread.name] == []


def test_digest_credentials_protect_the_election(ensemble: ZooKeeperEnsemble, path: str) -> None:
    url = ensemble.url(path, credential="user:right")
    with Contender(url, master_info(1)) as first:
        first.wait_elected(DEADLINE)
        for credential in ("user:wrong", None):
            losses: News[str] = News()
            with Contender(
                ensemble.url(path, credential=credential), master_info(2), on_lost=losses
            ) as second:
                assert "does not allow" in losses.next()
                assert second.state is Candidacy.FAILED
        with detect(ensemble.url(path)) as anybody:
            assert anybody.leader(timeout=DEADLINE).info == master_info(1)
        with Contender(url, master_info(3)) as third:
            wait_for(lambda: third.state is Candidacy.CONTENDING)


def test_nodes_that_cannot_be_read_do_not_disturb_a_candidacy(ensemble: ZooKeeperEnsemble, path: str) -> None:
    closed = [make_digest_acl("other", "secret", all=True)]
    with kazoo(ensemble.hosts) as client:
        client.ensure_path(path)
        client.create(
            f"{path}/json.info_", as_json(master_info(9)), acl=closed, ephemeral=True, sequence=True
        )
        with Contender(ensemble.url(path), master_info(1)) as contender:
            wait_for(lambda: contender.state is Candidacy.CONTENDING)


def test_withdrawal_at_any_moment_and_within_a_callback(ensemble: ZooKeeperEnsemble, path: str) -> None:
    for delay in (0, 0.001, 0.02):
        with Contender(ensemble.url(path), master_info(1)):
            time.sleep(delay)
    done = threading.Event()
    holder: list[Contender] = []

    def step_down() -> None:
        holder[0].withdraw()
        done.set()

    holder.append(Contender(ensemble.url(path), master_info(2), on_elected=step_down))
    holder[0].start()
    assert done.wait(DEADLINE)
    wait_for(lambda: not any("contender" in thread.name for thread in threading.enumerate()))
    with kazoo(ensemble.hosts) as client:
        wait_for(lambda: client.get_children(path) == [])


def test_an_expired_session_ends_the_leadership(ensemble: ZooKeeperEnsemble, path: str) -> None:
    losses: News[str] = News()
    with Contender(ensemble.url(path), master_info(1), on_lost=losses, session_timeout=30) as contender:
        contender.wait_elected(DEADLINE)
        contender.expire()
        losses.next()
        assert contender.state is Candidacy.LOST
    with kazoo(ensemble.hosts) as client:
        wait_for(lambda: client.get_children(path) == [])


def test_the_node_of_an_abandoned_candidacy_stays_for_the_sessions_time(
    ensemble: ZooKeeperEnsemble, path: str
) -> None:
    losses: News[str] = News()
    with kazoo(ensemble.hosts) as client:
        contender = Contender(ensemble.url(path), master_info(1), on_lost=losses, session_timeout=2.0)
        contender.start()
        contender.wait_elected(DEADLINE)
        contender.abandon()
        assert client.get_children(path) != []
        wait_for(lambda: client.get_children(path) == [])
        assert losses.empty()
    wait_for(lambda: not any("contender" in thread.name for thread in threading.enumerate()))


def test_misuse() -> None:
    with pytest.raises(ContenderError, match="zk://"):
        Contender("localhost:5050", master_info(1))
    broken: Any = master_info(1)
    broken.pid = "nonsense"
    with pytest.raises(ContenderError, match="pid"):
        Contender("zk://localhost:2181/mesos", broken)
    contender = Contender("zk://localhost:1/mesos", master_info(1))
    contender.withdraw()
    with pytest.raises(ContenderError, match="once"):
        contender.start()
