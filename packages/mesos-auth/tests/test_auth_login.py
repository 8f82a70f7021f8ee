"""Attempt after attempt: the real driver's backoff, and an end in every case, on a clock moved by hand."""

from __future__ import annotations

import random

import pytest
from auth_helpers import CLIENT, MASTER, Network
from mesos_auth import (
    AttemptReceived,
    AttemptTimeouts,
    AttemptTimer,
    AuthenticationCancelledError,
    AuthenticationFailedError,
    AuthenticationRefusedError,
    AuthenticationTimeoutError,
    AuthError,
    Begin,
    Cancelled,
    Credential,
    Done,
    Login,
    OpenAttempt,
    Received,
    Send,
    SetAttemptTimer,
)
from mesos_proto.v0 import authentication_pb2 as wire

TIM = Credential("tim", "tanstaaftanstaaf")
SECRETS = {"tim": "tanstaaftanstaaf"}
SESSION = "crammd5-authenticator-session(1)@10.0.0.1:5050"


def all_arrive(number: int) -> int:
    return 1


def test_first_attempt_succeeds_without_delay() -> None:
    network = Network(TIM, SECRETS, all_arrive)
    network.run(until=1)
    assert network.done == Done("tim")
    assert (network.attempts, network.sent, network.principals) == (1, 6, {"tim"})


@pytest.mark.parametrize("credential", [Credential("tim", "wrong"), Credential("nobody", "x")])
def test_refusal_is_final(credential: Credential) -> None:
    network = Network(credential, SECRETS, all_arrive)
    network.run(until=1000)
    assert network.done is not None
    assert isinstance(network.done.error, AuthenticationRefusedError)
    assert network.attempts == 1
    assert network.principals == set()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("copies", [0, 2])
@pytest.mark.parametrize("number", range(6))
def test_each_message_dropped_or_doubled_in_turn_ends_in_success_in_time(
    number: int, copies: int, seed: int
) -> None:
    network = Network(TIM, SECRETS, lambda n: copies if n == number else 1, seed=seed)
    network.run(until=30)
    assert network.done == Done("tim"), network.names
    assert network.now < 10
    assert network.principals == {"tim"}


@pytest.mark.parametrize("number", range(6))
def test_each_message_dropped_every_time_ends_in_a_clear_failure(number: int) -> None:
    wanted = (
        "AuthenticateMessage",
        "AuthenticationMechanismsMessage",
        "AuthenticationStartMessage",
        "AuthenticationStepMessage",
        "AuthenticationStepMessage",
        "AuthenticationCompletedMessage",
    )
    count = {"steps": 0}

    def drop(n: int) -> int:
        # Messages of an attempt follow one another; a dropped one ends it, so position tells which it is.
        position = count["steps"]
        count["steps"] = 0 if position == number else position + 1
        return 0 if position == number else 1

    network = Network(TIM, SECRETS, drop, max_attempts=3)
    network.run(until=200)
    assert network.done is not None
    assert isinstance(network.done.error, AuthenticationTimeoutError)
    assert network.attempts == 3
    assert network.names[number] == wanted[number]
    assert "did not finish in time" in str(network.done.error)


@pytest.mark.parametrize("seed", range(60))
def test_any_loss_ends_in_success_or_refusal_and_only_with_the_right_secret(seed: int) -> None:
    chance = random.Random(seed)
    right = seed % 2 == 0
    credential = TIM if right else Credential("tim", "wrong")
    network = Network(credential, SECRETS, lambda n: chance.choice([0, 1, 1, 1, 1, 2]), seed=seed)
    network.run(until=4000)
    assert network.done is not None, network.names
    if right:
        assert network.done == Done("tim")
    else:
        assert isinstance(network.done.error, AuthenticationRefusedError)
        assert network.principals == set()


def test_master_that_never_answers_is_tried_with_widening_limits() -> None:
    network = Network(TIM, SECRETS, lambda n: 0)
    network.run(until=600)
    assert network.done is None
    assert set(network.names) == {"AuthenticateMessage"}
    assert 10 <= network.attempts <= 120
    assert all(isinstance(failed.error, AuthenticationTimeoutError) for failed in network.failures)


def test_limits_are_the_real_drivers() -> None:
    timeouts = AttemptTimeouts()
    assert [timeouts.upper(attempt) for attempt in range(8)] == [7, 9, 13, 21, 37, 60, 60, 60]
    assert [timeouts.limit(attempt, 0.0) for attempt in (0, 5, 10_000)] == [5, 5, 5]
    assert timeouts.limit(0, 0.5) == 6
    assert AttemptTimeouts(1, 2, 0).upper(9) == 1
    for wrong in ((0, 1, 1), (2, 1, 1), (1, 2, -1)):
        with pytest.raises(AuthError):
            AttemptTimeouts(*wrong)


def test_error_reported_at_once_is_retried_after_a_wait_that_grows() -> None:
    login = Login(TIM, CLIENT, MASTER)
    commands = login.handle(Begin(), 0.5)
    waits = []
    for attempt in range(10):
        assert OpenAttempt(attempt) in commands
        error = Received(SESSION, wire.AuthenticationErrorMessage(error="busy"))
        failed, timer = login.handle(AttemptReceived(attempt, error), 1.0)
        assert "busy" in str(failed.error)  # type: ignore[union-attr]
        assert isinstance(timer, SetAttemptTimer)
        waits.append(timer.seconds)
        commands = login.handle(AttemptTimer(attempt), 0.5)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_last_attempt_allowed_is_the_last() -> None:
    login = Login(TIM, CLIENT, MASTER, max_attempts=1)
    login.handle(Begin(), 0.5)
    error = Received(SESSION, wire.AuthenticationErrorMessage(error="busy"))
    (done,) = login.handle(AttemptReceived(0, error), 0.5)
    assert isinstance(done, Done) and isinstance(done.error, AuthenticationFailedError)


def test_what_is_left_of_an_earlier_attempt_is_ignored() -> None:
    login = Login(TIM, CLIENT, MASTER)
    login.handle(Begin(), 0.5)
    login.handle(AttemptTimer(0), 0.5)
    refusal = Received(SESSION, wire.AuthenticationFailedMessage())
    assert login.handle(AttemptReceived(0, refusal), 0.5) == []
    assert login.handle(AttemptTimer(0), 0.5) == []
    offer = Received(SESSION, wire.AuthenticationMechanismsMessage(mechanisms=["CRAM-MD5"]))
    (start,) = login.handle(AttemptReceived(1, offer), 0.5)
    assert isinstance(start, Send)


def test_cancellation_ends_it_once() -> None:
    login = Login(TIM, CLIENT, MASTER)
    login.handle(Begin(), 0.5)
    (done,) = login.handle(Cancelled(), 0.5)
    assert isinstance(done, Done) and isinstance(done.error, AuthenticationCancelledError)
    for event in (Begin(), Cancelled(), AttemptTimer(0)):
        assert login.handle(event, 0.5) == []
