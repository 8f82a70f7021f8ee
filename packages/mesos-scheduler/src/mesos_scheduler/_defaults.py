"""What a driver fills in when the program leaves it open."""

from __future__ import annotations

import os
import pwd
import socket

from mesos_proto.v1 import mesos_pb2 as mesos

from .errors import DriverMisuse


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
