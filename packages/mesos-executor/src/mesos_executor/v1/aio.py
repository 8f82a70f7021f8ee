"""The v1 executor driver under asyncio: events as an async iterator, the same session below."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mesos_http import PROTOBUF, Authorization, Codec, Settings, Transport
from mesos_proto.v1 import mesos_pb2 as mesos

from .._async_life import AsyncDriverLife
from ._shell import SETTINGS, Shell, place_of
from .environment import HttpExecutorEnvironment
from .options import HttpExecutorOptions


class AsyncHttpExecutorDriver(AsyncDriverLife):
    """Connects a program to the agent that started it, over the v1 HTTP API.

        async with AsyncHttpExecutorDriver() as driver:
            async for event in driver:
                ...

    Used as `AsyncExecutorDriver`; the arguments are those of `HttpExecutorDriver`. Calls return at once: a
    message is lost, with a line in the log, when too many wait.
    """

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        codec: Codec = PROTOBUF,
        auth: Authorization | None = None,
        transport: Callable[[], Transport] | None = None,
        settings: Settings = SETTINGS,
        options: HttpExecutorOptions | None = None,
    ) -> None:
        super().__init__()
        environment = HttpExecutorEnvironment.from_environ(environ)
        self._http = self._shell = Shell(
            environment,
            place_of(environment, codec, auth, transport, settings, options),
            deliver=self._deliver,
            ended=self._end,
            closed=self._close,
            waits=False,
        )

    @property
    def container_id(self) -> mesos.ContainerID | None:
        """The container of this executor, once the agent has said it."""
        return self._http.session.container_id
