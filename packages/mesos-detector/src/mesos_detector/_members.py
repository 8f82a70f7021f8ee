"""The masters' group in ZooKeeper: which children are members, who is first, what they say.

Names follow src/zookeeper/group.cpp: the sequence number is what follows the last `_`, or the entire name;
the label is what precedes the first `_`. The lowest sequence number leads, over all labels together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mesos_proto.v0 import mesos_pb2

from mesos_detector._payload import GarbageError, info_from_bytes, info_from_json, info_from_pid

JSON_LABEL: Final = "json.info"
BINARY_LABEL: Final = "info"

_SEQUENCE = re.compile(r"-?[0-9]{1,10}")
_MAX_MEMBERS = 1000


@dataclass(frozen=True, slots=True, order=True)
class Member:
    """A member of the group; ordered by sequence number."""

    sequence: int
    name: str

    @property
    def label(self) -> str | None:
        """What says how the node's data is written; None for the oldest form."""
        head, separator, _ = self.name.partition("_")
        return head if separator else None


def members_of(names: Iterable[str]) -> list[Member]:
    """Return the members among the children of the group's node, first comes first."""
    found = []
    for name in names:
        text = name.rpartition("_")[2]
        if _SEQUENCE.fullmatch(text) and -(2**31) <= int(text) < 2**31:
            found.append(Member(int(text), name))
    return sorted(found)[:_MAX_MEMBERS]


def read_member(member: Member, data: bytes) -> mesos_pb2.MasterInfo:
    """Decode a member's node; raise GarbageError when it does not describe a master."""
    if member.label is None:
        return info_from_pid(data)
    if member.label == JSON_LABEL:
        return info_from_json(data)
    if member.label == BINARY_LABEL:
        return info_from_bytes(data)
    raise GarbageError(f"unknown label {member.label!r}")
