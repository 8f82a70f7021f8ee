"""`detect` and the `Detector` it returns: the leading master, now and whenever it changes."""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TypeAlias

from mesos_proto.v0 import mesos_pb2

from mesos_detector._delivery import Counts, Delivery, Watcher
from mesos_detector._source import Source
from mesos_detector._standalone import StandaloneSession, StandaloneSource
from mesos_detector._tls import tls_context
from mesos_detector._zookeeper import ZooKeeperSource
from mesos_detector.address import HttpAddress, MasterAddress, ZooKeeperAddress, parse_master
from mesos_detector.errors import (
    DetectionFailedError,
    DetectionTimeoutError,
    DetectorError,
    DetectorStoppedError,
)
from mesos_detector.leader import Leader

log = logging.getLogger("mesos.detector")

Authorization: TypeAlias = str | Callable[[], str]


def detect(
    master: str,
    *,
    session_timeout: float = 10.0,
    poll_interval: float = 5.0,
    request_timeout: float = 3.0,
    authorization: Authorization | None = None,
    verify: bool | str = True,
    cert: str | tuple[str, str] | None = None,
    ssl_context: ssl.SSLContext | None = None,
) -> Detector:
    """Return a detector of the leading master; it begins at its first use.

    `master` is `host:port`, `master@host:port`, `zk://[user:password@]h1:p1,h2:p2/path`,
    `http(s)://host:port` or `file://path`. With ZooKeeper, `session_timeout` (seconds) is the session's;
    otherwise the master is asked every `poll_interval` seconds, each round bounded by `request_timeout`
    seconds in all. `authorization` is the value of the Authorization header, or what makes it, for masters
    that want one: it goes to the one named and to those it names as leaders. With `https`, `verify` is True
    for the system's CAs, or the path of a CA bundle, and `cert` the path of a client certificate with its
    key, or both paths; an `ssl_context` stands for both.

    Raises MalformedMasterError, and DetectorError for arguments that cannot be meant.
    """
    address = parse_master(master)
    for name, value in (("session_timeout", session_timeout), ("poll_interval", poll_interval)):
        if not value > 0:
            raise DetectorError(f"{name} must be more than 0 seconds, not {value!r}")
    if not request_timeout > 0:
        raise DetectorError(f"request_timeout must be more than 0 seconds, not {request_timeout!r}")
    delivery = Delivery(str(address))
    source: Source
    if isinstance(address, ZooKeeperAddress):
        source = ZooKeeperSource(address, delivery, session_timeout=session_timeout)
    else:
        scheme, trusting = (address.scheme, False) if isinstance(address, HttpAddress) else ("http", True)
        session = StandaloneSession(scheme, address.server, trusting=trusting, poll_interval=poll_interval)
        source = StandaloneSource(
            session,
            delivery,
            request_timeout=request_timeout,
            authorization=_authorization(authorization),
            context=tls_context(verify, cert, ssl_context),
        )
    return Detector(address, source, delivery)


def _authorization(value: Authorization | None) -> Callable[[], str] | None:
    if value is None or not isinstance(value, str):
        return value
    if not value.isprintable():
        raise DetectorError("authorization= holds a line break or another control character")
    return lambda: value


class Detector:
    """Knows the leading master.

    Use it by callback (`watch`), by waiting (`leader`), by iteration (each change, the newest only when
    the loop is slow; it ends at `stop`), or from asyncio (`AsyncDetector`). Callbacks run on one thread
    of the detector's own, one at a time. As a context manager it is stopped at the end.
    """

    def __init__(self, address: MasterAddress, source: Source, delivery: Delivery) -> None:
        self._address = address
        self._source = source
        self._delivery = delivery
        self._lock = threading.Lock()
        self._started = False
        self._stopped = False

    def __repr__(self) -> str:
        return f"<Detector {self._address}>"

    @property
    def address(self) -> MasterAddress:
        """What the master string said."""
        return self._address

    @property
    def masters(self) -> tuple[mesos_pb2.MasterInfo, ...]:
        """All masters known at this moment, in the order of election, the leader first (copies)."""
        self._start()
        return self._delivery.masters()

    @property
    def problem(self) -> str | None:
        """Why there is no leader, or no confirmation of the one there is; None when all is well."""
        return self._delivery.problem_text()

    @property
    def counts(self) -> Counts:
        """What happened so far, in numbers."""
        return self._delivery.counts()

    def watch(
        self,
        callback: Callable[[Leader | None], None],
        *,
        on_failure: Callable[[DetectorError], None] | None = None,
    ) -> None:
        """Call back with the leader (None: there is none), at once if that is known and at each change.

        The callback runs on the detector's thread. One that is slow misses what came and went meanwhile,
        never the newest state. `on_failure` is called once, last, when detection ends for good.
        """
        self._start()
        self._delivery.add(Watcher(callback, on_failure))

    def watch_masters(self, callback: Callable[[tuple[mesos_pb2.MasterInfo, ...]], None]) -> None:
        """Call back with all masters in the order of election, at once if known and at each change."""
        self._start()
        self._delivery.add_masters(callback)

    def leader(self, timeout: float | None = None) -> Leader:
        """Wait for a leading master and return it.

        Raises DetectionTimeoutError after `timeout` seconds, DetectionFailedError when detection has ended
        for good, DetectorStoppedError when the detector is stopped.
        """
        self._start()
        end = None if timeout is None else time.monotonic() + timeout
        with self._delivery.changed:
            while True:
                self._raise_if_over()
                if self._delivery.leader is not None:
                    return self._delivery.leader
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    raise self.timeout_error()
                self._delivery.changed.wait(left)

    def __iter__(self) -> Iterator[Leader | None]:
        """Yield the leader (or None) at each change, until `stop`; raise when detection ends for good."""
        self._start()
        seen = 0
        while True:
            with self._delivery.changed:
                while self._delivery.version == seen and not self._delivery.over:
                    self._delivery.changed.wait()
                if self._delivery.stopped:
                    return
                self._raise_if_over()
                seen, leader = self._delivery.version, self._delivery.leader
            yield leader

    def refresh(self) -> None:
        """Look again now: there is a reason to doubt the leader, such as a broken connection to it."""
        with self._lock:
            running = self._started and not self._stopped
        if running:
            self._source.refresh()

    def stop(self, timeout: float = 10.0) -> None:
        """Stop. After it returns no further callback starts, and no thread or socket is left.

        A callback that runs is waited for, `timeout` seconds at most, unless it is the one that calls.
        """
        with self._lock:
            started, first = self._started, not self._stopped
            self._stopped = True
        self._delivery.stop()
        if started and first:
            self._source.stop()
        if started:
            self._delivery.join(timeout)

    def __enter__(self) -> Detector:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def timeout_error(self) -> DetectionTimeoutError:
        """Make the error that says there is no leader in time, and why."""
        return DetectionTimeoutError(f"no leading master at {self._address}: {self._delivery.excuse()}")

    def _start(self) -> None:
        with self._lock:
            if self._stopped:
                raise DetectorStoppedError(f"{self!r} is stopped; make a new one with detect()")
            if self._started:
                return
            self._started = True
            self._delivery.start()
            self._source.start()

    def _raise_if_over(self) -> None:
        if self._delivery.stopped:
            raise DetectorStoppedError(f"{self!r} was stopped")
        if self._delivery.failure is not None:
            raise DetectionFailedError(str(self._delivery.failure)) from self._delivery.failure
