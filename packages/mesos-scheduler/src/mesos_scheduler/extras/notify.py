"""Whether a master has the framework, since when nothing has been heard, and who wants to know.

    connection = Connection()
    driver = MesosSchedulerDriver(chain(connection)(MyScheduler()), framework, master)
    driver.start()
    if not connection.wait_until_connected(30):
        ...

The drivers reconnect by themselves: this is for health checks, alarms and tests.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType

from mesos_proto.v1 import mesos_pb2 as mesos

from .. import events
from ..errors import DriverMisuse
from ..events import Event
from ..scheduler import SchedulerDriver
from ..status import Status
from ._composition import Handler

_log = logging.getLogger("mesos.scheduler")

__all__ = ["Connection", "Connectivity", "SilenceWatch", "State"]


class State(enum.Enum):
    """How a scheduler and the masters stand."""

    WAITING = "no master yet"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    FAILED = "ended by an error"


@dataclass(frozen=True, slots=True)
class Connectivity:
    """The state, which framework it is of, which master leads (or led), and what the error was."""

    state: State = State.WAITING
    framework_id: mesos.FrameworkID | None = None
    master_info: mesos.MasterInfo | None = None
    error: str | None = None

    def after(self, event: Event) -> Connectivity:
        """Return what an event makes of it; itself when it changes nothing."""
        if isinstance(event, events.Registered):
            return Connectivity(State.CONNECTED, event.framework_id, event.master_info)
        if isinstance(event, events.Reregistered):
            return replace(self, state=State.CONNECTED, master_info=event.master_info)
        if isinstance(event, events.Disconnected):
            return replace(self, state=State.DISCONNECTED)
        if isinstance(event, events.Error):
            return replace(self, state=State.FAILED, error=event.message)
        return self


class Connection:
    """A middleware for `chain` that keeps the state of the connection, and tells of its changes.

    It changes just before the scheduler's own callback, on its thread; a callback that takes long lets what
    follows look late. That the program itself ended the driver is no event.
    """

    def __init__(self, *, heartbeat: float = 15.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._heartbeat = heartbeat
        self.clock = clock
        self.last_event: float | None = None
        """When the last event came, on `clock`; None before the first."""
        self._changed = threading.Condition()
        self._now = Connectivity()
        self._driver: SchedulerDriver | None = None
        self._listeners: list[Callable[[Connectivity], object]] = []

    def __call__(self, driver: SchedulerDriver, event: Event, proceed: Handler[Event]) -> object:
        self._driver = driver
        self.last_event = self.clock()
        after = self._now.after(event)
        if after is not self._now:
            with self._changed:
                self._now = after
                self._changed.notify_all()
                listeners = list(self._listeners)
            for listener in listeners:
                listener(after)
        return proceed(driver, event)

    @property
    def now(self) -> Connectivity:
        """How things stand."""
        return self._now

    @property
    def connected(self) -> bool:
        """Whether a master has the framework, and the driver runs."""
        running = self._driver is not None and self._driver.status is Status.RUNNING
        return running and self._now.state is State.CONNECTED

    @property
    def silence(self) -> float:
        """Seconds since the last event; infinite before the first.

        Over v1 a master that lives lets none become longer than its heartbeats are apart, 15 seconds by
        default; over v0 silence is no bad sign.
        """
        last = self.last_event
        return float("inf") if last is None else max(0.0, self.clock() - last)

    @property
    def missed_heartbeats(self) -> int:
        """How many heartbeats in a row did not come; over v1 only. The drivers reconnect after five."""
        return 0 if self.last_event is None else int(self.silence / self._heartbeat)

    def on_change(self, listener: Callable[[Connectivity], object]) -> Callable[[], None]:
        """Call a function at each change, with how things stand then; return what ends that.

        It is called as the scheduler's callbacks are, on their thread: one that raises aborts the driver.
        """
        with self._changed:
            self._listeners.append(listener)

        def remove() -> None:
            with self._changed:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return remove

    def wait_until_connected(self, timeout: float) -> bool:
        """Wait until a master has the framework; False when that took too long, or the driver failed.

        Not inside a callback, which it would keep from returning, and not under asyncio.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._settled, timeout)
            return self.connected

    async def connect(self, timeout: float) -> bool:
        """Do what `wait_until_connected` does, under asyncio."""
        loop = asyncio.get_running_loop()
        news = asyncio.Event()
        remove = self.on_change(lambda connectivity: loop.call_soon_threadsafe(news.set))

        async def settled() -> None:
            while not self._settled:
                news.clear()
                await news.wait()

        try:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(settled(), timeout)
        finally:
            remove()
        return self.connected

    @property
    def _settled(self) -> bool:
        return self._now.state in (State.CONNECTED, State.FAILED)


class SilenceWatch:
    """Calls a function, on a thread of its own, each time there has been no event for `seconds`.

        with SilenceWatch(connection, 60, lambda: print("the master is silent")):
            driver.run()

    Once for each silence: not again before there was another event. Stops at `close`.
    """

    def __init__(self, connection: Connection, seconds: float, silent: Callable[[], object]) -> None:
        if not 0 < seconds < float("inf"):
            raise DriverMisuse(f"silence is watched for some seconds, not {seconds}")
        self._connection = connection
        self._seconds = seconds
        self._silent = silent
        self._began = connection.clock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mesos-scheduler-silence", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._stopped.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def __enter__(self) -> SilenceWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        told: float | None = None
        left = self._seconds
        while not self._stopped.wait(left):
            last = self._connection.last_event
            since = self._began if last is None else max(last, self._began)
            left = since + self._seconds - self._connection.clock()
            if left <= 0:
                left = self._seconds
                if since != told:
                    told = since
                    self._tell()

    def _tell(self) -> None:
        try:
            self._silent()
        except Exception:
            _log.exception("what was to be told of the silence has failed")
