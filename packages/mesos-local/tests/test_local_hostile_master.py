"""Each message a master handles, one field hostile at a time: nothing raises, all goes on."""

from __future__ import annotations

import pytest
from local_helpers import AGENT, MASTER, SCHEDULER, framework_info
from local_samples import (
    Call,
    Running,
    Sample,
    accept,
    agent_info,
    all_ids,
    call,
    executor_task,
    full_task,
    ids,
    launch,
    launch_group,
    reregister_agent,
    reserve,
    subscribe,
    survives,
    update,
)
from mesos_local.master import session as master_session
from mesos_proto.v0 import messages_pb2 as internal

TO_MASTER: dict[str, tuple[str, Sample]] = {
    "subscribe": ("new@127.0.0.1:6002", lambda wire: subscribe(wire, again=False)),
    "subscribe_again": (SCHEDULER, lambda wire: subscribe(wire, again=True)),
    "launch": (SCHEDULER, lambda wire: accept(wire, launch(full_task(wire)))),
    "launch_executor": (SCHEDULER, lambda wire: accept(wire, launch(executor_task(wire)))),
    "launch_group": (SCHEDULER, lambda wire: accept(wire, launch_group(wire))),
    "reserve": (SCHEDULER, lambda wire: accept(wire, reserve())),
    "decline": (
        SCHEDULER,
        lambda wire: call("DECLINE", wire, decline=Call.Decline(offer_ids=[wire.offer.id])),
    ),
    "kill": (SCHEDULER, lambda wire: call("KILL", wire, kill=Call.Kill(**ids(wire, "task_id", "slave_id")))),  # type: ignore[arg-type]
    "acknowledge": (
        SCHEDULER,
        lambda wire: call(
            "ACKNOWLEDGE",
            wire,
            acknowledge=Call.Acknowledge(slave_id=wire.agent_id, task_id=wire.task_id, uuid=wire.status.uuid),
        ),
    ),
    "reconcile": (
        SCHEDULER,
        lambda wire: call(
            "RECONCILE",
            wire,
            reconcile=Call.Reconcile(
                tasks=[Call.Reconcile.Task(task_id=wire.task_id, slave_id=wire.agent_id)]
            ),
        ),
    ),
    "message": (
        SCHEDULER,
        lambda wire: call(
            "MESSAGE",
            wire,
            message=Call.Message(slave_id=wire.agent_id, executor_id=wire.executor_id, data=b"x"),
        ),
    ),
    "shutdown": (
        SCHEDULER,
        lambda wire: call(
            "SHUTDOWN", wire, shutdown=Call.Shutdown(executor_id=wire.executor_id, slave_id=wire.agent_id)
        ),
    ),
    "revive": (SCHEDULER, lambda wire: call("REVIVE", wire, revive=Call.Revive(roles=["*"]))),
    "suppress": (SCHEDULER, lambda wire: call("SUPPRESS", wire, suppress=Call.Suppress(roles=["*"]))),
    "update_framework": (
        SCHEDULER,
        lambda wire: call(
            "UPDATE_FRAMEWORK",
            wire,
            update_framework=Call.UpdateFramework(
                framework_info=framework_info(id=wire.framework_id, checkpoint=True, failover_timeout=60.0)
            ),
        ),
    ),
    "register_framework": (
        "new@127.0.0.1:6002",
        lambda wire: internal.RegisterFrameworkMessage(framework=framework_info(hostname="h")),
    ),
    "register_agent": (
        "slave(9)@127.0.0.1:5059",
        lambda wire: internal.RegisterSlaveMessage(slave=agent_info(wire, known=False), version="1.11.0"),
    ),
    "reregister_agent": (AGENT, reregister_agent),
    "unregister_agent": (AGENT, lambda wire: internal.UnregisterSlaveMessage(slave_id=wire.agent_id)),
    "update": (AGENT, update),
    "executor_exited": (
        AGENT,
        lambda wire: internal.ExitedExecutorMessage(**all_ids(wire), status=1),  # type: ignore[arg-type]
    ),
    "executor_message": (
        AGENT,
        lambda wire: internal.ExecutorToFrameworkMessage(**all_ids(wire), data=b"x"),  # type: ignore[arg-type]
    ),
}


@pytest.mark.parametrize("name", TO_MASTER)
def test_a_hostile_field_neither_raises_nor_ends_what_goes_on(name: str) -> None:
    sender, make = TO_MASTER[name]
    survives(name, sender, MASTER, make)


def test_the_session_knows_no_message_of_an_agent_without_a_sample() -> None:
    fresh = Running()
    sampled = {type(make(fresh)) for _, make in TO_MASTER.values()}
    plain = {kind for kind in master_session.MESSAGES if kind not in sampled and "Slave" in kind.__name__}
    assert plain == {internal.PongSlaveMessage, internal.UpdateSlaveMessage}


def test_registrations_that_wait_are_bounded() -> None:
    wire = Running()
    wire.tell(MASTER, master_session.Authenticating("new@127.0.0.1:6002"))
    for number in range(100):
        wire.subscribe("new@127.0.0.1:6002", name=f"name-{number}")
    (waiting,) = wire.master.state.authenticating.values()
    assert 0 < len(waiting) <= 10
    wire.tell(MASTER, master_session.Authenticated("new@127.0.0.1:6002", "p"))
    assert wire.take("new@127.0.0.1:6002", internal.FrameworkRegisteredMessage)
    names = [framework.info.name for framework in wire.master.state.frameworks.values()]
    assert "name-0" in names
