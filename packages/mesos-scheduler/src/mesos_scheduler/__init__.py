"""Scheduler drivers for Apache Mesos."""

from .aio import AsyncSchedulerDriver
from .artifacts import ArtifactServer
from .driver import MesosSchedulerDriver
from .errors import (
    DriverAborted,
    DriverMisuse,
    FlagError,
    FrameworkIdStoreError,
    SchedulerError,
    UnsupportedByMaster,
)
from .options import SessionOptions
from .scheduler import Scheduler, SchedulerDriver
from .status import Status
from .store import FileFrameworkIdStore, FrameworkIdStore
from .zkstore import ZooKeeperFrameworkIdStore

__all__ = [
    "ArtifactServer",
    "AsyncSchedulerDriver",
    "DriverAborted",
    "DriverMisuse",
    "FileFrameworkIdStore",
    "FlagError",
    "FrameworkIdStore",
    "FrameworkIdStoreError",
    "MesosSchedulerDriver",
    "Scheduler",
    "SchedulerDriver",
    "SchedulerError",
    "SessionOptions",
    "Status",
    "UnsupportedByMaster",
    "ZooKeeperFrameworkIdStore",
]
