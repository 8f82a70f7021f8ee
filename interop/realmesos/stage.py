"""The parts of a recording: a cluster behind taps, the C++ driver, and an executor made by hand."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from mesos_messenger import UPID, Messenger
from mesos_proto.v0 import mesos_pb2 as mesos
from mesos_proto.v0 import messages_pb2 as messages

from realmesos.build import Build
from realmesos.capture import Request, Tap
from realmesos.cluster import Cluster
from realmesos.process import HOST, descendants_of, free_port, wait_for
from realmesos.reference import ReferenceScheduler

CREDENTIALS = {"framework": "secret-of-test", "agent": "secret-of-agent"}


class Stage:
    """One scenario's cluster: master, agent, scheduler and executor, each behind a tap."""

    def __init__(self, release: Build, directory: Path, stack: ExitStack, *, guarded: bool = False) -> None:
        self.release = release
        self.directory = directory
        self.stack = stack
        self.taps: list[Tap] = []
        self.schedulers = 0
        directory.mkdir()
        flags = self._behind_tap()
        if guarded:
            flags |= {"authenticate_frameworks": True, "authenticate_agents": True}
        self.cluster = Cluster(
            release,
            directory,
            agents=0,
            credentials=CREDENTIALS if guarded else None,
            master_flags=flags,
        )
        stack.enter_context(self.cluster)
        agent_flags = self._behind_tap()
        if guarded:
            path = directory / "agent.json"
            path.write_text(
                json.dumps({"principal": "agent", "secret": CREDENTIALS["agent"]}), encoding="utf-8"
            )
            agent_flags["credential"] = str(path)
        self.agent = self.cluster.add_agent(**agent_flags).wait_registered()

    def _tap(self) -> Tap:
        self.taps.append(self.stack.enter_context(Tap()))
        return self.taps[-1]

    def _behind_tap(self) -> dict[str, str | bool]:
        tap = self._tap()
        tap.target = free_port()
        return {"port": str(tap.target), "advertise_ip": HOST, "advertise_port": str(tap.port)}

    def scheduler(self, info: mesos.FrameworkInfo, secret: str = "") -> ReferenceScheduler:
        """Start the C++ driver, with a credential of the framework's principal if a secret is given."""
        tap = self._tap()
        tap.target = free_port()
        self.schedulers += 1
        credential = mesos.Credential(principal=info.principal, secret=secret) if secret else None
        scheduler = ReferenceScheduler(
            self.release,
            self.cluster.address,
            info,
            self.directory / f"scheduler-{self.schedulers}.log",
            credential=credential,
            environment={
                "LIBPROCESS_PORT": str(tap.target),
                "LIBPROCESS_ADVERTISE_IP": HOST,
                "LIBPROCESS_ADVERTISE_PORT": str(tap.port),
            },
        )
        return self.stack.enter_context(scheduler)

    def executor(self, sandbox: Path) -> HandMadeExecutor:
        """Speak for the executor whose process waits in a sandbox."""
        tap = self._tap()
        tap.target = free_port()
        executor = HandMadeExecutor(sandbox, f"{HOST}:{tap.target}", f"{HOST}:{tap.port}")
        self.stack.callback(executor.messenger.stop)
        executor.messenger.start()
        return executor

    def sleeper(self) -> int:
        """Return the process of the first executor, that only sleeps."""

        def find() -> int | None:
            for pid in descendants_of(self.agent.sandboxes[0]):
                if b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
            return None

        return wait_for("the sleeping executor", find)

    def settle(self) -> None:
        """Wait until nothing more comes, so that what a stopped framework causes is recorded too."""
        before = -1
        while (now := sum(len(each.data) for each in self.requests())) != before:
            before = now
            time.sleep(1.0)

    def requests(self) -> Iterator[Request]:
        """Yield what went through all taps."""
        for tap in self.taps:
            yield from tap.requests()


class HandMadeExecutor:
    """An executor message by message; the process the agent started only sleeps."""

    COMMAND = "env > environment.new && mv environment.new environment && exec sleep 1000"

    def __init__(self, sandbox: Path, bind: str, advertise: str) -> None:
        path = sandbox / "environment"
        wait_for("the executor's environment", path.exists)
        lines = path.read_text(encoding="utf-8").splitlines()
        self.environment = dict(line.split("=", 1) for line in lines if "=" in line)
        self.framework_id = mesos.FrameworkID(value=self.environment["MESOS_FRAMEWORK_ID"])
        self.executor_id = mesos.ExecutorID(value=self.environment["MESOS_EXECUTOR_ID"])
        self.agent_id = mesos.SlaveID(value=self.environment["MESOS_SLAVE_ID"])
        self.agent = UPID.parse(self.environment["MESOS_SLAVE_PID"])
        self.messenger = Messenger("executor(1)", bind=bind, advertise=advertise, environ={})
        self.received: list[str] = []
        for kind in (
            messages.ExecutorRegisteredMessage,
            messages.ExecutorReregisteredMessage,
            messages.ReconnectExecutorMessage,
            messages.RunTaskMessage,
            messages.KillTaskMessage,
            messages.StatusUpdateAcknowledgementMessage,
            messages.FrameworkToExecutorMessage,
            messages.ShutdownExecutorMessage,
        ):
            self.messenger.install(kind, self._note)

    def _note(self, sender: UPID, message: object) -> None:
        self.received.append(type(message).__name__)

    def wait(self, name: str, count: int = 1) -> None:
        """Wait until a kind of message has come so often."""
        wait_for(name, lambda: self.received.count(name) >= count)

    def register(self) -> None:
        """Register with the agent."""
        message = messages.RegisterExecutorMessage(
            framework_id=self.framework_id, executor_id=self.executor_id
        )
        self.messenger.send(self.agent, message)
        self.wait("ExecutorRegisteredMessage")

    def reregister(self) -> None:
        """Register again with the restarted agent."""
        self.wait("ReconnectExecutorMessage")
        message = messages.ReregisterExecutorMessage(
            framework_id=self.framework_id, executor_id=self.executor_id
        )
        self.messenger.send(self.agent, message)
        self.wait("ExecutorReregisteredMessage")

    def say(self, data: bytes) -> None:
        """Send a framework message."""
        message = messages.ExecutorToFrameworkMessage(
            slave_id=self.agent_id, framework_id=self.framework_id, executor_id=self.executor_id, data=data
        )
        self.messenger.send(self.agent, message)

    def update(self, task_id: str, state: mesos.TaskState.ValueType) -> None:
        """Report about a task."""
        message = messages.StatusUpdateMessage(pid=str(self.messenger.upid))
        message.update.framework_id.CopyFrom(self.framework_id)
        message.update.executor_id.CopyFrom(self.executor_id)
        message.update.slave_id.CopyFrom(self.agent_id)
        message.update.timestamp = time.time()
        uuid = bytearray(os.urandom(16))
        uuid[6], uuid[8] = uuid[6] & 0x0F | 0x40, uuid[8] & 0x3F | 0x80
        message.update.uuid = bytes(uuid)
        status = mesos.TaskStatus(task_id=mesos.TaskID(value=task_id), state=state, slave_id=self.agent_id)
        message.update.status.CopyFrom(status)
        self.messenger.send(self.agent, message)
