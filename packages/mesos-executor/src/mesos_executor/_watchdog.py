"""The kill at the end of the grace period, on a thread that nothing of the driver can hold up."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable

_log = logging.getLogger("mesos.executor")


def kill_process_group() -> None:
    """Kill every process of our group, ourselves included; exit with 1 should that fail."""
    _log.warning("the grace period is over: killing the process group")
    os.killpg(0, signal.SIGKILL)
    time.sleep(5)
    os._exit(1)


def start_watchdog(seconds: float, kill: Callable[[], None] = kill_process_group) -> None:
    """Call `kill` after that many seconds; only the end of the process prevents it."""

    def wait() -> None:
        time.sleep(seconds)
        kill()

    threading.Thread(target=wait, name="mesos-executor-watchdog", daemon=True).start()
