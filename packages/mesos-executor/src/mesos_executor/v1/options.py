"""How a v1 driver behaves where the agent's environment does not say it."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ..errors import DriverMisuse


@dataclass(frozen=True, slots=True)
class HttpExecutorOptions:
    """Settings of a driver; times in seconds, sizes in bytes.

    An attempt to subscribe may take `subscribe_timeout`. Agents say every `heartbeat_interval` that they
    live, and so do we; once one has, a stream without a word for `heartbeats_missed` of them is given up.
    A call refused for now is repeated after `resend_pause`. An end waits `flush_timeout` for each answer
    and acknowledgement that is still due. Beyond `backlog_limit` of events that wait for callbacks nothing is
    read from the agent; who sends messages beyond `queue_limit` of those that wait has to wait himself.
    """

    subscribe_timeout: float = 30.0
    heartbeat_interval: float = 1800.0
    heartbeats_missed: float = 5.0
    resend_pause: float = 0.5
    flush_timeout: float = 3.0
    backlog_limit: int = 16 * 1024 * 1024
    queue_limit: int = 64 * 1024 * 1024

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise DriverMisuse(f"{field.name} must be more than 0, not {value!r}")
        if self.heartbeats_missed < 1:
            raise DriverMisuse("heartbeats_missed must be 1 or more")
