"""A file other than the tests', for what depends on the caller's file."""

from __future__ import annotations

from collections.abc import Callable

from pyglog import V


def run_here(function: Callable[[], bool]) -> bool:
    """Call a function with a frame of this file below it."""
    return function()


def level_two_is_on() -> bool:
    """Ask in this file."""
    return bool(V(2))
