"""What pyglog raises at its caller; a log call itself never raises."""

from __future__ import annotations


class GlogError(Exception):
    """Base class of pyglog's errors."""


class FlagError(GlogError, ValueError):
    """A flag or setting has a value that cannot be used."""


class NoLogError(GlogError, LookupError):
    """No file exists yet for the severity asked about (glog's `ErrNoLog`)."""
