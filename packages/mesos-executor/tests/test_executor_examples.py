"""The programs that users read first: the README's, and `examples/executor.py`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from executor_agent import FakeAgent, Program
from executor_helpers import framework_message, kill_task, run_task
from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v0 import messages_pb2 as internal

PACKAGE = Path(__file__).resolve().parents[1]
EXAMPLE = (PACKAGE.parents[1] / "examples" / "executor.py").read_text(encoding="utf-8")
README = (PACKAGE / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def agent() -> Iterator[FakeAgent]:
    with FakeAgent() as agent:
        yield agent


def states(agent: FakeAgent, count: int) -> list[int]:
    return [agent.expect(internal.StatusUpdateMessage).update.status.state for _ in range(count)]


def shut_down(agent: FakeAgent, program: Program) -> None:
    agent.send(internal.ShutdownExecutorMessage())
    assert program.wait() == 0, program.output


def test_the_program_of_the_readme(agent: FakeAgent, tmp_path: Path) -> None:
    (text,) = re.findall(r"```python\n(.*?MesosExecutorDriver\(Hello.*?)```", README, re.DOTALL)
    with Program(agent, tmp_path, text) as program:
        agent.expect(internal.RegisterExecutorMessage)
        agent.send(run_task("one"))
        assert states(agent, 2) == [v0.TASK_RUNNING, v0.TASK_FINISHED]
        shut_down(agent, program)
        assert program.output == "hello from name of one\n"


@pytest.mark.parametrize("flags", [[], ["-logtostderr=true", "-v=1", "-slow_tasks=false"]])
def test_the_example_finishes_tasks(agent: FakeAgent, tmp_path: Path, flags: list[str]) -> None:
    with Program(agent, tmp_path, EXAMPLE, arguments=["-logtostderr", *flags]) as program:
        agent.expect(internal.RegisterExecutorMessage)
        agent.send(framework_message(b"caf\xc3\xa9 \xff"))
        for task_id in ("one", "two"):
            agent.send(run_task(task_id))
            assert states(agent, 2) == [v0.TASK_RUNNING, v0.TASK_FINISHED]
        shut_down(agent, program)
        assert "Got framework message: café \\xff" in program.output
        assert "Total tasks launched 2" in program.output


@pytest.mark.parametrize("flag", ["-slow_tasks", "--slow_tasks=true"])
def test_slow_tasks_of_the_example_can_be_killed(agent: FakeAgent, tmp_path: Path, flag: str) -> None:
    with Program(agent, tmp_path, EXAMPLE, arguments=["-logtostderr", flag]) as program:
        agent.expect(internal.RegisterExecutorMessage)
        for task_id in ("one", "two"):
            agent.send(run_task(task_id))
        assert states(agent, 4) == [v0.TASK_STARTING, v0.TASK_RUNNING] * 2
        agent.send(kill_task("one"))
        agent.send(kill_task("one"))
        assert states(agent, 1) == [v0.TASK_KILLED]
        shut_down(agent, program)
        assert states(agent, 1) == [v0.TASK_KILLED]
        assert agent.nothing_more()


def test_the_example_outside_of_mesos_says_so(agent: FakeAgent, tmp_path: Path) -> None:
    with Program(agent, tmp_path, EXAMPLE, MESOS_SLAVE_ID="") as program:
        assert program.wait() == 1
        assert "Unable to create an ExecutorDriver: not in the environment: MESOS_SLAVE_ID" in program.output
