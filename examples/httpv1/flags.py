"""The flags of mesos-go's v1 example scheduler, with its environment variables and defaults."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyglog
from mesos_proto.v1 import mesos_pb2 as mesos

DESCRIPTION = "The test framework over the v1 HTTP API: launches tasks on an executor of its own."
EPILOG = "Durations are written as in Go: 300ms, 1.5h, 2m30s. Every flag may have one dash or two."
UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
PIECE = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)


def duration(text: str) -> float:
    """Return the seconds of a duration in Go's form."""
    unsigned = text.removeprefix("-").removeprefix("+")
    pieces = PIECE.findall(unsigned)
    if unsigned != "0" and ("".join(map("".join, pieces)) != unsigned or not pieces):
        raise argparse.ArgumentTypeError(f"{text!r} is no duration: write 300ms, 5s or 1h30m")
    if text.startswith("-") and unsigned != "0":
        raise argparse.ArgumentTypeError(f"{text!r} is negative")
    return sum(float(number) * UNITS[unit] for number, unit in pieces)


def whole(text: str) -> int:
    """Return a whole number, 0 or more."""
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is negative")
    return value


def port(text: str) -> int:
    """Return the number of a port; 0 stands for a free one."""
    value = whole(text)
    if value > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: they end at 65535")
    return value


def amount(text: str) -> float:
    """Return an amount of a resource."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no amount of a resource")
    return value


def switch(text: str) -> bool:
    """Return a truth value in one of Go's forms."""
    if text in ("1", "t", "T", "true", "TRUE", "True"):
        return True
    if text in ("0", "f", "F", "false", "FALSE", "False"):
        return False
    raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")


def codec(text: str) -> str:
    """Return the name of a codec."""
    if text.lower() not in ("protobuf", "json"):
        raise argparse.ArgumentTypeError(f"{text!r} is no codec: there are protobuf and json")
    return text.lower()


def authmode(text: str) -> str:
    """Return the name of a way to authenticate, or nothing."""
    if text not in ("", "basic"):
        raise argparse.ArgumentTypeError(f"{text!r} is no way to authenticate: there is only basic")
    return text


def label(text: str) -> mesos.Label:
    """Return a label of `key=value`, `key:value` or `key`; the first of both marks ends the key."""
    key, mark, value = re.fullmatch(r"([^=:]*)([=:]?)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    if not key:
        raise argparse.ArgumentTypeError(f"{text!r} has no key")
    return mesos.Label(key=key, value=value) if mark and value else mesos.Label(key=key)


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag: its value's kind, its default, and the environment variable that overrides the default."""

    name: str
    kind: Callable[[str], Any]
    default: str
    help: str
    variable: str = ""


FLAGS = (
    Flag("user", str, "root", "the user that tasks run as on the agents", "FRAMEWORK_USER"),
    Flag("name", str, "example", "the framework's name", "FRAMEWORK_NAME"),
    Flag("role", str, "*", "the role to get offers for", "FRAMEWORK_ROLE"),
    Flag(
        "url",
        str,
        "http://:5050/api/v1/scheduler",
        "a master's scheduler API; host:port or zk://host,host/path will do too",
        "MESOS_MASTER_HTTP",
    ),
    Flag("codec", codec, "protobuf", "how calls and events are written: protobuf or json"),
    Flag("timeout", duration, "20s", "how long to wait for an answer of the master", "MESOS_CONNECT_TIMEOUT"),
    Flag(
        "failoverTimeout",
        duration,
        "1000h",
        "how long tasks outlive a scheduler that is gone",
        "SCHEDULER_FAILOVER_TIMEOUT",
    ),
    Flag("checkpoint", switch, "true", "have agents checkpoint, so that tasks outlive an agent's restart"),
    Flag("principal", str, "", "the framework's principal"),
    Flag("hostname", str, "", "the host name to tell the master, this host's if empty"),
    Flag("label", label, "", "a label of the framework, key=value; may be given more than once"),
    Flag(
        "server.address",
        str,
        "127.0.0.1",
        "the address that executor and metrics are served on; agents must reach it",
        "LIBPROCESS_IP",
    ),
    Flag("server.port", port, "0", "the port that the executor is served on; 0: a free one"),
    Flag(
        "executor", str, "/opt/example-executor", "the executor's program, packed into a file", "EXEC_BINARY"
    ),
    Flag("tasks", whole, "5", "how many tasks to run", "NUM_TASKS"),
    Flag("verbose", switch, "false", "say what happens, event by event"),
    Flag("cpu", amount, "1", "CPUs of a task", "TASK_CPU"),
    Flag("memory", amount, "64", "memory of a task, in MB", "TASK_MEMORY"),
    Flag("exec.cpu", amount, "0.01", "CPUs of an executor", "EXEC_CPU"),
    Flag("exec.memory", amount, "64", "memory of an executor, in MB", "EXEC_MEMORY"),
    Flag(
        "revive.burst", whole, "3", "how many REVIVE calls may go out at once; 0: none ever", "REVIVE_BURST"
    ),
    Flag("revive.wait", duration, "1s", "after how long as many may go out again", "REVIVE_WAIT"),
    Flag("metrics.port", port, "64009", "the port of the metrics, on server.address; 0: a free one", "PORT0"),
    Flag("metrics.path", str, "/metrics", "the path of the metrics", "METRICS_API_PATH"),
    Flag("resourceTypeMetrics", switch, "false", "with summaryMetrics: sum up offers by kind of resource"),
    Flag(
        "maxRefuseSeconds",
        duration,
        "5s",
        "refuse what is left of offers for up to this long, chosen by chance",
        "MAX_REFUSE_SECONDS",
    ),
    Flag(
        "jobRestartDelay",
        duration,
        "5s",
        "after how long a service of this program that ended is started again",
        "JOB_RESTART_DELAY",
    ),
    Flag("summaryMetrics", switch, "false", "measure how long calls and events take, and launches per offer"),
    Flag("exec.image", str, "", "a Docker image to run the executor in, instead of serving it", "EXEC_IMAGE"),
    Flag("compression", switch, "false", "ask the master to compress what it sends"),
    Flag("credentials.username", str, "", "who to authenticate as", "AUTH_USER"),
    Flag(
        "credentials.passwordFile",
        str,
        "",
        "a file that holds the password and nothing else",
        "AUTH_PASSWORD_FILE",
    ),
    Flag("authmode", authmode, "", "how to authenticate: basic, or nothing for not at all", "AUTH_MODE"),
    Flag("gpuClusterCompat", switch, "false", "take offers of agents with GPUs too"),
)

KINDS: dict[Callable[[str], Any], str] = {
    duration: "duration",
    whole: "int",
    port: "int",
    amount: "float",
    switch: "",
    label: "key=value",
}


class HelpFormatter(argparse.HelpFormatter):
    """Lists each flag once, with one dash, its default and its environment variable."""

    def _format_action_invocation(self, action: argparse.Action) -> str:
        name = action.option_strings[0]
        return f"{name} {action.metavar}" if action.metavar and action.nargs != "?" else name


def parse_flags(
    arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ
) -> argparse.Namespace:
    """Return the flags' values; a dot in a name is an underscore there."""
    parser = argparse.ArgumentParser(
        description=DESCRIPTION,
        epilog=EPILOG,
        usage="%(prog)s [-flag=value | -flag]…",
        allow_abbrev=False,
        add_help=False,
        formatter_class=lambda prog: HelpFormatter(prog, max_help_position=32),
    )
    parser.add_argument("-help", "--help", "-h", action="help", help="show this and exit")
    for flag in FLAGS:
        _add(parser, flag, environ)
    pyglog.add_flags(parser)
    options = parser.parse_args(arguments)
    _check(parser, options)
    return options


def _add(parser: argparse.ArgumentParser, flag: Flag, environ: Mapping[str, str]) -> None:
    default = environ.get(flag.variable) or flag.default
    try:
        value = [] if flag.kind is label else flag.kind(default)
    except argparse.ArgumentTypeError as error:
        parser.error(f"{flag.variable} in the environment: {error}")
    notes = [f"default {flag.default}"] if flag.default else []
    notes += [f"${flag.variable}"] if flag.variable else []
    parser.add_argument(
        f"-{flag.name}",
        f"--{flag.name}",
        dest=flag.name.replace(".", "_"),
        action="append" if flag.kind is label else "store",
        type=flag.kind,
        nargs="?" if flag.kind is switch else None,
        const=True if flag.kind is switch else None,
        default=value,
        metavar=KINDS.get(flag.kind, "string"),
        help=flag.help + (f" ({', '.join(notes)})" if notes else ""),
    )


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if not options.name:
        parser.error("-name must not be empty")
    if options.tasks < 1:
        parser.error("-tasks must be at least 1")
    if options.timeout <= 0:
        parser.error("-timeout must be more than 0")
    if options.revive_wait <= 0:
        parser.error("-revive.wait must be more than 0")
    if options.authmode and not (options.credentials_username and options.credentials_passwordFile):
        parser.error(
            f"-authmode={options.authmode} needs -credentials.username and -credentials.passwordFile"
        )
    if not options.metrics_path.startswith("/"):
        parser.error(f"-metrics.path: {options.metrics_path!r} does not begin with a slash")
    if not options.executor and not options.exec_image:
        parser.error("there is no executor to run: give -executor or -exec.image")
    # As in Go, an address without a host is this host.
    options.url = re.sub(r"^(https?://)(?=[:/])", r"\g<1>127.0.0.1", options.url)
