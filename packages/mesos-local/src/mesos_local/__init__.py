"""An embedded Mesos: a master and agents in one process, that any Mesos client can talk to."""

from .agent.state import AgentSettings
from .cluster import LocalCluster
from .errors import ClusterError, ConfigurationError, FaultError, FetchError, MesosLocalError, RegistryError
from .faults import Fault, Faults
from .master.state import MasterSettings

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
