"""What the masters of a cluster know for good: who leads, and which agents there are, were or will not be.

It stands for upstream's replicated log. The text is the JSON form of upstream's `Registry` message
(src/master/registry.proto), which a real master shows at `/registrar(1)/registry`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mesos_proto import json as messages
from mesos_proto.v0 import mesos_pb2 as mesos

from ..errors import RegistryError

__all__ = ["Registry", "RegistryText", "read"]


@dataclass(frozen=True, slots=True)
class Registry:
    """`agents` are admitted; those of `unreachable` and `gone` come with when they became so (epoch)."""

    master: mesos.MasterInfo | None = None
    agents: tuple[mesos.SlaveInfo, ...] = ()
    unreachable: Mapping[str, float] = field(default_factory=dict)
    gone: Mapping[str, float] = field(default_factory=dict)


class RegistryText:
    """Writes registries as text, and remembers how each agent is written."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}

    def write(self, registry: Registry) -> str:
        """Give the text of a registry."""
        infos = {info.SerializeToString(): info for info in registry.agents}
        self._known = {
            key: self._known.get(key) or json.dumps({"info": messages.to_dict(info, defaults=False)})
            for key, info in infos.items()
        }
        master = (
            {} if registry.master is None else {"info": messages.to_dict(registry.master, defaults=False)}
        )
        agents = ",\n  ".join(self._known.values())
        return (
            f'{{"master": {json.dumps(master)},\n"slaves": {{"slaves": [\n  {agents}]}},\n'
            f'"unreachable": {json.dumps(_dated(registry.unreachable))},\n'
            f'"gone": {json.dumps(_dated(registry.gone))}}}\n'
        )


def _dated(agents: Mapping[str, float]) -> dict[str, Any]:
    return {
        "slaves": [
            {"id": {"value": each}, "timestamp": {"nanoseconds": round(time * 1e6) * 1000}}
            for each, time in agents.items()
        ]
    }


def read(text: str) -> Registry:
    """Read a registry from its text. Raises RegistryError."""
    try:
        model = json.loads(text)
        master = model["master"].get("info")
        agents = tuple(
            messages.from_dict(mesos.SlaveInfo, each["info"]) for each in model["slaves"]["slaves"]
        )
        if not all(each.id.value for each in agents):
            raise ValueError("an agent has no id")
        return Registry(
            None if master is None else messages.from_dict(mesos.MasterInfo, master),
            agents,
            _times(model["unreachable"]),
            _times(model["gone"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RegistryError(f"it makes no sense: {type(error).__name__}: {error}") from error


def _times(model: dict[str, Any]) -> dict[str, float]:
    return {
        str(each["id"]["value"]): int(each["timestamp"]["nanoseconds"]) // 1000 / 1e6
        for each in model["slaves"]
    }
