"""The lists that an answer in JSON has even when they are empty.

Upstream writes the answers that may be large straight from its books (`jsonifyGetTasks` and its like in
src/master/readonly_handler.cpp and src/slave/http.cpp), and there every list is begun; a client that looks
one up by its name always finds it. Its other answers leave empty lists out.
"""

from __future__ import annotations

from typing import Any

from ._models import Json

__all__ = ["complete"]

_MASTER = {
    "get_tasks": ("tasks", "unreachable_tasks", "completed_tasks"),
    "get_executors": ("executors",),
    "get_frameworks": ("frameworks", "completed_frameworks"),
    "get_agents": ("agents", "recovered_agents"),
}
_AGENT = {
    "get_tasks": ("pending_tasks", "queued_tasks", "launched_tasks", "terminated_tasks", "completed_tasks"),
    "get_executors": ("executors", "completed_executors"),
    "get_frameworks": ("frameworks", "completed_frameworks"),
}
_LISTS = {
    "mesos.v1.master.Response": _MASTER,
    "mesos.v1.master.Event": _MASTER,
    "mesos.v1.agent.Response": _AGENT,
}


def complete(name: str, model: Json) -> Json:
    """Put what is missing into the model of a message with this full name."""
    lists = _LISTS.get(name)
    if lists is not None:
        whole: Any = model.get("subscribed", model)
        for part in (whole, whole.get("get_state", {})):
            for member, names in lists.items():
                for each in names if member in part else ():
                    part[member].setdefault(each, [])
    return model
