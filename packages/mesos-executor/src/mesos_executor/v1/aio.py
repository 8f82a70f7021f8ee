"""The v1 executor driver for asyncio: the same session, all of it on the event loop of the program."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mesos_http import PROTOBUF, Authorization, Codec, Settings
from mesos_http.aio import AsyncTransport
from mesos_proto.v1 import mesos_pb2 as mesos

from .._async_life import AsyncDriverLife
from ._aio_shell import AsyncShell
from ._place import SETTINGS, Place
from .environment import HttpExecutorEnvironment
from .options import HttpExecutorOptions


class AsyncHttpExecutorDriver(AsyncDriverLife):
    """Connects a program to the agent that started it, over the v1 HTTP API.

        async with AsyncHttpExecutorDriver() as driver:
            async for event in driver:
                ...

    Used as `AsyncExecutorDriver`; the arguments are those of `HttpExecutorDriver`, but for `transport`, which
    makes one for asyncio. There are no threads, but for the one that kills the process group when a grace
    period is over. Calls return at once and may come from any thread: a message is lost, with a line in the
    log, when too many wait.
    """

    _shell: AsyncShell

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        codec: Codec = PROTOBUF,
        auth: Authorization | None = None,
        transport: Callable[[], AsyncTransport] | None = None,
        settings: Settings = SETTINGS,
        options: HttpExecutorOptions | None = None,
    ) -> None:
        super().__init__()
        environment = HttpExecutorEnvironment.from_environ(environ)
        self._shell = AsyncShell(
            Place(
                environment,
                codec,
                auth or environment.auth,
                transport or environment.async_transport,
                settings,
                options or HttpExecutorOptions(),
            ),
            deliver=self._deliver,
            ended=self._end,
            closed=self._close,
        )

    @property
    def container_id(self) -> mesos.ContainerID | None:
        """The container of this executor, once the agent has said it."""
        return self._shell.session.container_id

    async def _start_shell(self) -> None:
        self._shell.start()
