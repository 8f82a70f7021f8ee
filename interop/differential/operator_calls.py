"""The operator API of a master: what it tells, what it does, what it refuses."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mesos_proto.v0 import mesos_pb2 as mesos

from differential.client import WAIT, Call, Client, Site
from differential.tasks import task

Json = dict[str, Any]
JSON = {"Content-Type": "application/json", "Accept": "application/json"}
_BUILD = {"build_date", "build_time", "build_user", "git_sha", "git_tag"}
_HIDDEN = {
    "elected_time",
    "executor_pid",
    "mtime",
    "nanoseconds",
    "port",
    "start_time",
    "status_update_uuid",
    "timestamp",
    "uuid",
}


def tidy(value: Any) -> Any:
    """Hide what varies, and put lists in an order: the real master's follow no rule."""
    if isinstance(value, dict):
        told = {key: each for key, each in value.items() if key not in _BUILD}
        return {key: "…" if key in _HIDDEN else tidy(each) for key, each in sorted(told.items())}
    if isinstance(value, list):
        return sorted((tidy(each) for each in value), key=json.dumps)
    return value


def send(
    address: str, body: object, headers: dict[str, str] = JSON, method: str = "POST"
) -> tuple[int, bytes]:
    """Send to `/api/v1`; give status and body of the answer."""
    connection = http.client.HTTPConnection(address, timeout=WAIT)
    try:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, "/api/v1", data, headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def ask(address: str, kind: str, **members: object) -> Any:
    """Make a reading call, and give the member that answers it."""
    status, body = send(address, {"type": kind, **members})
    assert status == 200, (status, body)
    return json.loads(body).get(kind.lower(), {})


def note(site: Site, value: object) -> None:
    site.note(json.dumps(tidy(value), ensure_ascii=False))


def refuse(site: Site, body: object, headers: dict[str, str] = JSON, method: str = "POST") -> None:
    """Note how a call is refused."""
    status, text = send(site.address, body, headers, method)
    site.note(status, text.decode(errors="replace"))


@contextmanager
def running(site: Site, *tasks: mesos.TaskInfo) -> Iterator[tuple[Client, str]]:
    """Yield a framework whose tasks run, and the address of their agent."""
    with site.client() as client:
        client.register()
        offer = client.offer()
        client.launch(offer, *tasks)
        for _ in tasks:
            while client.take("StatusUpdateMessage").update.status.state != mesos.TASK_RUNNING:
                pass
        agents = ask(site.address, "GET_AGENTS")["agents"]
        (agent,) = (each for each in agents if each["agent_info"]["id"]["value"] == offer.slave_id.value)
        yield client, agent["pid"].partition("@")[2]


def sleeping() -> mesos.TaskInfo:
    return task("t", command="sleep 1000")


def mine(entries: list[Json], client: Client, *path: str) -> list[Json]:
    """Give the entries that are about the client's framework."""

    def framework(entry: Any) -> object:
        for step in path:
            entry = entry[step]
        return entry["value"]

    return [each for each in entries if framework(each) == client.framework_id]


def operator_tasks(site: Site) -> None:
    with running(site, sleeping()) as (client, _):
        found = ask(site.address, "GET_TASKS")
        for name in ("tasks", "unreachable_tasks", "completed_tasks"):
            note(site, mine(found[name], client, "framework_id"))


def operator_completed_tasks(site: Site) -> None:
    with site.client() as client:
        client.register()
        client.launch(client.offer(), task("t", command="exit 3"))
        while client.take("StatusUpdateMessage").update.status.state != mesos.TASK_FAILED:
            pass
        deadline = time.monotonic() + WAIT
        while not mine(ask(site.address, "GET_TASKS")["completed_tasks"], client, "framework_id"):
            assert time.monotonic() < deadline
        note(site, mine(ask(site.address, "GET_TASKS")["completed_tasks"], client, "framework_id"))


def operator_frameworks(site: Site) -> None:
    with running(site, sleeping()) as (client, _):
        found = ask(site.address, "GET_FRAMEWORKS")
        (own,) = mine(found["frameworks"], client, "framework_info", "id")
        for offers in ("offers", "offered_resources"):
            own.pop(offers, None)  # What is offered now depends on when it is asked.
        note(site, own)


def operator_agents(site: Site) -> None:
    with running(site, sleeping()):
        for agent in tidy(ask(site.address, "GET_AGENTS")["agents"]):
            agent.pop("offered_resources", None)
            note(site, agent)


def operator_roles(site: Site) -> None:
    with site.client() as client:
        client.register(role="roles/inner")
        for role in ask(site.address, "GET_ROLES")["roles"]:
            if role["name"].startswith("roles"):
                role.pop("resources", None)
                note(site, role)


def operator_state(site: Site) -> None:
    """The state has the parts that are asked for one by one, even empty lists."""
    state = ask(site.address, "GET_STATE")
    for part, content in sorted(state.items()):
        site.note(part, sorted(content))


def operator_executors(site: Site) -> None:
    with running(site, sleeping()):
        note(site, ask(site.address, "GET_EXECUTORS"))


def operator_small_answers(site: Site) -> None:
    for kind in ("GET_HEALTH", "GET_VERSION", "GET_LOGGING_LEVEL", "GET_WEIGHTS", "GET_QUOTA", "GET_MASTER"):
        note(site, json.loads(send(site.address, {"type": kind})[1]))
    for kind in ("GET_MAINTENANCE_STATUS", "GET_MAINTENANCE_SCHEDULE", "GET_OPERATIONS"):
        note(site, json.loads(send(site.address, {"type": kind})[1]))


def operator_metrics(site: Site) -> None:
    """A few of the many."""
    metrics = {
        each["name"]: each["value"] for each in ask(site.address, "GET_METRICS", get_metrics={})["metrics"]
    }
    for name in ("master/elected", "master/slaves_active", "master/tasks_running", "master/cpus_total"):
        site.note(name, metrics[name])


def operator_teardown(site: Site) -> None:
    refuse(site, {"type": "TEARDOWN", "teardown": {"framework_id": {"value": "nobody"}}})
    with site.client() as client:
        client.register()
        refuse(site, {"type": "TEARDOWN", "teardown": {"framework_id": {"value": client.framework_id}}})
        client.framework_id = ""


def operator_mark_agent_gone(site: Site) -> None:
    refuse(site, {"type": "MARK_AGENT_GONE", "mark_agent_gone": {"agent_id": {"value": "nobody"}}})


def operator_files_of_a_master(site: Site) -> None:
    refuse(site, {"type": "LIST_FILES", "list_files": {"path": "/nothing"}})
    refuse(site, {"type": "READ_FILE", "read_file": {"path": "/nothing", "offset": 0}})


# Operations.


def _reserved(amount: float, name: str = "cpus", **more: object) -> Json:
    reservation = {"type": "DYNAMIC", "role": "operator"}
    scalar = {"value": amount}
    return {"name": name, "type": "SCALAR", "scalar": scalar, "reservations": [reservation], **more}


def _volume() -> Json:
    disk = {"persistence": {"id": "v"}, "volume": {"container_path": "v", "mode": "RW"}}
    return _reserved(64, "disk", disk=disk)


def _on_first_agent(site: Site) -> Callable[..., None]:
    def agents() -> list[Json]:
        return sorted(
            ask(site.address, "GET_AGENTS")["agents"], key=lambda each: str(each["agent_info"]["id"])
        )

    agent_id = agents()[0]["agent_info"]["id"]

    def act(kind: str, **members: object) -> None:
        refuse(site, {"type": kind, kind.lower(): {"agent_id": agent_id, **members}})
        note(site, [each for each in agents()[0]["total_resources"] if each.get("reservations")])

    return act


def operator_operations(site: Site) -> None:
    act = _on_first_agent(site)
    act("RESERVE_RESOURCES", resources=[_reserved(128, "disk")])
    act("CREATE_VOLUMES", volumes=[_volume()])
    act("GROW_VOLUME", volume=_volume(), addition=_reserved(32, "disk"))
    grown = _volume()
    grown["scalar"] = {"value": 96}
    act("SHRINK_VOLUME", volume=grown, subtract={"value": 32})
    act("DESTROY_VOLUMES", volumes=[_volume()])
    act("UNRESERVE_RESOURCES", resources=[_reserved(128, "disk")])


def operator_operations_that_make_no_sense(site: Site) -> None:
    act = _on_first_agent(site)
    plain = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}}
    act("RESERVE_RESOURCES", resources=[_reserved(99)])
    act("RESERVE_RESOURCES", resources=[plain])
    act("RESERVE_RESOURCES", resources=[_reserved(1, allocation_info={"role": "operator"})])
    act("UNRESERVE_RESOURCES", resources=[plain])
    act("CREATE_VOLUMES", volumes=[_reserved(1, "disk")])
    act("DESTROY_VOLUMES", volumes=[_volume()])
    act("SHRINK_VOLUME", volume=_volume(), subtract={"value": 64})
    refuse(site, {"type": "RESERVE_RESOURCES", "reserve_resources": {"agent_id": {"value": "nobody"}}})
    refuse(site, {"type": "GROW_VOLUME", "grow_volume": {"volume": plain, "addition": plain}})


# The event stream.


class Stream:
    """The event stream of a master."""

    def __init__(self, site: Site) -> None:
        self._connection = http.client.HTTPConnection(site.address, timeout=WAIT)
        self._connection.request("POST", "/api/v1", json.dumps({"type": "SUBSCRIBE"}), JSON)
        self._response = self._connection.getresponse()
        site.note(self._response.status, self._response.headers["Content-Type"])

    def event(self) -> Json:
        length = b""
        while not length.endswith(b"\n"):
            length += self._response.read(1)
        return dict(json.loads(self._response.read(int(length))))

    def close(self) -> None:
        self._response.close()
        self._connection.close()


def operator_event_stream(site: Site) -> None:
    stream = Stream(site)
    first = stream.event()
    site.note(first["type"], sorted(first["subscribed"]), first["subscribed"]["heartbeat_interval_seconds"])
    note(site, stream.event())
    with site.client() as client:
        client.register(name="told")
        note(site, stream.event())
        client.launch(client.offer(), task("t", command="sleep 1000"))
        for _ in range(3):
            note(site, stream.event())
        client.call(type=Call.TEARDOWN)
        client.framework_id = ""
        for _ in range(2):
            note(site, stream.event())
    stream.close()


def operator_events_of_a_change(site: Site) -> None:
    with site.client() as client:
        framework = client.register(name="before", failover_timeout=60)
        stream = Stream(site)
        for _ in range(2):
            stream.event()
        client.subscribe(name="after", failover_timeout=60, id=mesos.FrameworkID(value=framework), force=True)
        note(site, stream.event())
        stream.close()


def _refusal(
    name: str, body: object, headers: dict[str, str] = JSON, method: str = "POST"
) -> Callable[[Site], None]:
    def script(site: Site) -> None:
        refuse(site, body, headers, method)

    script.__name__ = f"operator_{name}"
    return script


SCRIPTS = (
    operator_tasks,
    operator_completed_tasks,
    operator_frameworks,
    operator_agents,
    operator_roles,
    operator_state,
    operator_executors,
    operator_small_answers,
    operator_metrics,
    operator_teardown,
    operator_mark_agent_gone,
    operator_files_of_a_master,
    operator_operations,
    operator_operations_that_make_no_sense,
    operator_event_stream,
    operator_events_of_a_change,
    _refusal("get", b"", {}, "GET"),
    _refusal("no_content_type", b"{}", {}),
    _refusal("text", b"{}", {"Content-Type": "text/plain"}),
    _refusal("bad_protobuf", b"\xff\xff", {"Content-Type": "application/x-protobuf"}),
    _refusal("empty_call", {}),
    _refusal("unknown_type", {"type": "NONSENSE"}),
    _refusal("accepting_text", {"type": "GET_HEALTH"}, {**JSON, "Accept": "text/plain"}),
    _refusal("metrics_without_its_field", {"type": "GET_METRICS"}),
    _refusal("teardown_without_its_field", {"type": "TEARDOWN"}),
    _refusal("reserve_without_its_field", {"type": "RESERVE_RESOURCES"}),
    _refusal("read_file_without_its_field", {"type": "READ_FILE"}),
)
