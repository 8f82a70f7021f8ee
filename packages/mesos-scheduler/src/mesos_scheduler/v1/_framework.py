"""The framework as the next SUBSCRIBE describes it."""

from __future__ import annotations

from collections.abc import Iterable

from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler


class Framework:
    """What the master is told. `took_over` is true until the first subscription when the id was given."""

    def __init__(self, info: mesos.FrameworkInfo, suppressed_roles: Iterable[str] = ()) -> None:
        self.info = mesos.FrameworkInfo()
        self.info.CopyFrom(info)
        self.took_over = bool(info.id.value)
        self.suppressed_roles = set(suppressed_roles)
        self.offer_constraints: scheduler.OfferConstraints | None = None

    @property
    def id(self) -> mesos.FrameworkID:
        """The id; empty before the first subscription."""
        return self.info.id

    @property
    def partition_aware(self) -> bool:
        """Tell whether the framework knows the states that came with that capability."""
        wanted = mesos.FrameworkInfo.Capability.PARTITION_AWARE
        return any(capability.type == wanted for capability in self.info.capabilities)

    def roles(self) -> set[str]:
        """Return every role the framework subscribes to."""
        return set(self.info.roles) or {self.info.role or "*"}

    def set_id(self, framework_id: str) -> None:
        """Take over the id that the master assigned."""
        self.info.id.value = framework_id
        self.took_over = False

    def update(
        self,
        info: mesos.FrameworkInfo,
        suppressed_roles: Iterable[str],
        offer_constraints: scheduler.OfferConstraints | None,
    ) -> None:
        """Replace what is told; the id, and a user and host name left out, stay."""
        old, self.info = self.info, mesos.FrameworkInfo()
        self.info.CopyFrom(info)
        self.info.user = info.user or old.user
        self.info.hostname = info.hostname or old.hostname
        self.info.id.CopyFrom(old.id)
        self.suppressed_roles = set(suppressed_roles)
        self.offer_constraints = None
        if offer_constraints is not None:
            self.offer_constraints = scheduler.OfferConstraints()
            self.offer_constraints.CopyFrom(offer_constraints)
