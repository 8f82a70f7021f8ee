"""Each call of the v1 API: valid by itself, with its type, body and framework id."""

from __future__ import annotations

import pytest
from mesos_http import JSON, PROTOBUF
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.v1 import scheduler_pb2 as scheduler
from mesos_scheduler import DriverMisuse
from mesos_scheduler.v1 import Client, calls
from mesos_scheduler.v1.client import api_url

F = mesos.FrameworkID(value="F")
AGENT = mesos.AgentID(value="A")
TASK = mesos.TaskID(value="T")
EXECUTOR = mesos.ExecutorID(value="E")
OFFERS = [mesos.OfferID(value="O1"), mesos.OfferID(value="O2")]
FILTERS = mesos.Filters(refuse_seconds=3)
INFO = mesos.FrameworkInfo(name="n", user="u", id=F)
LAUNCH = mesos.Offer.Operation(type=mesos.Offer.Operation.LAUNCH)
STATUS = mesos.OperationStatus(
    state=mesos.OPERATION_FINISHED,
    operation_id=mesos.OperationID(value="X"),
    uuid=mesos.UUID(value=b"u"),
    agent_id=AGENT,
)
OPERATION = scheduler.Call.ReconcileOperations.Operation(operation_id=mesos.OperationID(value="X"))

ALL = {
    "SUBSCRIBE": calls.subscribe(INFO, ["r"], scheduler.OfferConstraints()),
    "TEARDOWN": calls.teardown(F),
    "ACCEPT": calls.accept(F, OFFERS, [LAUNCH], FILTERS),
    "DECLINE": calls.decline(F, OFFERS, FILTERS),
    "ACCEPT_INVERSE_OFFERS": calls.accept_inverse_offers(F, OFFERS, FILTERS),
    "DECLINE_INVERSE_OFFERS": calls.decline_inverse_offers(F, OFFERS, FILTERS),
    "REVIVE": calls.revive(F, ["r"]),
    "SUPPRESS": calls.suppress(F, ["r"]),
    "KILL": calls.kill(F, TASK, AGENT, mesos.KillPolicy()),
    "SHUTDOWN": calls.shutdown(F, EXECUTOR, AGENT),
    "ACKNOWLEDGE": calls.acknowledge(F, AGENT, TASK, b"u"),
    "ACKNOWLEDGE_OPERATION_STATUS": calls.acknowledge_operation_status(F, STATUS),
    "RECONCILE": calls.reconcile(F, [(TASK, AGENT), (TASK, None)]),
    "RECONCILE_OPERATIONS": calls.reconcile_operations(F, [OPERATION]),
    "MESSAGE": calls.message(F, AGENT, EXECUTOR, b"d"),
    "REQUEST": calls.request(F, [mesos.Request(agent_id=AGENT)]),
    "UPDATE_FRAMEWORK": calls.update_framework(F, INFO, ["r"], scheduler.OfferConstraints()),
}


def test_no_call_is_forgotten():
    assert set(ALL) == set(scheduler.Call.Type.keys()) - {"UNKNOWN"}


@pytest.mark.parametrize("name", ALL)
def test_each_call_is_whole(name):
    call = ALL[name]
    assert scheduler.Call.Type.Name(call.type) == name
    assert call.framework_id == F
    bodies = {field.name for field, _ in call.ListFields()} - {"type", "framework_id"}
    assert bodies == (set() if name == "TEARDOWN" else {name.lower()})
    for codec in (PROTOBUF, JSON):
        assert codec.decode(scheduler.Call, codec.encode(call)) == call


def test_what_is_left_out():
    assert not calls.kill(F, TASK).kill.HasField("agent_id")
    assert not calls.accept(F, OFFERS, []).accept.HasField("filters")
    assert calls.reconcile(F).HasField("reconcile")
    assert not calls.reconcile(F, [(TASK, None)]).reconcile.tasks[0].HasField("agent_id")
    assert not calls.subscribe(mesos.FrameworkInfo(name="n", user="u")).HasField("framework_id")


def test_calls_that_lack_something():
    with pytest.raises(DriverMisuse, match="framework_id"):
        calls.teardown(mesos.FrameworkID())
    with Client("http://127.0.0.1:1") as client:
        for call in (ALL["SUBSCRIBE"], scheduler.Call()):
            with pytest.raises(DriverMisuse, match="use subscribe"):
                client.call(call, "x")


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://h:1", "http://h:1/api/v1/scheduler"),
        ("https://h:1/", "https://h:1/api/v1/scheduler"),
        ("http://h:1/master/api/v1/scheduler", "http://h:1/master/api/v1/scheduler"),
    ],
)
def test_the_path_may_be_left_out(given, url):
    assert api_url(given) == url
