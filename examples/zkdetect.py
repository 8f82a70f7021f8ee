"""Say who the leading master is, and say it again at each change, until interrupted.

    python examples/zkdetect.py -masters=zk://host1:2181,host2:2181/mesos

Any master string is good, not only zk://. The flag is that of mesos-go's example of the same name; the
others are glog's.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Sequence
from types import FrameType

import pyglog
from mesos_detector import Detector, DetectorError, Leader, detect
from mesos_proto.v0 import mesos_pb2 as mesos


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the flags, each of which may have one dash or two."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0],
        allow_abbrev=False,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "-masters",
        "--masters",
        default="zk://127.0.0.1:2181/mesos",
        help="where the masters are: zk://…/path",
    )
    parser.add_argument(
        "-once", "--once", action="store_true", help="end with the first leading master that is found"
    )
    parser.add_argument(
        "-timeout", "--timeout", type=float, help="with -once: how many seconds to wait for a leading master"
    )
    pyglog.add_flags(parser)
    options = parser.parse_args(arguments)
    pyglog.init(options)
    return options


def describe(leader: Leader | None) -> str:
    """Return the line for a leader."""
    if leader is None:
        return "there is no leading master"
    version = f", Mesos {leader.info.version}" if leader.info.version else ""
    return f"the leading master is {leader.pid} at {leader.url}{version}"


def show_masters(masters: tuple[mesos.MasterInfo, ...]) -> None:
    """Log all masters, in the order of election."""
    pyglog.info("masters: %s", ", ".join(info.pid or info.id for info in masters) or "none")


def run(detector: Detector, options: argparse.Namespace) -> int:
    """Follow the leader; return the exit status."""
    if options.once:
        say(describe(detector.leader(options.timeout)))
        return 0
    detector.watch_masters(show_masters)
    for leader in detector:
        say(describe(leader))
    return 0


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    print(line, flush=True)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Let SIGTERM unwind the program as Ctrl-C does."""
    raise KeyboardInterrupt


def main() -> int:
    """Run the program."""
    signal.signal(signal.SIGTERM, interrupt)
    options = parse_arguments()
    try:
        with detect(options.masters) as detector, contextlib.suppress(BrokenPipeError):
            return run(detector, options)
    except KeyboardInterrupt:
        return 130
    except DetectorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
