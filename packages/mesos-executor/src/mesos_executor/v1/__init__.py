"""Executors over the v1 HTTP API: the driver, and the API without a driver."""

from . import calls
from ._connection import State
from .aio import AsyncHttpExecutorDriver
from .client import Client
from .driver import HttpExecutorDriver
from .environment import HttpExecutorEnvironment
from .options import HttpExecutorOptions
from .session import HttpExecutorSession

__all__ = [
    "AsyncHttpExecutorDriver",
    "Client",
    "HttpExecutorDriver",
    "HttpExecutorEnvironment",
    "HttpExecutorOptions",
    "HttpExecutorSession",
    "State",
    "calls",
]
