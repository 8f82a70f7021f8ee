"""Whom a driver looks for, and how it talks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from mesos_detector import Detector, DetectorError, detect
from mesos_detector.address import redact
from mesos_http import Authorization, ClientMisuse, Codec, Settings

from ..errors import DriverMisuse

_T = TypeVar("_T")
_C = TypeVar("_C")


@dataclass(frozen=True, slots=True)
class Place(Generic[_T]):
    """What a driver was told; `_T` is the kind of transport."""

    master: str = field(repr=False)
    codec: Codec
    auth: Authorization | None
    transport: Callable[[], _T]
    settings: Settings
    queue_limit: int
    tls: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of `detect` for masters behind https."""

    @property
    def is_fixed(self) -> bool:
        """Tell whether `master` is the URL of an API, so that nobody need be looked for."""
        scheme, _, rest = self.master.partition("://")
        return scheme in ("http", "https") and bool(rest.partition("/")[2])

    def detector(self) -> Detector:
        """Return what looks for the leading master. Raises `DriverMisuse` for one that cannot be meant."""
        auth = self.auth
        try:
            return detect(self.master, authorization=auth.authorization if auth else None, **self.tls)
        except DetectorError as error:
            raise DriverMisuse(f"cannot look for {redact(self.master)!r}: {error}") from error

    def client(self, make: Callable[[str, Place[_T]], _C], url: str) -> _C:
        """Return what `make` makes for this URL. Raises `DriverMisuse` for one that cannot be meant."""
        try:
            return make(url, self)
        except ClientMisuse as error:
            raise DriverMisuse(f"{redact(url)!r} is no master: {error}") from error
