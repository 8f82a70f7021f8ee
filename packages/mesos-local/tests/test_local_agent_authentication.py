"""Agents that prove who they are, and masters that want it."""

from __future__ import annotations

from pathlib import Path

import pytest
from local_helpers import AGENT, MASTER, Wire
from local_scheduler import Recorder, command_task, running
from mesos_auth import Credential
from mesos_local import ClusterError, LocalCluster, MasterSettings
from mesos_local.agent.session import MasterAuthenticated, MasterDetected
from mesos_local.agent.state import Authenticate, StopAgent
from mesos_local.cli import cluster_from, parse
from mesos_local.errors import ConfigurationError

CREDENTIAL = Credential("agent", "secret")
STRICT = MasterSettings(authenticate_agents=True, allocation_interval=0.1)


def test_it_registers_and_works() -> None:
    recorder = Recorder(lambda offer: [command_task(offer, "true")])
    with LocalCluster(master=STRICT, credentials=[CREDENTIAL], credential=CREDENTIAL) as cluster:
        state = cluster.master.session.state
        assert state.authenticated[cluster.agents[0].pid] == "agent"
        with running(cluster, recorder):
            recorder.until("TASK_FINISHED")
        cluster.agents[0].restart()
        assert cluster.master.shell.wait_until(
            lambda: all(each.reregistered_time is not None for each in state.agents.values()), 20
        )
        assert state.authenticated[cluster.agents[0].pid] == "agent"


def test_a_wrong_secret_is_refused() -> None:
    wrong = Credential("agent", "another")
    cluster = LocalCluster(master=STRICT, credentials=[CREDENTIAL], credential=wrong)
    with pytest.raises(ClusterError, match=r"has left: .*refused authentication"):
        cluster.start()


def test_what_is_missing_is_said_at_once() -> None:
    with pytest.raises(ConfigurationError, match="credential"):
        LocalCluster(master=STRICT, credentials=[CREDENTIAL])
    LocalCluster(agents=0, master=STRICT)


def test_the_program_has_flags_for_it(tmp_path: Path) -> None:
    one, many = tmp_path / "one", tmp_path / "many"
    one.write_text("agent secret")
    many.write_text("agent secret\nframework secret\n")
    for path in (one, many):
        path.chmod(0o600)
    arguments = [f"--credential={one}", f"--credentials={many}", "--authenticate_agents", "--port=0"]
    values, texts, _ = parse(arguments, {})
    with cluster_from(values, texts) as cluster:
        assert cluster.master.session.state.authenticated[cluster.agents[0].pid] == "agent"


def test_it_registers_only_with_a_master_that_knows_it() -> None:
    wire = Wire(agents=0, authenticate_agents=True)
    agent = wire.add_agent(AGENT, credential=CREDENTIAL)
    assert Authenticate(MASTER) in wire.performed
    wire.advance(30.0)
    assert not wire.master.state.agents and not agent.state.id, "nothing was sent"
    wire.tell(AGENT, MasterAuthenticated("master@127.0.0.1:1", None))
    wire.advance(30.0)
    assert not agent.state.id, "that was another master"
    wire.master.state.authenticated[AGENT] = "agent"
    wire.tell(AGENT, MasterAuthenticated(MASTER, None))
    assert agent.state.id


def test_it_authenticates_with_each_new_master() -> None:
    wire = Wire(agents=0)
    wire.add_agent(AGENT, credential=CREDENTIAL)
    wire.performed.clear()
    for leader in ("", "master@127.0.0.1:1"):
        wire.tell(AGENT, MasterDetected(leader))
        assert [each for each in wire.performed if isinstance(each, Authenticate)] == [Authenticate(leader)]
        wire.performed.clear()


def test_one_that_is_refused_ends() -> None:
    wire = Wire(agents=0)
    wire.add_agent(AGENT, credential=CREDENTIAL)
    wire.tell(AGENT, MasterAuthenticated(MASTER, "no"))
    assert StopAgent(f"Master {MASTER} refused authentication: no") in wire.performed
    wire.advance(100.0)
    assert not wire.master.state.agents
