"""Watch a framework work: an embedded cluster, `scheduler.py` against it, `executor.py` on it.

Starts one master and one agent on loopback, packs the executor into one file, and runs the scheduler
program as it would run against any cluster. Flags that are not listed go to `scheduler.py`.
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

from mesos_executor.pack import pack
from mesos_local import LocalCluster

HERE = Path(__file__).resolve().parent


def parse_arguments(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Return the demo's own options, and the flags meant for the scheduler."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0], epilog="Other flags go to scheduler.py."
    )
    parser.add_argument("-ip", "--ip", default="127.0.0.1", help="address of the cluster (%(default)s)")
    parser.add_argument("-port", "--port", type=int, default=0, help="port of the master (a free one)")
    parser.add_argument("-num_slaves", "--num_slaves", type=int, default=1, help="agents (%(default)s)")
    return parser.parse_known_args(arguments)


def run_scheduler(master: str, executor: Path, flags: Sequence[str]) -> int:
    """Run `scheduler.py` to its end and return its exit status; a signal to us ends it too."""
    command = [
        sys.executable,
        "-u",
        str(HERE / "scheduler.py"),
        f"-master={master}",
        f"-executor={executor}",
        "-artifactPort=0",
        *flags,
    ]
    process = subprocess.Popen(command)
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


def interrupt(number: int, frame: FrameType | None) -> None:
    """Let SIGTERM unwind the program as Ctrl-C does."""
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration; the exit status is the scheduler's."""
    options, flags = parse_arguments(sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGTERM, interrupt)
    try:
        started = time.monotonic()
        executor = pack(HERE / "executor.py")
        size = executor.stat().st_size / 1e6
        print(f"executor  {executor.name}, {size:.1f} MB, packed in {time.monotonic() - started:.1f} s")
        with LocalCluster(agents=options.num_slaves, ip=options.ip, port=options.port) as cluster:
            print(f"master    {cluster.master_address}")
            print(f"web page  {cluster.web_url}", flush=True)
            status = run_scheduler(cluster.master_address, executor, flags)
    except KeyboardInterrupt:
        print("interrupted: the cluster and its processes have been stopped", file=sys.stderr)
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main())
