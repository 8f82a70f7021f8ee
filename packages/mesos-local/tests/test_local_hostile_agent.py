"""Each message an agent handles, one field hostile at a time: nothing raises, all goes on."""

from __future__ import annotations

import pytest
from local_helpers import AGENT, EXECUTOR, MASTER, SCHEDULER, framework_info
from local_samples import (
    Running,
    Sample,
    all_ids,
    ids,
    reregister_executor,
    reserve,
    run_group,
    run_task,
    survives,
    update,
)
from mesos_local.agent import session as agent_session
from mesos_proto.v0 import messages_pb2 as internal

TO_AGENT: dict[str, tuple[str, Sample]] = {
    "registered": (MASTER, lambda wire: internal.SlaveRegisteredMessage(slave_id=wire.agent_id)),
    "reregistered": (MASTER, lambda wire: internal.SlaveReregisteredMessage(slave_id=wire.agent_id)),
    "run": (MASTER, run_task),
    "run_group": (MASTER, run_group),
    "kill": (MASTER, lambda wire: internal.KillTaskMessage(**ids(wire, "framework_id", "task_id"))),  # type: ignore[arg-type]
    "update_framework": (
        MASTER,
        lambda wire: internal.UpdateFrameworkMessage(
            framework_id=wire.framework_id, pid=SCHEDULER, framework_info=framework_info(id=wire.framework_id)
        ),
    ),
    "framework_message": (
        MASTER,
        lambda wire: internal.FrameworkToExecutorMessage(**all_ids(wire), data=b"x"),  # type: ignore[arg-type]
    ),
    "acknowledgement": (
        MASTER,
        lambda wire: internal.StatusUpdateAcknowledgementMessage(
            **ids(wire, "slave_id", "framework_id", "task_id"),  # type: ignore[arg-type]
            uuid=wire.status.uuid,
        ),
    ),
    "register_executor": (
        "executor(2)@127.0.0.1:7001",
        lambda wire: internal.RegisterExecutorMessage(**ids(wire, "framework_id", "executor_id")),  # type: ignore[arg-type]
    ),
    "reregister_executor": (EXECUTOR, reregister_executor),
    "update": (EXECUTOR, update),
    "executor_message": (
        EXECUTOR,
        lambda wire: internal.ExecutorToFrameworkMessage(**all_ids(wire), data=b"x"),  # type: ignore[arg-type]
    ),
    "checkpoint": (
        MASTER,
        lambda wire: internal.CheckpointResourcesMessage(resources=reserve().reserve.resources),
    ),
}


@pytest.mark.parametrize("name", TO_AGENT)
def test_a_hostile_field_neither_raises_nor_ends_what_goes_on(name: str) -> None:
    sender, make = TO_AGENT[name]
    survives(name, sender, AGENT, make)


def test_the_session_knows_no_message_of_a_master_without_a_sample() -> None:
    fresh = Running()
    sampled = {type(make(fresh)) for _, make in TO_AGENT.values()}
    plain = {kind for kind in agent_session.MESSAGES if kind not in sampled and "Slave" in kind.__name__}
    assert plain == {internal.PingSlaveMessage}
