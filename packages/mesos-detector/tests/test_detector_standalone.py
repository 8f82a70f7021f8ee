"""The pure session that asks a named master over HTTP: whom to ask, what to believe, when to ask again."""

from __future__ import annotations

from detector_helpers import master_info
from hypothesis import given, settings
from hypothesis import strategies as st
from mesos_detector import HostPort, Leader
from mesos_detector._inquiry import Finding, Found, NoLeader, Unclear, Unreachable
from mesos_detector._source import Problem, Publish, SetTimer, TimerFired
from mesos_detector._standalone import Answered, Command, Inquire, Refreshed, StandaloneSession, Started

A, B = HostPort("127.0.0.1", 5051), HostPort("127.0.0.1", 5052)


def session(*, trusting: bool = True) -> StandaloneSession:
    asking = StandaloneSession("http", A, trusting=trusting, poll_interval=5.0)
    assert asking.handle(Started()) == [Inquire("http", A)]
    return asking


def answer(asking: StandaloneSession, finding: Finding, address: str | None = "127.0.0.1") -> list[Command]:
    return asking.handle(Answered(finding, address))


def published(commands: list[Command]) -> list[Leader | None]:
    return [command.leader for command in commands if isinstance(command, Publish) and not command.quiet]


def wait(commands: list[Command]) -> float:
    (timer,) = [command for command in commands if isinstance(command, SetTimer)]
    return timer.seconds


def again(asking: StandaloneSession) -> list[Command]:
    return asking.handle(TimerFired("ask"))


FOUND_A = Found("http", A, master_info(1))
FOUND_B = Found("http", B, master_info(2))


def test_confirmed_leader_is_published_once_and_asked_again_later() -> None:
    asking = session()
    commands = answer(asking, FOUND_A)
    (leader,) = published(commands)
    assert leader is not None
    assert (leader.pid, leader.url, leader.confirmed) == (
        "master@127.0.0.1:5051",
        "http://127.0.0.1:5051",
        True,
    )
    assert wait(commands) == 5.0
    assert again(asking) == [Inquire("http", A)]
    assert published(answer(asking, FOUND_A)) == []


def test_failover_is_followed_and_the_new_leader_is_asked_first() -> None:
    asking = session()
    answer(asking, FOUND_A)
    again(asking)
    (leader,) = published(answer(asking, FOUND_B))
    assert leader is not None and leader.pid == "master@127.0.0.1:5052"
    assert again(asking) == [Inquire("http", B)]
    assert answer(asking, Unreachable("b refuses")) == [Inquire("http", A)]
    (leader,) = published(answer(asking, FOUND_A))
    assert leader is not None and leader.pid == "master@127.0.0.1:5051"


def test_restart_of_the_same_master_is_a_new_leader() -> None:
    asking = session()
    answer(asking, FOUND_A)
    again(asking)
    restarted = master_info(1)
    restarted.id = "another"
    (leader,) = published(answer(asking, Found("http", A, restarted)))
    assert leader is not None and leader.info.id == "another"


def test_refusal_means_no_leader_and_quick_questions_that_slow_down() -> None:
    asking = session()
    answer(asking, FOUND_A)
    again(asking)
    commands = answer(asking, Unreachable("a refuses"))
    assert published(commands) == [None]
    assert Problem("a refuses") in commands
    waits = [wait(commands)]
    for _ in range(8):
        again(asking)
        commands = answer(asking, Unreachable("a refuses"))
        assert published(commands) == []
        waits.append(wait(commands))
    assert waits == sorted(waits)
    assert waits[0] < 0.5
    assert waits[-1] == 5.0


def test_silence_of_a_named_master_is_no_reason_to_doubt_it() -> None:
    asking = session()
    (leader,) = published(answer(asking, Unclear("too slow")))
    assert leader is not None
    assert (leader.pid, leader.confirmed) == ("master@127.0.0.1:5051", False)
    for _ in range(10):
        again(asking)
        assert published(answer(asking, Unclear("too slow"))) == []


def test_confirmation_of_a_believed_leader_is_no_change() -> None:
    asking = session()
    answer(asking, Unclear("too slow"))
    again(asking)
    commands = answer(asking, FOUND_A)
    assert published(commands) == []
    (quiet,) = [command for command in commands if isinstance(command, Publish)]
    assert quiet.leader is not None and quiet.leader.info.id == "master-1" and quiet.leader.confirmed


def test_http_address_is_not_believed_without_a_masters_word() -> None:
    asking = session(trusting=False)
    assert published(answer(asking, Unclear("not a master"))) == []


def test_learned_leader_that_falls_silent_is_given_up_after_some_rounds() -> None:
    asking = session()
    answer(asking, FOUND_B)
    changes: list[Leader | None] = []
    for _ in range(3):
        assert again(asking) == [Inquire("http", B)]
        commands = answer(asking, Unclear("too slow"))
        if commands == [Inquire("http", A)]:
            commands = answer(asking, Unreachable("a refuses"))
        changes += published(commands)
    assert changes == [None]


def test_name_that_does_not_resolve_is_a_problem_to_be_retried() -> None:
    asking = session()
    commands = answer(asking, Unclear("does not resolve"), None)
    assert published(commands) == []
    assert wait(commands) < 1


def test_leader_without_a_description_is_made_of_its_address() -> None:
    asking = session()
    (leader,) = published(answer(asking, Found("http", B, None)))
    assert leader is not None
    assert (leader.pid, leader.url) == ("master@127.0.0.1:5052", "http://127.0.0.1:5052")
    again(asking)
    assert published(answer(asking, Found("http", B, None))) == []


def test_refresh_asks_at_once_or_right_after_the_question_under_way() -> None:
    asking = session()
    assert asking.handle(Refreshed()) == []
    assert wait(answer(asking, FOUND_A)) < 0.5
    assert asking.handle(Refreshed()) == [Inquire("http", A)]
    assert wait(answer(asking, FOUND_A)) == 5.0


FINDINGS: st.SearchStrategy[Finding] = st.sampled_from(
    [
        FOUND_A,
        FOUND_B,
        Found("http", A, None),
        Found("http", HostPort("nowhere", 1), None),
        NoLeader("none"),
        Unreachable("refused"),
        Unclear("slow"),
    ]
)


@given(st.lists(st.tuples(FINDINGS, st.sampled_from(["127.0.0.1", None])), max_size=30), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_history_keeps_asking_and_ends_right(
    history: list[tuple[Finding, str | None]], trusting: bool
) -> None:
    asking = session(trusting=trusting)
    last: Leader | None = None
    for finding, address in [*history, (FOUND_B, "127.0.0.1"), (FOUND_B, "127.0.0.1")]:
        commands = answer(asking, finding, address)
        last = ([last, *[c.leader for c in commands if isinstance(c, Publish)]])[-1]
        if not any(isinstance(command, Inquire) for command in commands):
            assert 0 < wait(commands) <= 5
            (command,) = again(asking)
            assert isinstance(command, Inquire)
    assert last is not None and last.info == master_info(2) and last.confirmed
