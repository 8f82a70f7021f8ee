"""What masters and agents show over HTTP of a framework and its tasks: which fields, and of what kind."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

from mesos_proto.v0 import mesos_pb2 as mesos

from differential import groups
from differential.client import WAIT, Client, Site
from differential.tasks import launch_on, task

_BY_NAME = ("resources", "used_resources", "offered_resources", "attributes")
"""Objects whose fields have names that somebody chose."""


def _fields(value: Any, path: str) -> Iterator[str]:
    """Give a line for each field there is."""
    if isinstance(value, dict) and not path.endswith(_BY_NAME):
        for name, each in value.items():
            yield from _fields(each, f"{path}.{name}")
    elif isinstance(value, list) and value:
        for each in value:
            yield from _fields(each, f"{path}[]")
    else:
        yield f"{path} {type(value).__name__}"


def _work(client: Client) -> str:
    """Have a task run, another done, and a group run, on one agent; give the agent's address."""
    running = task("running")
    running.labels.labels.add(key="key", value="value")
    running.discovery.visibility, running.discovery.name = mesos.DiscoveryInfo.CLUSTER, "name"
    running.kill_policy.grace_period.nanoseconds = 10**9
    agent = launch_on(client, None, running)
    for _ in range(2):
        client.status("running")
    offer = launch_on(client, agent, task("done", "true"))
    for _ in range(3):
        client.status("done")
    group = groups.group(client, task("one"), task("two"))
    group.executor.labels.labels.add(key="key", value="value")
    address = groups.launch(client, group, offer).url.address
    for name in ("one", "two"):
        for _ in range(2):
            client.status(name)
    client.fence()
    return f"{address.ip}:{address.port}"


def _shown(
    name: str, path: str, what: Callable[[Any, str], Any], *, by_agent: bool
) -> Callable[[Site], None]:
    """Note which fields there are in what is chosen from a page, by the framework's id."""

    def script(site: Site) -> None:
        with site.client() as client:
            client.register()
            agent = _work(client)
            url = f"http://{agent if by_agent else site.address}{path}"
            with urllib.request.urlopen(url, timeout=WAIT) as answer:
                shown = what(json.load(answer), client.framework_id)
        for line in sorted(set(_fields(shown, ""))):
            site.note(line)

    script.__name__ = name
    return script


def _framework(page: Any, framework_id: str) -> Any:
    (found,) = (each for each in page["frameworks"] if each["id"] == framework_id)
    return found


def _agents_framework(page: Any, framework_id: str) -> Any:
    """Give a framework with all its executors and tasks: some linger a moment longer than others."""
    framework = _framework(page, framework_id)
    executors = framework.pop("executors") + framework.pop("completed_executors")
    tasks = [task for each in executors for task in each.pop("tasks") + each.pop("completed_tasks")]
    return {**framework, "executor": executors, "task": tasks}


def _of_framework(page: Any, framework_id: str) -> Any:
    return [each for each in page if each["framework_id"] == framework_id]


def _tasks(page: Any, framework_id: str) -> Any:
    return _of_framework(page["tasks"], framework_id)


def _executors(page: Any, framework_id: str) -> Any:
    return _framework(page, framework_id)["executors"]


SCRIPTS = (
    _shown("agent_state_framework", "/state", _agents_framework, by_agent=True),
    _shown("agent_containers", "/containers", _of_framework, by_agent=True),
    _shown("agent_statistics", "/monitor/statistics", _of_framework, by_agent=True),
    _shown("master_tasks", "/tasks", _tasks, by_agent=False),
    _shown("master_executors", "/state", _executors, by_agent=False),
)
