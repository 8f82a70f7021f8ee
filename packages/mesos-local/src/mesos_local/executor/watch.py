"""Watching a task: look, tell, wait, look again. The loop of upstream's src/checks/checker_process.cpp."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable

from .checks import Finding, Judge, Plan
from .probes import ProbeError, Surroundings, look

__all__ = ["WatchThread", "watch"]

log = logging.getLogger("mesos.local.executor")

Report = Callable[[Finding], None]


async def watch(plan: Plan, judge: Judge, around: Surroundings, report: Report, *, delay: float) -> None:
    """Look for the first time after `delay` seconds, then after each interval, until cancelled."""
    while True:
        await asyncio.sleep(delay)
        try:
            result = await look(plan, around)
        except ProbeError as error:
            log.warning("A check failed: %s", error)
            result = None
        finding = judge.judge(result, time.monotonic())
        if finding is not None:
            report(finding)
        delay = plan.check.interval_seconds


class WatchThread:
    """Watches a task on a thread and an event loop of its own, until it is stopped.

    Watched before (`resumed`), it is looked at without the delay.
    """

    def __init__(
        self,
        plans: Iterable[tuple[Plan, Judge]],
        around: Surroundings,
        report: Report,
        *,
        resumed: bool = False,
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._watches = [
            self._loop.create_task(
                watch(plan, judge, around, report, delay=0.0 if resumed else plan.check.delay_seconds)
            )
            for plan, judge in plans
        ]
        self._thread = threading.Thread(target=self._run, name="task-checks", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            ends = self._loop.run_until_complete(asyncio.gather(*self._watches, return_exceptions=True))
        finally:
            self._loop.close()
        for error in ends:
            if not isinstance(error, asyncio.CancelledError):
                log.error("A check ended by itself", exc_info=error)

    def stop(self) -> None:
        """Look no more; what looks now is given up."""
        try:
            self._loop.call_soon_threadsafe(self._cancel)
        except RuntimeError:  # It has ended before.
            log.debug("The checks have ended already")

    def _cancel(self) -> None:
        for each in self._watches:
            each.cancel()
