"""What a driver tells masters about its framework."""

from __future__ import annotations

from mesos_proto import devolve
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v0 import scheduler_pb2 as v0_scheduler
from mesos_proto.v1 import mesos_pb2 as v1
from mesos_proto.v1 import scheduler_pb2 as v1_scheduler


class Framework:
    """The framework as the next SUBSCRIBE describes it, in v0's words.

    `failover` is true until the first registration when the id came from the user: this scheduler takes
    over from another instance.
    """

    def __init__(self, info: v1.FrameworkInfo, suppressed_roles: frozenset[str] = frozenset()) -> None:
        self.info = _devolved_info(info)
        self.id = info.id.value
        self.failover = bool(self.id)
        self.suppressed_roles = set(suppressed_roles)
        self.offer_constraints = v0_scheduler.OfferConstraints()
        self.partition_aware = False
        self._look_at_capabilities()

    @property
    def failover_timeout(self) -> float:
        """Seconds that the master keeps the framework without its scheduler."""
        return self.info.failover_timeout

    def set_id(self, framework_id: str) -> None:
        """Take over the id that the master assigned."""
        self.id = framework_id
        self.info.id.value = framework_id
        self.failover = False

    def update(
        self,
        info: v1.FrameworkInfo,
        suppressed_roles: frozenset[str],
        offer_constraints: v1_scheduler.OfferConstraints | None,
    ) -> None:
        """Replace what is told; the id stays."""
        user, hostname = self.info.user, self.info.hostname
        self.info = _devolved_info(info)
        self.info.user = self.info.user or user
        self.info.hostname = self.info.hostname or hostname
        self.info.id.value = self.id
        self.suppressed_roles = set(suppressed_roles)
        self.offer_constraints = v0_scheduler.OfferConstraints()
        if offer_constraints is not None:
            self.offer_constraints.MergeFromString(offer_constraints.SerializeToString())
        self._look_at_capabilities()

    def roles(self) -> set[str]:
        """Return every role the framework subscribes to."""
        return set(self.info.roles) or {self.info.role or "*"}

    def _look_at_capabilities(self) -> None:
        self.partition_aware = any(
            capability.type == v0.FrameworkInfo.Capability.PARTITION_AWARE
            for capability in self.info.capabilities
        )


def _devolved_info(info: v1.FrameworkInfo) -> v0.FrameworkInfo:
    devolved = devolve(info)
    assert isinstance(devolved, v0.FrameworkInfo)
    return devolved
