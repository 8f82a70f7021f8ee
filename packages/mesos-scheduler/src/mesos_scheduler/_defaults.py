"""What a driver fills in when the program leaves it open."""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Iterable
from dataclasses import replace

from mesos_auth import Credential
from mesos_proto.v1 import mesos_pb2 as mesos

from .errors import DriverMisuse
from .options import SessionOptions
from .session import SchedulerSession
from .store import FrameworkIdStore


def make_session(
    framework_info: mesos.FrameworkInfo,
    store: FrameworkIdStore | None,
    credential: Credential | None,
    options: SessionOptions,
    suppressed_roles: Iterable[str],
    known_tasks: Iterable[mesos.TaskStatus],
) -> SchedulerSession:
    """Return the session that these arguments of a driver ask for."""
    info = complete_framework_info(framework_info)
    if store is not None and not info.id.value:
        framework_id = store.load()
        if framework_id is not None:
            info.id.value = framework_id
    if credential is not None and not info.principal:
        info.principal = credential.principal
    settings = replace(options.with_environ(), authenticate=credential is not None)
    return SchedulerSession(info, settings, suppressed_roles, known_tasks=known_tasks)


def complete_framework_info(given: mesos.FrameworkInfo) -> mesos.FrameworkInfo:
    """Return a copy with the user and the host name filled in, as Mesos's own driver does.

    Raises `DriverMisuse` when the framework has no name, which the protocol requires.
    """
    if not given.name:
        raise DriverMisuse("the framework needs a name: set FrameworkInfo.name")
    info = mesos.FrameworkInfo()
    info.CopyFrom(given)
    if not info.user:
        info.user = _user()
    if not info.hostname:
        info.hostname = socket.gethostname()
    return info


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError as error:
        raise DriverMisuse(f"user {os.getuid()} has no name here: set FrameworkInfo.user") from error
