"""The state of a driver as its user sees it."""

from __future__ import annotations

import enum


class Status(enum.IntEnum):
    """What a driver is doing; numbers are those of Mesos's `DRIVER_*` values."""

    NOT_STARTED = 1
    RUNNING = 2
    ABORTED = 3
    STOPPED = 4
