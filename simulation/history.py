"""One history: a cluster, a framework, faults for a while, and then peace, in which all must come to rest.

python -m simulation.history --seeds 500            # from the root of the tree
python -m simulation.history --seed 1234 --verbose  # one history again
python -m simulation.history --seeds 500 --api v1   # a scheduler over HTTP
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from mesos_proto.v0 import mesos_pb2 as v0
from mesos_proto.v0 import messages_pb2 as internal

from .cluster import KILLED, AgentProcess, MasterProcess
from .framework import FORGED_TASK, Framework, Instance, Violation
from .http import HttpInstance, HttpMaster
from .network import Network

FAULTY_SECONDS = 60.0
PATIENCE = 4 * 3600.0
"""Simulated seconds after the last fault in which everything must have come to rest. Longer than Mesos's own
time limits: ten minutes for agents to come back, up to ten between repetitions of an update."""


@dataclass(frozen=True)
class Outcome:
    """What a history came to."""

    seed: int
    seconds: float
    delivered: int
    lost: int
    faults: Counter[str]
    instances: int


class History:
    """The cluster of one seed."""

    def __init__(self, seed: int, failover_timeout: float = 3600.0, api: str = "v0") -> None:
        self.seed = seed
        self.api = api
        self.rng = random.Random(seed)
        self.network = Network(random.Random(seed + 1))
        self.faults: Counter[str] = Counter()
        self.leader = ""
        self.addresses = ["master@10.0.0.1:5050", "master@10.0.0.2:5050"]
        self.master: MasterProcess | None = None
        self.predecessor: MasterProcess | None = None
        self.agents = [AgentProcess(self.network, number + 1) for number in range(self.rng.randint(1, 2))]
        make = HttpInstance if api == "v1" else Instance
        self.framework = Framework(self.network, self.rng.randint(2, 8), failover_timeout, make)
        self.framework.trouble = self.rng.choice([0.0, 0.02, 0.1])
        self.elect(self.addresses[0])
        self.framework.start()

    def elect(self, address: str) -> None:
        """Let a new master lead."""
        kind = HttpMaster if self.api == "v1" else MasterProcess
        self.master = kind(self.network, address, self.predecessor)
        self.predecessor = self.master
        self._announce(address, self.master.session.state.info)

    def _announce(self, address: str, info: v0.MasterInfo | None) -> None:
        self.leader = address
        self.framework.detected(address, info)
        for agent in self.agents:
            self.network.later(self.rng.random() * 0.5, partial(self._tell, agent, address))

    def _tell(self, agent: AgentProcess, address: str) -> None:
        # What a detector says is late, but never older than what it said before.
        if self.leader == address:
            agent.detected(address)

    # Faults.

    def _pairs(self) -> list[tuple[str, str]]:
        # Not from agents to executors: they are on one machine, and Mesos itself never finds out that a task
        # got lost between them.
        return [
            (sender, to)
            for sender, to in self.network.connections()
            if not (sender.startswith("slave") and to.startswith("executor"))
        ]

    def cut(self) -> None:
        pairs = self._pairs()
        if pairs:
            self.network.cut(*self.rng.choice(pairs))

    def freeze(self) -> None:
        pairs = self._pairs()
        if pairs:
            self.network.freeze(*self.rng.choice(pairs), self.rng.random() * self.rng.choice([10, 100, 1000]))

    def fail_over(self) -> None:
        master = self.master
        if master is not None:
            self.master = None
            master.kill()
            if self.rng.random() < 0.5:
                self._announce("", None)
            successor = self.rng.choice(self.addresses)
            self.network.later(self.rng.random() * 10, lambda: self.elect(successor))

    def restart_agent(self) -> None:
        self.rng.choice(self.agents).restart(self.rng.random() * 20, recover=True)

    def replace_agent(self) -> None:
        self.rng.choice(self.agents).restart(self.rng.random() * 20, recover=False)

    def crash_executor(self) -> None:
        executors = [executor for agent in self.agents for executor in agent.executors.values()]
        if executors:
            self.rng.choice(executors).kill(KILLED)

    def kill_scheduler(self) -> None:
        self.framework.kill()
        self.network.later(self.rng.random() * 10, self.framework.start)

    def forge(self) -> None:
        instance = self.framework.instance
        if instance is None or not self.framework.info.id.value:
            return
        update = internal.StatusUpdateMessage(pid="slave(1)@10.6.6.6:1")
        update.update.framework_id.value = self.framework.info.id.value
        update.update.timestamp = 0
        update.update.uuid = bytes(16)
        update.update.status.task_id.value = FORGED_TASK
        update.update.status.state = v0.TASK_FINISHED
        stranger = "master@10.6.6.6:5050"
        self.network.send(stranger, instance.address, update)
        failed_over = internal.FrameworkErrorMessage(message="Framework failed over")
        self.network.send(stranger, instance.address, failed_over)

    def repeat(self) -> None:
        """Let a master say again, and late, that it registered the framework."""
        instance, master = self.framework.instance, self.master
        if instance is None or master is None or not self.framework.info.id.value:
            return
        late = internal.FrameworkRegisteredMessage(
            framework_id=v0.FrameworkID(value=self.framework.info.id.value),
            master_info=master.session.state.info,
        )
        self.network.send(master.address, instance.address, late, self.rng.random() * 5)

    # Faults of the v1 API alone.

    def refuse(self) -> None:
        if isinstance(self.master, HttpMaster):
            self.master.refuse(self.rng.random() * self.rng.choice([1, 10, 60]), self.rng)

    def forget_stream(self) -> None:
        if isinstance(self.master, HttpMaster):
            self.master.forget_stream()

    def break_stream(self) -> None:
        if isinstance(self.framework.instance, HttpInstance):
            self.framework.instance.break_stream()

    # The run.

    def run(self) -> Outcome:
        """Run to the end; raise `Violation` when a promise is broken."""
        began = time.perf_counter()
        kinds: Sequence[Callable[[], None]] = (
            self.cut,
            self.cut,
            self.freeze,
            self.fail_over,
            self.restart_agent,
            self.replace_agent,
            self.crash_executor,
            self.kill_scheduler,
            *(
                (self.refuse, self.forget_stream, self.break_stream)
                if self.api == "v1"
                else (self.forge, self.repeat)
            ),
        )
        for _ in range(self.rng.randint(1, 10)):
            kind = self.rng.choice(kinds)
            self.network.later(self.rng.random() * FAULTY_SECONDS, partial(self._fault, kind))
        self.step_until(lambda: False, FAULTY_SECONDS)
        self.framework.trouble = 0.0
        if not self.step_until(self.settled, PATIENCE):
            raise Violation(f"did not come to rest: {self.describe()}")
        return Outcome(
            self.seed,
            time.perf_counter() - began,
            self.network.delivered,
            self.network.lost,
            self.faults,
            self.framework.instances,
        )

    def step_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Go on until something holds; False when it does not within so many simulated seconds."""
        limit = self.network.now + seconds
        while not condition():
            if self.network.now > limit:
                return False
            self.network.step()
        return True

    def _fault(self, kind: Callable[[], None]) -> None:
        self.faults[kind.__name__] += 1
        kind()

    def settled(self) -> bool:
        """Tell whether the driver is connected, every task has been reported ended, and no agent waits for
        an acknowledgement."""
        return self.framework.settled and not any(agent.session.state.streams for agent in self.agents)

    def describe(self) -> str:
        """Return what is not at rest."""
        framework = self.framework
        instance = framework.instance
        missing = sorted(framework.launched.keys() - framework.ended)
        streams = [key for agent in self.agents for key in agent.session.state.streams]
        phase = "no instance" if instance is None else instance.session.phase.value
        return (
            f"{phase}; launched {len(framework.launched)} of {framework.total}, not ended {missing}; "
            f"unacknowledged {streams}; errors {framework.errors}; faults {dict(self.faults)}"
        )


def run(seed: int, api: str = "v0") -> Outcome:
    """Run the history of a seed; the seed is in what it raises."""
    try:
        return History(seed, api=api).run()
    except Exception as error:
        raise Violation(f"seed {seed}: {type(error).__name__}: {error}") from error


def main() -> int:
    """Run histories and say how it went; the exit status is 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=500, help="how many histories (%(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (%(default)s)")
    parser.add_argument("--seed", type=int, help="one seed alone")
    parser.add_argument("--api", choices=("v0", "v1"), default="v0", help="the scheduler's (%(default)s)")
    parser.add_argument("--verbose", action="store_true", help="show what the sessions log")
    options = parser.parse_args()
    level = logging.DEBUG if options.verbose else logging.CRITICAL
    logging.basicConfig(level=level, format="%(name)s %(message)s")
    seeds = (
        [options.seed] if options.seed is not None else range(options.first, options.first + options.seeds)
    )
    began = time.perf_counter()
    faults: Counter[str] = Counter()
    delivered = lost = failures = 0
    for seed in seeds:
        try:
            outcome = run(seed, options.api)
        except Violation as violation:
            failures += 1
            print(violation, flush=True)
            continue
        faults += outcome.faults
        delivered += outcome.delivered
        lost += outcome.lost
    print(
        f"{len(seeds)} histories in {time.perf_counter() - began:.1f} s: {failures} violations,"
        f" {delivered} messages delivered, {lost} lost, {sum(faults.values())} faults"
    )
    for name, count in sorted(faults.items()):
        print(f"  {name:16} {count}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
