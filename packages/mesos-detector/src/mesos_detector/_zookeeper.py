"""Detection through ZooKeeper: carries out a GroupSession's commands over a connection."""

from __future__ import annotations

from typing import Any

from mesos_detector import _group as group
from mesos_detector._kazoo import Connection, Link, Missing, Trouble
from mesos_detector._runner import Runner
from mesos_detector._source import CancelTimer, Count, Problem, Publish, SetTimer, Sink, TimerFired, crashed
from mesos_detector.address import ZooKeeperAddress
from mesos_detector.errors import DetectionFailedError

_LINK_EVENTS: dict[Link, group.Event] = {
    Link.CONNECTED: group.Connected(),
    Link.SUSPENDED: group.Suspended(),
    Link.EXPIRED: group.Expired(),
}


class ZooKeeperSource:
    """Learns who leads from a group in ZooKeeper."""

    def __init__(self, address: ZooKeeperAddress, sink: Sink, *, session_timeout: float) -> None:
        self._path = address.path
        self._sink = sink
        session = group.GroupSession(path=address.path, session_timeout=session_timeout)
        self._runner: Runner[group.Event, group.Command] = Runner(
            "mesos-detector-zookeeper",
            handle=session.handle,
            perform=self._perform,
            on_timer=TimerFired,
            on_crash=crashed(sink),
        )
        self._connection = Connection(
            address, session_timeout=session_timeout, on_link=self._linked, on_change=self.refresh
        )

    def start(self) -> None:
        """Connect, and keep connected."""
        self._runner.start()
        self._runner.post(group.Started())
        self._connection.start()

    def refresh(self) -> None:
        """List the group anew."""
        self._runner.post(group.Changed())

    def stop(self) -> None:
        """Close the session."""
        self._runner.stop()
        self._connection.stop()

    def _linked(self, link: Link) -> None:
        if link is Link.REFUSED:
            self._sink.fail(DetectionFailedError("ZooKeeper refuses the credentials"))
        else:
            self._runner.post(_LINK_EVENTS[link])

    def _perform(self, command: group.Command) -> None:
        if isinstance(command, group.ListChildren):
            self._list(command)
        elif isinstance(command, group.FetchNode):
            self._fetch(command)
        elif isinstance(command, SetTimer):
            self._runner.set_timer(command.name, command.seconds)
        elif isinstance(command, CancelTimer):
            self._runner.cancel_timer(command.name)
        elif isinstance(command, Publish):
            self._sink.publish(command)
        elif isinstance(command, Problem):
            self._sink.problem(command.text)
        elif isinstance(command, Count):
            self._sink.count(command)
        else:
            self._sink.fail(command.error)

    def _list(self, command: group.ListChildren) -> None:
        def done(outcome: Any) -> None:
            if isinstance(outcome, Trouble):
                self._runner.post(group.Failed(command.epoch, outcome.reason, outcome.retryable))
            elif outcome is Missing.MISSING:
                self._runner.post(group.Listed(command.epoch, None))
            else:
                self._runner.post(group.Listed(command.epoch, tuple(outcome)))

        self._connection.children(self._path, done)

    def _fetch(self, command: group.FetchNode) -> None:
        def done(outcome: Any) -> None:
            if isinstance(outcome, Trouble):
                self._runner.post(group.Failed(command.epoch, outcome.reason, outcome.retryable))
            elif outcome is Missing.MISSING:
                self._runner.post(group.Fetched(command.epoch, command.name, None))
            else:
                self._runner.post(group.Fetched(command.epoch, command.name, outcome))

        self._connection.get(f"{self._path}/{command.name}", done)
