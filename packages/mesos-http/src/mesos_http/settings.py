"""How a client behaves, and the small protocol of what proves who it is."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol

from .errors import ClientMisuse
from .recordio import MAX_RECORD


class Authorization(Protocol):
    """Makes the value of the Authorization header, anew for each request; mesos-auth has Basic and Bearer."""

    def authorization(self) -> str:
        """Return the header's value. It is a secret."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits of a client; times in seconds, sizes in bytes.

    `timeout` bounds each wait for the answer to a call, `stream_timeout` that for the next bytes of a
    stream (five heartbeats of a master by default; `math.inf`: any time). `compression` asks for gzip. A
    redirect after the first waits up to `redirect_pause`, doubled each time, of which chance takes a part.
    """

    connect_timeout: float = 5.0
    timeout: float = 30.0
    stream_timeout: float = 75.0
    compression: bool = False
    max_redirects: int = 5
    redirect_pause: float = 0.1
    max_record: int = MAX_RECORD
    max_body: int = 256 * 1024 * 1024

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "compression" and (value < 0 or (value == 0 and "redirect" not in field.name)):
                raise ClientMisuse(f"{field.name} must be more than 0, not {value!r}")
