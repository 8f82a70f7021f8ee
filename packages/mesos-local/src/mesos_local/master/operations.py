"""Operations of an ACCEPT, applied one after the other to what was offered.

A LAUNCH takes from the pool; RESERVE, CREATE and their like rewrite a part of it. Mirrors the validators of
upstream's src/master/validation.cpp.
"""

from __future__ import annotations

import logging

from mesos_proto.resources import Resources
from mesos_proto.v0 import mesos_pb2 as mesos

from .. import _forms
from . import allocator, tasks, validation
from .state import Agent, Framework, Master

__all__ = ["Accepted"]

log = logging.getLogger("mesos.local.master")

_Operation = mesos.Offer.Operation


class Accepted:
    """One ACCEPT under way: whose, where, and what is left in `pool`."""

    def __init__(
        self, master: Master, framework: Framework, agent: Agent, role: str, pool: Resources
    ) -> None:
        self._master = master
        self._framework = framework
        self._agent = agent
        self._role = role
        self.pool = pool

    def apply(self, operation: mesos.Offer.Operation) -> None:
        """Apply one operation; an invalid one changes nothing."""
        if operation.type == _Operation.LAUNCH:
            for info in operation.launch.task_infos:
                self._launch(info)
        else:
            log.warning(
                "Dropping %s of framework %s", _Operation.Type.Name(operation.type), self._framework.id
            )

    def _launch(self, info: mesos.TaskInfo) -> None:
        framework, agent = self._framework, self._agent
        if info.HasField("executor") and not info.executor.HasField("framework_id"):
            info.executor.framework_id.CopyFrom(framework.info.id)
        self._allocate(info)
        error = validation.task(info, framework, agent, self.pool)
        if error:
            tasks.tell_about(
                self._master,
                framework,
                info.task_id,
                info.slave_id,
                mesos.TASK_ERROR,
                mesos.TaskStatus.REASON_TASK_INVALID,
                error,
            )
            return
        used = _forms.inner(info.resources)
        if tasks.launch(self._master, framework, agent, info, self._role):
            used = used + _forms.inner(info.executor.resources)
        self.pool = self.pool - used

    def _allocate(self, info: mesos.TaskInfo) -> None:
        """Say on each resource which role it is allocated to, as agents and executors expect."""
        for resource in [*info.resources, *info.executor.resources]:
            if not resource.HasField("allocation_info"):
                resource.allocation_info.role = self._role

    def _replace(self, old: Resources, new: Resources) -> None:
        """Put `new` in the place of `old`: in the pool, in the framework's holdings and on the agent."""
        key = (self._framework.id, self._role)
        self.pool = self.pool - old + new
        self._agent.total = self._agent.total - old + new
        self._agent.allocated[key] = self._agent.allocated[key] - old
        allocator.hold(self._agent, *key, new)
