"""How a v1 driver behaves."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ..errors import DriverMisuse


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """Settings of a session; all times in seconds.

    The first attempt waits a part of `connection_delay`, chosen by chance; later ones a part of a bound that
    doubles from `backoff` up to `backoff_max` (and a tenth of the framework's failover_timeout). An
    attempt may take `subscribe_timeout`; a stream without a sign of life for `heartbeats_missed` of the
    master's intervals is given up. `reconcile` asks for the state of every known task after each
    re-subscription, repeated between `reconcile_backoff` (first, longest) until all are answered.
    """

    implicit_acknowledgements: bool = True
    connection_delay: float = 0.5
    backoff: float = 0.5
    backoff_max: float = 15.0
    subscribe_timeout: float = 75.0
    heartbeats_missed: float = 5.0
    linger: float = 5.0
    reconcile: bool = True
    reconcile_backoff: tuple[float, float] = (2.0, 60.0)

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float) and value < 0:
                raise DriverMisuse(f"{field.name} must not be negative, as {value!r} is")
        if self.heartbeats_missed < 1 or self.subscribe_timeout == 0:
            raise DriverMisuse("heartbeats_missed must be 1 or more, subscribe_timeout more than 0")
