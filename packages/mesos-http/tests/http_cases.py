"""What both clients must make of the same answers."""

from __future__ import annotations

from mesos_http import (
    BadRequest,
    Conflict,
    Forbidden,
    FrameworkUnknown,
    InternalError,
    MethodNotAllowed,
    Next,
    NotAcceptable,
    NotFound,
    NotImplementedByPeer,
    NotSubscribed,
    StreamIdRejected,
    Unauthenticated,
    Unavailable,
    UnexpectedStatus,
    UnsupportedMediaType,
)

STATUSES = [
    (400, b"Failed to validate scheduler::Call: no", BadRequest, Next.FIX),
    (400, b"All non-subscribe calls should include the 'Mesos-Stream-Id' header", StreamIdRejected, None),
    (400, b"The stream ID 'x' included in this request didn't match", StreamIdRejected, Next.RESUBSCRIBE),
    (400, b"Framework cannot be found", FrameworkUnknown, Next.RESUBSCRIBE),
    (400, b"Executor cannot be found", FrameworkUnknown, Next.RESUBSCRIBE),
    (401, b"", Unauthenticated, Next.AUTHENTICATE),
    (403, b"Not allowed", Forbidden, Next.AUTHENTICATE),
    (403, b"Framework is not subscribed", NotSubscribed, Next.RESUBSCRIBE),
    (403, b"Framework is not connected via HTTP", NotSubscribed, Next.RESUBSCRIBE),
    (404, b"", NotFound, Next.RETRY),
    (405, b"", MethodNotAllowed, Next.FIX),
    (406, b"", NotAcceptable, Next.FIX),
    (409, b"", Conflict, Next.RETRY),
    (415, b"", UnsupportedMediaType, Next.FIX),
    (418, b"", UnexpectedStatus, Next.FIX),
    (500, b"", InternalError, Next.RETRY),
    (501, b"", NotImplementedByPeer, Next.FIX),
    (502, b"", InternalError, Next.RETRY),
    (503, b"No leader elected", Unavailable, Next.RETRY),
]

NOWHERE = ["", "ftp://127.0.0.1/", "http://user:secret@", "//[", "//host:99999999/", "http:// x/"]
"""Values of Location that lead to no place a request may go to."""


def location_of(form: str, port: int) -> str:
    return {
        "whole": f"http://127.0.0.1:{port}/api/v1/scheduler",
        "no scheme": f"//127.0.0.1:{port}/api/v1/scheduler",
        "no path": f"//127.0.0.1:{port}",
    }[form]
