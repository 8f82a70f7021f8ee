"""Executor drivers for Apache Mesos: `MesosExecutorDriver`, `AsyncExecutorDriver`, and what they need."""

from . import events
from .aio import AsyncExecutorDriver
from .driver import MesosExecutorDriver
from .environment import ExecutorEnvironment
from .errors import AgentEnvironmentError, DriverAborted, DriverMisuse, ExecutorError, PackError
from .executor import Executor, ExecutorDriver
from .status import Status

__all__ = [
    "AgentEnvironmentError",
    "AsyncExecutorDriver",
    "DriverAborted",
    "DriverMisuse",
    "Executor",
    "ExecutorDriver",
    "ExecutorEnvironment",
    "ExecutorError",
    "MesosExecutorDriver",
    "PackError",
    "Status",
    "events",
]
