"""Two thousand peers at once."""

from __future__ import annotations

import asyncio
import resource
from collections import defaultdict
from collections.abc import Iterator
from typing import cast

import pytest
from google.protobuf.wrappers_pb2 import Int32Value
from mesos_messenger import UPID, Encoder, Messenger
from messenger_helpers import Calls

PEERS = 2000
EACH = 100


@pytest.fixture
def many_files() -> Iterator[None]:
    """Two open files a peer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * PEERS + 500
    if hard != resource.RLIM_INFINITY and hard < needed:
        pytest.fail(f"needs {needed} open files: ulimit -n {needed}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class _Peer(asyncio.Protocol):
    """Counts the answers it gets."""

    def __init__(self) -> None:
        self.answers = 0
        self.transport: asyncio.Transport
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.answers += data.count(b"\r\n\r\n")
        if self.answers >= EACH:
            self.done.set_result(None)


async def _send(target: UPID) -> None:
    loop = asyncio.get_running_loop()
    peers: list[_Peer] = []
    for _ in range(PEERS):
        _, peer = await loop.create_connection(_Peer, *target.address)
        peers.append(peer)
    bodies = [Int32Value(value=number).SerializeToString() for number in range(EACH)]
    for index, peer in enumerate(peers):
        sender = UPID(f"peer({index})", "127.0.0.1", 1 + index)
        encoder = Encoder(sender, target, "google.protobuf.Int32Value")
        peer.transport.write(b"".join(map(encoder.encode, bodies)))
    await asyncio.gather(*(peer.done for peer in peers))
    for peer in peers:
        peer.transport.abort()
    await asyncio.sleep(0.01)


@pytest.mark.usefixtures("many_files")
def test_messages_of_many_peers_all_arrive_in_order_for_each() -> None:
    came: defaultdict[str, list[int]] = defaultdict(list)
    failed = Calls()
    with Messenger("target", bind="127.0.0.1:0") as target:
        target.install(Int32Value, lambda sender, message: came[sender.id].append(message.value))
        asyncio.run(_send(target.upid))
        total = target.snapshot().total
        assert total.messages_in == PEERS * EACH and total.slow == 0 and not total.drops
        assert len(target.snapshot().peers) == PEERS
    assert len(came) == PEERS and failed.calls == []
    assert all(numbers == list(range(EACH)) for numbers in came.values())
