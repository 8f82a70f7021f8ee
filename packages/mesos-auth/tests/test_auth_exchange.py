"""Both sides against each other, in memory: success, refusals, each message dropped or doubled in turn."""

from __future__ import annotations

import pytest
from mesos_auth import (
    Authenticatee,
    AuthenticateeState,
    AuthenticationCancelledError,
    AuthenticationFailedError,
    AuthenticationRefusedError,
    AuthenticationTimeoutError,
    AuthenticatorSession,
    AuthenticatorState,
    Begin,
    Cancelled,
    Credential,
    Done,
    Link,
    PeerLost,
    Received,
    Send,
    TimedOut,
)
from mesos_proto.v0 import authentication_pb2 as wire

MASTER = "master@10.0.0.1:5050"
SESSION = "crammd5-authenticator-session(1)@10.0.0.1:5050"
CLIENT = "scheduler-1@10.0.0.2:4000"
PROCESS = "crammd5-authenticatee(1)@10.0.0.2:4000"
CHALLENGE = b"<1896.697170952@postoffice.reston.mci.net>"
SECRETS = {"tim": "tanstaaftanstaaf", "a b": "c d"}


class Wire:
    """Carries messages between a client and a server session; `fault` may drop or double the n-th."""

    def __init__(self, credential: Credential, fault: tuple[str, int] = ("", -1)) -> None:
        self.client = Authenticatee(credential, CLIENT, MASTER)
        self.server = AuthenticatorSession(SECRETS, PROCESS, CHALLENGE)
        self.fault = fault
        self.sent: list[str] = []
        self.outcomes: dict[str, Done] = {}

    def run(self) -> None:
        self._carry("client", self.client.handle(Begin()))

    def _carry(self, side: str, commands: list[Send | Link | Done]) -> None:
        for command in commands:
            if isinstance(command, Done):
                assert side not in self.outcomes
                self.outcomes[side] = command
            elif isinstance(command, Send):
                number = len(self.sent)
                self.sent.append(type(command.message).__name__)
                kind, at = self.fault
                copies = {"drop": 0, "double": 2}.get(kind, 1) if at == number else 1
                for _ in range(copies):
                    self._deliver(side, command)

    def _deliver(self, side: str, command: Send) -> None:
        if side == "server":
            assert command.to == PROCESS
            self._carry("client", self.client.handle(Received(SESSION, command.message)))
        elif isinstance(command.message, wire.AuthenticateMessage):
            assert command.to == MASTER
            assert command.message.pid == CLIENT
            self._carry("server", self.server.handle(Begin()))
        else:
            assert command.to == SESSION
            self._carry("server", self.server.handle(Received(PROCESS, command.message)))

    def time_out(self) -> None:
        self._carry("client", self.client.handle(TimedOut()))
        self._carry("server", self.server.handle(TimedOut()))


def test_right_secret_succeeds_on_both_sides_in_six_messages() -> None:
    exchange = Wire(Credential("tim", "tanstaaftanstaaf"))
    exchange.run()
    assert exchange.outcomes == {"client": Done("tim"), "server": Done("tim")}
    assert exchange.sent == [
        "AuthenticateMessage",
        "AuthenticationMechanismsMessage",
        "AuthenticationStartMessage",
        "AuthenticationStepMessage",
        "AuthenticationStepMessage",
        "AuthenticationCompletedMessage",
    ]
    assert exchange.client.state is AuthenticateeState.COMPLETED
    assert exchange.server.state is AuthenticatorState.COMPLETED


def test_principal_with_spaces_succeeds() -> None:
    exchange = Wire(Credential("a b", "c d"))
    exchange.run()
    assert exchange.outcomes["server"] == Done("a b")


@pytest.mark.parametrize("credential", [Credential("tim", "wrong"), Credential("nobody", "tanstaaftanstaaf")])
def test_wrong_secret_and_unknown_principal_are_refused(credential: Credential) -> None:
    exchange = Wire(credential)
    exchange.run()
    for side in ("client", "server"):
        done = exchange.outcomes[side]
        assert done.principal is None
        assert isinstance(done.error, AuthenticationRefusedError)
    assert credential.principal in str(exchange.outcomes["client"].error)
    assert credential.secret not in str(exchange.outcomes["client"].error)


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("kind", ["drop", "double"])
def test_each_message_dropped_or_doubled_ends_clearly(kind: str, number: int) -> None:
    exchange = Wire(Credential("tim", "tanstaaftanstaaf"), (kind, number))
    exchange.run()
    exchange.time_out()
    client, server = exchange.outcomes["client"], exchange.outcomes.get("server")
    if kind == "drop":
        assert isinstance(client.error, AuthenticationTimeoutError)
    elif client.error is not None:
        assert isinstance(client.error, AuthenticationFailedError)
        assert (
            "out of order" in str(client.error)
            or "Unexpected" in str(client.error)
            or "step" in str(client.error)
        )
    # Nobody is believed who did not prove the principal; where the client succeeds, so did the server.
    if client.error is None:
        assert server == Done("tim")
    assert (kind, number) == ("drop", 0) or server is not None


def test_success_is_the_servers_verdict_and_not_the_mechanisms_opinion() -> None:
    client = Authenticatee(Credential("tim", "tanstaaftanstaaf"), CLIENT, MASTER)
    client.handle(Begin())
    client.handle(Received(SESSION, wire.AuthenticationMechanismsMessage(mechanisms=["CRAM-MD5"])))
    answer = client.handle(Received(SESSION, wire.AuthenticationStepMessage(data=CHALLENGE)))
    assert [type(command) for command in answer] == [Send]
    assert client.state is AuthenticateeState.ANSWERED
    (done,) = client.handle(Received(SESSION, wire.AuthenticationCompletedMessage()))
    assert done == Done("tim")


@pytest.mark.parametrize("before", [0, 1])
def test_a_verdict_before_our_response_is_not_believed(before: int) -> None:
    client = Authenticatee(Credential("tim", "tanstaaftanstaaf"), CLIENT, MASTER)
    client.handle(Begin())
    if before:
        client.handle(Received(SESSION, wire.AuthenticationMechanismsMessage(mechanisms=["CRAM-MD5"])))
    (done,) = client.handle(Received(SESSION, wire.AuthenticationCompletedMessage()))
    assert isinstance(done, Done)
    assert isinstance(done.error, AuthenticationFailedError)


def test_client_hears_only_the_masters_address_and_then_only_the_session() -> None:
    client = Authenticatee(Credential("tim", "tanstaaftanstaaf"), CLIENT, MASTER)
    client.handle(Begin())
    offer = wire.AuthenticationMechanismsMessage(mechanisms=["CRAM-MD5"])
    assert client.handle(Received("crammd5-authenticator-session(1)@10.0.0.9:5050", offer)) == []
    assert client.handle(Received("", offer)) == []
    (send,) = client.handle(Received(SESSION, offer))
    assert isinstance(send, Send)
    other = "crammd5-authenticator-session(2)@10.0.0.1:5050"
    assert client.handle(Received(other, wire.AuthenticationFailedMessage())) == []
    assert client.ignored == 3
    assert client.state is AuthenticateeState.STEPPING
    (done,) = client.handle(TimedOut())
    assert isinstance(done, Done)
    assert f"ignored 3 messages from elsewhere, the last from '{other}'" in str(done.error)


def test_server_hears_only_its_peer() -> None:
    server = AuthenticatorSession(SECRETS, PROCESS, CHALLENGE)
    assert server.handle(Begin())[0] == Link(PROCESS)
    start = wire.AuthenticationStartMessage(mechanism="CRAM-MD5")
    assert server.handle(Received("other@10.0.0.2:4000", start)) == []
    assert server.ignored == 1
    assert server.state is AuthenticatorState.STARTING


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (wire.AuthenticationStartMessage(mechanism="PLAIN"), "no mechanism available"),
        (wire.AuthenticationStartMessage(mechanism="CRAM-MD5", data=b"x"), "bad protocol"),
        (wire.AuthenticationStepMessage(data=b"tim x"), "Unexpected authentication 'step'"),
    ],
)
def test_server_reports_errors_to_the_client(message: object, text: str) -> None:
    server = AuthenticatorSession(SECRETS, PROCESS, CHALLENGE)
    server.handle(Begin())
    send, done = server.handle(Received(PROCESS, message))  # type: ignore[arg-type]
    assert isinstance(send, Send)
    assert text in send.message.error  # type: ignore[attr-defined]
    assert isinstance(done, Done)
    assert isinstance(done.error, AuthenticationFailedError)


def test_client_says_which_mechanisms_are_missing() -> None:
    client = Authenticatee(Credential("tim", "x"), CLIENT, MASTER)
    client.handle(Begin())
    offer = wire.AuthenticationMechanismsMessage(mechanisms=["GSSAPI", "a\nb"])
    (done,) = client.handle(Received(SESSION, offer))
    assert isinstance(done, Done)
    assert "GSSAPI, a?b" in str(done.error)
    assert "CRAM-MD5" in str(done.error)


def test_text_of_a_reported_error_is_clipped_and_printable() -> None:
    client = Authenticatee(Credential("tim", "x"), CLIENT, MASTER)
    client.handle(Begin())
    (done,) = client.handle(
        Received(SESSION, wire.AuthenticationErrorMessage(error="no\r\n\x1b[31m" + "x" * 9999))
    )
    assert isinstance(done, Done)
    assert str(done.error).isprintable()
    assert len(str(done.error)) < 400


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (TimedOut(), AuthenticationTimeoutError),
        (Cancelled(), AuthenticationCancelledError),
        (PeerLost(), AuthenticationFailedError),
    ],
)
def test_endings_from_outside_and_silence_after_them(
    event: TimedOut | Cancelled | PeerLost, kind: type[Exception]
) -> None:
    for session in (
        Authenticatee(Credential("tim", "x"), CLIENT, MASTER),
        AuthenticatorSession(SECRETS, PROCESS, CHALLENGE),
    ):
        session.handle(Begin())
        (done,) = session.handle(event)
        assert isinstance(done, Done)
        assert isinstance(done.error, kind)
        assert session.handle(event) == []
        assert session.handle(Begin()) == []
