"""What has gone in and out: per peer, in total, and what was dropped, by reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

from .upid import Address

__all__ = ["Drop", "Metrics", "PeerMetrics", "PeerSnapshot", "Snapshot"]


class Drop(Enum):
    """Why a message, a connection or a request was not taken further."""

    QUEUE_FULL = "queue_full"
    CONNECT_FAILED = "connect_failed"
    CONNECTION_LOST = "connection_lost"
    NO_PROCESS = "no_process"
    NO_HANDLER = "no_handler"
    BAD_MESSAGE = "bad_message"
    BAD_RECIPIENT = "bad_recipient"
    WRONG_ADDRESS = "wrong_address"
    BAD_REQUEST = "bad_request"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    TOO_MANY = "too_many_connections"
    CUT_SHORT = "cut_short"
    TLS = "tls"


class PeerMetrics:
    """The counters of one peer; written by the loop's thread, `drop` by any."""

    __slots__ = ("bytes_in", "bytes_out", "drops", "messages_in", "messages_out", "slow")

    def __init__(self) -> None:
        self.messages_in = 0
        self.bytes_in = 0
        self.messages_out = 0
        self.bytes_out = 0
        self.slow = 0
        self.drops: Counter[Drop] = Counter()

    def drop(self, reason: Drop, count: int = 1) -> None:
        """Count what was dropped."""
        self.drops[reason] += count

    def add(self, other: PeerMetrics) -> None:
        """Add the counters of another."""
        self.messages_in += other.messages_in
        self.bytes_in += other.bytes_in
        self.messages_out += other.messages_out
        self.bytes_out += other.bytes_out
        self.slow += other.slow
        self.drops.update(other.drops)


@dataclass(frozen=True, slots=True)
class PeerSnapshot:
    """One peer's counters at one moment; `queued` is in bytes."""

    messages_in: int
    bytes_in: int
    messages_out: int
    bytes_out: int
    slow: int
    queued: int
    drops: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All counters at one moment; `slow` is how many messages and requests took the slow path."""

    total: PeerSnapshot
    peers: dict[Address, PeerSnapshot]
    connections_in: int
    connections_out: int
    connections_stalled: int
    """Inbound ones that are not read from until their peers read the answers."""
    connections_incomplete: int
    """Inbound ones that have sent a message or request in part."""

    def flat(self) -> dict[str, float]:
        """Return the form of Mesos's `/metrics/snapshot`: one flat map of names to numbers."""
        total = self.total
        values: dict[str, float] = {
            "messenger/messages_received": total.messages_in,
            "messenger/messages_sent": total.messages_out,
            "messenger/bytes_received": total.bytes_in,
            "messenger/bytes_sent": total.bytes_out,
            "messenger/queued_bytes": total.queued,
            "messenger/slow_path": total.slow,
            "messenger/connections_in": self.connections_in,
            "messenger/connections_out": self.connections_out,
            "messenger/connections_stalled": self.connections_stalled,
            "messenger/connections_incomplete": self.connections_incomplete,
        }
        for reason in Drop:
            values[f"messenger/dropped/{reason.value}"] = total.drops.get(reason.value, 0)
        for (ip, port), peer in self.peers.items():
            prefix = f"messenger/peers/{ip}:{port}"
            values[f"{prefix}/messages_received"] = peer.messages_in
            values[f"{prefix}/messages_sent"] = peer.messages_out
            values[f"{prefix}/bytes_received"] = peer.bytes_in
            values[f"{prefix}/bytes_sent"] = peer.bytes_out
            values[f"{prefix}/queued_bytes"] = peer.queued
            values[f"{prefix}/dropped"] = sum(peer.drops.values())
        return values


def freeze(peer: PeerMetrics, queued: int) -> PeerSnapshot:
    """Return a peer's counters as they are now."""
    drops = {reason.value: count for reason, count in peer.drops.copy().items()}
    return PeerSnapshot(
        peer.messages_in, peer.bytes_in, peer.messages_out, peer.bytes_out, peer.slow, queued, drops
    )


class Metrics:
    """The counters of an endpoint. Peers beyond `most` are counted together."""

    def __init__(self, most: int = 4096) -> None:
        self._most = most
        self.inbound: dict[Address, PeerMetrics] = {}
        self.others = PeerMetrics()
        """What cannot be told to belong to a peer, or has been folded together."""

    def inbound_of(self, address: Address) -> PeerMetrics:
        """Return the counters for what an address sends."""
        found = self.inbound.get(address)
        if found is None:
            if len(self.inbound) >= self._most:
                return self.others
            found = self.inbound[address] = PeerMetrics()
        return found

    def snapshot(
        self, outbound: dict[Address, tuple[PeerMetrics, int]], connections: tuple[int, int, int, int]
    ) -> Snapshot:
        """Return all counters.

        `outbound` has those of what is sent, and how many bytes are queued; `connections` how many there
        are: inbound, outbound, stalled, incomplete.
        """
        total, queued_total = PeerMetrics(), 0
        total.add(self.others)
        peers: dict[Address, PeerSnapshot] = {}
        inbound = dict(self.inbound)
        for address in [*inbound, *(key for key in outbound if key not in inbound)]:
            both, queued = PeerMetrics(), 0
            if address in inbound:
                both.add(inbound[address])
            if address in outbound:
                both.add(outbound[address][0])
                queued = outbound[address][1]
            peers[address] = freeze(both, queued)
            total.add(both)
            queued_total += queued
        return Snapshot(freeze(total, queued_total), peers, *connections)
