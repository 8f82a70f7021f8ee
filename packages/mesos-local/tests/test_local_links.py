"""Links between the parts of a cluster that are cut, silent and slow."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from local_scheduler import DEADLINE, Recorder, command_task, running
from mesos_local import AgentSettings, ConfigurationError, LocalCluster, MasterSettings
from mesos_local.master.state import FrameworkState
from mesos_proto.v1 import mesos_pb2 as mesos

SURVIVING = {"checkpoint": True, "failover_timeout": 60.0}
AWARE = mesos.FrameworkInfo.Capability(type=mesos.FrameworkInfo.Capability.PARTITION_AWARE)


@pytest.fixture
def fragile() -> Iterator[LocalCluster]:
    """A cluster that notices soon what is wrong."""
    agent = AgentSettings(
        registration_backoff=0.1,
        update_retry_min=0.3,
    )
    master = MasterSettings(allocation_interval=0.1, agent_ping_timeout=0.2, max_agent_ping_timeouts=3)
    with LocalCluster(resources="cpus:4;mem:1024", agent=agent, master=master) as cluster:
        yield cluster


def agents_connected(cluster: LocalCluster) -> list[bool]:
    return [each.connected for each in cluster.master.session.state.agents.values()]


def wait(cluster: LocalCluster, connected: list[bool]) -> None:
    assert cluster.master.shell.wait_until(lambda: agents_connected(cluster) == connected, DEADLINE)


def test_a_cut_link_disconnects_the_agent_until_it_is_healed(fragile: LocalCluster) -> None:
    agent_id = next(iter(fragile.master.session.state.agents))
    with fragile.faults.cut(fragile.agents[0], fragile.master):
        wait(fragile, [False])
        assert fragile.master.shell.wait_until(
            lambda: agent_id in fragile.master.session.state.unreachable_agents, DEADLINE
        ), "its pings are not answered"
    wait(fragile, [True])
    assert list(fragile.master.session.state.agents) == [agent_id]


def test_a_silent_link_is_noticed_by_pings_only_and_delivers_when_healed(fragile: LocalCluster) -> None:
    recorder = Recorder(lambda offer: [command_task(offer, "exec sleep 1000")])
    with running(fragile, recorder, capabilities=[AWARE], **SURVIVING):
        recorder.until("TASK_RUNNING")
        state = fragile.master.session.state
        counted = state.counters.get("slave_removals", 0)
        with fragile.faults.cut(fragile.agents[0], fragile.master, silent=True):
            recorder.until("TASK_UNREACHABLE")
            assert state.counters.get("slave_removals", 0) == counted + 1
        wait(fragile, [True])
        recorder.wait(
            lambda: any(
                each.reason == mesos.TaskStatus.REASON_AGENT_REREGISTERED for each in recorder.statuses
            )
        )


def test_a_silent_link_loses_nothing(fragile: LocalCluster) -> None:
    recorder = Recorder(lambda offer: [command_task(offer, "true")])
    fault = fragile.faults.cut(fragile.agents[0], fragile.master, silent=True, one_way=True)
    with running(fragile, recorder):
        recorder.wait(lambda: bool(recorder.offers))
        fault.heal()
        recorder.until("TASK_FINISHED")
        assert agents_connected(fragile) == [True]


def test_a_slow_link_delivers_later_and_in_order(fragile: LocalCluster) -> None:
    recorder = Recorder(lambda offer: [command_task(offer, "true")])
    with running(fragile, recorder), fragile.faults.delay(0.15, fragile.agents[0], fragile.master):
        begun = time.monotonic()
        recorder.until("TASK_FINISHED")
        # There and back: launch, then each update waits for the acknowledgement of the one before.
        assert time.monotonic() - begun > 0.3
    states = [
        state for index, state in enumerate(recorder.states()) if state not in recorder.states()[:index]
    ]
    assert states == ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]


def test_a_scheduler_outside_can_be_cut_off_from_the_master(fragile: LocalCluster) -> None:
    recorder = Recorder()
    with running(fragile, recorder, **SURVIVING):
        recorder.wait(lambda: bool(recorder.offers))
        (framework,) = fragile.master.session.state.frameworks.values()
        with fragile.faults.cut(framework.pid, fragile.master):
            assert fragile.master.shell.wait_until(
                lambda: framework.state is FrameworkState.DISCONNECTED, DEADLINE
            )
        assert fragile.master.shell.wait_until(lambda: framework.connected, DEADLINE)
        assert not recorder.errors


def test_a_part_can_be_cut_off_from_everybody(fragile: LocalCluster) -> None:
    recorder = Recorder()
    with running(fragile, recorder, **SURVIVING):
        recorder.wait(lambda: bool(recorder.offers))
        (framework,) = fragile.master.session.state.frameworks.values()
        fault = fragile.faults.cut(fragile.master)
        wait(fragile, [False])
        assert fragile.master.shell.wait_until(lambda: not framework.connected, DEADLINE)
        fragile.faults.heal()
        fault.heal()
        wait(fragile, [True])


def test_the_cluster_ends_although_its_links_are_silent() -> None:
    with LocalCluster() as cluster:
        cluster.faults.cut(cluster.master, silent=True)
        begun = time.monotonic()
    assert time.monotonic() - begun < DEADLINE


def test_misuse_is_refused(fragile: LocalCluster) -> None:
    for what in ("nobody", "slave(1)@here", ""):
        with pytest.raises(ConfigurationError, match="no process"):
            fragile.faults.cut(what, fragile.master)
    with pytest.raises(ConfigurationError, match="more than 0"):
        fragile.faults.delay(0, fragile.master)
