"""The `mesos-local` program. Its flags are those of the real programs, wherever the thing exists there."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyglog
from mesos_auth import AuthError, load_credential, load_credentials
from mesos_detector import redact
from mesos_proto.durations import parse_duration
from mesos_proto.roles import parse_roles

from ._models import Json
from .agent.state import AgentSettings
from .cluster import LocalCluster
from .config import parse_bytes, parse_environment, parse_weights
from .errors import ClusterError, MesosLocalError
from .master.state import MasterSettings

__all__ = ["FLAGS", "Flag", "cluster_from", "main", "parse"]


log = logging.getLogger("mesos.local")

_SUPERVISION = 0.5
"""How often (in seconds) the masters are looked after."""


def _boolean(text: str) -> bool:
    if text.lower() in ("true", "1"):
        return True
    if text.lower() in ("false", "0"):
        return False
    raise ValueError(f"{text!r} is neither true nor false")


def _roles(text: str) -> frozenset[str]:
    return frozenset(parse_roles(text))


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("it must be 1 or more")
    return number


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag: how its text is read, what it is when not given, and what it sets."""

    name: str
    read: Callable[[str], Any]
    default: str | None
    help: str
    sets: str = ""
    """Which field of the master's or the agent's settings, as `master.x` or `agent.x`."""


FLAGS = (
    Flag("ip", str, "127.0.0.1", "address to listen on"),
    Flag("port", int, "5050", "port of the master; 0 for a free one. The agents take free ones"),
    Flag("masters", int, "1", "how many masters; more than one need --zk, and but the first take free ports"),
    Flag("zk", str, None, "where masters are elected, such as 'zk://host1:2181,host2:2181/mesos'"),
    Flag("zk_session_timeout", parse_duration, "10secs", "how long ZooKeeper waits for a master"),
    Flag("quorum", _positive, None, "taken, and not looked at: the masters share their registry"),
    Flag(
        "registry",
        str,
        "replicated_log",
        "where masters keep which agents there are: 'replicated_log' (a file they share) or 'in_memory'",
    ),
    Flag("num_slaves", int, "1", "how many agents"),
    Flag(
        "resources",
        str,
        None,
        "what each agent has, such as 'cpus:4;mem:4096;disk:10240;ports:[31000-32000]'",
    ),
    Flag("attributes", str, "", "what each agent says about itself, such as 'rack:r1;zone:[1-3]'"),
    Flag(
        "work_dir",
        str,
        None,
        "where agents keep sandboxes, and masters the registry; a temporary folder by default",
    ),
    Flag("hostname", str, "localhost", "name of this host in offers and redirects", "master.hostname"),
    Flag("cluster", str, "", "name of the cluster", "master.cluster"),
    Flag(
        "roles", _roles, None, "the only roles that frameworks may have, separated by commas", "master.roles"
    ),
    Flag("weights", parse_weights, "", "weights of roles, such as 'dev=2,ops=1.5'", "master.weights"),
    Flag("credentials", str, None, "file of the credentials that are accepted"),
    Flag(
        "authenticate_frameworks",
        _boolean,
        "false",
        "take only frameworks that authenticate",
        "master.authenticate_frameworks",
    ),
    Flag("credential", str, None, "file of the credential that the agents have"),
    Flag(
        "authenticate_agents",
        _boolean,
        "false",
        "take only agents that authenticate; see --credential",
        "master.authenticate_agents",
    ),
    Flag(
        "authenticate_http_frameworks",
        _boolean,
        "false",
        "take only frameworks on HTTP that authenticate",
        "master.authenticate_http_frameworks",
    ),
    Flag(
        "authenticate_http_readonly",
        _boolean,
        "false",
        "let only those with a credential read over HTTP, from masters and agents",
        "master.authenticate_http_readonly",
    ),
    Flag(
        "authenticate_http_readwrite",
        _boolean,
        "false",
        "let only those with a credential change something over HTTP; the operator API is that, too",
        "master.authenticate_http_readwrite",
    ),
    Flag("root_submissions", _boolean, "true", "let root run frameworks", "master.root_submissions"),
    Flag(
        "filter_gpu_resources",
        _boolean,
        "true",
        "hide agents with GPUs from frameworks that do not know them",
        "master.filter_gpu_resources",
    ),
    Flag(
        "allocation_interval",
        parse_duration,
        "1secs",
        "how often free resources are offered again",
        "master.allocation_interval",
    ),
    Flag("offer_timeout", parse_duration, None, "how long an offer stands", "master.offer_timeout"),
    Flag(
        "agent_ping_timeout",
        parse_duration,
        "15secs",
        "how long an agent has for an answer",
        "master.agent_ping_timeout",
    ),
    Flag(
        "max_agent_ping_timeouts",
        int,
        "5",
        "after how many missing answers an agent is unreachable",
        "master.max_agent_ping_timeouts",
    ),
    Flag(
        "agent_reregister_timeout",
        parse_duration,
        "10mins",
        "how long a lost agent has to come back",
        "master.agent_reregister_timeout",
    ),
    Flag(
        "executor_registration_timeout",
        parse_duration,
        "1mins",
        "how long an executor has to register",
        "agent.executor_registration_timeout",
    ),
    Flag(
        "executor_shutdown_grace_period",
        parse_duration,
        "5secs",
        "how long an executor has to end",
        "agent.executor_shutdown_grace_period",
    ),
    Flag(
        "recovery_timeout",
        parse_duration,
        "15mins",
        "how long executors wait for a lost agent",
        "agent.recovery_timeout",
    ),
    Flag(
        "executor_reregistration_timeout",
        parse_duration,
        "2secs",
        "how long an executor has to come back to an agent that was away",
        "agent.executor_reregistration_timeout",
    ),
    Flag(
        "executor_environment_variables",
        parse_environment,
        "{}",
        "JSON object of variables that executors are given beside their own",
        "agent.executor_environment",
    ),
    Flag(
        "fetcher_cache_size",
        parse_bytes,
        "2GB",
        "how much each agent keeps of what tasks fetch with `cache`",
        "agent.fetcher_cache_size",
    ),
    Flag(
        "limit_memory",
        _boolean,
        "true",
        "end what takes more memory than it was given",
        "agent.limit_memory",
    ),
)


def parse(
    arguments: Sequence[str], environ: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], Json, argparse.Namespace]:
    """Read the command line and the `MESOS_` variables of the environment; the command line wins.

    Gives the values by flag, their texts as `/flags` shows them, and the namespace with the logging flags.
    """
    environ = os.environ if environ is None else environ
    parser = argparse.ArgumentParser(
        prog="mesos-local",
        description="A Mesos master and agents in one process, for development and tests.",
        epilog="Each flag may also come from the environment, as MESOS_<FLAG>.",
        allow_abbrev=False,
    )
    for flag in FLAGS:
        shown = "" if flag.default in (None, "") else f" ({flag.default})"
        extra: dict[str, Any] = {"nargs": "?", "const": "true"} if flag.read is _boolean else {}
        parser.add_argument(
            f"--{flag.name}", f"-{flag.name}", metavar="VALUE", help=flag.help + shown, **extra
        )
        if flag.read is _boolean:
            negation = {"dest": flag.name, "action": "store_const", "const": "false"}
            parser.add_argument(f"--no-{flag.name}", help=argparse.SUPPRESS, **negation)  # type: ignore[arg-type]
    pyglog.add_flags(parser)
    namespace = parser.parse_args(arguments)
    values: dict[str, Any] = {}
    texts: Json = {}
    for flag in FLAGS:
        text = getattr(namespace, flag.name)
        text = environ.get(f"MESOS_{flag.name.upper()}", flag.default) if text is None else text
        try:
            values[flag.name] = None if text is None else flag.read(text)
        except ValueError as error:
            parser.error(f"--{flag.name}={text}: {error}")
        if text is not None:
            texts[flag.name] = redact(text) if flag.name == "zk" else text
    return values, texts, namespace


def cluster_from(values: Mapping[str, Any], texts: Json) -> LocalCluster:
    """Make the cluster that the flags describe. Raises MesosLocalError or AuthError."""
    master: dict[str, Any] = {}
    agent: dict[str, Any] = {"hostname": values["hostname"]}
    for flag in FLAGS:
        part, _, name = flag.sets.partition(".")
        if part:
            (master if part == "master" else agent)[name] = values[flag.name]
    return LocalCluster(
        values["num_slaves"],
        masters=values["masters"],
        zk=values["zk"],
        zk_session_timeout=values["zk_session_timeout"],
        registry=values["registry"],
        ip=values["ip"],
        port=values["port"],
        resources=values["resources"],
        attributes=values["attributes"],
        work_dir=values["work_dir"],
        master=MasterSettings(**master),
        agent=AgentSettings(**agent),
        credentials=load_credentials(values["credentials"]) if values["credentials"] else (),
        credential=load_credential(values["credential"]) if values["credential"] else None,
        flags=texts,
    )


def _supervise(cluster: LocalCluster) -> None:
    """Start masters that have lost their leadership again, as a machine's init system does with real ones.

    Raises MesosLocalError when that cannot be, or there is only one.
    """
    for master in cluster.masters:
        if master.ended is not None:
            if len(cluster.masters) == 1:
                raise ClusterError(f"the master has ended: {master.ended}")
            log.warning("Starting the master at %s again, which has ended: %s", master.pid, master.ended)
            master.start()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a cluster until it is interrupted; the exit status is 0 then."""
    values, texts, namespace = parse(sys.argv[1:] if arguments is None else arguments)
    pyglog.init(namespace)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        with cluster_from(values, texts) as cluster:
            print(f"master    {redact(cluster.master_address)}")
            for agent in cluster.agents:
                print(f"agent     {agent.pid}")
            print(f"web page  {cluster.web_url}", flush=True)
            while not ended.wait(_SUPERVISION):
                _supervise(cluster)
    except (MesosLocalError, AuthError) as error:
        print(f"mesos-local: {error}", file=sys.stderr)
        return 1
    return 0
