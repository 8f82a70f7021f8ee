"""The detector's own thread: what is known now, and the callbacks that are told of it."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from mesos_proto.v0 import mesos_pb2

from mesos_detector._source import Count, Publish
from mesos_detector.errors import DetectorError
from mesos_detector.leader import Leader

log = logging.getLogger("mesos.detector")

_SAY_EVERY = 1.0

Masters: TypeAlias = tuple[mesos_pb2.MasterInfo, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """What happened to a detector: changes of leader, nodes that made no sense, sessions lost,
    HTTP rounds that found nothing, callbacks that raised."""

    changes: int = 0
    malformed_nodes: int = 0
    expired_sessions: int = 0
    failed_questions: int = 0
    failed_callbacks: int = 0


class Watcher:
    """A callback for the leader, and what it has been told."""

    def __init__(
        self, callback: Callable[[Leader | None], None], on_failure: Callable[[DetectorError], None] | None
    ) -> None:
        self.callback = callback
        self.on_failure = on_failure
        self.seen = 0
        self.told_failure = False


class _MastersWatcher:
    def __init__(self, callback: Callable[[Masters], None]) -> None:
        self.callback = callback
        self.seen = 0


class Delivery:
    """Holds the newest state under one lock, and calls watchers on one thread, outside the lock.

    The lock is that of `changed`. `version` grows with each change of the leader that is worth a call;
    0 means that nothing is known yet.
    """

    def __init__(self, name: str) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.leader: Leader | None = None
        self.version = 0
        self.failure: DetectorError | None = None
        self.stopped = False
        self._name = name
        self._masters: Masters = ()
        self._masters_version = 0
        self._problem: str | None = None
        self._counter: Counter[str] = Counter()
        self._said = -_SAY_EVERY
        self._unsaid = 0
        self._watchers: list[Watcher] = []
        self._masters_watchers: list[_MastersWatcher] = []
        self._thread = threading.Thread(target=self._run, name="mesos-detector", daemon=True)

    @property
    def over(self) -> bool:
        """Whether nothing more will come: stopped, or failed for good."""
        return self.stopped or self.failure is not None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Let no further callback start, and wake whoever waits."""
        with self.changed:
            self.stopped = True
            self.changed.notify_all()

    def join(self, timeout: float) -> None:
        """Wait for the callback that runs, unless this is it."""
        if threading.current_thread() is self._thread:
            return
        self._thread.join(timeout)
        if self._thread.is_alive():
            log.warning("A callback of the detector of %s still runs %.0f s after stop", self._name, timeout)

    def add(self, watcher: Watcher) -> None:
        """Add a callback for the leader."""
        with self.changed:
            self._watchers.append(watcher)
            self.changed.notify_all()

    def add_masters(self, callback: Callable[[Masters], None]) -> None:
        """Add a callback for all masters."""
        with self.changed:
            self._masters_watchers.append(_MastersWatcher(callback))
            self.changed.notify_all()

    def masters(self) -> Masters:
        """Return copies of all masters known."""
        with self.changed:
            return _copies(self._masters)

    def problem_text(self) -> str | None:
        """Return what stands in the way, if anything does."""
        with self.changed:
            return self._problem

    def excuse(self) -> str:
        """Return why there is no leader, in words."""
        with self.changed:
            nothing = "no master has been elected" if self.version else "there has been no answer yet"
            return self._problem or nothing

    def counts(self) -> Counts:
        """Return the numbers."""
        with self.changed:
            return Counts(**self._counter)

    def publish(self, command: Publish) -> None:
        """Take what a source found."""
        with self.changed:
            if self.over:
                return
            if command.masters != self._masters:
                self._masters = command.masters
                self._masters_version += 1
            changed = self.version == 0 or command.leader != self.leader
            self.leader = command.leader
            if changed and not command.quiet:
                self.version += 1
                self._counter["changes"] += 1
                pid = "none" if command.leader is None else command.leader.pid
                log.info("The leading master at %s is now: %s", self._name, pid)
            self.changed.notify_all()

    def problem(self, text: str | None) -> None:
        """Take what stands in the way; said once, when it changes."""
        with self.changed:
            if text == self._problem or self.over:
                return
            self._problem = text
        if text is None:
            log.info("The masters at %s answer again", self._name)
        else:
            log.warning("Looking for the leading master at %s: %s", self._name, text)

    def fail(self, error: DetectorError) -> None:
        """Take that detection has ended for good."""
        with self.changed:
            if self.over:
                return
            self.failure = error
            self._problem = str(error)
            self.changed.notify_all()
        log.error("Detection of the leading master at %s has failed: %s", self._name, error)

    def count(self, command: Count) -> None:
        """Count something that happened, and say it, once a second at most."""
        now = time.monotonic()
        with self.changed:
            self._counter[command.what] += 1
            if not command.text:
                return
            if now - self._said < _SAY_EVERY:
                self._unsaid += 1
                return
            more = f" (and {self._unsaid} more)" if self._unsaid else ""
            self._said, self._unsaid = now, 0
        log.warning("%s: %s%s", self._name, command.text, more)

    def _run(self) -> None:
        while True:
            with self.changed:
                call = self._next_call()
                while call is None and not self.stopped:
                    self.changed.wait()
                    call = self._next_call()
                if self.stopped or call is None:
                    return
            try:
                call()
            except Exception:
                log.exception("A callback of the detector of %s raised", self._name)
                with self.changed:
                    self._counter["failed_callbacks"] += 1

    def _next_call(self) -> Callable[[], None] | None:
        """Choose the next callback to make, and note it as made; under the lock."""
        for masters_watcher in self._masters_watchers:
            if masters_watcher.seen != self._masters_version:
                masters_watcher.seen = self._masters_version
                masters, tell = _copies(self._masters), masters_watcher.callback
                return lambda: tell(masters)
        for watcher in self._watchers:
            if watcher.seen != self.version:
                watcher.seen = self.version
                leader, call = self.leader, watcher.callback
                return lambda: call(leader)
        if self.failure is not None:
            return self._next_failure(self.failure)
        return None

    def _next_failure(self, failure: DetectorError) -> Callable[[], None] | None:
        for watcher in self._watchers:
            if not watcher.told_failure:
                watcher.told_failure = True
                on_failure = watcher.on_failure
                if on_failure is not None:
                    return lambda: on_failure(failure)
        return None


def _copies(masters: Masters) -> Masters:
    copies = []
    for info in masters:
        copy = mesos_pb2.MasterInfo()
        copy.CopyFrom(info)
        copies.append(copy)
    return tuple(copies)
