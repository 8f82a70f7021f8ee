"""Where a part's messages, events and requests meet the plan of what is to go wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from google.protobuf.message import Message
from mesos_messenger import UPID
from mesos_messenger.http import Handler, HttpError, Request, Response, StreamingResponse

from ._links import FaultyEndpoint
from ._rules import Fate, FaultPlan
from ._wire import StreamPublish, StreamSend

__all__ = ["Gate"]


class Gate:
    """Lets through what the plan does not want to go wrong. Only to be used on the loop's thread."""

    def __init__(self, plan: FaultPlan, endpoint: FaultyEndpoint, process: str) -> None:
        self._plan = plan
        self._endpoint = endpoint
        self._process = process

    @property
    def open(self) -> bool:
        """Whether nothing is to go wrong."""
        return self._plan.idle

    def lets_in(self, sender: UPID, message: Message, deliver: Callable[[], None]) -> bool:
        """Tell whether to take a message now; of one that is late, `deliver` is called when it is due."""
        if str(sender) in self._plan.parts:
            return True  # It was looked at where it was sent.
        state = self._plan.link(sender.address, self._endpoint.address)
        if state.refused:
            self._endpoint.apply()
            return False
        if self._plan.fate(str(sender), self._process, message) is not None:
            return False
        if state.delay:
            self._endpoint.call_later(state.delay, deliver)
        return not state.delay

    def lets_out(self, to: str, message: Message) -> bool:
        """Tell whether to send a message."""
        return self._plan.fate(self._process, to, message) is None

    def lets_stream(self, command: StreamSend | StreamPublish) -> StreamSend | StreamPublish | None:
        """Give the command as it is to be performed, if at all."""
        fate = self._plan.fate(self._process, "", command.event)
        if fate is Fate.CUT:
            return replace(command, cut=True)
        return None if fate is Fate.DROPPED else command

    def routes(self, routes: Mapping[str, Handler]) -> dict[str, Handler]:
        """Have requests answered as the plan wants."""
        return {path: self._guarded(handler) for path, handler in routes.items()}

    def _guarded(self, handler: Handler) -> Handler:
        async def answer(request: Request) -> Response | StreamingResponse:
            if not self._plan.idle:
                refused = self._answer(request)
                if refused is not None:
                    return refused
            return await handler(request)

        return answer

    def _answer(self, request: Request) -> Response | None:
        if self._plan.refusals and "authorization" in request.headers:
            for rule in self._plan.refusals:
                rule.hit()
            raise HttpError(401, "", {"WWW-Authenticate": 'Basic realm="mesos"'})
        found = self._plan.answer(self._process, request.path)
        if found is None:
            return None
        if found.status is None:
            raise ConnectionResetError("a fault wants no answer")
        headers = {"Location": found.location} if found.location is not None else {}
        return Response.text(f"A fault wants the answer {found.status}.", found.status, headers)
