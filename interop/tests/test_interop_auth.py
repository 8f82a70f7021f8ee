"""mesos-auth against the real thing: our client and a real master, real clients and our master."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from pathlib import Path

import pytest
from mesos_auth import (
    AuthenticationRefusedError,
    AuthenticationResult,
    Authenticator,
    Credential,
    authenticate,
)
from mesos_messenger import Endpoint, Messenger
from mesos_proto.v0 import mesos_pb2 as v0
from realmesos.build import Build
from realmesos.fixtures import ClusterFactory
from realmesos.process import READY, wait_for
from realmesos.reference import ReferenceScheduler
from realmesos.servers import Agent

pytestmark = pytest.mark.ci

GOOD = Credential("framework", "secret-of-test")
BAD = [Credential(GOOD.principal, "wrong"), Credential("nobody", GOOD.secret)]


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint(bind="127.0.0.1:0") as endpoint:
        yield endpoint


class OurMaster:
    """A process called `master` that does nothing but authenticate."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.results: queue.SimpleQueue[AuthenticationResult] = queue.SimpleQueue()
        self._messenger = Messenger("master", endpoint=endpoint)
        self._messenger.start()
        self.authenticator = Authenticator(endpoint, [GOOD], on_result=self.results.put)
        self.authenticator.install(self._messenger)
        self.address = f"{self._messenger.upid.ip}:{self._messenger.upid.port}"


def test_our_client_and_a_real_master(real_cluster: ClusterFactory, endpoint: Endpoint) -> None:
    spaced = Credential("with some space", "and so has the secret")
    cluster = real_cluster(agents=0, credentials={each.principal: each.secret for each in (GOOD, spaced)})
    server = cluster.masters[0]
    master = f"master@{server.address}"
    with Messenger("scheduler-1", endpoint=endpoint) as client:
        for credential in (GOOD, spaced):
            authenticate(endpoint, master, client.upid, credential).wait(READY)
            # The master learns of it after the client; asked again before that, it would forget this one.
            line = f"Successfully authenticated principal '{credential.principal}' at {client.upid}"
            wait_for(f"the master logs {line!r}", lambda line=line: line in server.log())  # type: ignore[misc]
        for credential in BAD:
            with pytest.raises(AuthenticationRefusedError, match="refused the principal"):
                authenticate(endpoint, master, client.upid, credential).wait(READY)


def test_our_client_and_a_master_without_credentials(
    real_cluster: ClusterFactory, endpoint: Endpoint
) -> None:
    master = f"master@{real_cluster(agents=0).masters[0].address}"
    with Messenger("scheduler-1", endpoint=endpoint) as client:
        with pytest.raises(AuthenticationRefusedError):
            authenticate(endpoint, master, client.upid, GOOD).wait(READY)


@pytest.mark.parametrize("credential", [GOOD, *BAD], ids=["good", "wrong secret", "unknown principal"])
def test_a_real_agent_and_our_master(
    real_build: Build, endpoint: Endpoint, tmp_path: Path, credential: Credential
) -> None:
    master = OurMaster(endpoint)
    file = tmp_path / "credential.json"
    file.write_text(json.dumps({"principal": credential.principal, "secret": credential.secret}))
    flags = {"master": master.address, "credential": str(file), "authentication_backoff_factor": "10ms"}
    agent = Agent("agent", tmp_path / "agent", real_build, flags)
    agent.start()
    try:
        result = master.results.get(timeout=READY)
        pid = f"slave(1)@{agent.address}"
        assert result.pid == pid
        if credential is GOOD:
            assert result.principal == "framework"
            assert master.authenticator.principal(pid) == "framework"
            agent.wait_log("Successfully authenticated with master")
        else:
            assert isinstance(result.error, AuthenticationRefusedError)
            assert master.authenticator.principal(pid) is None
            agent.wait_log("refused authentication")
    finally:
        agent.clear()


@pytest.mark.parametrize("credential", [GOOD, *BAD], ids=["good", "wrong secret", "unknown principal"])
def test_the_real_driver_and_our_master(
    real_build: Build, endpoint: Endpoint, tmp_path: Path, credential: Credential
) -> None:
    master = OurMaster(endpoint)
    info = v0.FrameworkInfo(user="root", name="reference")
    proof = v0.Credential(principal=credential.principal, secret=credential.secret)
    log = tmp_path / "reference.log"
    with ReferenceScheduler(real_build, master.address, info, log, credential=proof) as scheduler:
        result = master.results.get(timeout=READY)
        if credential is GOOD:
            assert result.principal == "framework"
            assert master.authenticator.principal(result.pid) == "framework"
        else:
            assert isinstance(result.error, AuthenticationRefusedError)
            assert scheduler.wait("error").arguments == (b"Master refused authentication",)
