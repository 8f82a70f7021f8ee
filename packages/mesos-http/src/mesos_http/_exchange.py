"""One request and its redirects, without any I/O: what to send, and what to make of the answer's head."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ._route import REDIRECTS, Route
from ._status import error_of
from .codec import Codec
from .errors import ClientMisuse, DecodeError, NotFound, RedirectFailed, StatusError, Unavailable
from .settings import Authorization, Settings
from .transport import HttpRequest

STREAM_ID = "Mesos-Stream-Id"


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the request again, after a pause."""

    pause: float


class Exchange:
    """A request on its way through redirects. `next_request` says what to send, `moved` judges an answer."""

    def __init__(
        self,
        route: Route,
        codec: Codec,
        settings: Settings,
        auth: Authorization | None,
        body: bytes,
        extra: Mapping[str, str],
        uniform: Callable[[], float] = random.random,
    ) -> None:
        self._route = route
        self._codec = codec
        self._settings = settings
        self._auth = auth
        self._body = body
        self._extra = extra
        self._uniform = uniform
        self._hops = 0
        self.url = route.current

    def next_request(self) -> HttpRequest:
        """Return the request to send now."""
        headers = {
            "Content-Type": self._codec.media_type,
            "Accept": self._codec.media_type,
            "Accept-Encoding": "gzip" if self._settings.compression else "identity",
            "User-Agent": "mesos-http",
            **self._extra,
        }
        if self._auth is not None:
            headers["Authorization"] = checked_header(self._auth.authorization())
        return HttpRequest("POST", self.url, headers, self._body)

    def moved(self, status: int, headers: Mapping[str, str]) -> Redirect | None:
        """Return what to do about a redirect, None for any other answer. Raises `RedirectFailed`."""
        if status not in REDIRECTS:
            return None
        if self._hops >= self._settings.max_redirects:
            self._route.reset()
            raise RedirectFailed(
                f"{self._hops} redirects from {self._route.given}, the last to {self.url}, and yet another:"
                " the masters do not agree on who leads"
            )
        self.url = self._route.redirected(self.url, headers.get("location", ""))
        self._hops += 1
        bound = self._settings.redirect_pause * 2 ** (self._hops - 2) if self._hops > 1 else 0.0
        return Redirect(bound * self._uniform())

    def refused(self, status: int, headers: Mapping[str, str], body: bytes) -> StatusError:
        """Return the error of an answer that is neither a success nor a redirect."""
        error = error_of(status, headers, body)
        if isinstance(error, (Unavailable, NotFound)):
            self._route.reset()
        return error


def checked_header(value: str) -> str:
    """Return what may be the value of a header. The error of what may not be does not show it."""
    if not value.isascii() or not value.isprintable() or value != value.strip() or not value:
        raise ClientMisuse("the value of the Authorization header is empty or has characters it may not have")
    return value


def check_media_type(headers: Mapping[str, str], codec: Codec) -> None:
    """Raise `DecodeError` when an answer is in another media type than asked for."""
    found = headers.get("content-type", "").split(";")[0].strip().lower()
    if found != codec.media_type:
        raise DecodeError(
            f"the answer is {found or 'of no type'}, not {codec.media_type}: is it a Mesos API?"
        )
