"""The v1 executor driver: the callbacks of `MesosExecutorDriver`, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mesos_http import PROTOBUF, Authorization, Codec, Settings, Transport
from mesos_proto.v1 import mesos_pb2 as mesos

from .._life import DriverLife
from ..executor import Executor
from ._place import SETTINGS, Place
from ._shell import Shell
from .environment import HttpExecutorEnvironment
from .options import HttpExecutorOptions


class HttpExecutorDriver(DriverLife):
    """Connects an `Executor` to the agent that started this process, over the v1 HTTP API.

    `environ` is the environment the agent gave (None: the process's own, out of which the authentication
    token is taken). Raises `AgentEnvironmentError`, naming what is missing, when it is not one. `codec` is
    PROTOBUF or JSON. What the environment says of credentials and certificates can be replaced: `auth` makes
    the Authorization header, `transport` a new transport.

    Each call returns the driver's `Status` after it and may come from any thread, also from a callback.
    Calls that come too early or too late do nothing.
    """

    def __init__(
        self,
        executor: Executor,
        environ: Mapping[str, str] | None = None,
        *,
        codec: Codec = PROTOBUF,
        auth: Authorization | None = None,
        transport: Callable[[], Transport] | None = None,
        settings: Settings = SETTINGS,
        options: HttpExecutorOptions | None = None,
    ) -> None:
        super().__init__(executor)
        environment = HttpExecutorEnvironment.from_environ(environ)
        self._http = self._shell = Shell(
            Place(
                environment,
                codec,
                auth or environment.auth,
                transport or environment.transport,
                settings,
                options or HttpExecutorOptions(),
            ),
            deliver=self._callbacks.put,
            ended=self._ended,
            closed=self._closed.set,
        )

    @property
    def container_id(self) -> mesos.ContainerID | None:
        """The container of this executor, once the agent has said it."""
        return self._http.session.container_id
