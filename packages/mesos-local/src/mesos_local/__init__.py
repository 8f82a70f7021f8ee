"""An embedded Mesos: a master and agents in one process, that any Mesos client can talk to.

What is here is imported when it is asked for: the programs that run tasks are of this package too, and one is
started for each command task.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .agent.state import AgentSettings
    from .cluster import LocalCluster
    from .errors import (
        ClusterError,
        ConfigurationError,
        FaultError,
        FetchError,
        MesosLocalError,
        RegistryError,
    )
    from .faults import Fault, Faults
    from .master.state import MasterSettings
else:
    _PLACES = {
        "AgentSettings": ".agent.state",
        "Fault": ".faults",
        "Faults": ".faults",
        "LocalCluster": ".cluster",
        "MasterSettings": ".master.state",
    }

    def __getattr__(name):
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_PLACES.get(name, ".errors"), __name__), name)

    def __dir__():
        return sorted({*globals(), *__all__})


__all__ = [
    "AgentSettings",
    "ClusterError",
    "ConfigurationError",
    "Fault",
    "FaultError",
    "Faults",
    "FetchError",
    "LocalCluster",
    "MasterSettings",
    "MesosLocalError",
    "RegistryError",
]
