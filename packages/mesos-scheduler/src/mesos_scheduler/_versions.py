"""Which master understands what."""

from __future__ import annotations

import re

from mesos_proto.v1 import mesos_pb2 as v1

from .errors import UnsupportedByMaster

Version = tuple[int, int]

CALLS_SINCE: Version = (0, 24)
"""The first master for which `mesos.scheduler.Call` serves for everything."""

ACCEPT_CALL_SINCE: Version = (0, 23)
"""The first master whose ACCEPT call has today's numbers."""

ACKNOWLEDGED_BY_MASTER_SINCE: Version = (0, 20)
"""The first master that takes acknowledgements; before, agents do."""

UNKNOWN: Version = (0, 20)
"""What is assumed of a master that names no version: nothing that 0.22 does not know."""

SUPPRESS: Version = (0, 25)
INVERSE_OFFERS: Version = (0, 25)
ROLES: Version = (1, 2)
UPDATE_FRAMEWORK: Version = (1, 9)

OPERATIONS: dict[int, Version] = {
    v1.Offer.Operation.LAUNCH: (0, 19),
    v1.Offer.Operation.RESERVE: (0, 23),
    v1.Offer.Operation.UNRESERVE: (0, 23),
    v1.Offer.Operation.CREATE: (0, 23),
    v1.Offer.Operation.DESTROY: (0, 23),
    v1.Offer.Operation.LAUNCH_GROUP: (1, 1),
    v1.Offer.Operation.GROW_VOLUME: (1, 6),
    v1.Offer.Operation.SHRINK_VOLUME: (1, 6),
    v1.Offer.Operation.CREATE_DISK: (1, 7),
    v1.Offer.Operation.DESTROY_DISK: (1, 7),
}
"""The first master that knows an operation of an offer."""


def parse_version(text: str) -> Version:
    """Read the first two numbers of a version such as "1.11.0-rc1"; `UNKNOWN` when there are none."""
    match = re.match(r"(\d+)\.(\d+)", text)
    return UNKNOWN if match is None else (int(match[1]), int(match[2]))


def require(what: str, since: Version, master: Version) -> None:
    """Raise `UnsupportedByMaster` when the master is older than `since`."""
    if master < since:
        raise UnsupportedByMaster(
            f"{what} needs a master of Mesos {since[0]}.{since[1]} or newer; the leading one "
            + ("names no version" if master == UNKNOWN else f"is {master[0]}.{master[1]}")
        )
