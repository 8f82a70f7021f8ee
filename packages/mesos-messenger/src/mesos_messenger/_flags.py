"""Booleans of the environment, in the spellings that Mesos knows."""

from __future__ import annotations

from .errors import ConfigurationError

__all__ = ["flag"]

_TRUE = frozenset({"1", "true"})
_FALSE = frozenset({"", "0", "false"})


def flag(text: str, name: str) -> bool:
    """Read a boolean; raises `ConfigurationError`."""
    value = text.strip().lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ConfigurationError(f"{name}: {text!r} is neither true nor false")
