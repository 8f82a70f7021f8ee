"""What can be set about an endpoint, beyond its addresses."""

from __future__ import annotations

from dataclasses import dataclass, field

from ._route import Overflow
from .codec import HostHeader, Limits

__all__ = ["Options"]


@dataclass(frozen=True, slots=True)
class Options:
    """Limits and habits of an endpoint. Sizes in bytes, times in seconds."""

    limits: Limits = field(default_factory=Limits)
    """What one inbound connection may make us hold."""
    queue_limit: int = 64 * 1024 * 1024
    """How much may wait for one peer, from `send` until the kernel takes it."""
    overflow: Overflow = Overflow.WAIT
    """What `send` does beyond that."""
    host_header: HostHeader = HostHeader.ADDRESS
    respond: bool = True
    """Whether messages are answered (202, 404); Mesos before 0.19 did not expect it."""
    max_connections: int = 16384
    """Inbound connections beyond this are closed at once."""
    connect_timeout: float = 30.0
    idle_timeout: float = 60.0
    """After how long without use the connection to a peer that is not linked is closed."""
    request_timeout: float = 600.0
    """After how long a message or request that stays incomplete closes its connection.
    Connections that are idle between messages are never closed."""
    require_peer_address_ip_match: bool | None = None
    """Refuse messages whose sender's UPID has not the connection's address;
    None: as LIBPROCESS_REQUIRE_PEER_ADDRESS_IP_MATCH says."""
    uvloop: bool = True
    """Use uvloop where it is installed."""
