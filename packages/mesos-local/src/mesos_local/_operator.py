"""What the operator APIs of master and agent share: reading a call, the common answers, writing an answer.

The order of the checks, and what each answers, is that of upstream's src/master/http.cpp and
src/slave/http.cpp.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import pyglog
from google.protobuf.message import Message
from mesos_messenger.http import HttpError, Request, Response, StreamingResponse
from mesos_proto import devolve, evolve
from mesos_proto.errors import ConversionError

from . import _http, _models
from ._models import Json

__all__ = ["Answer", "OperatorCalls", "check"]

Answer = Response | StreamingResponse
C = TypeVar("C", bound=Message)
Reading = Callable[[Any, Any], None]
"""Fills the answer to a call."""
Acting = Callable[[Any, Request], Answer]
"""Does what a call wants, and answers the request it came with."""

MAX_LEVEL = 2**31 - 1


def check(call: Any, what: str, members: Mapping[str, str]) -> None:
    """Refuse a call without a type, or without the member that goes with it. Raises HttpError."""
    error = None
    if not call.HasField("type"):
        error = "Expecting 'type' to be present"
    else:
        member = members.get(call.Type.Name(call.type))
        if member is not None and not call.HasField(member):
            error = f"Expecting '{member}' to be present"
    if error is not None:
        raise HttpError(400, f"Failed to validate {what}::Call: {error}")


class OperatorCalls(Generic[C]):
    """The operator API of a part, by the names of its calls.

    `reads` fill an answer, `acts` do something; what is in neither is answered with 501. `later` has
    something called after so many seconds; `accepted` chooses the media type of the answer to a call.
    """

    def __init__(
        self,
        calls: type[C],
        answers: type[Message],
        what: str,
        members: Mapping[str, str],
        *,
        flags: Json,
        metrics: Callable[[], Json],
        later: Callable[[float, Callable[[], object]], object],
        accepted: Callable[[Request, str], str] = lambda request, name: _http.accepted(request),
    ) -> None:
        self._calls = calls
        self._answers: Any = answers
        self._what = what
        self._members = {"GET_METRICS": "get_metrics", "SET_LOGGING_LEVEL": "set_logging_level", **members}
        self._flags = flags
        self._metrics = metrics
        self._later = later
        self._accepted = accepted
        self._level = 0
        self._raised = 0
        self.reads: dict[str, Reading] = {
            "GET_HEALTH": self._health,
            "GET_FLAGS": self._show_flags,
            "GET_VERSION": self._version,
            "GET_METRICS": self._show_metrics,
            "GET_LOGGING_LEVEL": self._logging_level,
        }
        self.acts: dict[str, Acting] = {"SET_LOGGING_LEVEL": self._set_logging_level}

    async def answer(self, request: Request) -> Answer:
        """Take a call."""
        if request.method != "POST":
            return _http.wrong_method(request, "POST")
        try:
            call: Any = devolve(_http.body_as(self._calls, request, await request.read()))
        except ConversionError as error:
            raise HttpError(400, f"Failed to validate {self._what}::Call: {error}") from error
        check(call, self._what, self._members)
        name = call.Type.Name(call.type)
        if name not in self.acts and name not in self.reads:
            raise HttpError(501, f"An embedded cluster does not have the call {name}.")
        media = self._accepted(request, name)
        if name in self.acts:
            return self.acts[name](call, request)
        response = self._answers(type=self._answers.Type.Value(name))
        self.reads[name](call, response)
        return Response(body=_http.encoded(media, evolve(response)), content_type=media)

    def _health(self, call: C, response: Any) -> None:
        response.get_health.healthy = True

    def _show_flags(self, call: C, response: Any) -> None:
        response.get_flags.SetInParent()
        for name, value in self._flags.items():
            response.get_flags.flags.add(name=name, value=str(value))

    def _version(self, call: C, response: Any) -> None:
        for name, value in _models.version().items():
            setattr(response.get_version.version_info, name, value)

    def _show_metrics(self, call: C, response: Any) -> None:
        for name, value in sorted(self._metrics().items()):
            response.get_metrics.metrics.add(name=name, value=value)

    def _logging_level(self, call: C, response: Any) -> None:
        response.get_logging_level.level = pyglog.settings().v

    def _set_logging_level(self, call: Any, request: Request) -> Answer:
        """Log more for a while, as upstream's `/logging/toggle`; the level of before comes back."""
        wanted = call.set_logging_level
        if not self._raised:
            self._level = pyglog.settings().v
        self._raised += 1
        pyglog.configure(v=min(wanted.level, MAX_LEVEL))
        self._later(max(0.0, wanted.duration.nanoseconds / 1e9), self._revert)
        return Response()

    def _revert(self) -> None:
        self._raised -= 1
        if not self._raised:
            pyglog.configure(v=self._level)
