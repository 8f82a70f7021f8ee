"""Schedulers over the v1 HTTP API: the driver, and the API without a driver."""

from . import calls
from ._connection import Phase
from .aio import AsyncHttpSchedulerDriver
from .aio_client import AsyncClient
from .client import Client, Subscription
from .driver import HttpSchedulerDriver
from .options import HttpOptions
from .session import HttpSession

__all__ = [
    "AsyncClient",
    "AsyncHttpSchedulerDriver",
    "Client",
    "HttpOptions",
    "HttpSchedulerDriver",
    "HttpSession",
    "Phase",
    "Subscription",
    "calls",
]
