"""The v0 scheduler driver: callbacks on a thread of its own, the protocol on another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mesos_auth import Credential
from mesos_messenger import Tls
from mesos_proto.v1 import mesos_pb2 as mesos

from ._defaults import make_session
from ._life import DriverLife
from ._shell import Place, Shell
from .options import SessionOptions
from .scheduler import Scheduler
from .session import SchedulerSession
from .store import FrameworkIdStore


class MesosSchedulerDriver(DriverLife):
    """Connects a `Scheduler` to the leading master, over libprocess.

    `master` is `host:port`, `zk://host:port,…/path`, `http://host:port` or `file:///path`. An id in
    `framework_info` (or in `framework_id_store`) takes over from an earlier instance, of whose tasks
    `known_tasks` names (task and agent id) those not known to have ended. `credential` authenticates.
    `bind` and `advertise` (`ip:port`) are where to listen and what to tell others, `tls` how (by default as
    libprocess's variables in the environment say).
    `queue_limit` bounds, in bytes, the events that wait for callbacks; beyond it peers are not read.
    `options` holds the rest; driver flags in the environment override its times.

    Each call returns the driver's `Status` after it and may come from any thread, also from a callback.
    """

    _session: SchedulerSession
    _shell: Shell

    def __init__(
        self,
        scheduler: Scheduler,
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
            deliver=self._deliver,
            ended=self._session_ended,
            forget=self._forget,
        )
        self._prepare(scheduler, framework_id_store)
