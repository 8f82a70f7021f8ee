"""How a driver behaves: its settings, and those that Mesos's own driver takes from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mesos_proto.durations import parse_duration

from .errors import FlagError

_AUTHENTICATEE = "crammd5"
_DURATIONS = {
    "MESOS_REGISTRATION_BACKOFF_FACTOR": "registration_backoff_factor",
    "MESOS_AUTHENTICATION_BACKOFF_FACTOR": "authentication_backoff_factor",
    "MESOS_AUTHENTICATION_TIMEOUT": "authentication_timeout_min",
    "MESOS_AUTHENTICATION_TIMEOUT_MIN": "authentication_timeout_min",
    "MESOS_AUTHENTICATION_TIMEOUT_MAX": "authentication_timeout_max",
}


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """Settings of a session; all times in seconds.

    `silence` is how long a master may say nothing before it is asked for a sign of life (None: for ever),
    and `probe_timeout` how long it may take over that. `reconcile` asks for the state of every known task
    after each re-registration, repeated between `reconcile_backoff` (first, longest) until all are
    answered; `reconcile_interval` does so regularly.
    """

    implicit_acknowledgements: bool = True
    authenticate: bool = False
    registration_backoff_factor: float = 2.0
    authentication_backoff_factor: float = 1.0
    authentication_timeout_min: float = 5.0
    authentication_timeout_max: float = 60.0
    silence: float | None = 300.0
    probe_timeout: float = 30.0
    reconcile: bool = True
    reconcile_interval: float | None = None
    reconcile_backoff: tuple[float, float] = (2.0, 60.0)

    def with_environ(self, environ: Mapping[str, str] | None = None) -> SessionOptions:
        """Return these options with the driver flags of the environment (None: the process's own) applied.

        Raises `FlagError` for a value that is no duration. Mesos's names are in sched/flags.hpp.
        """
        environ = os.environ if environ is None else environ
        changes: dict[str, Any] = {}
        for name, field in _DURATIONS.items():
            if name in environ:
                changes[field] = _duration(name, environ[name])
        authenticatee = environ.get("MESOS_AUTHENTICATEE", _AUTHENTICATEE)
        if authenticatee != _AUTHENTICATEE:
            raise FlagError(f"MESOS_AUTHENTICATEE={authenticatee!r}: there is only {_AUTHENTICATEE}")
        return replace(self, **changes)


def _duration(name: str, text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise FlagError(f'{name}={text!r} is not a duration such as "2secs": {error}') from error
    if seconds < 0:
        raise FlagError(f"{name}={text!r} is negative")
    return seconds
