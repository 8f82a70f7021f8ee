"""What every shell of a v1 session does alike: tells it what happened, and performs what it says."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from .. import commands as v0
from .. import events
from . import commands
from .commands import SessionEvent
from .session import HttpSession

_log = logging.getLogger("mesos.scheduler")

News: TypeAlias = SessionEvent | events.Acknowledgement


class Performer:
    """Enters a session; `performers` has a method for each kind of command."""

    def __init__(self, session: HttpSession, performers: dict[type, Callable[[Any], None]]) -> None:
        self._session = session
        self._performers = performers

    def take(self, news: Iterable[News]) -> None:
        """Give the session what has happened, acknowledgements together."""
        try:
            self._take(news)
        except Exception as error:
            # A fault of ours: whoever waits for the driver must hear of it.
            _log.exception("the driver fails")
            self._handle(v0.Abort(f"the driver failed: {type(error).__name__}: {error}"))
            self._handle(commands.CloseNow())

    def _take(self, news: Iterable[News]) -> None:
        handled: list[events.Acknowledgement] = []
        for item in news:
            if isinstance(item, events.Acknowledgement):
                handled.append(item)
                continue
            if handled:
                self._handle(v0.Handled(handled))
                handled = []
            self._handle(item)
        if handled:
            self._handle(v0.Handled(handled))

    def _handle(self, event: SessionEvent) -> None:
        for command in self._session.handle(event, time.monotonic()):
            self._performers[type(command)](command)
