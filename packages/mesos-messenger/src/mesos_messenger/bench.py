"""Measure the messenger: `python -m mesos_messenger.bench --help`.

The patterns and sizes are those of mesos-go's messenger benchmark. A `send` counts when the peer has
the message, a `send-recv` when the peer's typed handler has been called with it, a `ping-pong` when the
answer has been handled. The floor, from the same run, is the same bytes through two bare asyncio
connections between as many threads or processes, without parsing anything. Both are measured in turn,
several times; the figures are the medians.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from statistics import median

from google.protobuf.message import Message

from ._bench_floor import measure_flood, measure_ping_pong
from ._bench_messages import KINDS, SIZES, Done, make_messages
from ._runner import SharedRunner
from .codec import Encoder, HostHeader
from .endpoint import Endpoint
from .messenger import Messenger
from .options import Options
from .upid import UPID

__all__ = ["Plan", "Result", "main", "measure"]

PATTERNS = ("send", "send-recv", "ping-pong")
_DEADLINE = 600.0
_WARM_UP = 0.1
_ROUNDS = 5
_BURST = 100
# The bytes of Mesos 1.11.0.
_OPTIONS = Options(host_header=HostHeader.EMPTY)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure."""

    pattern: str = "send-recv"
    size: str = "small"
    count: int = 100_000
    senders: int = 1
    processes: int = 1
    floor: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured; the latencies are of ping-pong alone."""

    pattern: str
    size: str
    count: int
    senders: int
    processes: int
    ns_per_op: float
    ops_per_s: float
    floor_ns_per_op: float | None
    ratio_to_floor: float | None
    p50_us: float | None
    p99_us: float | None
    floor_p50_us: float | None
    floor_p99_us: float | None
    slow_path: int
    peak_rss_mb: float


class _Counter:
    """Counts calls on one thread; another waits for a number of them."""

    def __init__(self) -> None:
        self.count = 0
        self.target = 0
        self.reached = threading.Event()

    def expect(self, more: int) -> None:
        self.reached.clear()
        self.target = self.count + more

    def __call__(self, *_: object) -> None:
        self.count += 1
        if self.count == self.target:
            self.reached.set()

    def wait(self) -> None:
        if not self.reached.wait(_DEADLINE):
            raise TimeoutError(f"{self.count} of {self.target} messages came")


def _receive(messenger: Messenger, pattern: str, arrived: Callable[..., None]) -> None:
    """Install what the receiving side does with a message."""
    if pattern == "send":
        messenger.unhandled = arrived
        return
    for kind in KINDS:
        if pattern == "send-recv":
            messenger.install(kind, arrived)
        else:
            messenger.install(kind, messenger.send)


def _serve(plan: Plan) -> None:
    """Be the receiving process: say who it is, count, say when all have come."""
    with Messenger("receiver", bind="127.0.0.1:0", options=_OPTIONS) as messenger:
        arrived = _Counter()
        _receive(messenger, plan.pattern, arrived)
        peers: list[UPID] = []
        begun = threading.Event()

        def begin(sender: UPID, message: Message) -> None:
            peers[:] = [sender]
            begun.set()

        messenger.install(Done, begin)
        for count in _counts(plan):
            arrived.expect(count)
            print(messenger.upid, flush=True)
            if plan.pattern != "ping-pong":
                arrived.wait()
                if not begun.wait(_DEADLINE):
                    raise TimeoutError("the sending process said nothing")
                messenger.send(peers[0], Done())
        sys.stdin.readline()
        print(json.dumps([messenger.snapshot().total.slow, _peak_rss()]), flush=True)


def _counts(plan: Plan) -> list[int]:
    """Return how many messages to warm up with, and how many each round has."""
    return [max(plan.senders, int(plan.count * _WARM_UP)), *([-(-plan.count // _ROUNDS)] * _ROUNDS)]


def _peak_rss() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


class _Peer:
    """The receiving side, in this process or another."""

    def __init__(self, plan: Plan, first: Messenger, stack: ExitStack) -> None:
        self._plan = plan
        self._arrived = _Counter()
        self._process: subprocess.Popen[str] | None = None
        self._first = first
        if plan.processes == 1:
            self._messenger = Messenger("receiver", bind="127.0.0.1:0", options=_OPTIONS)
            stack.enter_context(self._messenger)
            _receive(self._messenger, plan.pattern, self._arrived)
            self.upid = self._messenger.upid
            return
        arguments = [f"--{name}={getattr(plan, name)}" for name in ("pattern", "size", "count", "senders")]
        self._process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "mesos_messenger.bench", "--serve", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        first.install(Done, self._arrived)
        self.upid = UPID()

    def expect(self, count: int) -> None:
        if self._process is None:
            self._arrived.expect(count)
            return
        assert self._process.stdout is not None
        self.upid = UPID.parse(self._process.stdout.readline())
        self._arrived.expect(1)

    def wait(self) -> None:
        if self._process is not None:
            self._first.send(self.upid, Done())
        self._arrived.wait()

    def finish(self) -> tuple[int, float]:
        """Return what took the slow path, and the peak of memory, over there."""
        if self._process is None:
            return self._messenger.snapshot().total.slow, _peak_rss()
        out, _ = self._process.communicate("end\n", timeout=_DEADLINE)
        slow, rss = json.loads(out.splitlines()[-1])
        return int(slow), float(rss)


@contextmanager
def _senders(plan: Plan) -> Iterator[list[Messenger]]:
    """Messengers with an endpoint each, all on one thread."""
    runner = SharedRunner()
    with ExitStack() as stack:
        stack.callback(runner.end)
        messengers = []
        for number in range(plan.senders):
            endpoint = Endpoint(bind="127.0.0.1:0", options=_OPTIONS, runner=runner)
            messenger = Messenger(f"sender({number + 1})", endpoint=stack.enter_context(endpoint))
            messengers.append(stack.enter_context(messenger))
        yield messengers


def _flood(messengers: Sequence[Messenger], peer: UPID, messages: Sequence[Message], count: int) -> None:
    """Send as many messages, each sender its share, a hundred at a time."""
    left = count
    while left > 0:
        for messenger in messengers:
            send = messenger.send
            burst = min(_BURST if len(messengers) > 1 else left, left, -(-count // len(messengers)))
            left -= burst
            for start in range(0, burst, len(messages)):
                for message in messages[: burst - start]:
                    send(peer, message)


def _ping(
    messengers: Sequence[Messenger], peer: UPID, messages: Sequence[Message], count: int
) -> list[float]:
    """Send one message at a time; return how long each took to come back, in seconds."""
    times: list[float] = []
    done = threading.Event()
    clock = time.perf_counter
    messenger = messengers[0]
    sent = 0.0

    def back(sender: UPID, message: Message) -> None:
        nonlocal sent
        now = clock()
        times.append(now - sent)
        if len(times) == count:
            done.set()
            return
        sent = clock()
        messenger.send(peer, messages[len(times) % len(messages)])

    for kind in KINDS:
        messenger.install(kind, back)
    sent = clock()
    messenger.send(peer, messages[0])
    if not done.wait(_DEADLINE):
        raise TimeoutError(f"{len(times)} of {count} answers came")
    return times


@dataclass(slots=True)
class _Round:
    """What one round has measured: seconds a message, and of ping-pong how long each took."""

    mean: float
    times: Sequence[float] = ()


def measure(plan: Plan) -> Result:
    """Run a plan."""
    messages = make_messages(plan.size)
    rounds: list[_Round] = []
    floors: list[_Round] = []
    with ExitStack() as stack:
        messengers = stack.enter_context(_senders(plan))
        peer = _Peer(plan, messengers[0], stack)
        for count in _counts(plan):
            peer.expect(count)
            rounds.append(_messenger_round(plan, messengers, peer, messages, count))
            if plan.floor:
                floors.append(_floor_round(plan, messengers[0].upid, peer.upid, messages, count))
        slow, rss = peer.finish()
    # The first was for warming up.
    del rounds[:1], floors[:1]
    ns = median(one.mean for one in rounds) * 1e9
    floor_ns = median(one.mean for one in floors) * 1e9 if floors else None
    return Result(
        **{name: getattr(plan, name) for name in ("pattern", "size", "count", "senders", "processes")},
        ns_per_op=round(ns, 1),
        ops_per_s=round(1e9 / ns, 1),
        floor_ns_per_op=round(floor_ns, 1) if floor_ns is not None else None,
        ratio_to_floor=round(ns / floor_ns, 2) if floor_ns is not None else None,
        p50_us=_percentile(rounds, 0.5),
        p99_us=_percentile(rounds, 0.99),
        floor_p50_us=_percentile(floors, 0.5),
        floor_p99_us=_percentile(floors, 0.99),
        slow_path=slow,
        peak_rss_mb=round(max(rss, _peak_rss()), 1),
    )


def _percentile(rounds: Sequence[_Round], part: float) -> float | None:
    """Return the median of the rounds' percentiles, in microseconds; None where nothing was timed."""
    values = []
    for one in rounds:
        if one.times:
            ordered = sorted(one.times)
            values.append(ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1e6)
    return round(median(values), 1) if values else None


def _messenger_round(
    plan: Plan, messengers: Sequence[Messenger], peer: _Peer, messages: Sequence[Message], count: int
) -> _Round:
    begin = time.perf_counter()
    if plan.pattern == "ping-pong":
        times = _ping(messengers, peer.upid, messages, count)
        return _Round(sum(times) / count, times)
    _flood(messengers, peer.upid, messages, count)
    peer.wait()
    return _Round((time.perf_counter() - begin) / count)


def _floor_round(
    plan: Plan, sender: UPID, recipient: UPID, messages: Sequence[Message], count: int
) -> _Round:
    wire = [
        Encoder(sender, recipient, message.DESCRIPTOR.full_name, host=HostHeader.EMPTY).encode(
            message.SerializeToString()
        )
        for message in messages
    ]
    if plan.pattern == "ping-pong":
        times = measure_ping_pong(wire, count)
        return _Round(sum(times) / count, times)
    return _Round(measure_flood(wire, count, processes=plan.processes))


def _allow_files() -> None:
    """Have as many open files as may be had: each sender takes three."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m mesos_messenger.bench", description="Measure mesos-messenger."
    )
    parser.add_argument("--pattern", choices=PATTERNS, default="send-recv")
    parser.add_argument("--size", choices=[*SIZES, "mixed"], default="small")
    parser.add_argument("--count", type=int, default=100_000, help="messages to measure")
    parser.add_argument("--senders", type=int, default=1, help="sending processes, each with its own port")
    parser.add_argument(
        "--processes", type=int, choices=(1, 2), default=1, help="of the operating system, for the two sides"
    )
    parser.add_argument("--no-floor", action="store_true", help="leave out the bare connections")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.count < 1 or options.senders < 1:
        parser.error("--count and --senders start at 1")
    _allow_files()
    plan = Plan(
        options.pattern,
        options.size,
        options.count,
        options.senders,
        options.processes,
        not options.no_floor,
    )
    if options.serve:
        _serve(plan)
        return 0
    values = {name: value for name, value in asdict(measure(plan)).items() if value is not None}
    if options.json:
        print(json.dumps(values))
    else:
        for name, value in values.items():
            print(f"{name:>16}  {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
