"""Reservations and volumes that operators make, by calls and by forms."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from local_operator import ask, refused
from local_scheduler import Recorder, running
from mesos_local import LocalCluster

Json = dict[str, Any]


@pytest.fixture
def small() -> Iterator[LocalCluster]:
    with LocalCluster(resources="cpus:4;mem:1024;disk:1000") as cluster:
        yield cluster


def reserved(amount: float = 2.0, name: str = "cpus", **more: Any) -> Json:
    return {
        "name": name,
        "type": "SCALAR",
        "scalar": {"value": amount},
        "reservations": [{"type": "DYNAMIC", "role": "ops"}],
        **more,
    }


def volume(amount: float = 100.0) -> Json:
    disk = {"persistence": {"id": "data"}, "volume": {"container_path": "data", "mode": "RW"}}
    return reserved(amount, "disk", disk=disk)


def agent_of(cluster: LocalCluster) -> Json:
    (agent,) = ask(cluster.master_address, "GET_AGENTS")["agents"]
    return dict(agent)


def act(cluster: LocalCluster, kind: str, **members: Any) -> None:
    members = {"agent_id": agent_of(cluster)["agent_info"]["id"], **members}
    assert ask(cluster.master_address, kind, **{kind.lower(): members}) is None


def amounts(cluster: LocalCluster) -> set[tuple[str, str, float, str]]:
    """Give name, role, amount and volume of all the scalars of the agent."""
    return {
        (
            each["name"],
            each["reservations"][-1]["role"] if each.get("reservations") else "*",
            each["scalar"]["value"],
            each.get("disk", {}).get("persistence", {}).get("id", ""),
        )
        for each in agent_of(cluster)["total_resources"]
    }


def test_a_volume_from_its_beginning_to_its_end(small: LocalCluster) -> None:
    before = amounts(small)
    act(small, "RESERVE_RESOURCES", resources=[reserved(200.0, "disk")])
    act(small, "CREATE_VOLUMES", volumes=[volume()])
    assert {("disk", "ops", 100.0, "data"), ("disk", "ops", 100.0, "")} < amounts(small)
    act(small, "GROW_VOLUME", volume=volume(), addition=reserved(50.0, "disk"))
    assert ("disk", "ops", 150.0, "data") in amounts(small)
    act(small, "SHRINK_VOLUME", volume=volume(150.0), subtract={"value": 50.0})
    assert ("disk", "ops", 100.0, "data") in amounts(small)
    assert (small.work_dir / "agents/0/work/volumes/roles/ops/data").is_dir()
    act(small, "DESTROY_VOLUMES", volumes=[volume()])
    act(small, "UNRESERVE_RESOURCES", resources=[reserved(200.0, "disk")])
    assert amounts(small) == before
    assert small.master.shell.wait_until(lambda: not _operations(small), 20), "the master acknowledges"


def _operations(cluster: LocalCluster) -> list[object]:
    return [each for agent in cluster.master.session.state.agents.values() for each in agent.operations]


def test_offers_are_taken_back_for_it(small: LocalCluster) -> None:
    recorder = Recorder()
    with running(small, recorder):
        recorder.wait(lambda: bool(recorder.offers))
        act(small, "RESERVE_RESOURCES", resources=[reserved()])
        assert ("cpus", "ops", 2.0, "") in amounts(small)
        first = recorder.offers[0].id
        assert first.value not in small.master.session.state.offers


def test_what_is_in_use_is_a_conflict(small: LocalCluster) -> None:
    agent_id = agent_of(small)["agent_info"]["id"]
    wanted = {"agent_id": agent_id, "resources": [reserved(99.0)]}
    status, text = refused(small.master_address, "RESERVE_RESOURCES", reserve_resources=wanted)
    assert status == 409 and text.startswith("cpus:4; ") and "does not contain cpus:99" in text


@pytest.mark.parametrize(
    ("kind", "members", "text"),
    [
        ("RESERVE_RESOURCES", {"agent_id": {"value": "x"}}, "No agent found with specified ID"),
        ("RESERVE_RESOURCES", {"resources": [reserved(-1.0)]}, "negative"),
        (
            "RESERVE_RESOURCES",
            {"resources": [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}}]},
            "is not dynamically reserved",
        ),
        (
            "RESERVE_RESOURCES",
            {"resources": [reserved(allocation_info={"role": "ops"})]},
            "the operator API only allows reservations to be made to unallocated resources",
        ),
        ("CREATE_VOLUMES", {"volumes": [reserved(1.0, "disk")]}, "Not a persistent volume: "),
        ("DESTROY_VOLUMES", {"volumes": [volume()]}, "Persistent volumes not found"),
        ("GROW_VOLUME", {"volume": volume(), "addition": reserved(1.0, "mem")}, "Incompatible resources"),
        (
            "SHRINK_VOLUME",
            {"volume": volume(), "subtract": {"value": 100.0}},
            "must be smaller than the size",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(cluster: LocalCluster, kind: str, members: Json, text: str) -> None:
    wanted = {"agent_id": agent_of(cluster)["agent_info"]["id"], **members}
    status, said = refused(cluster.master_address, kind, **{kind.lower(): wanted})
    assert status == 400 and text in said


def test_a_volume_is_resized_on_an_agent(cluster: LocalCluster) -> None:
    wanted = {"volume": volume(), "addition": reserved(1.0, "disk")}
    status, said = refused(cluster.master_address, "GROW_VOLUME", grow_volume=wanted)
    assert status == 400 and "Expecting 'agent_id' to be present" in said


def form(cluster: LocalCluster, path: str, **values: str) -> tuple[int, str]:
    body = urllib.parse.urlencode(values).encode()
    try:
        with urllib.request.urlopen(cluster.web_url + path, body, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_forms_do_the_same(small: LocalCluster) -> None:
    agent_id = agent_of(small)["agent_info"]["id"]["value"]
    before = amounts(small)
    for path, member, what in (
        ("reserve", "resources", reserved(100.0, "disk")),
        ("create-volumes", "volumes", volume()),
        ("destroy-volumes", "volumes", volume()),
        ("unreserve", "resources", reserved(100.0, "disk")),
    ):
        assert form(small, path, slaveId=agent_id, **{member: json.dumps([what])}) == (202, "")
    assert amounts(small) == before


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({}, "Missing 'slaveId' query parameter in the request body"),
        ({"slaveId": "x"}, "Missing 'resources' query parameter in the request body"),
        (
            {"slaveId": "x", "resources": "{"},
            "Error parsing 'resources' query parameter",
        ),
        (
            {"slaveId": "x", "resources": "[7]"},
            "Error parsing 'resources' query parameter",
        ),
        ({"slaveId": "x", "resources": "[]"}, "No agent found with specified ID"),
    ],
)
def test_forms_that_are_refused(cluster: LocalCluster, values: dict[str, str], text: str) -> None:
    status, said = form(cluster, "reserve", **values)
    assert status == 400 and said.startswith(text)
