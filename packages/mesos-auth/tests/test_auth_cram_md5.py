"""CRAM-MD5: the RFC's vector, and what the server's side makes of every response."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesos_auth import Credential, MechanismError
from mesos_auth.cram_md5 import CramMd5Server, digest, make_challenge
from mesos_auth.mechanism import MECHANISMS, PureSaslClient
from mesos_proto.v0 import authentication_pb2 as wire

CHALLENGE = b"<1896.697170952@postoffice.reston.mci.net>"
RESPONSE = b"tim b913a602c7eda7a495b4e6e7334d3890"
SECRETS = {"tim": "tanstaaftanstaaf", "with some space": "x"}


def test_rfc_2195_vector_on_the_clients_side() -> None:
    client = MECHANISMS.client("CRAM-MD5", Credential("tim", "tanstaaftanstaaf"))
    assert client.start() == b""
    assert client.step(CHALLENGE) == RESPONSE


def test_rfc_2195_vector_on_the_servers_side() -> None:
    server = CramMd5Server(SECRETS, CHALLENGE)
    assert server.start(b"") == CHALLENGE
    assert server.step(RESPONSE) == "tim"


@pytest.mark.parametrize(
    "response",
    [
        b"tim b913a602c7eda7a495b4e6e7334d3891",
        b"tim B913A602C7EDA7A495B4E6E7334D3890",
        b"tim b913a602c7eda7a495b4e6e7334d389",
        b"tim b913a602c7eda7a495b4e6e7334d38900",
        b"tim b913a602c7eda7a495b4e6e7334d3890 ",
        b"tim ",
        b" b913a602c7eda7a495b4e6e7334d3890",
        b"nobody b913a602c7eda7a495b4e6e7334d3890",
        b"tim\x00 b913a602c7eda7a495b4e6e7334d3890",
        b"\xff\xfe b913a602c7eda7a495b4e6e7334d3890",
        b" ",
    ],
)
def test_wrong_responses_prove_nothing(response: bytes) -> None:
    assert CramMd5Server(SECRETS, CHALLENGE).step(response) is None


@pytest.mark.parametrize("response", [b"", b"tim", b"x" * 1025, b"tim " + b"a" * 1100])
def test_what_is_no_response(response: bytes) -> None:
    with pytest.raises(MechanismError, match="bad protocol"):
        CramMd5Server(SECRETS, CHALLENGE).step(response)


def test_response_is_split_at_its_last_space() -> None:
    answer = PureSaslClient("CRAM-MD5", Credential("with some space", "x")).step(CHALLENGE)
    assert answer.startswith(b"with some space ")
    assert CramMd5Server(SECRETS, CHALLENGE).step(answer) == "with some space"


def test_challenge_serves_once() -> None:
    server = CramMd5Server(SECRETS, CHALLENGE)
    server.step(b"tim wrong")
    with pytest.raises(MechanismError, match="second response"):
        server.step(RESPONSE)


def test_unknown_principal_is_not_let_in_by_the_stand_in_secret() -> None:
    guess = b"nobody " + digest("unknown", CHALLENGE)
    assert CramMd5Server(SECRETS, CHALLENGE).step(guess) is None


def test_initial_data_is_not_taken() -> None:
    with pytest.raises(MechanismError, match="initial data"):
        CramMd5Server(SECRETS, CHALLENGE).start(b"x")


def test_challenge_has_the_form_of_a_message_id() -> None:
    assert make_challenge(12345, 1700000000.9, "host") == b"<12345.1700000000@host>"


def test_client_makes_no_second_step() -> None:
    client = PureSaslClient("CRAM-MD5", Credential("tim", "tanstaaftanstaaf"))
    client.step(CHALLENGE)
    with pytest.raises(MechanismError, match="after the last"):
        client.step(CHALLENGE)
    client.dispose()
    with pytest.raises(MechanismError):
        client.step(CHALLENGE)


@pytest.mark.parametrize("challenge", [b"", b"\x00\xff", b"x" * 100_000])
def test_challenge_is_opaque_bytes_to_the_client(challenge: bytes) -> None:
    answer = PureSaslClient("CRAM-MD5", Credential("tim", "tanstaaftanstaaf")).step(challenge)
    assert CramMd5Server(SECRETS, challenge).step(answer) == "tim"


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=80), st.binary(max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_credential_proves_itself_and_no_other(principal: str, secret: str, challenge: bytes) -> None:
    try:
        credential = Credential(principal, secret)
    except ValueError:
        return
    answer = PureSaslClient("CRAM-MD5", credential).step(challenge)
    assert CramMd5Server({principal: secret}, challenge).step(answer) == principal
    # HMAC pads short keys with zeros, so a secret with zeros at its end is the same secret.
    assert CramMd5Server({principal: secret + "x"}, challenge).step(answer) is None
    assert CramMd5Server({principal: secret}, challenge + b"x").step(answer) is None


def test_registry_names_prefers_and_refuses() -> None:
    class Always:
        def start(self) -> bytes:
            return b"hello"

        def step(self, challenge: bytes) -> bytes:
            return challenge

        def dispose(self) -> None:
            return

    more = MECHANISMS.with_client("EXTERNAL", lambda credential: Always())
    assert MECHANISMS.clients == ("CRAM-MD5",)
    assert more.clients == ("EXTERNAL", "CRAM-MD5")
    assert more.choose(["CRAM-MD5", "EXTERNAL"]) == "EXTERNAL"
    assert more.choose(["CRAM-MD5"]) == "CRAM-MD5"
    assert more.choose(["PLAIN"]) is None
    assert more.client("EXTERNAL", Credential("a", "b")).start() == b"hello"
    with pytest.raises(MechanismError, match="no client mechanism 'PLAIN'"):
        more.client("PLAIN", Credential("a", "b"))
    served = MECHANISMS.with_server("OTHER", CramMd5Server)
    assert served.servers == ("OTHER", "CRAM-MD5")
    with pytest.raises(MechanismError, match="no mechanism available"):
        served.server("x" * 1000, {}, b"")


# Bodies of messages between a real master (1.11.0) and a real driver.
REAL_CHALLENGE = b"\n\x16<3619686336.211633@vm>"
REAL_RESPONSE = b"\n%test 7614d9c756be5d09890ad97c9d97b304"


def test_real_exchange_is_computed_alike() -> None:
    challenge = wire.AuthenticationStepMessage.FromString(REAL_CHALLENGE).data
    client = PureSaslClient("CRAM-MD5", Credential("test", "secret-of-test"))
    answer = wire.AuthenticationStepMessage(data=client.step(challenge))
    assert answer.SerializeToString() == REAL_RESPONSE
    assert CramMd5Server({"test": "secret-of-test"}, challenge).step(answer.data) == "test"
