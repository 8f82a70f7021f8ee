"""How long tasks take from end to end: a scheduler program, a cluster, an executor, each in its own process.

    python benchmarks/tasks.py [--json] [--tasks 1000] [--real]

Runs `examples/scheduler.py` (v0) and `examples/example_scheduler_httpv1.py` (v1, over protobuf and over
JSON) with their executors until that many tasks have finished, one framework after the other, on the
embedded cluster and with `--real` on Mesos 1.11.0 as well (see interop/README.md). A figure is the number of
seconds from the launch to the last status, on one agent that has room for all tasks at once.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The file pyglog.py beside this one must not hide the package.
sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() != Path(__file__).resolve().parent]

from mesos_executor.pack import pack
from mesos_local import LocalCluster, MasterSettings

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
RESOURCES = "cpus:64;mem:65536"
LIMIT = 600


@contextmanager
def embedded(folder: Path) -> Iterator[str]:
    """Give the address of an embedded cluster that allocates as often as a real one."""
    with LocalCluster(resources=RESOURCES, master=MasterSettings()) as cluster:
        yield cluster.master_address


@contextmanager
def real(folder: Path) -> Iterator[str]:
    """Give the address of a real cluster."""
    sys.path.insert(0, str(ROOT / "interop"))
    from realmesos import LATEST, Cluster, build

    with Cluster(build(LATEST), folder, agent_flags={"resources": RESOURCES}) as cluster:
        yield cluster.address


def programs(folder: Path) -> dict[str, list[str]]:
    """Return the programs with their flags; "%" stands for the address of the master."""
    v0 = pack(EXAMPLES / "executor.py", folder / "v0.pyz")
    v1 = pack(EXAMPLES / "example_executor_httpv1.py", folder / "v1.pyz")
    http = ["example_scheduler_httpv1.py", "-url=http://%/api/v1/scheduler", f"-executor={v1}"]
    http += ["-cpu=0.01", "-memory=1", "-metrics.port=0"]
    return {
        "v0": ["scheduler.py", "-master=%", f"-executor={v0}", "-artifactPort=0", "-task-count=#"],
        "v1_protobuf": [*http, "-codec=protobuf", "-tasks=#"],
        "v1_json": [*http, "-codec=json", "-tasks=#"],
    }


def seconds(command: list[str], master: str, tasks: int) -> float:
    """Run a program and return what it says."""
    program, *flags = (word.replace("%", master).replace("#", str(tasks)) for word in command)
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / program), *flags],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    found = re.search(rf"{tasks} tasks took ([0-9.]+) s", done.stdout)
    if done.returncode or found is None:
        raise RuntimeError(f"{program} failed:\n{done.stdout}{done.stderr}")
    return float(found[1])


def main() -> int:
    """Run everything and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--real", action="store_true", help="on a real Mesos too")
    options = parser.parse_args()
    figures = {"tasks": float(options.tasks)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for cluster in (embedded, real) if options.real else (embedded,):
            with cluster(folder / cluster.__name__) as master:
                for api, command in programs(folder).items():
                    figures[f"{cluster.__name__}_{api}_s"] = seconds(command, master, options.tasks)
    if options.json:
        print(json.dumps(figures))
    else:
        for key, value in figures.items():
            print(f"{key:24} {value:8.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
