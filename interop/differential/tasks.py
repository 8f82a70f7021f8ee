"""Tasks: launched, refused, killed, asked about; and offers."""

from __future__ import annotations

from collections.abc import Callable

from mesos_proto.v0 import mesos_pb2 as mesos

from differential.client import Call, Client, Site


def scalar(name: str, value: float) -> mesos.Resource:
    """Return an amount of an unreserved resource."""
    return mesos.Resource(
        name=name, type=mesos.Value.SCALAR, scalar=mesos.Value.Scalar(value=value), role="*"
    )


def task(name: str, command: str = "exec sleep 1000", cpus: float = 0.1, mem: float = 32) -> mesos.TaskInfo:
    """Return a task that runs a command."""
    info = mesos.TaskInfo(name=name, task_id=mesos.TaskID(value=name))
    info.resources.extend([scalar("cpus", cpus), scalar("mem", mem)])
    info.command.value = command
    return info


def kill(client: Client, name: str, agent: str = "") -> None:
    """Ask for a task to be killed."""
    request = Call.Kill(task_id=mesos.TaskID(value=name))
    if agent:
        request.slave_id.value = agent
    client.call(type=Call.KILL, kill=request)


def launch_on(client: Client, agent: mesos.SlaveID | None, *tasks: mesos.TaskInfo) -> mesos.SlaveID:
    """Launch tasks on the next offer, or the next of a certain agent; return the agent."""
    offer = offer_of(client, agent)
    client.launch(offer, *tasks)
    return offer.slave_id


def offer_of(client: Client, agent: mesos.SlaveID | None) -> mesos.Offer:
    """Take the next offer, or the next of a certain agent."""
    while agent not in (None, (offer := client.offer()).slave_id):
        client.decline(offer, 600)
    return offer


def _running(client: Client, name: str = "t") -> mesos.Offer:
    offer = client.offer()
    client.launch(offer, task(name))
    while client.status(name).state != mesos.TASK_RUNNING:
        pass
    return offer


def finishing(site: Site) -> None:
    with site.client() as client:
        client.register()
        client.launch(client.offer(), task("t", "true"))
        for _ in range(3):
            client.status("t")


def failing(site: Site) -> None:
    with site.client() as client:
        client.register()
        client.launch(client.offer(), task("t", "exit 3"))
        for _ in range(3):
            client.status("t")


def killed_twice(site: Site) -> None:
    with site.client() as client:
        client.register()
        _running(client)
        kill(client, "t")
        client.status("t")
        kill(client, "t")
        client.status("t")


def unknown_killed(site: Site) -> None:
    with site.client() as client:
        client.register()
        offer = client.offer()
        for agent in ("", "nowhere", offer.slave_id.value):
            kill(client, "unknown", agent)
            client.status("unknown")
        client.fence()


def reconciled(site: Site) -> None:
    with site.client() as client:
        client.register()
        offer = _running(client)
        client.reconcile()
        client.status("t")
        for agent in ("", "nowhere", offer.slave_id.value):
            client.reconcile(("t", agent))
            client.status("t")
            client.reconcile(("unknown", agent))
            client.status("unknown")
        client.fence()


def reconciled_partition_aware(site: Site) -> None:
    aware = mesos.FrameworkInfo.Capability(type=mesos.FrameworkInfo.Capability.PARTITION_AWARE)
    with site.client() as client:
        client.register(capabilities=[aware])
        for agent in ("", "nowhere", client.offer().slave_id.value):
            client.reconcile(("unknown", agent))
            client.status("unknown")
            kill(client, "unknown", agent)
            client.status("unknown")


def reconciled_by_nobody(site: Site) -> None:
    with site.client() as client:
        client.register()
        client.reconcile()
        client.fence()


def task_survives_failover(site: Site) -> None:
    with site.client() as first, site.client() as second:
        value = first.register(failover_timeout=600)
        _running(first)
        second.register(id=mesos.FrameworkID(value=value), failover_timeout=600, force=True)
        first.framework_id = ""
        first.expect("FrameworkErrorMessage")
        second.reconcile()
        second.status("t")
        kill(second, "t")
        second.status("t")


def refused(name: str, change: Callable[[mesos.TaskInfo], object]) -> Callable[[Site], None]:
    """Return a script that launches a task after some change to it, which may not be good."""

    def script(site: Site) -> None:
        with site.client() as client:
            client.register()
            info = task("t")
            change(info)
            client.launch(client.offer(), info)
            if client.status(info.task_id.value).state == mesos.TASK_ERROR:
                client.fence()

    script.__name__ = name
    return script


def duplicate_task(site: Site) -> None:
    with site.client() as client:
        client.register()
        _running(client)
        client.launch(client.offer(), task("t"))
        client.status("t")
        client.fence()


def offer_used_twice(site: Site) -> None:
    with site.client() as client:
        client.register()
        offer = client.offer()
        client.launch(offer, task("one", "true"))
        client.launch(offer, task("two", "true"))
        client.status("two")
        for _ in range(3):
            client.status("one")


def offer_named_twice(site: Site) -> None:
    with site.client() as client:
        client.register()
        offer = client.offer()
        info = task("t", "true")
        info.slave_id.CopyFrom(offer.slave_id)
        operation = mesos.Offer.Operation(type=mesos.Offer.Operation.LAUNCH)
        operation.launch.task_infos.append(info)
        client.accept([offer.id, offer.id], operation)
        client.status("t")
        client.fence()


def offers_of_two_agents(site: Site) -> None:
    with site.client() as client:
        client.register()
        by_agent: dict[str, mesos.Offer] = {}
        while len(by_agent) < 2:
            by_agent.update({offer.slave_id.value: offer for offer in client.offers().offers})
        offers = list(by_agent.values())
        operation = mesos.Offer.Operation(type=mesos.Offer.Operation.LAUNCH)
        operation.launch.task_infos.append(task("t", "true"))
        operation.launch.task_infos[0].slave_id.CopyFrom(offers[0].slave_id)
        client.accept([offer.id for offer in offers], operation)
        client.status("t")
        client.fence()


def no_offer_at_all(site: Site) -> None:
    with site.client() as client:
        client.register()
        offer = client.offer()
        for offers in ([], [mesos.OfferID(value="unknown")]):
            info = task(f"t{len(offers)}", "true")
            info.slave_id.CopyFrom(offer.slave_id)
            operation = mesos.Offer.Operation(type=mesos.Offer.Operation.LAUNCH)
            operation.launch.task_infos.append(info)
            client.accept(offers, operation)
            client.status(info.task_id.value)
        client.fence()


def offer_of_another(site: Site) -> None:
    with site.client() as owner, site.client() as thief:
        owner.register()
        offer = owner.offer()
        thief.register()
        thief.launch(offer, task("t", "true"))
        thief.status("t")
        owner.fence()


def declined_with_a_filter(site: Site) -> None:
    with site.client() as client:
        client.register()
        agents: set[str] = set()
        while len(agents) < 2:
            for offer in client.offers().offers:
                agents.add(offer.slave_id.value)
                client.decline(offer, 600)
        client.fence()
        client.call(type=Call.REVIVE)
        site.note("offered again", client.offer().slave_id.value in agents)


def suppressed_and_revived(site: Site) -> None:
    with site.client() as client:
        client.register(suppressed=("*",))
        client.fence()
        client.call(type=Call.REVIVE)
        site.note("offered", bool(client.offers().offers))
        client.call(type=Call.SUPPRESS)
        client.call(type=Call.REVIVE, revive=Call.Revive(roles=["unknown"]))
        client.call(type=Call.SUPPRESS, suppress=Call.Suppress(roles=["unknown"]))
        client.fence()


def message_to_nobody(site: Site) -> None:
    with site.client() as client:
        client.register()
        offer = client.offer()
        for agent in (offer.slave_id.value, "nowhere"):
            message = Call.Message(data=b"hello")
            message.slave_id.value, message.executor_id.value = agent, "none"
            client.call(type=Call.MESSAGE, message=message)
        client.fence()


def acknowledged_for_nothing(site: Site) -> None:
    with site.client() as client:
        client.register()
        for agent in (client.offer().slave_id.value, "nowhere"):
            message = Call.Acknowledge(uuid=b"\0" * 16)
            message.slave_id.value, message.task_id.value = agent, "none"
            client.call(type=Call.ACKNOWLEDGE, acknowledge=message)
        client.fence()


def _both(info: mesos.TaskInfo) -> None:
    info.executor.executor_id.value = "e"
    info.executor.command.value = "true"


def _executor(info: mesos.TaskInfo) -> None:
    info.ClearField("command")
    info.executor.executor_id.value = "a/b"
    info.executor.command.value = "true"


def only_zero_resources(site: Site) -> None:
    with site.client() as client:
        client.register()
        info = task("t")
        del info.resources[:]
        info.resources.append(scalar("cpus", 0))
        client.launch(client.offer(), info)
        if client.status("t").state == mesos.TASK_STARTING:
            client.status("t")


SCRIPTS = (
    finishing,
    failing,
    killed_twice,
    unknown_killed,
    reconciled,
    reconciled_partition_aware,
    reconciled_by_nobody,
    task_survives_failover,
    duplicate_task,
    offer_used_twice,
    offer_named_twice,
    offers_of_two_agents,
    no_offer_at_all,
    offer_of_another,
    declined_with_a_filter,
    suppressed_and_revived,
    message_to_nobody,
    acknowledged_for_nothing,
    refused("unknown_agent", lambda info: info.slave_id.MergeFrom(mesos.SlaveID(value="nowhere"))),
    refused("too_many_cpus", lambda info: info.resources[0].scalar.MergeFrom(mesos.Value.Scalar(value=99))),
    refused("unknown_resource", lambda info: info.resources.append(scalar("spoons", 1))),
    refused("negative_resource", lambda info: info.resources.append(scalar("disk", -1))),
    refused("no_resources", lambda info: info.ClearField("resources")),
    only_zero_resources,
    refused("nothing_to_run", lambda info: info.ClearField("command")),
    refused("command_and_executor", _both),
    refused("executor_id_with_a_slash", _executor),
    refused("task_id_with_a_slash", lambda info: info.task_id.MergeFrom(mesos.TaskID(value="a/b"))),
    refused("task_id_of_dots", lambda info: info.task_id.MergeFrom(mesos.TaskID(value=".."))),
    refused(
        "kill_policy_in_the_past",
        lambda info: info.kill_policy.grace_period.MergeFrom(mesos.DurationInfo(nanoseconds=-1)),
    ),
)
