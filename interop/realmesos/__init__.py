"""A real Apache Mesos for tests: built from a package of the index, started as master and agents.

Test equipment of this repository, part of no distribution.
"""

from realmesos.build import Build, build
from realmesos.cluster import Cluster
from realmesos.errors import BuildFailed, NotSupported, RealMesosError, StartFailed
from realmesos.releases import LATEST, RELEASES, Release
from realmesos.servers import Agent, Master

__all__ = [
    "LATEST",
    "RELEASES",
    "Agent",
    "Build",
    "BuildFailed",
    "Cluster",
    "Master",
    "NotSupported",
    "RealMesosError",
    "Release",
    "StartFailed",
    "build",
]
