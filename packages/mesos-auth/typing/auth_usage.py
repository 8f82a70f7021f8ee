"""How authentication is used, for the type checker."""

from __future__ import annotations

from mesos_auth import (
    AttemptTimeouts,
    Authentication,
    AuthenticationError,
    AuthenticationResult,
    Authenticator,
    BasicAuth,
    BearerAuth,
    ClientMechanism,
    Credential,
    HttpAuth,
    authenticate,
    credential_from_environ,
    load_credential,
    load_credentials,
)
from mesos_auth.mechanism import MECHANISMS
from mesos_messenger import UPID, Endpoint, Messenger


class Mine:
    def __init__(self, credential: Credential) -> None:
        self.principal = credential.principal

    def start(self) -> bytes:
        return b""

    def step(self, challenge: bytes) -> bytes:
        return challenge

    def dispose(self) -> None:
        return


def make(credential: Credential) -> ClientMechanism:
    return Mine(credential)


def on_done(error: AuthenticationError | None) -> None:
    if error is not None:
        raise error


def client(endpoint: Endpoint, master: UPID, me: UPID) -> None:
    credential: Credential = credential_from_environ() or load_credential("credential.json")
    attempt: Authentication = authenticate(
        endpoint,
        master,
        me,
        credential,
        on_done,
        timeouts=AttemptTimeouts(minimum=1, maximum=5),
        max_attempts=3,
        mechanisms=MECHANISMS.with_client("MINE", make),
    )
    attempt.wait(timeout=30)
    attempt.cancel()


def on_result(result: AuthenticationResult) -> None:
    principal: str | None = result.principal
    print(result.pid, principal, result.error)


def server(endpoint: Endpoint, master: Messenger) -> str | None:
    authenticator = Authenticator(endpoint, load_credentials("credentials.json"), on_result=on_result)
    authenticator.install(master)
    return authenticator.principal("scheduler-1@10.0.0.1:1")


def headers(credential: Credential) -> list[str]:
    auths: list[HttpAuth] = [BasicAuth(credential), BearerAuth("token")]
    return [auth.authorization() for auth in auths]
