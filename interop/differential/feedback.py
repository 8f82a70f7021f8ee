"""Feedback on operations, as a framework on HTTP gets it."""

from __future__ import annotations

import getpass
import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from differential.client import WAIT, Site
from differential.operator_calls import JSON, Json, ask, note

PATH = "/api/v1/scheduler"
ROLE = "feedback"


class Framework:
    """A subscribed framework that knows roles and refined reservations."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._connection = http.client.HTTPConnection(site.address, timeout=WAIT)
        capabilities = [{"type": "MULTI_ROLE"}, {"type": "RESERVATION_REFINEMENT"}]
        info = {"user": getpass.getuser(), "name": "feedback", "roles": [ROLE], "capabilities": capabilities}
        body = {"type": "SUBSCRIBE", "subscribe": {"framework_info": info}}
        self._connection.request("POST", PATH, json.dumps(body), JSON)
        self._response = self._connection.getresponse()
        self._inbox: list[Json] = []
        self._id = self.take("SUBSCRIBED")["subscribed"]["framework_id"]

    def take(self, kind: str) -> Json:
        """Return the first event of this type that was not taken; the others are kept."""
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            for event in self._inbox:
                if event["type"] == kind:
                    self._inbox.remove(event)
                    return event
            length = b""
            while not length.endswith(b"\n"):
                length += self._response.read(1)
            self._inbox.append(json.loads(self._response.read(int(length))))
        raise AssertionError(f"{self.site.address}: no {kind}; there are {self._inbox}")

    def offer(self, agent: Json | None = None) -> Json:
        """Return the next offer that has a processor, of a certain agent if given; the others stay out."""
        while True:
            for offer in self.take("OFFERS")["offers"]["offers"]:
                cpus = (each["scalar"]["value"] for each in offer["resources"] if each["name"] == "cpus")
                if sum(cpus) >= 1 and agent in (None, offer["agent_id"]):
                    return dict(offer)

    def status(self) -> Any:
        """Take the next status of an operation, and note it."""
        status = self.take("UPDATE_OPERATION_STATUS")["update_operation_status"]["status"]
        note(self.site, status)
        return status

    def call(self, kind: str, member: Json | None = None) -> None:
        body = {"type": kind, "framework_id": self._id}
        if member is not None:
            body[kind.lower()] = member
        connection = http.client.HTTPConnection(self.site.address, timeout=WAIT)
        try:
            headers = {**JSON, "Mesos-Stream-Id": self._response.headers["Mesos-Stream-Id"] or ""}
            connection.request("POST", PATH, json.dumps(body), headers)
            response = connection.getresponse()
            assert response.status == 202, response.read()
        finally:
            connection.close()

    def accept(self, offer_id: Json, operation: Json) -> None:
        operations, filters = [{"id": {"value": "mine"}, **operation}], {"refuse_seconds": 0}
        self.call("ACCEPT", {"offer_ids": [offer_id], "operations": operations, "filters": filters})

    def acknowledge(self, status: Json) -> None:
        self.call(
            "ACKNOWLEDGE_OPERATION_STATUS",
            {
                "agent_id": status["agent_id"],
                "operation_id": status["operation_id"],
                "uuid": status["uuid"]["value"],
            },
        )

    def close(self) -> None:
        self.call("TEARDOWN")
        self._response.close()
        self._connection.close()


@contextmanager
def subscribed(site: Site) -> Iterator[Framework]:
    framework = Framework(site)
    try:
        yield framework
    finally:
        framework.close()


def _resource(amount: float = 1, name: str = "cpus", role: str = ROLE, **more: object) -> Json:
    reservations = [{"type": "DYNAMIC", "role": role}]
    return {
        "name": name,
        "type": "SCALAR",
        "scalar": {"value": amount},
        "reservations": reservations,
        **more,
    }


def _reserve(*resources: Json) -> Json:
    return {"type": "RESERVE", "reserve": {"resources": list(resources)}}


def _unreserve(*resources: Json) -> Json:
    return {"type": "UNRESERVE", "unreserve": {"resources": list(resources)}}


def _operations_end(site: Site) -> None:
    deadline = time.monotonic() + WAIT
    while ask(site.address, "GET_OPERATIONS"):
        assert time.monotonic() < deadline


def feedback_finished(site: Site) -> None:
    with subscribed(site) as framework:
        framework.accept(framework.offer()["id"], _reserve(_resource()))
        status = framework.status()
        note(site, ask(site.address, "GET_OPERATIONS"))
        framework.acknowledge(status)
        _operations_end(site)
        framework.accept(framework.offer(status["agent_id"])["id"], _unreserve(_resource()))
        framework.acknowledge(framework.status())
        _operations_end(site)


def feedback_reconciled(site: Site) -> None:
    with subscribed(site) as framework:
        framework.accept(framework.offer()["id"], _reserve(_resource()))
        status = framework.status()
        framework.call("RECONCILE_OPERATIONS", {"operations": []})
        framework.status()
        mine, other, agent = {"value": "mine"}, {"value": "other"}, status["agent_id"]
        asked: list[Json] = [
            {"operation_id": mine},
            {"operation_id": other, "agent_id": agent},
            {"operation_id": other},
            {"operation_id": other, "agent_id": {"value": "nobody"}},
        ]
        framework.call("RECONCILE_OPERATIONS", {"operations": asked})
        for _ in asked:
            framework.status()
        framework.acknowledge(status)
        _operations_end(site)
        framework.accept(framework.offer(status["agent_id"])["id"], _unreserve(_resource()))
        framework.acknowledge(framework.status())
        _operations_end(site)


def feedback_of_what_is_refused(site: Site) -> None:
    volume = _resource(
        10, "disk", disk={"persistence": {"id": "x"}, "volume": {"container_path": "p", "mode": "RW"}}
    )
    plain = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}}
    with subscribed(site) as framework:
        for operation in (
            _reserve(_resource(99)),
            _reserve(_resource(role="other")),
            _reserve(plain),
            _unreserve(_resource(7)),
            {"type": "CREATE", "create": {"volumes": [_resource(10, "disk")]}},
            {"type": "DESTROY", "destroy": {"volumes": [volume]}},
            {"type": "GROW_VOLUME", "grow_volume": {"volume": volume, "addition": _resource(1, "mem")}},
            {"type": "SHRINK_VOLUME", "shrink_volume": {"volume": volume, "subtract": {"value": 10}}},
            {"type": "CREATE_DISK", "create_disk": {"source": volume, "target_type": "MOUNT"}},
        ):
            framework.accept(framework.offer()["id"], operation)
            framework.status()


def feedback_of_invalid_offers(site: Site) -> None:
    with subscribed(site) as framework:
        framework.accept({"value": "gone"}, _reserve(_resource()))
        framework.status()


def feedback_of_a_launch(site: Site) -> None:
    with subscribed(site) as framework:
        offer = framework.offer()
        resources = [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}}]
        task = {"name": "t", "task_id": {"value": "t"}, "agent_id": offer["agent_id"], "resources": resources}
        task["command"] = {"value": "true"}
        framework.accept(offer["id"], {"type": "LAUNCH", "launch": {"task_infos": [task]}})
        note(site, framework.take("UPDATE"))


SCRIPTS = (
    feedback_finished,
    feedback_reconciled,
    feedback_of_what_is_refused,
    feedback_of_invalid_offers,
    feedback_of_a_launch,
)
