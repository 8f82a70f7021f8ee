"""The v0 scheduler driver for asyncio: the same session, events as an async iterator or as callbacks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mesos_auth import Credential
from mesos_messenger import Tls
from mesos_proto.v1 import mesos_pb2 as mesos

from ._aio_life import AsyncDriverLife
from ._defaults import make_session
from ._shell import Place, Shell
from .options import SessionOptions
from .store import FrameworkIdStore


class AsyncSchedulerDriver(AsyncDriverLife):
    """Connects a program under asyncio to the leading master, over libprocess.

        async with AsyncSchedulerDriver(framework, "zk://…") as driver:
            async for event in driver:
                match event: ...

    The arguments are those of `MesosSchedulerDriver`. An update counts as handled, and is acknowledged, when
    the next event is asked for: never after a `break`, an exception or a cancellation. The iteration ends
    when the driver is stopped or aborted by the program, and raises `DriverAborted` when the master ended it.
    The block's end stops the driver; after an exception the framework is left for another instance.

    Calls return at once and may come from any thread.
    """

    def __init__(
        self,
        framework_info: mesos.FrameworkInfo,
        master: str,
        *,
        credential: Credential | None = None,
        implicit_acknowledgements: bool = True,
        suppressed_roles: Iterable[str] = (),
        framework_id_store: FrameworkIdStore | None = None,
        known_tasks: Iterable[mesos.TaskStatus] = (),
        bind: str | None = None,
        advertise: str | None = None,
        tls: Tls | None = None,
        queue_limit: int = 64 * 1024 * 1024,
        options: SessionOptions | None = None,
    ) -> None:
        self._prepare(framework_id_store)
        self._session = make_session(
            framework_info,
            framework_id_store,
            credential,
            replace(options or SessionOptions(), implicit_acknowledgements=implicit_acknowledgements),
            suppressed_roles,
            known_tasks,
        )
        self._shell = Shell(
            self._session,
            Place(master, bind, advertise, tls, credential, queue_limit),
            deliver=lambda command: self._hand_over(self._take, command),
            ended=lambda command: self._hand_over(self._end, command),
            forget=self._forget,
            on_closed=lambda: self._hand_over(self._set_closed),
        )
