"""`V(n)`: one comparison while a level is off everywhere, one look-up of the caller's file otherwise.

A file's level (the first `-vmodule` pattern that matches it, else `-v`) is worked out once and kept until
a flag changes. The file is that of the calling module (`__file__`): reading it costs less than the
code object's name; code without one (`python -c`, a notebook) is told by the latter.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import NoReturn

from . import _core
from .settings import Settings
from .severity import Severity

_getframe = sys._getframe


class Verbose(int):
    """What `V` returns: true or false, with the log functions of a level.

    An int, because the truth of one is told without running Python code.
    """

    __slots__ = ()

    def info(
        self,
        msg: object,
        *args: object,
        depth: int = 0,
        context: object = None,
        exc_info: object = None,
    ) -> None:
        """Log at INFO if the level is on; as `pyglog.info`."""
        if self:
            _core.log_from(Severity.INFO, msg, args, depth + 1, True, context, exc_info)

    def warning(self, msg: object, *args: object, depth: int = 0, context: object = None) -> None:
        """Log at WARNING if the level is on."""
        if self:
            _core.log_from(Severity.WARNING, msg, args, depth + 1, True, context, None)

    def error(self, msg: object, *args: object, depth: int = 0, context: object = None) -> None:
        """Log at ERROR if the level is on."""
        if self:
            _core.log_from(Severity.ERROR, msg, args, depth + 1, True, context, None)

    def __repr__(self) -> str:
        return f"Verbose({bool(self)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Verbose holds for the moment and place of its call: it cannot be pickled")


OFF = Verbose(0)
ON = Verbose(1)

_settings = Settings()
_ceiling = 0
_levels: dict[str, int] = {}


def V(level: int) -> Verbose:
    """Tell whether logs of a verbosity level are on in the calling file.

    Use it as a test, which costs least when it is off, or chained: `V(2).info("offers: %s", offers)`.
    """
    if level > _ceiling:
        return OFF
    try:
        if level > _levels[_getframe(1).f_globals["__file__"]]:
            return OFF
        return ON
    except (KeyError, TypeError):
        return ON if level <= _find_level(_getframe(1)) else OFF


def v_depth(level: int, depth: int) -> Verbose:
    """Act as `V` for the caller that many frames up; 0 is as `V` itself."""
    if level > _ceiling:
        return OFF
    try:
        frame = _getframe(1 + depth)
    except ValueError:
        return ON if level <= _settings.v else OFF
    return ON if level <= _find_level(frame) else OFF


def is_on(level: int, path: str) -> bool:
    """Tell whether a verbosity level is on in a source file."""
    return level <= _ceiling and level <= _settings.level_of(path)


def ceiling() -> int:
    """Return the highest level that is on in any file there may be."""
    return _ceiling


def apply(settings: Settings) -> None:
    """Take over `-v` and `-vmodule`."""
    global _settings, _ceiling, _levels
    _settings, _levels = settings, {}
    _ceiling = settings.highest_level()


def _find_level(frame: FrameType) -> int:
    """Return the level of a frame's file, and keep it for the next time."""
    levels, settings = _levels, _settings
    path = frame.f_globals.get("__file__")
    if not isinstance(path, str):
        path = frame.f_code.co_filename
    level = levels.get(path)
    if level is None:
        level = levels[path] = settings.level_of(path)
    return level
