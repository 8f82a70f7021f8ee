"""How a driver talks to its agent."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from mesos_http import Authorization, Codec, Settings

from .environment import HttpExecutorEnvironment
from .options import HttpExecutorOptions

SETTINGS = Settings(stream_timeout=math.inf)
"""An agent may say nothing for half an hour; the session knows when that is too long."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Place(Generic[_T]):
    """What a driver was told by its agent and by its user; `_T` is the kind of transport."""

    environment: HttpExecutorEnvironment
    codec: Codec
    auth: Authorization | None
    transport: Callable[[], _T]
    settings: Settings
    options: HttpExecutorOptions
