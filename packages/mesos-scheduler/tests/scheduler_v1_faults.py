"""Ways in which a stream of events breaks."""

from __future__ import annotations

from collections.abc import Callable

from scheduler_v1_master import Stream

FAULTS: dict[str, Callable[[Stream], object]] = {
    "end": lambda stream: stream.end(),
    "cut between records": lambda stream: stream.cut(),
    "cut within a record": lambda stream: stream.write(b"50\nabc").cut(),
    "end within a record": lambda stream: stream.write(b"50\nabc").end(),
    "a length that is none": lambda stream: stream.write(b"x\n").end(),
    "a record of a GiB": lambda stream: stream.write(b"1073741824\n").end(),
    "an event that is none": lambda stream: stream.write(b"2\n\xff\xff").end(),
}
