"""What a status means; the tables of upstream's src/master/http.cpp and src/slave/http.cpp."""

from __future__ import annotations

from collections.abc import Mapping

from . import errors

_MAX_REASON = 2000
_BY_STATUS: dict[int, type[errors.StatusError]] = {
    400: errors.BadRequest,
    403: errors.Forbidden,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    406: errors.NotAcceptable,
    409: errors.Conflict,
    415: errors.UnsupportedMediaType,
    501: errors.NotImplementedByPeer,
    503: errors.Unavailable,
}


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> errors.StatusError:
    """Return the error of an answer that is no success; header names are in lower case."""
    reason = body[:_MAX_REASON].decode("utf-8", "replace").strip()
    retry_after = _seconds(headers.get("retry-after", ""))
    if status == 401:
        return errors.Unauthenticated(
            status, reason, retry_after=retry_after, challenges=headers.get("www-authenticate", "")
        )
    kind = _BY_STATUS.get(status)
    if kind is errors.BadRequest:
        if "stream ID" in reason or "Mesos-Stream-Id" in reason:
            kind = errors.StreamIdRejected
        elif reason.endswith("cannot be found"):
            kind = errors.FrameworkUnknown
    elif kind is errors.Forbidden and ("is not subscribed" in reason or "not connected via HTTP" in reason):
        kind = errors.NotSubscribed
    if kind is None:
        kind = errors.InternalError if status >= 500 else errors.UnexpectedStatus
    return kind(status, reason, retry_after=retry_after)


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 8 else None
