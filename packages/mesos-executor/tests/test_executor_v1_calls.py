"""Every call of the v1 executor API as a value, and the API without a driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from executor_helpers import status
from executor_v1_agent import PATH, HttpAgent
from executor_v1_helpers import Call, E, launch, task_info
from mesos_executor import DriverMisuse
from mesos_executor.v1 import Client, calls
from mesos_http import JSON, PROTOBUF, BadRequest, Codec, Unavailable
from mesos_proto.v1 import mesos_pb2 as mesos

FRAMEWORK = mesos.FrameworkID(value="F")
EXECUTOR = mesos.ExecutorID(value="E")
STATUS = status("t", mesos.TASK_RUNNING)

CALLS: list[Callable[[], Call]] = [
    lambda: calls.subscribe(FRAMEWORK, EXECUTOR, [task_info("t")], [Call.Update(status=STATUS)]),
    lambda: calls.update(FRAMEWORK, EXECUTOR, STATUS),
    lambda: calls.message(FRAMEWORK, EXECUTOR, b"\0\xff"),
    lambda: calls.heartbeat(FRAMEWORK, EXECUTOR),
]


def test_there_is_a_function_for_each_type() -> None:
    made = [make() for make in CALLS]
    assert sorted(call.type for call in made) == [each for each in Call.Type.values() if each != Call.UNKNOWN]
    for call in made:
        assert (call.framework_id, call.executor_id) == (FRAMEWORK, EXECUTOR)
        for codec in PROTOBUF, JSON:
            assert codec.decode(Call, codec.encode(call)) == call


def test_what_is_passed_in_is_copied() -> None:
    mine = status("t", mesos.TASK_RUNNING)
    call = calls.update(FRAMEWORK, EXECUTOR, mine)
    mine.state = mesos.TASK_FAILED
    assert call.update.status == STATUS


@pytest.mark.parametrize(
    "make",
    [
        lambda: calls.heartbeat(mesos.FrameworkID(), EXECUTOR),
        lambda: calls.update(FRAMEWORK, EXECUTOR, mesos.TaskStatus()),
        lambda: calls.subscribe(FRAMEWORK, EXECUTOR, [mesos.TaskInfo()]),
        lambda: calls.message(FRAMEWORK, EXECUTOR, "text"),  # type: ignore[arg-type]
    ],
)
def test_what_is_incomplete_or_of_the_wrong_kind_is_refused(make: Callable[[], Call]) -> None:
    with pytest.raises(DriverMisuse):
        make()


@pytest.fixture
def agent() -> Iterator[HttpAgent]:
    with HttpAgent() as agent:
        yield agent


@pytest.mark.parametrize("codec", [PROTOBUF, JSON], ids=["protobuf", "json"])
def test_the_api_without_a_driver(agent: HttpAgent, codec: Codec) -> None:
    with Client(f"http://127.0.0.1:{agent.port}{PATH}", codec=codec) as client:
        agent.accepts = True
        with client.subscribe(FRAMEWORK, EXECUTOR, [task_info("t")]) as stream:
            accepted = agent.next_stream()
            assert accepted.call.subscribe.unacknowledged_tasks[0] == task_info("t")
            accepted.send(launch("u"))
            assert [next(stream).type for _ in range(2)] == [E.SUBSCRIBED, E.LAUNCH]
            for make in CALLS[1:]:
                client.call(make())
                assert agent.next_call() == make()
            agent.answer = lambda call: (503, b"Agent has not finished recovery")
            with pytest.raises(Unavailable, match="try again"):
                client.call(CALLS[1]())
            agent.answer = lambda call: (400, b"no")
            with pytest.raises(BadRequest):
                client.call(CALLS[1]())
            for wrong in (CALLS[0](), Call(framework_id=FRAMEWORK, executor_id=EXECUTOR)):
                with pytest.raises(DriverMisuse, match=r"use subscribe\(\)"):
                    client.call(wrong)
