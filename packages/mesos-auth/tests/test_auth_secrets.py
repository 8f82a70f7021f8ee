"""Secrets are in nothing that is said, at the highest verbosity there is, in a full run."""

from __future__ import annotations

import io
import json
import logging
import traceback
from pathlib import Path

import pytest
from auth_helpers import CLIENT, DEADLINE, MASTER
from mesos_auth import (
    Authenticatee,
    Authenticator,
    AuthenticatorSession,
    AuthError,
    BasicAuth,
    BearerAuth,
    Begin,
    Credential,
    Login,
    Received,
    authenticate,
    load_credentials,
)
from mesos_auth.mechanism import MECHANISMS
from mesos_messenger import Endpoint, Messenger
from mesos_proto.v0 import authentication_pb2 as wire

RIGHT, WRONG, TOKEN = "r1ght-s3cret-value", "wr0ng-s3cret-value", "t0ken-s3cret-value"


def test_nothing_said_holds_a_secret(tmp_path: Path) -> None:
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s %(args)r"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(1)
    try:
        _run(tmp_path, said)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    text = said.getvalue()
    assert "has authenticated as 'tim'" in text and "has not authenticated" in text
    assert "Traceback" in text
    for secret in (RIGHT, WRONG, TOKEN):
        for shown in (secret, secret.encode().hex(), repr(secret.encode())):
            assert shown not in text


def _run(tmp_path: Path, said: io.StringIO) -> None:
    file = tmp_path / "credentials"
    file.write_text(json.dumps({"credentials": [{"principal": "tim", "secret": RIGHT}]}))
    file.chmod(0o644)
    credentials = load_credentials(file)
    with Endpoint(bind="127.0.0.1:0") as server, Endpoint(bind="127.0.0.1:0") as client:
        master = Messenger("master", endpoint=server)
        master.start()
        scheduler = Messenger("scheduler-1", endpoint=client)
        scheduler.start()
        authenticator = Authenticator(server, credentials)
        authenticator.install(master)
        for credential in (credentials[0], Credential("tim", WRONG), Credential("tom", WRONG)):
            attempt = authenticate(client, master.upid, scheduler.upid, credential)
            try:
                attempt.wait(DEADLINE)
            except AuthError as error:
                traceback.print_exception(error, file=said)
            print(repr(attempt), repr(credential), str(credential), repr(authenticator), file=said)
    for name, text in (("a", f"tim {RIGHT} {WRONG}"), ("b", f'{{"secret": "{RIGHT}"'), ("c", f'["{WRONG}"]')):
        (tmp_path / name).write_text(text)
        try:
            load_credentials(tmp_path / name)
        except AuthError as error:
            traceback.print_exception(error, file=said)
    basic, bearer = BasicAuth(credentials[0]), BearerAuth(TOKEN)
    print(basic, repr(basic), bearer, repr(bearer), file=said)


def test_pure_parts_show_no_secret_at_any_stage() -> None:
    credential = Credential("tim", RIGHT)
    client = Authenticatee(credential, CLIENT, MASTER)
    session = AuthenticatorSession({"tim": RIGHT}, "x@10.0.0.2:4000", b"<challenge>")
    login = Login(credential, CLIENT, MASTER)
    mechanism = MECHANISMS.client("CRAM-MD5", credential)
    client.handle(Begin())
    offer = wire.AuthenticationMechanismsMessage(mechanisms=["CRAM-MD5"])
    commands = client.handle(Received("s@10.0.0.1:5050", offer))
    commands += client.handle(Received("s@10.0.0.1:5050", wire.AuthenticationStepMessage(data=b"<c>")))
    for shown in (client, session, login, mechanism, commands, credential):
        assert RIGHT not in repr(shown)


def test_secret_is_forgotten_when_an_exchange_is_over() -> None:
    client = Authenticatee(Credential("tim", RIGHT), CLIENT, MASTER)
    client.handle(Begin())
    client.handle(Received("s@10.0.0.1:5050", wire.AuthenticationMechanismsMessage(mechanisms=["CRAM-MD5"])))
    mechanism = client._mechanism
    assert mechanism is not None
    client.handle(Received("s@10.0.0.1:5050", wire.AuthenticationStepMessage(data=b"<c>")))
    client.handle(Received("s@10.0.0.1:5050", wire.AuthenticationCompletedMessage()))
    assert client._mechanism is None
    with pytest.raises(AuthError):
        mechanism.step(b"<c>")
