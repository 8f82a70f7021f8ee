"""What the v0 scheduler driver can take.

    python benchmarks/driver.py [--json] [--updates 200000]

Status updates go through everything: a socket, the decoder, the session, the callback on its own thread,
and an acknowledgement back through a socket. The master is a process of its own, which sends them over one
connection in the bytes of Mesos 1.11.0 (empty Host header), keeps a number of them in flight, and answers
each acknowledgement. Its messages are made beforehand, so that it costs little of the machine. Figures:

    updates_per_s          updates a second with 1,000 in flight, and p50_us, p99_us from socket to callback
    updates_per_s_64       the same with 64 in flight, p50_us_64, p99_us_64
    updates_per_s_metrics  the same as the first inside the metrics middleware, with histograms of times
    tasks_per_s            tasks launched a second, ten to an offer
    decode_10k_offers_ms   one message with the offers of 10,000 agents, from bytes to event
    rss_mb_100k_tasks      memory that 100,000 known tasks take
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import select
import socket
import struct
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from google.protobuf.message import Message
from mesos_messenger import UPID, Encoder, HostHeader
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v1 import mesos_pb2 as v1
from mesos_scheduler import MesosSchedulerDriver, Scheduler, SchedulerDriver, commands
from mesos_scheduler.extras.handlers import chain, intercept
from mesos_scheduler.extras.metrics import SchedulerMetrics
from mesos_scheduler.session import SchedulerSession

FRAMEWORK_ID = "0e5d1a1c-6a43-4a7c-9fd2-3a3d0e3f6b11-0000"
AGENT_ID = "0e5d1a1c-6a43-4a7c-9fd2-3a3d0e3f6b11-S0"
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
CALL = b" HTTP/1.1\r\n"  # once in each request
TASKS_PER_OFFER = 10
TERMINAL_EVERY = 2


# The master: a process that does as little as it can.


def status_update(number: int) -> internal.StatusUpdateMessage:
    """Make the update that an agent's executor causes; each task is running, then finished."""
    message = internal.StatusUpdateMessage(pid="slave(1)@127.0.0.1:5051")
    update = message.update
    update.framework_id.value = FRAMEWORK_ID
    update.executor_id.value = "default"
    update.slave_id.value = AGENT_ID
    update.timestamp = 1.0
    update.uuid = struct.pack(">QBBBBI", number, 0x40, 0, 0x80, 0, number & 0xFFFFFFFF)
    update.latest_state = v0.TASK_RUNNING
    status = update.status
    status.task_id.value = f"task-{number // TERMINAL_EVERY:08d}"
    status.state = v0.TASK_FINISHED if number % TERMINAL_EVERY else v0.TASK_RUNNING
    status.slave_id.value = AGENT_ID
    status.executor_id.value = "default"
    status.source = v0.TaskStatus.SOURCE_EXECUTOR
    status.uuid = update.uuid
    status.timestamp = 1.0
    network = status.container_status.network_infos.add()
    network.ip_addresses.add(protocol=v0.NetworkInfo.IPv4, ip_address="127.0.0.1")
    status.container_status.container_id.value = "7d1b0a0e-5e0f-4f0c-8d53-0a5d5f9b8a10"
    return message


def offers(count: int) -> internal.ResourceOffersMessage:
    """Make the offers of that many agents in one message."""
    message = internal.ResourceOffersMessage()
    for number in range(count):
        offer = message.offers.add(hostname=f"agent{number}.example.org")
        offer.id.value = f"0e5d1a1c-6a43-4a7c-9fd2-3a3d0e3f6b11-O{number}"
        offer.framework_id.value = FRAMEWORK_ID
        offer.slave_id.value = f"0e5d1a1c-6a43-4a7c-9fd2-3a3d0e3f6b11-S{number}"
        for name, value in (("cpus", 64.0), ("mem", 262144.0), ("disk", 1e6)):
            made = offer.resources.add(name=name, type=v0.Value.SCALAR)
            made.scalar.value = value
            made.allocation_info.role = "*"
        ports = offer.resources.add(name="ports", type=v0.Value.RANGES)
        ports.ranges.range.add(begin=31000, end=32000)
        offer.attributes.add(name="rack", type=v0.Value.TEXT).text.value = f"r{number % 40}"
        message.pids.append(f"slave(1)@10.0.{number >> 8}.{number & 255}:5051")
    return message


class Master:
    """Registers one scheduler and then floods it, over plain sockets."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.upid = UPID("master", "127.0.0.1", self.listener.getsockname()[1])

    def register(self) -> None:
        """Wait for the scheduler and answer its SUBSCRIBE."""
        while True:
            self.inbound, _ = self.listener.accept()
            data = b""
            while b"\r\n0\r\n\r\n" not in data:
                more = self.inbound.recv(65536)
                if not more:
                    break
                data += more
            if data.startswith(b"POST /master/mesos.scheduler.Call ") or b"RegisterFramework" in data:
                break
            self.inbound.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self.inbound.close()
        self.inbound.sendall(ACCEPTED)
        sender = data.split(b"Libprocess-From: ")[1].split(b"\r\n")[0].decode()
        self.scheduler = UPID.parse(sender)
        self.outbound = socket.create_connection(self.scheduler.address)
        for end in (self.inbound, self.outbound):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        info = v0.MasterInfo(id="m", ip=0, port=self.upid.port, version="1.11.0", hostname="localhost")
        registered = internal.FrameworkRegisteredMessage(
            framework_id=v0.FrameworkID(value=FRAMEWORK_ID), master_info=info
        )
        self.outbound.sendall(self.encode(registered))

    def encode(self, message: Message) -> bytes:
        """Write a message as libprocess does."""
        encoder = Encoder(self.upid, self.scheduler, message.DESCRIPTOR.full_name, host=HostHeader.EMPTY)
        return b"".join(encoder.pieces(message.SerializeToString()))

    def flood(self, messages: Sequence[bytearray], stamps: Sequence[Sequence[int]], window: int) -> float:
        """Send all messages, with at most `window` of them unanswered; return the seconds it took."""
        self.inbound.setblocking(False)
        self.outbound.setblocking(False)
        began = time.monotonic()
        sent = answered = 0
        pending = memoryview(b"")
        tail = b""
        total = len(messages)
        while answered < total:
            if not pending and sent < total and sent - answered < window:
                upto = min(total, sent + window - (sent - answered))
                now = struct.pack("<d", time.monotonic())
                for index in range(sent, upto):
                    for offset in stamps[index]:
                        messages[index][offset : offset + 8] = now
                pending = memoryview(b"".join(messages[sent:upto]))
                sent = upto
            ready, writable, _ = select.select(
                [self.inbound, self.outbound], [self.outbound] if pending else [], [], 10
            )
            if not ready and not writable:
                raise TimeoutError(f"{answered} of {total} answered")
            if writable:
                pending = pending[self.outbound.send(pending) :]
            if self.outbound in ready:
                self.outbound.recv(1 << 20)
            if self.inbound in ready:
                data = tail + self.inbound.recv(1 << 20)
                count = data.count(CALL)
                answered += count
                tail = data[-len(CALL) + 1 :]
                if count:
                    self.inbound.setblocking(True)
                    self.inbound.sendall(ACCEPTED * count)
                    self.inbound.setblocking(False)
        return time.monotonic() - began


def stamped(
    message: internal.StatusUpdateMessage, encode: Callable[[Message], bytes]
) -> tuple[bytearray, list[int]]:
    """Return a message's bytes, and where its times stand in them."""
    mark = struct.pack("<d", 1234567.0625)
    message.update.status.timestamp = message.update.timestamp = 1234567.0625
    data = bytearray(encode(message))
    first = data.find(mark)
    return data, [first, data.find(mark, first + 8)]


def run_master(pipe: Connection) -> None:
    """Serve one benchmark: ("updates", count, window) or ("offers", count, window)."""
    master = Master()
    pipe.send(master.upid.port)
    what, count, window = pipe.recv()
    master.register()
    pipe.recv()
    messages: list[bytearray] = []
    stamps: list[Sequence[int]] = []
    if what == "updates":
        for number in range(count):
            data, where = stamped(status_update(number), master.encode)
            messages.append(data)
            stamps.append(where)
    else:
        for number in range(count):
            message = offers(1)
            message.offers[0].id.value = f"O{number}"
            messages.append(bytearray(master.encode(message)))
            stamps.append(())
    pipe.send(master.flood(messages, stamps, window))
    pipe.recv()


# The scheduler.


class Counting(Scheduler):
    """Counts updates and how long each took from the socket; launches tasks on offers."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe
        self.waits: list[float] = []
        self.task = v1.TaskInfo(
            name="task",
            resources=[v1.Resource(name="cpus", type=v1.Value.SCALAR, scalar=v1.Value.Scalar(value=0.1))],
            command=v1.CommandInfo(value="true"),
        )

    def registered(
        self, driver: SchedulerDriver, framework_id: v1.FrameworkID, master_info: v1.MasterInfo
    ) -> None:
        self.pipe.send("go")

    def status_update(self, driver: SchedulerDriver, status: v1.TaskStatus) -> None:
        self.waits.append(time.monotonic() - status.timestamp)

    def resource_offers(self, driver: SchedulerDriver, offers: Sequence[v1.Offer]) -> None:
        for offer in offers:
            tasks = []
            for number in range(TASKS_PER_OFFER):
                task = v1.TaskInfo()
                task.CopyFrom(self.task)
                task.task_id.value = f"{offer.id.value}-{number}"
                task.agent_id.value = offer.agent_id.value
                tasks.append(task)
            driver.launch_tasks(offer.id, tasks)


@dataclass(frozen=True)
class Run:
    """One run's seconds, and the waits of its updates."""

    seconds: float
    waits: list[float]

    def percentile(self, share: float) -> float:
        """Return a wait in microseconds."""
        return sorted(self.waits)[int(len(self.waits) * share)] * 1e6


def run(what: str, count: int, window: int, *, metrics: SchedulerMetrics | None = None) -> Run:
    """Run a driver against a master in another process, with or without metrics."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=run_master, args=(theirs,))
    process.start()
    port = ours.recv()
    ours.send((what, count, window))
    scheduler = Counting(ours)
    framework = v1.FrameworkInfo(name="benchmark", user="nobody", failover_timeout=60)
    outermost: Scheduler = scheduler if metrics is None else chain(metrics.events)(scheduler)
    driver = MesosSchedulerDriver(outermost, framework, f"127.0.0.1:{port}", bind="127.0.0.1:0")
    if metrics is not None:
        intercept(driver, metrics.calls)
    driver.start()
    seconds = float(ours.recv())
    driver.stop(failover=True)
    driver.join()
    ours.send("end")
    process.join()
    return Run(seconds, scheduler.waits)


def decode_offers(agents: int) -> float:
    """Return the milliseconds that the offers of many agents take, from bytes to event."""
    master = UPID("master", "10.0.0.1", 5050)
    session = SchedulerSession(v1.FrameworkInfo(name="benchmark", user="nobody", failover_timeout=60))
    session.handle(commands.Start(), 0)
    info = v0.MasterInfo(id="m", ip=0, port=5050, version="1.11.0")
    session.handle(commands.MasterDetected(master, info), 0)
    registered = internal.FrameworkRegisteredMessage(
        framework_id=v0.FrameworkID(value=FRAMEWORK_ID), master_info=info
    )
    session.handle(commands.Received([(master, registered)]), 0)
    raw = offers(agents).SerializeToString()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        message = internal.ResourceOffersMessage.FromString(raw)
        result = session.handle(commands.Received([(master, message)]), 0)
        times.append(time.perf_counter() - began)
        assert isinstance(result[0], commands.Deliver)
    return sorted(times)[2] * 1e3


def resident_mb() -> float:
    """Return the memory that this process takes now, in MB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6


def task_memory(pipe: Connection) -> None:
    """Send the MB that 100,000 known tasks take."""
    session = SchedulerSession(v1.FrameworkInfo(name="benchmark", user="nobody"))
    agents = [f"{uuid.uuid4()}-S{number}" for number in range(1000)]
    before = resident_mb()
    for number in range(100_000):
        session.tasks.launched(f"service.{uuid.uuid4()}", str(agents[number % 1000].encode(), "ascii"))
    pipe.send(resident_mb() - before)


def memory() -> float:
    """Measure in a fresh process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=task_memory, args=(theirs,))
    process.start()
    result = float(ours.recv())
    process.join()
    return result


def main() -> int:
    """Run everything and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--updates", type=int, default=200_000, help="how many updates to send")
    options = parser.parse_args()
    many = run("updates", options.updates, 1000)
    few = run("updates", options.updates // 2, 64)
    metered = run("updates", options.updates, 1000, metrics=SchedulerMetrics())
    launched = run("offers", options.updates // 20, 100)
    figures = {
        "updates_per_s": round(options.updates / many.seconds),
        "p50_us": round(many.percentile(0.5)),
        "p99_us": round(many.percentile(0.99)),
        "updates_per_s_64": round(options.updates // 2 / few.seconds),
        "p50_us_64": round(few.percentile(0.5)),
        "p99_us_64": round(few.percentile(0.99)),
        "updates_per_s_metrics": round(options.updates / metered.seconds),
        "tasks_per_s": round(options.updates // 20 * TASKS_PER_OFFER / launched.seconds),
        "decode_10k_offers_ms": round(decode_offers(10_000), 1),
        "rss_mb_100k_tasks": round(memory(), 1),
    }
    if options.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:22} {value:>10,}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
