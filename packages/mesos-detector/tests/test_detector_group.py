"""The pure session that follows a group in ZooKeeper: a list of events in, commands out."""

from __future__ import annotations

from detector_helpers import as_json, master_info
from hypothesis import given, settings
from hypothesis import strategies as st
from mesos_detector._group import (
    Changed,
    Command,
    Connected,
    Event,
    Expired,
    Failed,
    Fetched,
    FetchNode,
    GroupSession,
    ListChildren,
    Listed,
    Started,
    Suspended,
)
from mesos_detector._source import Count, Fail, Problem, Publish, SetTimer, TimerFired


def session() -> GroupSession:
    return GroupSession(path="/mesos", session_timeout=10.0)


def of_kind(commands: list[Command], kind: type) -> list[Command]:
    return [command for command in commands if isinstance(command, kind)]


def leaders(commands: list[Command]) -> list[str | None]:
    """Return the ids of the leaders published."""
    published = [command for command in commands if isinstance(command, Publish)]
    return [command.leader.info.id if command.leader else None for command in published]


def connected(
    *names: str, epoch: int = 1, group: GroupSession | None = None
) -> tuple[GroupSession, list[Command]]:
    group = group or session()
    assert ListChildren(epoch) in group.handle(Connected())
    return group, group.handle(Listed(epoch, names))


def data(number: int) -> bytes:
    return as_json(master_info(number))


def test_first_member_is_published_before_the_others_are_known() -> None:
    group, commands = connected("json.info_0000000002", "json.info_0000000001")
    assert of_kind(commands, FetchNode) == [
        FetchNode(1, "json.info_0000000001"),
        FetchNode(1, "json.info_0000000002"),
    ]
    assert leaders(group.handle(Fetched(1, "json.info_0000000001", data(1)))) == ["master-1"]
    commands = group.handle(Fetched(1, "json.info_0000000002", data(2)))
    (publish,) = of_kind(commands, Publish)
    assert isinstance(publish, Publish)
    assert [info.id for info in publish.masters] == ["master-1", "master-2"]


def test_answer_for_a_later_member_does_not_decide() -> None:
    group, _ = connected("json.info_0000000001", "json.info_0000000002")
    assert leaders(group.handle(Fetched(1, "json.info_0000000002", data(2)))) == []
    assert leaders(group.handle(Fetched(1, "json.info_0000000001", data(1)))) == ["master-1"]


def test_older_label_with_a_lower_number_leads() -> None:
    group, _ = connected("json.info_0000000004", "info_0000000003")
    group.handle(Fetched(1, "json.info_0000000004", data(4)))
    binary = master_info(3).SerializeToString()
    assert leaders(group.handle(Fetched(1, "info_0000000003", binary))) == ["master-3"]


def test_change_of_leader_fetches_only_what_is_new() -> None:
    group, _ = connected("json.info_1", "json.info_2")
    group.handle(Fetched(1, "json.info_1", data(1)))
    group.handle(Fetched(1, "json.info_2", data(2)))
    assert group.handle(Changed()) == [ListChildren(1)]
    commands = group.handle(Listed(1, ("json.info_2", "json.info_3")))
    assert leaders(commands) == ["master-2"]
    assert of_kind(commands, FetchNode) == [FetchNode(1, "json.info_3")]


def test_unchanged_group_is_not_published_again() -> None:
    group, _ = connected("json.info_1")
    group.handle(Fetched(1, "json.info_1", data(1)))
    assert leaders(group.handle(Listed(1, ("json.info_1", "log_replicas")))) == []


def test_vanished_node_gives_way_to_the_next() -> None:
    group, _ = connected("json.info_1", "json.info_2")
    group.handle(Fetched(1, "json.info_2", data(2)))
    assert leaders(group.handle(Fetched(1, "json.info_1", None))) == ["master-2"]


def test_only_node_vanished_means_no_leader() -> None:
    group, _ = connected("json.info_1")
    assert leaders(group.handle(Fetched(1, "json.info_1", None))) == [None]


def test_garbage_is_skipped_and_counted_once() -> None:
    group, _ = connected("json.info_1", "json.info_2", "other_3")
    group.handle(Fetched(1, "json.info_2", data(2)))
    commands = group.handle(Fetched(1, "json.info_1", b"\xff"))
    assert leaders(commands) == ["master-2"]
    assert len(of_kind(commands, Count)) == 1
    assert len(of_kind(group.handle(Fetched(1, "other_3", data(3))), Count)) == 1
    group.handle(Suspended())
    _, _ = connected("json.info_1", "json.info_2", epoch=2, group=group)
    assert of_kind(group.handle(Fetched(2, "json.info_1", b"\xff")), Count) == []


def test_missing_path_is_said_and_waited_for() -> None:
    group = session()
    group.handle(Connected())
    commands = group.handle(Listed(1, None))
    assert leaders(commands) == [None]
    (problem,) = of_kind(commands, Problem)
    assert isinstance(problem, Problem)
    assert "/mesos does not exist yet" in str(problem.text)
    assert group.handle(Changed()) == [ListChildren(1)]


def test_leader_outlives_a_short_loss_of_connection() -> None:
    group, _ = connected("json.info_1")
    group.handle(Fetched(1, "json.info_1", data(1)))
    commands = group.handle(Suspended())
    assert leaders(commands) == []
    assert SetTimer("session", 10.0) in commands
    connected("json.info_1", epoch=2, group=group)
    assert leaders(group.handle(Fetched(2, "json.info_1", data(1)))) == []


def test_no_leader_once_the_session_must_be_over() -> None:
    group, _ = connected("json.info_1")
    group.handle(Fetched(1, "json.info_1", data(1)))
    group.handle(Suspended())
    assert leaders(group.handle(TimerFired("session"))) == [None]
    connected("json.info_1", epoch=2, group=group)
    assert leaders(group.handle(Fetched(2, "json.info_1", data(1)))) == ["master-1"]


def test_session_timer_that_fires_too_late_changes_nothing() -> None:
    group, _ = connected("json.info_1")
    group.handle(Fetched(1, "json.info_1", data(1)))
    assert group.handle(TimerFired("session")) == []


def test_expiry_is_counted_and_does_not_restart_the_clock() -> None:
    group, _ = connected("json.info_1")
    group.handle(Fetched(1, "json.info_1", data(1)))
    group.handle(Suspended())
    commands = group.handle(Expired())
    assert [command.what for command in commands if isinstance(command, Count)] == ["expired_sessions"]
    assert of_kind(commands, SetTimer) == []


def test_answers_of_an_earlier_connection_are_dropped() -> None:
    group, _ = connected("json.info_1")
    group.handle(Suspended())
    group.handle(Connected())
    assert group.handle(Fetched(1, "json.info_1", data(1))) == []
    assert group.handle(Listed(1, ("json.info_9",))) == []
    assert group.handle(Failed(1, "late", retryable=False)) == []


def test_unreachable_ensemble_is_said_again_and_again_but_seldom() -> None:
    group = session()
    (timer,) = group.handle(Started())
    assert isinstance(timer, SetTimer)
    waits = [timer.seconds]
    for _ in range(6):
        problem, timer = group.handle(TimerFired("complain"))
        assert isinstance(problem, Problem) and "cannot be reached" in str(problem.text)
        assert isinstance(timer, SetTimer)
        waits.append(timer.seconds)
    assert waits == sorted(waits)
    assert waits[-1] == 60.0


def test_retryable_errors_are_retried_with_backoff_once_for_all_of_a_round() -> None:
    group, _ = connected("json.info_1", "json.info_2", "json.info_3")
    waits = []
    for _ in range(10):
        for _ in range(3):
            timers = of_kind(group.handle(Failed(1, "busy", retryable=True)), SetTimer)
            waits += [timer.seconds for timer in timers if isinstance(timer, SetTimer)]
        assert group.handle(TimerFired("list")) == [ListChildren(1)]
        commands = group.handle(Listed(1, ("json.info_1",)))
        assert of_kind(commands, FetchNode) == [FetchNode(1, "json.info_1")]
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_refusal_is_the_end() -> None:
    group, _ = connected("json.info_1")
    group.handle(Fetched(1, "json.info_1", data(1)))
    commands = group.handle(Failed(1, "not allowed", retryable=False))
    assert leaders(commands) == [None]
    assert isinstance(commands[-1], Fail)
    assert "not allowed" in str(commands[-1].error)
    assert group.handle(Connected()) == []


NAMES = ["json.info_1", "json.info_2", "info_3", "4", "other_0", "log_replicas"]
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.sampled_from([Started(), Connected(), Suspended(), Expired(), Changed()]),
    st.sampled_from(["session", "complain", "list", "unknown"]).map(TimerFired),
    st.builds(
        Listed, st.integers(0, 4), st.none() | st.lists(st.sampled_from(NAMES), unique=True).map(tuple)
    ),
    st.builds(
        Fetched,
        st.integers(0, 4),
        st.sampled_from(NAMES),
        st.none() | st.sampled_from([data(1), b"", b"master@10.0.0.1:5050"]),
    ),
    st.builds(Failed, st.integers(0, 4), st.just("reason"), retryable=st.just(True)),
)


@given(st.lists(EVENTS, max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_history_ends_right_once_the_group_is_seen(history: list[Event]) -> None:
    group = session()
    epoch, last = 0, None
    for event in history:
        epoch += isinstance(event, Connected)
        for published in leaders(group.handle(event)):
            last = published
    for event in (
        Connected(),
        Listed(epoch + 1, ("json.info_7",)),
        Fetched(epoch + 1, "json.info_7", data(7)),
    ):
        for published in leaders(group.handle(event)):
            last = published
    assert last == "master-7"
