"""CRAM-MD5 against a real master: good, bad and missing credentials."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mesos_auth import Credential
from mesos_scheduler import Status
from realmesos import Cluster
from realmesos.fixtures import ClusterFactory
from realmesos.framework import Framework
from realmesos.process import wait_for

pytestmark = pytest.mark.ci

GOOD = Credential("framework", "secret-of-test")


@pytest.fixture
def guarded(real_cluster: ClusterFactory) -> Cluster:
    """A master that believes nobody without a credential; no agents."""
    credentials = {GOOD.principal: GOOD.secret, "agent": "secret-of-agent", "with space": "s"}
    flags = {"authenticate_frameworks": True, "authenticate_agents": True}
    return real_cluster(agents=0, credentials=credentials, master_flags=flags)


@pytest.mark.parametrize("credential", [GOOD, Credential("with space", "s")])
def test_a_good_credential(guarded: Cluster, credential: Credential) -> None:
    with Framework(guarded.address, credential=credential) as framework:
        framework.wait_registered()
        state = guarded.masters[0].state()

    assert state is not None
    assert [each["principal"] for each in state["frameworks"]] == [credential.principal]


@pytest.mark.parametrize(
    "credential", [Credential(GOOD.principal, "wrong"), Credential("nobody", GOOD.secret)]
)
def test_a_bad_credential(guarded: Cluster, credential: Credential) -> None:
    with Framework(guarded.address, credential=credential) as framework:
        message = framework.watcher.wait("error").first
        assert framework.driver.status is Status.ABORTED

    assert "refused authentication" in message
    assert credential.secret not in message
    state = guarded.masters[0].state()
    assert state is not None and not state["frameworks"]


def test_a_missing_credential(guarded: Cluster) -> None:
    with Framework(guarded.address) as framework:
        message = framework.watcher.wait("error").first

    assert message.startswith("Framework at scheduler-")
    assert message.endswith(" is not authenticated")


def test_a_principal_of_somebody_else(guarded: Cluster) -> None:
    with Framework(guarded.address, credential=GOOD, principal="agent") as framework:
        message = framework.watcher.wait("error").first

    assert "does not match authenticated principal" in message


def test_a_credential_for_a_master_that_has_none(real_cluster: ClusterFactory) -> None:
    cluster = real_cluster(agents=0)
    with Framework(cluster.address, credential=GOOD) as framework:
        message = framework.watcher.wait("error").first

    assert "refused authentication" in message


def test_a_task_with_everybody_authenticated(guarded: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "agent-credential.json"
    path.write_text(json.dumps({"principal": "agent", "secret": "secret-of-agent"}), encoding="utf-8")
    guarded.add_agent(credential=str(path)).wait_registered()
    with Framework(guarded.address, credential=GOOD) as framework:
        framework.launch(framework.task("t", executor=framework.obedient(), data=b"finish"))
        framework.wait_status("t")


def test_an_agent_with_a_bad_credential_gives_up(guarded: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "agent-credential.json"
    path.write_text(json.dumps({"principal": "agent", "secret": "wrong"}), encoding="utf-8")
    agent = guarded.add_agent(credential=str(path))

    wait_for("the agent ends", lambda: not agent.alive)
    state = guarded.masters[0].state()
    assert state is not None and not state["slaves"]
