"""What masters answer that do not lead, and what a new master knows of the agents of its predecessor."""

from __future__ import annotations

from collections.abc import Callable

from mesos_proto.v0 import mesos_pb2 as mesos
from realmesos.process import wait_for

from differential.cells import Cell, ask, get, wait_agents
from differential.client import Client, Site
from differential.tasks import kill, task

JSON = {"Content-Type": "application/json", "Accept": "application/json"}
NOBODY = "no-such-agent"
_NOTED = ("location", "content-type", "allow")
_SUBSCRIBE = b'{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"nobody","name":"http"}}}'
_AWARE = mesos.FrameworkInfo.Capability(type=mesos.FrameworkInfo.Capability.PARTITION_AWARE)


def _asked(
    cell: Cell, address: str, method: str, path: str, body: bytes = b"", *, whole: bool = True
) -> None:
    """Note the answer to a request; its body only when that is short and the same everywhere."""
    status, headers, text = ask(address, method, path, body, JSON if body else {})
    port = cell.site.address.rpartition(":")[2]
    noted = {name: headers[name].replace(f":{port}", ":LEADER") for name in _NOTED if name in headers}
    cell.site.note(method, path, status, noted, text.decode(errors="replace") if whole else "")


def reads_of_a_follower(cell: Cell) -> None:
    """Endpoints that only the leading master answers."""
    for path in (
        "/state",
        "/master/state",
        "/state?a=b%20c%2F",
        "/state-summary",
        "/slaves?slave_id=x",
        "/frameworks",
        "/tasks?limit=1",
        "/roles",
        "/quota",
        "/weights",
        "/maintenance/schedule",
        "/maintenance/status",
    ):
        _asked(cell, cell.follower, "GET", path)


def writes_to_a_follower(cell: Cell) -> None:
    """Calls are sent elsewhere before they are looked at."""
    for path in ("/api/v1", "/api/v1/scheduler", "/master/api/v1/scheduler"):
        for body in (b"", b"{", _SUBSCRIBE):
            _asked(cell, cell.follower, "POST", path, body)
        _asked(cell, cell.follower, "GET", path)
    for path in ("/teardown", "/reserve", "/unreserve", "/create-volumes", "/destroy-volumes", "/machine/up"):
        _asked(cell, cell.follower, "POST", path, b"{}")


def redirects(cell: Cell) -> None:
    """`/redirect` of a follower and of the leading master."""
    for address in (cell.follower, cell.site.address):
        for path in (
            "/redirect",
            "/master/redirect",
            "/redirect?a=b",
            "/redirect/more",
            "/master/redirect/x/y",
        ):
            _asked(cell, address, "GET", path)


def what_every_master_answers(cell: Cell) -> None:
    """Endpoints that a follower answers for itself."""
    for path in ("/health", "/master/health", "/version", "/flags", "/metrics/snapshot"):
        _asked(cell, cell.follower, "GET", path, whole=False)
    cell.site.note(get(cell.follower, "/metrics/snapshot")["master/elected"])


def a_follower_hears_nothing(cell: Cell) -> None:
    """A registration with the wrong master is dropped, and counted."""
    before = get(cell.follower, "/metrics/snapshot")["master/dropped_messages"]
    with Client(Site(cell.follower)) as client:
        client.subscribe()

        def dropped() -> float:
            return float(get(cell.follower, "/metrics/snapshot")["master/dropped_messages"] - before)

        wait_for("a dropped message", lambda: dropped() >= 1)
        cell.site.note(dropped(), client.heard())


THREE: tuple[Callable[[Cell], None], ...] = (
    reads_of_a_follower,
    writes_to_a_follower,
    redirects,
    what_every_master_answers,
    a_follower_hears_nothing,
)
"""For a cluster of three masters."""


def _until(client: Client, state: mesos.TaskState.ValueType) -> None:
    """Note what is told of the task up to this state."""
    while client.status("task").state != state:
        pass


def _running(client: Client) -> str:
    """Run a task that does not end, and give its agent's id."""
    client.register(checkpoint=True, failover_timeout=600, capabilities=[_AWARE])
    offer = client.offer()
    client.launch(offer, task("task"))
    _until(client, mesos.TASK_RUNNING)
    return str(offer.slave_id.value)


def _return(client: Client) -> None:
    """Subscribe again with the new master."""
    client.subscribe(
        id=mesos.FrameworkID(value=client.framework_id),
        checkpoint=True,
        failover_timeout=600,
        capabilities=[_AWARE],
    )
    client.expect("FrameworkRegisteredMessage", "FrameworkReregisteredMessage")


def an_agent_that_is_known_and_not_back(cell: Cell) -> None:
    """A new master does not answer for the tasks of agents that it waits for."""
    with cell.site.client() as client:
        agent = _running(client)
        cell.kill_agent()
        cell.restart_master()
        _return(client)
        found = get(cell.site.address, "/slaves")
        cell.site.note([sorted(each) for each in found["recovered_slaves"]], len(found["slaves"]))
        client.reconcile(("task", agent), ("other", ""), ("other", agent), ("other", NOBODY))
        client.fence(NOBODY)
        kill(client, "task")
        client.fence(NOBODY)
        cell.start_agent()
        wait_agents(cell, "slaves", 1)
        client.reconcile(("task", agent), ("other", ""), ("other", agent))
        client.fence(NOBODY)
        kill(client, "task")
        _until(client, mesos.TASK_KILLED)


def an_agent_that_was_unreachable_before(cell: Cell) -> None:
    """A new master knows which agents were unreachable, and since when, but not their tasks."""
    with cell.site.client() as client:
        agent = _running(client)
        cell.freeze_agent()
        try:
            client.status("task")
            client.expect("LostSlaveMessage")
            client.reconcile(("task", agent), ("task", ""))
            client.fence(NOBODY)
            cell.restart_master()
            _return(client)
            found = get(cell.site.address, "/slaves")
            cell.site.note(len(found["recovered_slaves"]), len(found["slaves"]))
            client.reconcile(("task", agent), ("task", ""), ("other", agent))
            client.fence(NOBODY)
        finally:
            cell.thaw_agent()
        wait_agents(cell, "slaves", 1)
        client.reconcile(("task", agent))
        client.fence(NOBODY)
        kill(client, "task")
        _until(client, mesos.TASK_KILLED)


ONE: tuple[Callable[[Cell], None], ...] = (
    an_agent_that_is_known_and_not_back,
    an_agent_that_was_unreachable_before,
)
"""For a cluster of one master and one agent, whose pings time out after two seconds."""
