"""What masters know for good: its text, its file, and what a new master makes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from local_scheduler import DEADLINE, Recorder, command_task, get, running
from mesos_local import LocalCluster, MasterSettings, RegistryError
from mesos_local.config import parse_attributes, parse_resources
from mesos_local.master.registry import Registry, RegistryText, read
from mesos_local.master.registry_file import FileRegistry
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v1 import mesos_pb2 as v1

QUICK = MasterSettings(allocation_interval=0.1, agent_reregister_timeout=0.3)


def agent_info(number: int) -> mesos.SlaveInfo:
    info = mesos.SlaveInfo(
        hostname=f"höst-{number}",
        port=5051,
        resources=parse_resources("cpus:4;mem:1024;ports:[31000-31999]"),
        attributes=parse_attributes("rack:r1;zone:[1-3]"),
    )
    info.id.value = f"S{number}"
    return info


FULL = Registry(
    mesos.MasterInfo(id="m", ip=16777343, port=5050, pid="master@127.0.0.1:5050", hostname="here"),
    (agent_info(0), agent_info(1)),
    {"S2": 1700000000.25},
    {"S3": 1700000001.5},
)


@pytest.mark.parametrize("registry", [Registry(), FULL])
def test_a_registry_is_read_as_it_was_written(registry: Registry) -> None:
    text = RegistryText()
    assert read(text.write(registry)) == registry
    assert read(text.write(registry)) == registry, "also what is remembered from the first time"
    names = ["master", "slaves", "unreachable", "gone"]
    assert list(json.loads(text.write(registry))) == names, "as upstream's message has them"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        "nul",
        RegistryText().write(FULL)[:-9],
        RegistryText().write(FULL).replace("S0", ""),
        RegistryText().write(FULL).replace('"hostname"', '"host"'),
        RegistryText().write(FULL).replace('"nanoseconds"', '"seconds"'),
        "[" * 100_000,
    ],
)
def test_a_corrupt_registry_is_named_and_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "master" / "registry.json"
    path.parent.mkdir()
    path.write_text(text, "utf-8")
    with pytest.raises(RegistryError, match=r"registry.json cannot be read.*move it away"):
        FileRegistry(path).load()
    with pytest.raises(RegistryError, match=r"registry.json cannot be read"):
        LocalCluster(agents=0, work_dir=tmp_path).start()
    assert path.read_text("utf-8") == text


def test_bytes_that_are_no_text_are_no_registry(tmp_path: Path) -> None:
    path = tmp_path / "registry.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RegistryError, match="cannot be read"):
        FileRegistry(path).load()


def test_only_the_master_that_read_it_last_may_write(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "registry.json"
    first, second = FileRegistry(path), FileRegistry(path)
    assert first.load() == Registry()
    first.store(FULL)
    assert second.load() == FULL
    second.store(Registry())
    with pytest.raises(RegistryError, match="another master has written"):
        first.store(FULL)
    assert FileRegistry(path).load() == Registry()
    assert [each.name for each in path.parent.iterdir()] == ["registry.json"], "nothing else is left"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    store = FileRegistry(tmp_path / "master" / "registry.json")
    store.load()
    (tmp_path / "master").write_text("a file")
    with pytest.raises(RegistryError, match=r"registry.json cannot be written"):
        store.store(FULL)
    with pytest.raises(RegistryError, match=r"registry.json cannot be read"):
        LocalCluster(agents=0, work_dir=tmp_path).start()


def reconciled(recorder: Recorder, driver: object, task: str, agent: str) -> v1.TaskStatus:
    """Ask about a task, and give the answer."""
    before = len(recorder.statuses)
    status = v1.TaskStatus(state=v1.TASK_STAGING)
    status.task_id.value, status.agent_id.value = task, agent
    driver.reconcile_tasks([status])  # type: ignore[attr-defined]
    recorder.wait(lambda: len(recorder.statuses) > before)
    return recorder.statuses[-1]


def test_a_restarted_master_waits_for_its_agents_and_gives_them_up(tmp_path: Path) -> None:
    aware = v1.FrameworkInfo.Capability(type=v1.FrameworkInfo.Capability.PARTITION_AWARE)
    recorder = Recorder(lambda offer: [command_task(offer, "exec sleep 1000")])
    with LocalCluster(master=QUICK, work_dir=tmp_path) as cluster:
        with running(
            cluster, recorder, capabilities=[aware], failover_timeout=60.0, checkpoint=True
        ) as driver:
            agent_id = recorder.until("TASK_RUNNING").agent_id.value
            cluster.agents[0].crash()
            cluster.master.crash()
            cluster.master.start()
            state = cluster.master.session.state
            assert list(state.recovered_agents) == [agent_id]
            shown = get(cluster.web_url + "slaves")["recovered_slaves"]
            assert [each["id"] for each in shown] == [agent_id]
            assert cluster.master.shell.wait_until(lambda: agent_id in state.unreachable_agents, DEADLINE)
            recorder.wait(lambda: len(recorder.framework_ids) == 2)
            answer = reconciled(recorder, driver, "task", agent_id)
            assert v1.TaskState.Name(answer.state) == "TASK_UNREACHABLE"
            assert answer.unreachable_time.nanoseconds > 0
            cluster.master.restart()
            state = cluster.master.session.state
            assert list(state.unreachable_agents) == [agent_id], "the next master knows it, too"
            cluster.agents[0].start()
            assert cluster.master.shell.wait_until(lambda: agent_id in state.agents, DEADLINE)
            assert not state.unreachable_agents
            kept = FileRegistry(cluster.registry_path).load()
            assert [each.id.value for each in kept.agents] == [agent_id]


def test_a_registry_in_memory_is_forgotten(tmp_path: Path) -> None:
    with LocalCluster(registry="in_memory", work_dir=tmp_path) as cluster:
        assert not cluster.registry_path.exists()
        cluster.agents[0].crash()
        cluster.master.restart()
        assert not cluster.master.session.state.recovered_agents
