"""Executors over the v1 HTTP API: the driver, and the API without a driver."""

from . import calls
from .client import Client
from .driver import HttpExecutorDriver
from .environment import HttpExecutorEnvironment
from .options import HttpExecutorOptions
from .session import HttpExecutorSession, State

__all__ = [
    "Client",
    "HttpExecutorDriver",
    "HttpExecutorEnvironment",
    "HttpExecutorOptions",
    "HttpExecutorSession",
    "State",
    "calls",
]
