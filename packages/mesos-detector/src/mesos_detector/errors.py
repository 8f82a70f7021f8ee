"""What this package raises; nothing of kazoo's or of the HTTP client's escapes it."""

from __future__ import annotations


class DetectorError(Exception):
    """Base class of everything this package raises."""


class MalformedMasterError(DetectorError, ValueError):
    """The master string is not one of the accepted forms; the text says which part and what to write."""


class DetectionFailedError(DetectorError):
    """Detection ended for good, for instance because ZooKeeper refused the credentials."""


class DetectionTimeoutError(DetectorError, TimeoutError):
    """No leading master was found in the time allowed; the text names the last known reason."""


class DetectorStoppedError(DetectorError):
    """The detector was stopped while something waited on it, or is used after `stop`."""


class ContenderError(DetectorError):
    """The contender was misused, or ZooKeeper refused the candidacy for good."""
