"""What peers say over real sockets and about themselves: nonsense, broken text, wrong addresses."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from typing import Any

import pytest
from local_helpers import framework_info
from local_samples import UUID, Call
from mesos_local import LocalCluster
from mesos_local._shell import SessionShell
from mesos_local._wire import Link, Send
from mesos_messenger import UPID, Encoder, Messenger
from mesos_messenger.testing import MemoryNetwork
from mesos_proto.v0 import authentication_pb2
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v1 import scheduler_pb2 as v1_scheduler


def post(pid: str, name: str, body: bytes, sender: str = "") -> None:
    """Send a message's bytes to a process; as from nobody in particular unless told."""
    upid = UPID.parse(pid)
    source = UPID.parse(sender or "evil@127.0.0.1:9")
    with socket.create_connection(upid.address, 10) as connection:
        connection.sendall(Encoder(source, upid, name).encode(body))
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(10)
        while connection.recv(1000):
            pass


def show(pid: str, path: str) -> dict[str, Any]:
    """Give what a process shows."""
    with urllib.request.urlopen(f"http://{pid.partition('@')[2]}{path}", timeout=20) as response:
        shown: dict[str, Any] = json.load(response)
    return shown


def test_over_sockets_master_and_agent_live_on(cluster: LocalCluster) -> None:
    master, agent = cluster.master, cluster.agents[0]
    call = Call(type=Call.SUBSCRIBE)
    call.subscribe.framework_info.CopyFrom(framework_info(name="caf\x02"))
    body = call.SerializeToString()
    broken = body.replace(b"caf\x02", b"caf\xe9")
    for each in (b"\xff" * 30, body[:-1], broken):
        post(master.pid, "mesos.scheduler.Call", each)
    # Who to answer is read from the message: neither a wrong address nor one to be looked up harms.
    for pid in ("", "x", "caf\ufffd@a:5", "x@no-such-host.invalid:5", "a b\r\n@1.2.3.4:5"):
        message = internal.StatusUpdateMessage(pid=pid)
        status = mesos.TaskStatus(task_id=mesos.TaskID(value="t"), state=mesos.TASK_RUNNING)
        update = internal.StatusUpdate(
            framework_id=mesos.FrameworkID(value="f"), status=status, timestamp=0.0, uuid=UUID
        )
        message.update.CopyFrom(update)
        for part in (master, agent):
            post(part.pid, "mesos.internal.StatusUpdateMessage", message.SerializeToString())
    known = show(master.pid, "/frameworks")
    names = [each["name"] for key in ("frameworks", "completed_frameworks") for each in known[key]]
    assert "caf\ufffd" in names
    assert show(agent.pid, "/state")["pid"] == agent.pid
    assert master.messenger.snapshot().total.drops.get("bad_message") == 2
    assert (master.messenger.handler_failures, agent.messenger.handler_failures) == (0, 0)


def test_a_call_over_http_with_broken_text_is_refused(cluster: LocalCluster) -> None:
    call = v1_scheduler.Call(type=v1_scheduler.Call.SUBSCRIBE)
    call.subscribe.framework_info.user, call.subscribe.framework_info.name = "u", "caf\x02"
    body = call.SerializeToString().replace(b"caf\x02", b"caf\xe9")
    request = urllib.request.Request(
        f"http://{cluster.master_address}/api/v1/scheduler",
        body,
        {"Content-Type": "application/x-protobuf", "Accept": "application/x-protobuf"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=20)
    with refused.value as answer:
        assert answer.status == 400


def test_a_wrong_address_stops_nothing_that_comes_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: pytest.fail("a peer's address was looked up"))
    heard: list[str] = []
    with MemoryNetwork() as network:
        shelled = Messenger("master", endpoint=network.endpoint("10.0.0.1:5050"))
        other = Messenger("other", endpoint=network.endpoint("10.0.0.2:9"))
        shelled.start()
        other.start()
        other.install(internal.PongSlaveMessage, lambda sender, _: heard.append(str(sender)))
        wrong = ("", "x", "x@host.invalid:5", "@1.2.3.4:5", "a\0b", "caf\ufffd@:1")
        ping = internal.PingSlaveMessage
        shell = SessionShell(
            shelled,
            lambda event, now: [
                *(Send(to, internal.PongSlaveMessage()) for to in wrong),
                *(Link(to) for to in wrong),
                Send(str(other.upid), internal.PongSlaveMessage()),
            ],
            lambda command: None,
            [ping],
        )
        other.send(shelled.upid, ping(connected=True))
        network.run()
        assert heard == [str(shelled.upid)]
        assert shell.dropped == len(wrong)
        other.send(shelled.upid, ping(connected=True), sender=UPID("nobody", "0.0.0.0", 0))
        network.run()
        assert heard == [str(shelled.upid)]
        assert shell.dropped == len(wrong) + 1
        assert shelled.handler_failures == 0


def test_attempts_to_authenticate_for_nobody_are_not_remembered(cluster: LocalCluster) -> None:
    name = authentication_pb2.AuthenticateMessage.DESCRIPTOR.full_name
    master = cluster.master
    for pid in ("", "x", "x@host.invalid:5", "@1.2.3.4:5", "y" * 100_000):
        message = authentication_pb2.AuthenticateMessage(pid=pid)
        post(master.pid, name, message.SerializeToString())
    show(master.pid, "/version")
    assert master.session.state.authenticating == {}
