"""The messenger alone against a real libprocess: bytes, answers, links, and messages no driver sends."""

from __future__ import annotations

import getpass
import http.client
import queue
import socket
from collections.abc import Iterator

import pytest
from google.protobuf.message import Message
from mesos_messenger import UPID, Encoder, Messenger
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as messages
from mesos_proto.v0 import scheduler_pb2
from realmesos import Agent, Master
from realmesos.framework import WAIT
from realmesos.process import wait_for

pytestmark = pytest.mark.ci

HEARD = (
    messages.FrameworkRegisteredMessage,
    messages.FrameworkReregisteredMessage,
    messages.FrameworkErrorMessage,
    messages.ResourceOffersMessage,
    messages.RescindResourceOfferMessage,
    messages.StatusUpdateMessage,
)


class Peer:
    """A process that speaks to a master message by message, and remembers what it hears."""

    def __init__(self, master: Master) -> None:
        self.master = UPID.parse(f"master@{master.address}")
        self.heard: queue.Queue[Message] = queue.Queue()
        self.exited: queue.Queue[UPID] = queue.Queue()
        self.messenger = Messenger("peer(1)", bind="127.0.0.1:0", environ={})
        for kind in HEARD:
            self.messenger.install(kind, lambda sender, message: self.heard.put(message))
        self.messenger.start()

    def subscribe(self, framework_id: str = "", force: bool = False) -> None:
        call = scheduler_pb2.Call(type=scheduler_pb2.Call.SUBSCRIBE)
        info = call.subscribe.framework_info
        info.user, info.name, info.failover_timeout = getpass.getuser(), "peer", 600
        if framework_id:
            info.id.value = call.framework_id.value = framework_id
            call.subscribe.force = force
        self.messenger.send(self.master, call)

    def hear(self, kind: type[Message]) -> Message:
        """Return the next message, which must be of that type."""
        message = self.heard.get(timeout=WAIT)
        assert isinstance(message, kind), message
        return message

    def registered(self) -> str:
        message = self.hear(messages.FrameworkRegisteredMessage)
        assert isinstance(message, messages.FrameworkRegisteredMessage)
        return message.framework_id.value


@pytest.fixture
def peer(real_master: Master) -> Iterator[Peer]:
    peer = Peer(real_master)
    yield peer
    peer.messenger.stop()


def test_subscribing_again_from_the_same_process(peer: Peer) -> None:
    peer.subscribe()
    framework_id = peer.registered()

    peer.subscribe()
    assert peer.registered() == framework_id  # without an id: the same answer again
    peer.subscribe(framework_id)
    peer.hear(messages.FrameworkReregisteredMessage)
    peer.subscribe(framework_id, force=True)
    assert peer.registered() == framework_id


def test_offers_are_rescinded_before_the_second_answer(peer: Peer, real_agent: Agent) -> None:
    peer.subscribe()
    framework_id = peer.registered()
    offers = peer.hear(messages.ResourceOffersMessage)
    assert isinstance(offers, messages.ResourceOffersMessage)
    assert list(offers.pids) == [f"slave(1)@{real_agent.address}"]

    peer.subscribe(framework_id)
    rescinded = peer.hear(messages.RescindResourceOfferMessage)
    assert isinstance(rescinded, messages.RescindResourceOfferMessage)
    assert rescinded.offer_id == offers.offers[0].id
    peer.hear(messages.FrameworkReregisteredMessage)


def test_the_legacy_messages_are_still_heard(peer: Peer) -> None:
    info = mesos.FrameworkInfo(user=getpass.getuser(), name="legacy", failover_timeout=600)
    peer.messenger.send(peer.master, messages.RegisterFrameworkMessage(framework=info))
    info.id.value = peer.registered()
    again = messages.ReregisterFrameworkMessage(framework=info, failover=False)
    peer.messenger.send(peer.master, again)
    peer.hear(messages.FrameworkReregisteredMessage)
    peer.messenger.send(peer.master, messages.UnregisterFrameworkMessage(framework_id=info.id))
    peer.messenger.send(peer.master, messages.ReregisterFrameworkMessage(framework=info, failover=True))
    error = peer.hear(messages.FrameworkErrorMessage)
    assert isinstance(error, messages.FrameworkErrorMessage)
    assert error.message == "Framework has been removed"


def test_a_newcomer_without_force_is_refused(peer: Peer, real_master: Master) -> None:
    peer.subscribe()
    framework_id = peer.registered()
    newcomer = Peer(real_master)
    try:
        newcomer.subscribe(framework_id)
        error = newcomer.hear(messages.FrameworkErrorMessage)
        assert isinstance(error, messages.FrameworkErrorMessage)
        assert error.message == "Framework failed over"
    finally:
        newcomer.messenger.stop()


def test_a_burst_is_answered_to_the_last_and_in_order(peer: Peer) -> None:
    peer.subscribe()
    framework_id = peer.registered()
    names = [f"task-{number}" for number in range(2000)]
    for name in names:
        call = scheduler_pb2.Call(type=scheduler_pb2.Call.RECONCILE)
        call.framework_id.value = framework_id
        call.reconcile.tasks.add().task_id.value = name
        peer.messenger.send(peer.master, call)

    heard = []
    for _ in names:
        update = peer.hear(messages.StatusUpdateMessage)
        assert isinstance(update, messages.StatusUpdateMessage)
        heard.append(update.update.status.task_id.value)
    assert heard == names


def test_a_link_tells_of_the_masters_death(peer: Peer, real_master: Master) -> None:
    peer.messenger.link(peer.master, peer.exited.put)
    peer.subscribe()
    peer.registered()

    real_master.kill()
    assert peer.exited.get(timeout=WAIT) == peer.master


def test_the_master_misses_a_scheduler_that_is_gone(peer: Peer, real_master: Master) -> None:
    peer.subscribe()
    peer.registered()
    peer.messenger.stop()

    def disconnected() -> bool:
        state = real_master.state()
        return state is not None and [each["connected"] for each in state["frameworks"]] == [False]

    wait_for("the master notices", disconnected)


def ask(master: Master, data: bytes) -> tuple[int, bytes]:
    """Send bytes on a connection of their own; return status and body of the answer."""
    with socket.create_connection(("127.0.0.1", master.port), timeout=WAIT) as connection:
        connection.sendall(data)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, response.read()


def test_what_libprocess_answers(real_master: Master) -> None:
    def message(recipient: str, name: str) -> bytes:
        upid = UPID(recipient, "127.0.0.1", real_master.port)
        return Encoder(UPID("nobody", "127.0.0.1", 1), upid, name).encode(b"body")

    assert ask(real_master, message("master", "mesos.internal.NoSuchMessage")) == (202, b"")
    assert ask(real_master, message("nobody", "mesos.internal.PingSlaveMessage"))[0] == 404
    # Percent-encoded is the same to a receiver, though nobody sends it.
    assert ask(real_master, message("m%61ster", "mesos.internal.NoSuchMessage")) == (202, b"")
    # A known message that does not parse is taken, and dropped.
    assert ask(real_master, message("master", "mesos.internal.RegisterSlaveMessage")) == (202, b"")
    assert real_master.alive


@pytest.mark.parametrize("framing", ["chunked", "length", "pieces"])
def test_every_framing_is_understood(peer: Peer, real_master: Master, framing: str) -> None:
    call = scheduler_pb2.Call(type=scheduler_pb2.Call.SUBSCRIBE)
    call.subscribe.framework_info.user = getpass.getuser()
    call.subscribe.framework_info.name = framing
    body = call.SerializeToString()
    head = (
        f"POST /master/mesos.scheduler.Call HTTP/1.1\r\nLibprocess-From: {peer.messenger.upid}\r\nHost: x\r\n"
    ).encode()
    if framing == "length":
        data = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    else:
        size = len(body) if framing == "chunked" else 1
        parts = [body[start : start + size] for start in range(0, len(body), size)]
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
        data = head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"

    assert ask(real_master, data)[0] == 202
    assert peer.registered()
