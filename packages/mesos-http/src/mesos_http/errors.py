"""What can go wrong in this package: misuse, the network, the peer's bytes and its refusals apart.

Every error of a refusal knows what to do next: `error.next`, and the same in words in its text.
"""

from __future__ import annotations

import enum


class Next(enum.Enum):
    """What to do after an error."""

    FIX = "change the request: it will be refused again"
    AUTHENTICATE = "give other credentials"
    RESUBSCRIBE = "subscribe again, then repeat the call"
    RETRY = "try again after a pause"


class MesosHttpError(Exception):
    """Base of every error this package raises."""

    next: Next = Next.RETRY


class ClientMisuse(MesosHttpError):
    """The program asked for what cannot be meant."""

    next = Next.FIX


class ClientClosed(MesosHttpError):
    """The client was closed before or during this."""

    next = Next.FIX


class ConnectionFailed(MesosHttpError):
    """No connection, or one that broke; whether a call was taken is unknown."""


class TimedOut(ConnectionFailed):
    """Nothing came in time."""


class TlsFailed(ConnectionFailed):
    """The certificates, ours or the peer's, were not accepted."""

    next = Next.FIX


class RedirectFailed(MesosHttpError):
    """The redirects lead nowhere: too many of them, or to where no request may go."""


class PeerViolation(MesosHttpError):
    """The peer sent bytes that make no sense; the connection is of no more use."""


class RecordError(PeerViolation):
    """A stream is not RecordIO, ends within a record, or has one beyond the limit."""


class DecodeError(PeerViolation):
    """A body or a record is not the message it should be."""


class BodyTooLarge(PeerViolation):
    """An answer is larger than the limit."""


class StatusError(MesosHttpError):
    """The peer refused the request: `status`, its words as `reason`, and in `next` what to do."""

    next = Next.FIX
    advice = ""

    def __init__(self, status: int, reason: str, *, retry_after: float | None = None) -> None:
        self.status = status
        self.reason = reason
        self.retry_after = retry_after
        said = f": {reason}" if reason else ""
        super().__init__(f"HTTP {status}{said} ({self.advice or self.next.value})")


class BadRequest(StatusError):
    """400: the call is invalid, or not for the stream that it came with."""


class StreamIdRejected(BadRequest):
    """400: the stream id is missing, or that of an older stream."""

    next = Next.RESUBSCRIBE


class FrameworkUnknown(BadRequest):
    """400: no such framework (or executor): not yet subscribed with this master, or ended."""

    next = Next.RESUBSCRIBE


class Unauthenticated(StatusError):
    """401: `challenges` says which kinds of credentials would do."""

    next = Next.AUTHENTICATE

    def __init__(
        self, status: int, reason: str, *, retry_after: float | None = None, challenges: str = ""
    ) -> None:
        self.challenges = challenges
        if challenges:
            self.advice = f"give other credentials; wanted: {challenges}"
        super().__init__(status, reason, retry_after=retry_after)


class Forbidden(StatusError):
    """403: not for this principal."""

    next = Next.AUTHENTICATE


class NotSubscribed(Forbidden):
    """403: the framework or executor has no stream open now."""

    next = Next.RESUBSCRIBE


class NotFound(StatusError):
    """404: no such API at this address, or not yet: a process that starts answers this for a moment."""

    next = Next.RETRY


class MethodNotAllowed(StatusError):
    """405: not an API that takes calls; look at the path of the URL."""

    advice = "look at the path of the URL: it takes no calls"


class NotAcceptable(StatusError):
    """406: the peer cannot answer in this content type."""

    advice = "choose another codec for the answers"


class Conflict(StatusError):
    """409: the agent's resources do not satisfy the operation now."""

    next = Next.RETRY


class UnsupportedMediaType(StatusError):
    """415: the peer does not read this content type."""

    advice = "choose another codec"


class InternalError(StatusError):
    """500 and other failures of the peer's own."""

    next = Next.RETRY


class NotImplementedByPeer(StatusError):
    """501: the peer does not know this call; it is too old for it."""

    advice = "the peer is too old for this call"


class Unavailable(StatusError):
    """503: no leader is known, or the leader or agent still recovers."""

    next = Next.RETRY


class UnexpectedStatus(StatusError):
    """Any other status."""
