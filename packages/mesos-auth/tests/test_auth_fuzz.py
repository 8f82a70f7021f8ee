"""Arbitrary messages in arbitrary order, from anybody: no crash, and nobody authenticated."""

from __future__ import annotations

from auth_helpers import CLIENT, MASTER
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from mesos_auth import (
    Authenticatee,
    AuthenticateeState,
    AuthenticatorSession,
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
from mesos_auth.cram_md5 import digest
from mesos_proto.v0 import authentication_pb2 as wire

SESSION = "crammd5-authenticator-session(1)@10.0.0.1:5050"
PEER = "crammd5-authenticatee(1)@10.0.0.2:4000"
CHALLENGE = b"<17925832741.1700000000@host>"
SECRETS = {"tim": "secret-of-tim", "tom": "secret-of-tom"}


def broken(kind: type[Message], data: bytes) -> Message:
    """A message as it comes off the wire, perhaps with text that is not UTF-8."""
    message = kind()
    message.ParseFromString(data)
    return message


text = st.text(max_size=30) | st.sampled_from(["CRAM-MD5", "PLAIN", "CRAM-MD5 ", ""])
data = (
    st.binary(max_size=60)
    | st.sampled_from([CHALLENGE, b"", b"tim", b"tim ", b"x" * 2000])
    | st.sampled_from(["tim", "tom", "nobody"]).map(lambda name: f"{name} {'0' * 32}".encode())
    | st.sampled_from(["", "secret-of-Tim", "unknown", "tim"]).map(lambda s: b"tim " + digest(s, CHALLENGE))
    | st.just(b"tim " + digest("secret-of-tim", b"another challenge"))
)
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(wire.AuthenticateMessage, pid=text),
    st.builds(wire.AuthenticationMechanismsMessage, mechanisms=st.lists(text, max_size=4)),
    st.builds(wire.AuthenticationStartMessage, mechanism=text, data=data),
    st.builds(wire.AuthenticationStartMessage, mechanism=st.just("CRAM-MD5")),
    st.builds(wire.AuthenticationStepMessage, data=data),
    st.builds(wire.AuthenticationCompletedMessage),
    st.builds(wire.AuthenticationFailedMessage),
    st.builds(wire.AuthenticationErrorMessage, error=text),
    st.sampled_from(
        [
            broken(wire.AuthenticationErrorMessage, b"\x0a\x03\xff\xfe\x80"),
            broken(wire.AuthenticationMechanismsMessage, b"\x0a\x03\xff\xfe\x80"),
            broken(wire.AuthenticationStartMessage, b"\x0a\x03\xff\xfe\x80"),
            broken(wire.AuthenticateMessage, b"\x0a\x03\xff\xfe\x80"),
        ]
    ),
)
SENDERS = st.sampled_from([SESSION, PEER, MASTER, CLIENT, "", "@0.0.0.0:0", "x@10.0.0.1:5050"])
EVENTS = st.one_of(
    st.builds(Received, SENDERS, MESSAGES),
    st.builds(Received, SENDERS, MESSAGES),
    st.builds(Received, SENDERS, MESSAGES),
    st.sampled_from([Begin(), TimedOut(), Cancelled(), PeerLost()]),
)


@given(st.lists(EVENTS, max_size=25))
@settings(max_examples=200, deadline=None)
def test_nobody_is_authenticated_without_the_secret(events: list[Received | Begin | TimedOut]) -> None:
    server = AuthenticatorSession(SECRETS, PEER, CHALLENGE)
    server.handle(Begin())
    ends = 0
    for event in events:
        for command in server.handle(event):
            assert isinstance(command, (Send, Link, Done))
            if isinstance(command, Done):
                ends += 1
                assert command.principal is None and command.error is not None
            if isinstance(command, Send):
                assert command.to == PEER
                assert command.message.IsInitialized()
                assert not isinstance(command.message, wire.AuthenticationCompletedMessage)
    assert ends <= 1


@given(st.lists(EVENTS, max_size=25))
@settings(max_examples=200, deadline=None)
def test_client_survives_anything_and_trusts_only_a_whole_exchange(
    events: list[Received | Begin | TimedOut],
) -> None:
    client = Authenticatee(Credential("tim", "secret-of-tim"), CLIENT, MASTER)
    client.handle(Begin())
    ends = answers = 0
    for event in events:
        for command in client.handle(event):
            assert isinstance(command, (Send, Done))
            if isinstance(command, Send):
                assert command.to.endswith("@10.0.0.1:5050")
                assert b"secret-of-tim" not in command.message.SerializeToString()
                answers += isinstance(command.message, wire.AuthenticationStepMessage)
            else:
                ends += 1
                if command.error is None:
                    assert answers == 1 and client.state is AuthenticateeState.COMPLETED
                else:
                    assert str(command.error).isprintable()
    assert ends <= 1


@given(st.lists(st.builds(Received, SENDERS, MESSAGES), max_size=10), st.integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_noise_of_others_does_not_disturb_an_exchange(noise: list[Received], place: int) -> None:
    server = AuthenticatorSession(SECRETS, PEER, CHALLENGE)
    exchange = [
        Begin(),
        Received(PEER, wire.AuthenticationStartMessage(mechanism="CRAM-MD5")),
        Received(PEER, wire.AuthenticationStepMessage(data=b"tim " + digest("secret-of-tim", CHALLENGE))),
    ]
    foreign = [event for event in noise if event.sender != PEER]
    outcome = [
        command
        for event in [*exchange[:place], *foreign, *exchange[place:]]
        for command in server.handle(event)
    ]
    assert outcome[-1] == Done("tim")
