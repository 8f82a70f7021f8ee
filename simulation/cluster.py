"""Masters, agents and executors: the sessions of `mesos_local` and `mesos_executor` on the network."""

from __future__ import annotations

import random
from collections.abc import Callable

from google.protobuf.message import Message
from mesos_executor import ExecutorEnvironment
from mesos_executor import commands as executor_commands
from mesos_executor import events as executor_events
from mesos_executor.session import ExecutorSession
from mesos_local import AgentSettings, MasterSettings
from mesos_local._wire import CancelTimer, Exited, Link, Received, Send, SetTimer, TimerFired, TimerKey
from mesos_local.agent.session import AgentSession, ContainerExited, ContainerStarted, MasterDetected
from mesos_local.agent.state import DestroyContainer, ExecutorState, LaunchContainer
from mesos_local.config import parse_resources
from mesos_local.master.session import MasterSession, Started
from mesos_messenger import UPID
from mesos_proto.v0 import messages_pb2 as internal
from mesos_proto.v1 import mesos_pb2 as v1

from .network import Network

KILLED = 9
ALLOCATION_INTERVAL = 3.0
"""Seconds between two rounds of offers: longer than Mesos's, since idle rounds cost most of a history."""


class LocalProcess:
    """A master or an agent: what both shells do."""

    def __init__(self, network: Network, address: str) -> None:
        self.network = network
        self.address = address
        self.alive = True
        self._timers: dict[TimerKey, int] = {}

    def dispatch(self, event: object) -> None:
        """Let the session take an event, and do what it says."""
        if self.alive:
            for command in self.handle(event):
                self._perform(command)

    def handle(self, event: object) -> list[object]:
        """Enter the session."""
        raise NotImplementedError

    def perform(self, command: object) -> None:
        """Do what only one kind of process does; what leaves no trace here is passed over."""

    def receive(self, sender: str, message: Message) -> None:
        self.dispatch(Received(sender, message))

    def _perform(self, command: object) -> None:
        if isinstance(command, Send):
            self.network.send(self.address, command.to, command.message)
        elif isinstance(command, Link):
            to = command.to
            self.network.link(
                self.address, to, lambda: self.dispatch(Exited(to)), reconnect=command.reconnect
            )
        elif isinstance(command, SetTimer):
            number = self._timers[command.key] = self._timers.get(command.key, 0) + 1
            key = command.key
            self.network.later(command.delay, lambda: self._fire(key, number))
        elif isinstance(command, CancelTimer):
            self._timers[command.key] = self._timers.get(command.key, 0) + 1
        else:
            self.perform(command)

    def _fire(self, key: TimerKey, number: int) -> None:
        if self._timers.get(key) == number:
            self.dispatch(TimerFired(key))


class MasterProcess(LocalProcess):
    """A master; what it and its like know for good, agents by id, it has from its predecessor."""

    def __init__(self, network: Network, address: str, predecessor: MasterProcess | None) -> None:
        super().__init__(network, address)
        seed = network.rng.getrandbits(32)
        self.session = MasterSession(
            MasterSettings(allocation_interval=ALLOCATION_INTERVAL),
            pid=address,
            rng=random.Random(seed),
            now=network.now,
        )
        if predecessor is not None:
            known = predecessor.session.state
            for agent in known.agents.values():
                self.session.state.recovered_agents[agent.id] = agent.info
            self.session.state.recovered_agents.update(known.recovered_agents)
        network.processes[address] = self
        self.dispatch(Started())
        network.later(600.0, self._give_up_on_agents)

    def handle(self, event: object) -> list[object]:
        return list(self.session.handle(event, self.network.now))  # type: ignore[arg-type]

    def _give_up_on_agents(self) -> None:
        # As agent_reregister_timeout does: agents of the registry that did not come back are gone.
        self.session.state.recovered_agents.clear()

    def kill(self) -> None:
        """End at once."""
        self.alive = False
        self.network.kill(self.address)


class AgentProcess(LocalProcess):
    """An agent and the containers it runs."""

    def __init__(self, network: Network, number: int) -> None:
        super().__init__(network, f"slave(1)@10.0.1.{number}:5051")
        self.number = number
        self.executors: dict[str, ExecutorProcess] = {}
        self.master = ""
        self._begin()

    def _begin(self) -> None:
        settings = AgentSettings(
            work_dir=f"/work{self.number}",
            command_executor=("/bin/executor",),
            resources=tuple(parse_resources("cpus:4;mem:4096")),
        )
        seed = self.network.rng.getrandbits(32)
        self.session = AgentSession(settings, pid=self.address, rng=random.Random(seed), now=self.network.now)
        self.network.processes[self.address] = self

    def handle(self, event: object) -> list[object]:
        return list(self.session.handle(event, self.network.now))  # type: ignore[arg-type]

    def detected(self, master: str) -> None:
        """Take note of the leading master."""
        self.master = master
        self.dispatch(MasterDetected(master))

    def perform(self, command: object) -> None:
        if isinstance(command, LaunchContainer):
            container_id, environment = command.container_id, command.environment

            def start() -> None:
                if not self.alive:
                    self.network.later(1.0, start)
                    return
                self.dispatch(ContainerStarted(container_id, 1))
                self.executors[container_id] = ExecutorProcess(
                    self.network, environment, lambda status: self._container_ended(container_id, status)
                )

            self.network.later(0.05 + self.network.rng.random() * 0.3, start)
        elif isinstance(command, DestroyContainer):
            executor = self.executors.get(command.container_id)
            if executor is not None:
                executor.kill(KILLED)

    def _container_ended(self, container_id: str, status: int) -> None:
        self.executors.pop(container_id, None)

        def tell() -> None:
            # An agent that is away learns of it when it is back.
            if self.alive:
                self.dispatch(ContainerExited(container_id, status))
            else:
                self.network.later(1.0, tell)

        self.network.later(0.1, tell)

    def restart(self, seconds: float, *, recover: bool) -> None:
        """End, and come back; with `recover` knowing what was checkpointed, else as a new agent."""
        if not self.alive:
            return
        self.alive = False
        self.network.kill(self.address)
        self.network.later(seconds, lambda: self._come_back(recover))

    def _come_back(self, recover: bool) -> None:
        self.alive = True
        if not recover:
            for executor in list(self.executors.values()):
                executor.kill(KILLED)
            self.executors.clear()
            self._timers.clear()
            self._begin()
        else:
            self.network.processes[self.address] = self
            agent = self.session.state
            for framework in agent.frameworks.values():
                for known in framework.executors.values():
                    if known.state is ExecutorState.RUNNING:
                        message = internal.ReconnectExecutorMessage(slave_id=agent.info.id)
                        self.network.send(self.address, known.pid, message)
                        self.network.link(self.address, known.pid, lambda: None)
        self.dispatch(MasterDetected(self.master))


class ExecutorProcess:
    """An executor whose tasks run for a while and then finish."""

    _count = 0

    def __init__(self, network: Network, environ: dict[str, str], ended: Callable[[int], None]) -> None:
        ExecutorProcess._count += 1
        self.network = network
        self.address = f"executor(1)@10.0.2.1:{10000 + ExecutorProcess._count % 50000}"
        self.alive = True
        self.running: set[str] = set()
        self._ended = ended
        self._rng = random.Random(network.rng.getrandbits(32))
        self.session = ExecutorSession(
            ExecutorEnvironment.from_environ(environ), UPID.parse(self.address), self._uuid
        )
        network.processes[self.address] = self
        self.dispatch(executor_commands.Start())

    def _uuid(self) -> bytes:
        raw = bytearray(self._rng.randbytes(16))
        raw[6] = raw[6] & 0x0F | 0x40
        raw[8] = raw[8] & 0x3F | 0x80
        return bytes(raw)

    def receive(self, sender: str, message: Message) -> None:
        self.dispatch(executor_commands.Received(UPID.parse(sender), message))

    def dispatch(self, event: executor_commands.SessionEvent) -> None:
        """Let the session take an event, and do what it says."""
        if self.alive:
            for command in self.session.handle(event, self.network.now):
                self._perform(command)

    def kill(self, status: int) -> None:
        """End at once."""
        if self.alive:
            self.alive = False
            self.network.kill(self.address)
            self._ended(status)

    def _perform(self, command: executor_commands.Command) -> None:
        if isinstance(command, executor_commands.Send):
            self.network.send(self.address, str(command.upid), command.message)
        elif isinstance(command, executor_commands.Link):
            broken = executor_commands.LinkBroken(command.number)
            self.network.link(
                self.address, str(command.upid), lambda: self.dispatch(broken), reconnect=command.reconnect
            )
        elif isinstance(command, executor_commands.StartTimer):
            fired = command.fired
            self.network.later(command.seconds, lambda: self.dispatch(fired))
        elif isinstance(command, executor_commands.StartWatchdog):
            self.network.later(command.seconds, lambda: self.kill(KILLED))
        elif isinstance(command, executor_commands.Close):
            self.network.later(0.01, lambda: self.kill(0))
        elif isinstance(command, executor_commands.Invoke):
            event = command.event
            self.network.later(0.0, lambda: self._call(event))

    # What its user does.

    def _call(self, event: executor_events.Event) -> None:
        if isinstance(event, executor_events.TaskLaunched):
            task_id = event.task.task_id.value
            self.running.add(task_id)
            self._report(task_id, v1.TASK_RUNNING)
            self.network.later(self._rng.random() * 20, lambda: self._end(task_id, v1.TASK_FINISHED))
        elif isinstance(event, executor_events.TaskKilled):
            self._end(event.task_id.value, v1.TASK_KILLED)
        elif isinstance(event, executor_events.Shutdown):
            for task_id in list(self.running):
                self._end(task_id, v1.TASK_KILLED)
            self.dispatch(executor_commands.ShutdownReturned())

    def _end(self, task_id: str, state: v1.TaskState.ValueType) -> None:
        if self.alive and task_id in self.running:
            self.running.discard(task_id)
            self._report(task_id, state)

    def _report(self, task_id: str, state: v1.TaskState.ValueType) -> None:
        status = v1.TaskStatus(task_id=v1.TaskID(value=task_id), state=state)
        self.dispatch(executor_commands.SendStatusUpdate(status))
