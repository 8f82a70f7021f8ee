"""Task groups: what the driver adds to them for the master."""

from __future__ import annotations

import pytest
from mesos_proto.v1 import mesos_pb2 as v1
from mesos_scheduler import commands
from scheduler_helpers import FRAMEWORK_ID, Driven, calls, task
from scheduler_v1_helpers import Driven as HttpDriven


def launch_group(framework_id: str = "") -> v1.Offer.Operation:
    operation = v1.Offer.Operation(type=v1.Offer.Operation.LAUNCH_GROUP)
    operation.launch_group.executor.executor_id.value = "E1"
    operation.launch_group.executor.type = v1.ExecutorInfo.DEFAULT
    if framework_id:
        operation.launch_group.executor.framework_id.value = framework_id
    operation.launch_group.task_group.tasks.extend([task("t1"), task("t2")])
    return operation


@pytest.mark.parametrize(
    ("given", "written"), [("", FRAMEWORK_ID), (FRAMEWORK_ID, FRAMEWORK_ID), ("another", "another")]
)
def test_the_executor_of_a_group_gets_the_id_of_the_framework(given: str, written: str) -> None:
    operation = launch_group(given)
    before = operation.SerializeToString(deterministic=True)

    event = commands.AcceptOffers([v1.OfferID(value="O1")], (operation,), v1.Filters())
    (call,) = calls(Driven().connect().do(event))

    (sent,) = call.accept.operations
    assert sent.launch_group.executor.framework_id.value == written
    assert [each.task_id.value for each in sent.launch_group.task_group.tasks] == ["t1", "t2"]
    assert operation.SerializeToString(deterministic=True) == before  # the caller's stays as it was


def test_a_launch_leaves_it_to_the_master() -> None:
    operation = v1.Offer.Operation(type=v1.Offer.Operation.LAUNCH)
    operation.launch.task_infos.append(task("t1"))
    operation.launch.task_infos[0].executor.executor_id.value = "E1"

    event = commands.AcceptOffers([v1.OfferID(value="O1")], (operation,), v1.Filters())
    (call,) = calls(Driven().connect().do(event))

    (launched,) = call.accept.operations[0].launch.task_infos
    assert launched.executor.executor_id.value == "E1" and not launched.executor.HasField("framework_id")
    assert not call.accept.operations[0].HasField("launch_group")


@pytest.mark.parametrize("given", ["", "another"])
def test_over_v1_as_over_v0(given: str) -> None:
    driven = HttpDriven()
    driven.subscribe()
    operation = launch_group(given)
    driven.do(commands.AcceptOffers([v1.OfferID(value="O1")], (operation,), v1.Filters()))
    (call,) = driven.calls()
    executor = call.accept.operations[0].launch_group.executor
    assert executor.framework_id.value == (given or driven.session.framework_id)
    assert operation == launch_group(given), "the caller's stays as it was"
