"""Watch a framework work: an embedded cluster, a scheduler program against it, its executor on it.

Starts one master and one agent on loopback, packs the executor into one file, and runs the scheduler
program as it would run against any cluster. With `-api=v1` that is `example_scheduler_httpv1.py`, first over
protobuf and then over JSON; else `scheduler.py`. Flags that are not listed go to that program.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

HERE = Path(__file__).resolve().parent
EXECUTORS = {"v0": "executor.py", "v1": "example_executor_httpv1.py"}


def parse_arguments(arguments: Sequence[str] | None) -> tuple[argparse.Namespace, list[str]]:
    """Return the demo's own options, and the flags meant for the scheduler."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0],
        epilog="Other flags go to scheduler.py, with -api=v1 to example_scheduler_httpv1.py.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "-api", "--api", choices=sorted(EXECUTORS), default="v0", help="libprocess or HTTP (%(default)s)"
    )
    parser.add_argument("-ip", "--ip", default="127.0.0.1", help="address of the cluster (%(default)s)")
    parser.add_argument("-port", "--port", type=int, default=0, help="port of the master (a free one)")
    parser.add_argument("-num_slaves", "--num_slaves", type=int, default=1, help="agents (%(default)s)")
    return parser.parse_known_args(arguments)


def programs(api: str, master: str, executor: Path) -> list[list[str]]:
    """Return what to run, one after the other: programs with their flags."""
    if api == "v0":
        return [["scheduler.py", f"-master={master}", f"-executor={executor}", "-artifactPort=0"]]
    flags = [f"-url=http://{master}/api/v1/scheduler", f"-executor={executor}", "-tasks=10", "-cpu=0.1"]
    return [
        ["example_scheduler_httpv1.py", f"-codec={codec}", "-metrics.port=0", *flags]
        for codec in ("protobuf", "json")
    ]


def run_program(command: Sequence[str]) -> int:
    """Run a scheduler program to its end and return its exit status; a signal to us ends it too."""
    # In a session of its own Ctrl-C does not reach it: we end it, in good order.
    process = subprocess.Popen(command, start_new_session=True)
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def run(options: argparse.Namespace, flags: Sequence[str]) -> int:
    """Run the demonstration; return the scheduler's exit status."""
    # Imported here, where Ctrl-C during the third of a second that it takes is quiet.
    from mesos_executor.pack import pack
    from mesos_local import LocalCluster

    started = time.monotonic()
    executor = pack(HERE / EXECUTORS[options.api])
    size = executor.stat().st_size / 1e6
    print(f"executor  {executor.name}, {size:.1f} MB, packed in {time.monotonic() - started:.1f} s")
    with LocalCluster(agents=options.num_slaves, ip=options.ip, port=options.port) as cluster:
        print(f"master    {cluster.master_address}")
        print(f"web page  {cluster.web_url}", flush=True)
        for program, *arguments in programs(options.api, cluster.master_address, executor):
            if options.api == "v1":
                print(f"program   {program} {arguments[0]}", flush=True)
            status = run_program([sys.executable, "-u", str(HERE / program), *arguments, *flags])
            if status:
                return status
    return 0


def interrupt(number: int, frame: FrameType | None) -> None:
    """Let SIGTERM unwind the program as Ctrl-C does."""
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration; the exit status is the scheduler's."""
    try:
        signal.signal(signal.SIGTERM, interrupt)
        return run(*parse_arguments(arguments))
    except KeyboardInterrupt:
        print("interrupted: the cluster and its processes have been stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
