"""The leading master, and how to reach it: libprocess address and v1 URL out of a MasterInfo."""

from __future__ import annotations

import re
import socket
import struct
from dataclasses import dataclass, field

from mesos_proto.v0 import mesos_pb2

_PID = re.compile(r"([^@\s]+)@([^@:\s]+):(\d{1,5})")


@dataclass(frozen=True, slots=True)
class Leader:
    """The leading master.

    `info` is what it says of itself (v0), `pid` its libprocess address (`master@ip:port`), `url` the base
    of its HTTP APIs (`http://ip:port`). `confirmed` is False when the address is only what the user named
    and the master itself has not been asked with success.
    """

    info: mesos_pb2.MasterInfo = field(hash=False)
    pid: str
    url: str
    confirmed: bool = True


def master_pid(info: mesos_pb2.MasterInfo) -> str:
    """Return the libprocess address of a master: its `pid`, or what its address fields make."""
    if _PID.fullmatch(info.pid):
        return info.pid
    host, port = _host_port(info)
    return f"master@{host}:{port}"


def master_url(info: mesos_pb2.MasterInfo, scheme: str = "http") -> str:
    """Return the base URL of a master's HTTP APIs.

    With `http` the IP address is preferred, which needs no name service; with `https` the host name is,
    which certificates are made out to.
    """
    host, port = _host_port(info)
    if scheme == "https":
        host = info.address.hostname or info.hostname or host
    return f"{scheme}://{host}:{port}"


def leader_of(info: mesos_pb2.MasterInfo, scheme: str = "http") -> Leader:
    """Make a Leader of a MasterInfo, which is copied."""
    copy = mesos_pb2.MasterInfo()
    copy.CopyFrom(info)
    return Leader(copy, master_pid(copy), master_url(copy, scheme))


def is_usable(info: mesos_pb2.MasterInfo) -> bool:
    """Tell whether a MasterInfo is complete and names an address one can connect to."""
    if not info.IsInitialized():
        return False
    if info.pid:
        match = _PID.fullmatch(info.pid)
        return match is not None and 0 < int(match.group(3)) < 65536
    host, port = _host_port(info)
    return bool(host) and host != "0.0.0.0" and 0 < port < 65536


def info_of_pid(
    pid: str, *, identifier: str | None = None, hostname: str = ""
) -> mesos_pb2.MasterInfo | None:
    """Make the MasterInfo that an address alone allows; None when the text is no libprocess address."""
    match = _PID.fullmatch(pid)
    if match is None or not 0 < int(match.group(3)) < 65536:
        return None
    host, port = match.group(2), int(match.group(3))
    packed = _packed_ip(host)
    info = mesos_pb2.MasterInfo(
        id=identifier or pid, ip=packed, port=port, pid=pid, hostname=hostname or host
    )
    info.address.hostname = hostname or host
    info.address.port = port
    if packed:
        info.address.ip = host
    return info


def _host_port(info: mesos_pb2.MasterInfo) -> tuple[str, int]:
    if info.HasField("address") and (info.address.ip or info.address.hostname):
        return info.address.ip or info.address.hostname, info.address.port
    match = _PID.fullmatch(info.pid)
    if match is not None:
        return match.group(2), int(match.group(3))
    # The field is the raw network-order address read as a little-endian number (common/protobuf_utils.cpp).
    return socket.inet_ntoa(struct.pack("<I", info.ip)), info.port


def _packed_ip(host: str) -> int:
    try:
        packed: int = struct.unpack("<I", socket.inet_pton(socket.AF_INET, host))[0]
    except OSError:
        return 0
    return packed
