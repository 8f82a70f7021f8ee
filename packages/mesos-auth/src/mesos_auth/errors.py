"""What this package raises or reports. No text in here ever holds a secret."""

from __future__ import annotations


class AuthError(Exception):
    """Base class of everything this package raises."""


class CredentialError(AuthError, ValueError):
    """A credential, or the file or environment it comes from, is unusable; the text says where and why."""


class MechanismError(AuthError):
    """A SASL mechanism cannot go on: it is not known, or the peer's data makes no sense to it."""


class AuthenticationError(AuthError):
    """An authentication has ended without success."""


class AuthenticationRefusedError(AuthenticationError):
    """The peer does not accept the credential. Trying again cannot help."""


class AuthenticationFailedError(AuthenticationError):
    """The exchange went wrong: a message out of order, an error reported by the peer, a lost peer."""


class AuthenticationTimeoutError(AuthenticationError, TimeoutError):
    """The exchange did not end in the time allowed."""


class AuthenticationCancelledError(AuthenticationError):
    """The exchange was cancelled by its owner."""
