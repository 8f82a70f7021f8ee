"""Both sides over libprocess: real sockets, real timers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

import pytest
from auth_helpers import DEADLINE, wait_for
from mesos_auth import (
    AttemptTimeouts,
    AuthenticationCancelledError,
    AuthenticationError,
    AuthenticationFailedError,
    AuthenticationRefusedError,
    AuthenticationResult,
    AuthenticationTimeoutError,
    Authenticator,
    AuthError,
    Credential,
    authenticate,
)
from mesos_messenger import UPID, Endpoint, Messenger
from mesos_proto.v0 import authentication_pb2 as wire

TIM = Credential("tim", "tanstaaftanstaaf")
QUICK = AttemptTimeouts(0.2, 0.4, 0.01)


class Sides:
    """An endpoint with a master, another with a client."""

    def __init__(self, server: Endpoint, client: Endpoint) -> None:
        self.server, self.client = server, client
        self.master = Messenger("master", endpoint=server)
        self.master.start()
        self.scheduler = Messenger("scheduler-1", endpoint=client)
        self.scheduler.start()
        self.results: list[AuthenticationResult] = []

    @property
    def pid(self) -> str:
        return str(self.scheduler.upid)

    def authenticator(
        self, *credentials: Credential, timeout: float = 15.0, limit: int = 1000
    ) -> Authenticator:
        authenticator = Authenticator(
            self.server, credentials, timeout=timeout, max_sessions=limit, on_result=self.results.append
        )
        authenticator.install(self.master)
        return authenticator


@pytest.fixture
def sides() -> Iterator[Sides]:
    with Endpoint(bind="127.0.0.1:0") as server, Endpoint(bind="127.0.0.1:0") as client:
        yield Sides(server, client)


class Outcome:
    """What `on_done` was told, and where."""

    def __init__(self) -> None:
        self.calls: list[tuple[AuthenticationError | None, str]] = []
        self.event = threading.Event()

    def __call__(self, error: AuthenticationError | None) -> None:
        self.calls.append((error, threading.current_thread().name))
        self.event.set()


def processes(endpoint: Endpoint) -> list[str]:
    return [name for name in endpoint.registry.processes if name.startswith("crammd5")]


def test_good_credential(sides: Sides) -> None:
    authenticator = sides.authenticator(TIM)
    outcome = Outcome()
    attempt = authenticate(sides.client, sides.master.upid, sides.scheduler.upid, TIM, outcome)
    attempt.wait(DEADLINE)
    assert outcome.event.wait(DEADLINE)
    ((error, thread),) = outcome.calls
    assert error is None
    assert thread.startswith("mesos-messenger")
    assert authenticator.principal(sides.pid) == "tim"
    assert sides.results == [AuthenticationResult(sides.pid, "tim", None)]
    assert not authenticator.authenticating(sides.pid)
    wait_for(lambda: processes(sides.server) == processes(sides.client) == [])


@pytest.mark.parametrize("credentials", [(TIM,), ()])
@pytest.mark.parametrize("bad", [Credential("tim", "wrong"), Credential("nobody", "tanstaaftanstaaf")])
def test_bad_credential_is_refused_for_good(
    sides: Sides, bad: Credential, credentials: tuple[Credential, ...]
) -> None:
    authenticator = sides.authenticator(*credentials)
    attempt = authenticate(sides.client, str(sides.master.upid), sides.pid, bad)
    with pytest.raises(AuthenticationRefusedError, match=f"refused the principal '{bad.principal}'"):
        attempt.wait(DEADLINE)
    assert authenticator.principal(sides.pid) is None
    assert authenticator.failures == 1


def test_one_process_may_authenticate_as_itself_at_one_endpoint(sides: Sides) -> None:
    authenticator = sides.authenticator(TIM)
    here = Messenger("scheduler-2", endpoint=sides.server)
    here.start()
    authenticate(sides.server, sides.master.upid, here.upid, TIM).wait(DEADLINE)
    assert authenticator.principal(str(here.upid)) == "tim"


def test_master_that_is_deaf_at_first_is_asked_again(sides: Sides) -> None:
    asked = threading.Event()
    sides.master.install(wire.AuthenticateMessage, lambda sender, message: asked.set())
    attempt = authenticate(sides.client, sides.master.upid, sides.scheduler.upid, TIM, timeouts=QUICK)
    assert asked.wait(DEADLINE)
    authenticator = sides.authenticator(TIM)
    attempt.wait(DEADLINE)
    assert authenticator.principal(sides.pid) == "tim"


def test_master_that_stays_deaf_ends_in_a_clear_failure(sides: Sides) -> None:
    sides.master.install(wire.AuthenticateMessage, lambda sender, message: None)
    attempt = authenticate(
        sides.client, sides.master.upid, sides.scheduler.upid, TIM, timeouts=QUICK, max_attempts=2
    )
    with pytest.raises(AuthenticationTimeoutError, match="did not finish in time"):
        attempt.wait(DEADLINE)


def test_master_that_is_not_there(sides: Sides) -> None:
    nowhere = UPID("master", "127.0.0.1", 1)
    attempt = authenticate(sides.client, nowhere, sides.scheduler.upid, TIM, timeouts=QUICK, max_attempts=2)
    with pytest.raises(AuthenticationTimeoutError):
        attempt.wait(DEADLINE)


def test_cancellation_is_silent_and_leaves_nothing(sides: Sides) -> None:
    sides.master.install(wire.AuthenticateMessage, lambda sender, message: None)
    outcome = Outcome()
    attempt = authenticate(sides.client, sides.master.upid, sides.scheduler.upid, TIM, outcome)
    attempt.cancel()
    attempt.cancel()
    with pytest.raises(AuthenticationCancelledError):
        attempt.wait(DEADLINE)
    wait_for(lambda: processes(sides.client) == [])
    assert outcome.calls == []


def test_master_changes_while_authenticating(sides: Sides) -> None:
    sides.master.install(wire.AuthenticateMessage, lambda sender, message: None)
    first = authenticate(sides.client, sides.master.upid, sides.scheduler.upid, TIM)
    with Endpoint(bind="127.0.0.1:0") as other:
        master = Messenger("master", endpoint=other)
        master.start()
        authenticator = Authenticator(other, [TIM])
        authenticator.install(master)
        first.cancel()
        authenticate(sides.client, master.upid, sides.scheduler.upid, TIM).wait(DEADLINE)
        assert authenticator.principal(sides.pid) == "tim"


def test_server_drops_a_silent_client_and_one_that_vanishes(sides: Sides) -> None:
    authenticator = sides.authenticator(TIM, timeout=0.2)
    mute = Messenger("mute", endpoint=sides.client)
    mute.start()
    mute.send(sides.master.upid, wire.AuthenticateMessage(pid=sides.pid))
    wait_for(lambda: len(sides.results) == 1)
    assert isinstance(sides.results[0].error, AuthenticationTimeoutError)
    assert not authenticator.authenticating(sides.pid)
    patient = sides.authenticator(TIM, timeout=3600)
    with Endpoint(bind="127.0.0.1:0") as brief:
        leaving = Messenger("leaving", endpoint=brief)
        leaving.start()
        leaving.send(sides.master.upid, wire.AuthenticateMessage(pid=sides.pid))
        wait_for(lambda: patient.authenticating(sides.pid))
    wait_for(lambda: len(sides.results) == 2)
    assert isinstance(sides.results[1].error, AuthenticationFailedError)
    wait_for(lambda: processes(sides.server) == [])


def test_new_request_replaces_the_one_that_runs_and_forgets_the_one_that_succeeded(sides: Sides) -> None:
    authenticator = sides.authenticator(TIM)
    authenticate(sides.client, sides.master.upid, sides.scheduler.upid, TIM).wait(DEADLINE)
    mute = Messenger("mute", endpoint=sides.client)
    mute.start()
    for number in (1, 2):
        mute.send(sides.master.upid, wire.AuthenticateMessage(pid=sides.pid))
        wait_for(
            lambda number=number: len(sides.results) == number and authenticator.authenticating(sides.pid)
        )
    assert authenticator.principal(sides.pid) is None
    assert isinstance(sides.results[1].error, AuthenticationCancelledError)
    assert len(processes(sides.server)) == 1
    authenticate(sides.client, sides.master.upid, sides.scheduler.upid, TIM).wait(DEADLINE)
    assert authenticator.principal(sides.pid) == "tim"
    sides.server.run(lambda: authenticator.forget(sides.pid))
    assert authenticator.principal(sides.pid) is None


@pytest.mark.parametrize("pid", ["", "nonsense", "x@host.invalid:1"])
def test_request_for_no_address_is_answered_with_an_error(sides: Sides, pid: str) -> None:
    sides.authenticator(TIM)
    errors: list[str] = []
    asking = Messenger("asking", endpoint=sides.client)
    asking.install(wire.AuthenticationErrorMessage, lambda sender, message: errors.append(message.error))
    asking.start()
    asking.send(sides.master.upid, wire.AuthenticateMessage(pid=pid))
    wait_for(lambda: errors == ["pid is no libprocess address"])


def test_sessions_and_log_lines_are_bounded(sides: Sides, caplog: pytest.LogCaptureFixture) -> None:
    authenticator = sides.authenticator(TIM, limit=5)
    errors: list[str] = []
    flood = Messenger("flood", endpoint=sides.client)
    flood.install(wire.AuthenticationErrorMessage, lambda sender, message: errors.append(message.error))
    flood.start()
    with caplog.at_level(logging.WARNING, "mesos.auth"):
        for number in range(500):
            flood.send(sides.master.upid, wire.AuthenticateMessage(pid=f"x{number}@10.0.0.1:1"))
        wait_for(lambda: len(errors) == 495)
    assert set(errors) == {"too many authentications at once"}
    assert len(processes(sides.server)) == 5
    assert authenticator.failures == 495
    lines = [record for record in caplog.records if "has not authenticated" in record.message]
    assert 0 < len(lines) < 30
    authenticator.stop()
    wait_for(lambda: processes(sides.server) == [])


def test_stop_drops_everything(sides: Sides) -> None:
    authenticator = sides.authenticator(TIM)
    authenticate(sides.client, sides.master.upid, sides.scheduler.upid, TIM).wait(DEADLINE)
    authenticator.stop()
    authenticator.stop()
    assert authenticator.principal(sides.pid) is None
    attempt = authenticate(
        sides.client, sides.master.upid, sides.scheduler.upid, TIM, timeouts=QUICK, max_attempts=1
    )
    with pytest.raises(AuthenticationTimeoutError):
        attempt.wait(DEADLINE)


def test_misuse(sides: Sides) -> None:
    with pytest.raises(AuthError, match="master is no libprocess address"):
        authenticate(sides.client, "nonsense", sides.pid, TIM)
    with pytest.raises(AuthError, match="client is no libprocess address"):
        authenticate(sides.client, sides.master.upid, UPID(), TIM)
    with pytest.raises(AuthError, match="start it before"):
        authenticate(Endpoint(bind="127.0.0.1:0"), sides.master.upid, sides.pid, TIM)
    with pytest.raises(AuthError, match="timeout"):
        Authenticator(sides.server, timeout=0)


def test_wait_that_is_not_over_raises_and_goes_on(sides: Sides) -> None:
    sides.master.install(wire.AuthenticateMessage, lambda sender, message: None)
    attempt = authenticate(sides.client, sides.master.upid, sides.scheduler.upid, TIM)
    begin = time.monotonic()
    with pytest.raises(AuthenticationTimeoutError, match="is not over yet"):
        attempt.wait(0.05)
    assert time.monotonic() - begin < 10
    attempt.cancel()
