"""The v1 scheduler driver: the callbacks of `MesosSchedulerDriver`, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from mesos_http import PROTOBUF, Authorization, Codec, RequestsTransport, Settings, Transport
from mesos_proto.v1 import mesos_pb2 as mesos

from .. import events
from .._callbacks import Item
from .._life import DriverLife
from ..scheduler import Scheduler
from ..store import FrameworkIdStore
from . import commands
from ._defaults import OperationCalls, make_session
from ._place import Place
from ._shell import Shell
from .options import HttpOptions
from .session import HttpSession


class HttpSchedulerDriver(OperationCalls, DriverLife):
    """Connects a `Scheduler` to the leading master, over the v1 HTTP API.

    `master` is what `MesosSchedulerDriver` takes, or the whole URL of the API, such as
    `https://host:5050/api/v1/scheduler`, whose redirects lead to the leader. An id in `framework_info` (or in
    `framework_id_store`) takes over from an earlier instance, of whose tasks `known_tasks` names those not
    known to have ended. `codec` is PROTOBUF or JSON; `auth` makes the Authorization header, as `BasicAuth`
    and `BearerAuth` of mesos-auth do. Over TLS, also when looking for the leader, `verify` is True or the
    path of a CA bundle, and `cert` the path of a client certificate with its key, or both paths. `transport`
    makes a transport of your own, such as one with a session of yours, which has a `verify` and a `cert` of
    its own. `queue_limit` bounds, in bytes, the events that wait for callbacks; beyond it the stream is not
    read.

    Masters need no way to this driver. Each call returns the driver's `Status` after it and may come from any
    thread, also from a callback; that the master has taken it says nothing about its success.
    """

    _session: HttpSession
    _shell: Shell

    def __init__(
        self,
        scheduler: Scheduler,
        framework_info: mesos.FrameworkInfo,
        master: str,
        *,
        codec: Codec = PROTOBUF,
        auth: Authorization | None = None,
        implicit_acknowledgements: bool = True,
        suppressed_roles: Iterable[str] = (),
        framework_id_store: FrameworkIdStore | None = None,
        known_tasks: Iterable[mesos.TaskStatus] = (),
        verify: bool | str = True,
        cert: str | tuple[str, str] | None = None,
        transport: Callable[[], Transport] | None = None,
        settings: Settings | None = None,
        queue_limit: int = 64 * 1024 * 1024,
        options: HttpOptions | None = None,
    ) -> None:
        self._session = make_session(
            framework_info,
            framework_id_store,
            options,
            implicit_acknowledgements,
            suppressed_roles,
            known_tasks,
        )
        self._shell = Shell(
            self._session,
            Place(
                master,
                codec,
                auth,
                transport or partial(RequestsTransport, verify=verify, cert=cert),
                settings or Settings(),
                queue_limit,
                {"verify": verify, "cert": cert},
            ),
            deliver=self._deliver,
            ended=self._session_ended,
            forget=self._forget,
        )
        self._prepare(scheduler, framework_id_store)

    def _call(self, item: Item) -> None:
        super()._call(item)
        if type(item) is events.OperationStatusUpdate and item.wants_acknowledgement:
            self._shell.post(commands.OperationHandled(item.status))
