"""Basic authentication of those who read, and of those who may change something, over HTTP."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterator

import pytest
from mesos_auth import Credential
from mesos_local import LocalCluster, MasterSettings
from mesos_local.cli import parse

READS = (
    "/state",
    "/state-summary",
    "/slaves",
    "/frameworks",
    "/tasks",
    "/roles",
    "/flags",
    "/metrics/snapshot",
    "/maintenance/status",
)
CHANGES = ("/api/v1", "/teardown", "/reserve", "/weights", "/quota", "/maintenance/schedule", "/machine/down")
OPEN = ("/", "/health", "/version", "/static/style.css")
OF_AGENTS = ("/state", "/flags", "/containers", "/monitor/statistics", "/files/browse", "/metrics/snapshot")


@pytest.fixture(scope="module")
def guarded() -> Iterator[LocalCluster]:
    settings = MasterSettings(authenticate_http_readonly=True, authenticate_http_readwrite=True)
    with LocalCluster(master=settings, credentials=[Credential("ops", "secret")]) as cluster:
        yield cluster


def ask(
    address: str, path: str, secret: str | None = None, method: str = "GET", body: bytes = b""
) -> tuple[int, http.client.HTTPMessage, bytes]:
    headers = {"Content-Type": "application/json"}
    if secret is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(f"ops:{secret}".encode()).decode()
    connection = http.client.HTTPConnection(address, timeout=20)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def _agent(cluster: LocalCluster) -> str:
    return cluster.agents[0].pid.partition("@")[2]


@pytest.mark.parametrize("path", [*READS, *CHANGES])
def test_the_master_wants_to_know_who_asks(guarded: LocalCluster, path: str) -> None:
    realm = "readonly" if path in READS else "readwrite"
    for secret in (None, "wrong"):
        status, headers, body = ask(guarded.master_address, path, secret)
        assert (status, body) == (401, b"")
        assert headers["WWW-Authenticate"] == f'Basic realm="mesos-master-{realm}"'
    assert ask(guarded.master_address, path, "secret")[0] in (200, 405)


@pytest.mark.parametrize("path", OPEN)
def test_some_things_are_open(guarded: LocalCluster, path: str) -> None:
    assert ask(guarded.master_address, path)[0] == 200
    if not path.startswith("/static"):
        assert ask(_agent(guarded), path)[0] == 200


@pytest.mark.parametrize("path", OF_AGENTS)
def test_so_do_agents(guarded: LocalCluster, path: str) -> None:
    status, headers, _ = ask(_agent(guarded), path)
    assert status == 401 and headers["WWW-Authenticate"] == 'Basic realm="mesos-agent-readonly"'
    assert ask(_agent(guarded), path, "secret")[0] in (200, 400)


def test_the_operator_api_may_change_something(guarded: LocalCluster) -> None:
    for address, part in ((guarded.master_address, "master"), (_agent(guarded), "agent")):
        call = b'{"type": "GET_HEALTH"}'
        status, headers, _ = ask(address, "/api/v1", None, "POST", call)
        assert status == 401 and headers["WWW-Authenticate"] == f'Basic realm="mesos-{part}-readwrite"'
        assert ask(address, "/api/v1", "secret", "POST", call)[0] == 200


@pytest.mark.parametrize(("principal", "expected"), [(None, 400), ("other", 400), ("ops", 202)])
def test_who_reserves_signs_it(guarded: LocalCluster, principal: str | None, expected: int) -> None:
    reservation = {"type": "DYNAMIC", "role": "r", **({"principal": principal} if principal else {})}
    resource = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}, "reservations": [reservation]}
    (agent_id,) = guarded.master.session.state.agents
    reserve = {"agent_id": {"value": agent_id}, "resources": [resource]}
    call = {"type": "RESERVE_RESOURCES", "reserve_resources": reserve}
    status, _, text = ask(guarded.master_address, "/api/v1", "secret", "POST", json.dumps(call).encode())
    assert status == expected, text
    assert (b"principal" in text) == (expected == 400)


def test_reading_alone_can_be_guarded() -> None:
    settings = MasterSettings(authenticate_http_readonly=True)
    with LocalCluster(agents=0, master=settings, credentials=[Credential("ops", "secret")]) as cluster:
        assert ask(cluster.master_address, "/state")[0] == 401
        assert ask(cluster.master_address, "/api/v1", None, "POST", b'{"type": "GET_HEALTH"}')[0] == 200


def test_the_program_has_flags_for_it() -> None:
    values, _, _ = parse(["--authenticate_http_readonly", "--authenticate_http_readwrite=false"], {})
    assert values["authenticate_http_readonly"] is True
    assert values["authenticate_http_readwrite"] is False
