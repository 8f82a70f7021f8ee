"""The v1 scheduler driver for asyncio: the same session, all of it on the event loop of the program."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from functools import partial

from mesos_http import PROTOBUF, Authorization, Codec, Settings
from mesos_http.aio import AsyncTransport, H11Transport
from mesos_proto.v1 import mesos_pb2 as mesos

from .. import events
from .._aio_life import AsyncDriverLife
from ..store import FrameworkIdStore
from . import commands
from ._aio_shell import AsyncShell
from ._defaults import OperationCalls, make_session
from ._place import Place
from .options import HttpOptions
from .session import HttpSession


class AsyncHttpSchedulerDriver(OperationCalls, AsyncDriverLife):
    """Connects a program under asyncio to the leading master, over the v1 HTTP API.

        async with AsyncHttpSchedulerDriver(framework, "zk://…") as driver:
            async for event in driver:
                match event: ...

    The arguments are those of `HttpSchedulerDriver`, but for `transport`, which makes one for asyncio, and
    `ssl_context`, which has the CAs and the client certificate for connections and for looking for the
    leader. The use is that of `AsyncSchedulerDriver`. An update, of a task or of an operation, counts as
    handled, and is acknowledged, when the next event is asked for. While more than `queue_limit` bytes of
    events wait to be asked for, the stream is not read. Only the detector has threads.
    """

    _session: HttpSession
    _shell: AsyncShell

    def __init__(
        self,
        framework_info: mesos.FrameworkInfo,
        master: str,
        *,
        codec: Codec = PROTOBUF,
        auth: Authorization | None = None,
        implicit_acknowledgements: bool = True,
        suppressed_roles: Iterable[str] = (),
        framework_id_store: FrameworkIdStore | None = None,
        known_tasks: Iterable[mesos.TaskStatus] = (),
        ssl_context: ssl.SSLContext | None = None,
        transport: Callable[[], AsyncTransport] | None = None,
        settings: Settings | None = None,
        queue_limit: int = 64 * 1024 * 1024,
        options: HttpOptions | None = None,
    ) -> None:
        self._prepare(framework_id_store)
        self._session = make_session(
            framework_info,
            framework_id_store,
            options,
            implicit_acknowledgements,
            suppressed_roles,
            known_tasks,
        )
        self._shell = AsyncShell(
            self._session,
            Place(
                master,
                codec,
                auth,
                transport or partial(H11Transport, ssl_context),
                settings or Settings(),
                queue_limit,
                {"ssl_context": ssl_context},
            ),
            deliver=self._take,
            ended=self._end,
            forget=self._forget,
            on_closed=self._set_closed,
        )

    def _handled(self, event: events.Event) -> None:
        super()._handled(event)
        if isinstance(event, events.OperationStatusUpdate) and event.wants_acknowledgement:
            self._shell.post(commands.OperationHandled(event.status))
