"""What a user's call becomes on the wire: `mesos.scheduler.Call`, or the messages that older masters know.

Masters from 0.24 on take calls. Those before get the messages of their time, which later ones still take,
so they also serve for a master that names no version. Both writers have the same methods; what a master
does not know ends in `UnsupportedByMaster`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from google.protobuf.message import Message
from mesos_proto import devolve
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v0 import scheduler_pb2 as v0_scheduler
from mesos_proto.v1 import mesos_pb2 as v1
from mesos_proto.v1 import scheduler_pb2 as v1_scheduler

from . import _versions, commands, events
from ._framework import Framework
from ._versions import Version, require

_Call = v0_scheduler.Call


class Calls:
    """Writes `mesos.scheduler.Call`, for masters of `version` (0.24 or newer)."""

    def __init__(self, framework: Framework, version: Version) -> None:
        self._framework = framework
        self._version = version

    def subscribe(self) -> Message:
        """Write SUBSCRIBE."""
        call = _Call(type=_Call.SUBSCRIBE)
        framework = self._framework
        call.subscribe.framework_info.CopyFrom(framework.info)
        call.subscribe.suppressed_roles.extend(sorted(framework.suppressed_roles))
        call.subscribe.offer_constraints.CopyFrom(framework.offer_constraints)
        if framework.id:
            call.framework_id.value = framework.id
            call.subscribe.force = framework.failover
        return call

    def update_framework(self) -> Message:
        """Write UPDATE_FRAMEWORK."""
        require("update_framework", _versions.UPDATE_FRAMEWORK, self._version)
        call = self._call(_Call.UPDATE_FRAMEWORK)
        update = call.update_framework
        update.framework_info.CopyFrom(self._framework.info)
        update.suppressed_roles.extend(sorted(self._framework.suppressed_roles))
        update.offer_constraints.CopyFrom(self._framework.offer_constraints)
        return call

    def teardown(self) -> Message:
        """Write TEARDOWN."""
        return self._call(_Call.TEARDOWN)

    def deactivate(self) -> Message:
        """Write the end of a driver that leaves its framework alone; there is no call for it."""
        return internal.DeactivateFrameworkMessage(framework_id=self._framework_id())

    def accept(self, event: commands.AcceptOffers) -> Message:
        """Write ACCEPT."""
        for operation in event.operations:
            require_operation(operation, self._version)
        call = self._devolved(
            v1_scheduler.Call.ACCEPT,
            accept=v1_scheduler.Call.Accept(
                offer_ids=event.offer_ids, operations=event.operations, filters=event.filters
            ),
        )
        assert isinstance(call, _Call)
        for written in call.accept.operations:
            # Masters fill this in for LAUNCH, but refuse a LAUNCH_GROUP without it.
            if written.type == v0.Offer.Operation.LAUNCH_GROUP:
                executor = written.launch_group.executor
                if not executor.HasField("framework_id"):
                    executor.framework_id.value = self._framework.id
        return call

    def decline(self, event: commands.DeclineOffers) -> Message:
        """Write DECLINE."""
        return self._devolved(
            v1_scheduler.Call.DECLINE,
            decline=v1_scheduler.Call.Decline(offer_ids=event.offer_ids, filters=event.filters),
        )

    def answer_inverse(self, event: commands.AnswerInverseOffers) -> Message:
        """Write ACCEPT_INVERSE_OFFERS or DECLINE_INVERSE_OFFERS."""
        require("an answer to inverse offers", _versions.INVERSE_OFFERS, self._version)
        if event.accept:
            return self._devolved(
                v1_scheduler.Call.ACCEPT_INVERSE_OFFERS,
                accept_inverse_offers=v1_scheduler.Call.AcceptInverseOffers(
                    inverse_offer_ids=event.inverse_offer_ids, filters=event.filters
                ),
            )
        return self._devolved(
            v1_scheduler.Call.DECLINE_INVERSE_OFFERS,
            decline_inverse_offers=v1_scheduler.Call.DeclineInverseOffers(
                inverse_offer_ids=event.inverse_offer_ids, filters=event.filters
            ),
        )

    def revive(self, roles: Sequence[str]) -> Message:
        """Write REVIVE."""
        call = self._call(_Call.REVIVE)
        if roles:
            require("revive_offers for some roles only", _versions.ROLES, self._version)
            call.revive.roles.extend(roles)
        return call

    def suppress(self, roles: Sequence[str]) -> Message:
        """Write SUPPRESS."""
        require("suppress_offers", _versions.SUPPRESS, self._version)
        call = self._call(_Call.SUPPRESS)
        if roles:
            require("suppress_offers for some roles only", _versions.ROLES, self._version)
            call.suppress.roles.extend(roles)
        return call

    def kill(self, event: commands.KillTask) -> Message:
        """Write KILL."""
        return self._devolved(
            v1_scheduler.Call.KILL,
            kill=v1_scheduler.Call.Kill(
                task_id=event.task_id, agent_id=event.agent_id, kill_policy=event.kill_policy
            ),
        )

    def shutdown(self, event: commands.ShutdownExecutor) -> Message:
        """Write SHUTDOWN."""
        return self._devolved(
            v1_scheduler.Call.SHUTDOWN,
            shutdown=v1_scheduler.Call.Shutdown(executor_id=event.executor_id, agent_id=event.agent_id),
        )

    def request(self, event: commands.RequestResources) -> Message:
        """Write REQUEST."""
        return self._devolved(
            v1_scheduler.Call.REQUEST, request=v1_scheduler.Call.Request(requests=event.requests)
        )

    def message(self, event: commands.SendFrameworkMessage) -> Message:
        """Write MESSAGE."""
        return self._devolved(
            v1_scheduler.Call.MESSAGE,
            message=v1_scheduler.Call.Message(
                agent_id=event.agent_id, executor_id=event.executor_id, data=event.data
            ),
        )

    def reconcile(self, tasks: Iterable[tuple[str, str]]) -> Message:
        """Write RECONCILE for (task id, agent id or "")."""
        call = self._call(_Call.RECONCILE)
        call.reconcile.SetInParent()
        for task_id, agent_id in tasks:
            task = call.reconcile.tasks.add()
            task.task_id.value = task_id
            if agent_id:
                task.slave_id.value = agent_id
        return call

    def acknowledge(self, acknowledgement: events.Acknowledgement) -> Message:
        """Write ACKNOWLEDGE."""
        call = self._call(_Call.ACKNOWLEDGE)
        body = call.acknowledge
        body.slave_id.value = acknowledgement.agent_id
        body.task_id.value = acknowledgement.task_id
        body.uuid = acknowledgement.uuid
        return call

    def _framework_id(self) -> v0.FrameworkID:
        return v0.FrameworkID(value=self._framework.id)

    def _call(self, kind: v0_scheduler.Call.Type.ValueType) -> v0_scheduler.Call:
        call = _Call(type=kind)
        call.framework_id.value = self._framework.id
        return call

    def _devolved(self, kind: v1_scheduler.Call.Type.ValueType, **member: Message) -> Message:
        call = v1_scheduler.Call(type=kind, **member)  # type: ignore[arg-type]
        call.framework_id.value = self._framework.id
        return devolve(call)


class LegacyCalls(Calls):
    """Writes the messages of masters before 0.24."""

    def subscribe(self) -> Message:
        framework = self._framework
        if framework.suppressed_roles or framework.info.roles:
            if self._version == _versions.UNKNOWN:
                return super().subscribe()  # No master that knows roles would understand less.
            require("a framework with several roles", _versions.ROLES, self._version)
        if framework.id:
            return internal.ReregisterFrameworkMessage(framework=framework.info, failover=framework.failover)
        return internal.RegisterFrameworkMessage(framework=framework.info)

    def teardown(self) -> Message:
        return internal.UnregisterFrameworkMessage(framework_id=self._framework_id())

    def accept(self, event: commands.AcceptOffers) -> Message:
        launches = all(operation.type == v1.Offer.Operation.LAUNCH for operation in event.operations)
        if not launches:
            # One of them is too new for a master without the call, which the writer of calls will say.
            return super().accept(event)
        message = internal.LaunchTasksMessage(framework_id=self._framework_id())
        message.filters.CopyFrom(devolved_filters(event.filters))
        message.offer_ids.extend(v0.OfferID(value=offer_id.value) for offer_id in event.offer_ids)
        for operation in event.operations:
            for task in operation.launch.task_infos:
                devolved = devolve(task)
                assert isinstance(devolved, v0.TaskInfo)
                message.tasks.append(devolved)
        return message

    def decline(self, event: commands.DeclineOffers) -> Message:
        return self.accept(commands.AcceptOffers(event.offer_ids, (), event.filters))

    def revive(self, roles: Sequence[str]) -> Message:
        if roles:
            require("revive_offers for some roles only", _versions.ROLES, self._version)
        return internal.ReviveOffersMessage(framework_id=self._framework_id())

    def kill(self, event: commands.KillTask) -> Message:
        return internal.KillTaskMessage(
            framework_id=self._framework_id(), task_id=v0.TaskID(value=event.task_id.value)
        )

    def shutdown(self, event: commands.ShutdownExecutor) -> Message:
        require("shutdown_executor", _versions.CALLS_SINCE, self._version)
        return super().shutdown(event)

    def request(self, event: commands.RequestResources) -> Message:
        message = internal.ResourceRequestMessage(framework_id=self._framework_id())
        for request in event.requests:
            devolved = devolve(request)
            assert isinstance(devolved, v0.Request)
            message.requests.append(devolved)
        return message

    def message(self, event: commands.SendFrameworkMessage) -> Message:
        return direct_message(self._framework.id, event)

    def reconcile(self, tasks: Iterable[tuple[str, str]]) -> Message:
        message = internal.ReconcileTasksMessage(framework_id=self._framework_id())
        for task_id, agent_id in tasks:
            # The state is required, and not looked at.
            status = message.statuses.add(state=v0.TASK_STAGING)
            status.task_id.value = task_id
            if agent_id:
                status.slave_id.value = agent_id
        return message

    def acknowledge(self, acknowledgement: events.Acknowledgement) -> Message:
        return internal.StatusUpdateAcknowledgementMessage(
            slave_id=v0.SlaveID(value=acknowledgement.agent_id),
            framework_id=self._framework_id(),
            task_id=v0.TaskID(value=acknowledgement.task_id),
            uuid=acknowledgement.uuid,
        )


def calls_for(framework: Framework, version: Version) -> Calls:
    """Return the writer for a master of that version."""
    return (Calls if version >= _versions.CALLS_SINCE else LegacyCalls)(framework, version)


def direct_message(framework_id: str, event: commands.SendFrameworkMessage) -> Message:
    """Write what an agent takes for one of its executors."""
    return internal.FrameworkToExecutorMessage(
        slave_id=v0.SlaveID(value=event.agent_id.value),
        framework_id=v0.FrameworkID(value=framework_id),
        executor_id=v0.ExecutorID(value=event.executor_id.value),
        data=event.data,
    )


def devolved_filters(filters: v1.Filters) -> v0.Filters:
    """Return filters in their v0 form."""
    devolved = devolve(filters)
    assert isinstance(devolved, v0.Filters)
    return devolved


def require_operation(operation: v1.Offer.Operation, version: Version) -> None:
    """Raise `UnsupportedByMaster` for an operation that a master of that version does not know."""
    name = v1.Offer.Operation.Type.Name(operation.type)
    require(f"the operation {name}", _versions.OPERATIONS.get(operation.type, (1, 0)), version)
