"""The metrics of the v1 example scheduler, fetched while it runs."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from httpv1.metrics import Metrics
from mesos_executor.pack import pack
from mesos_local import LocalCluster
from prometheus_client import generate_latest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
PATIENCE = 60

# As in mesos-go's metrics.go, with their labels.
COUNTERS = {
    "call_count": "type",
    "call_error_count": "type",
    "event_received_count": "type",
    "event_error_count": "type",
    "offers_received": "",
    "offers_declined": "",
    "tasks_launched": "",
    "tasks_finished": "",
    "job_start_count": "job",
    "artifact_downloads": "",
}
SUMMARIES = ("call_latency", "event_received_latency", "offered_resources", "tasks_launched_per_cycle")


@contextmanager
def program(cluster: LocalCluster, *flags: str) -> Iterator[subprocess.Popen[str]]:
    """Run the scheduler with the output to read from."""
    command = [sys.executable, "-u", str(EXAMPLES / "example_scheduler_httpv1.py")]
    process = subprocess.Popen(
        [*command, f"-url={cluster.master_address}", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    timer = threading.Timer(PATIENCE, process.kill)
    timer.start()
    try:
        yield process
    finally:
        timer.cancel()
        process.terminate()
        process.communicate()


def until(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    """Read lines until one matches."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if match := re.search(pattern, line):
            return match
    raise AssertionError(f"no {pattern} in {''.join(seen)}")


def fetch(url: str) -> dict[str, float]:
    """Return the samples."""
    with urllib.request.urlopen(url, timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    pairs = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    return {name.removeprefix("example_scheduler_"): float(value) for name, _, value in pairs}


def test_every_name_is_that_of_go() -> None:
    metrics = Metrics(summaries=True, resources=True)
    for name, label in COUNTERS.items():
        getattr(metrics, name).add(value="x" if label else "")
    text = generate_latest(metrics.registry).decode()
    for name, label in COUNTERS.items():
        labels = f'{{{label}="x"}}' if label else ""
        assert f"\nexample_scheduler_{name}{labels} 1.0\n" in text
    for name in SUMMARIES:
        assert f"# TYPE example_scheduler_{name} summary\n" in text
    assert "_created" not in text


def test_a_run_is_counted(tmp_path: Path) -> None:
    executor = pack(EXAMPLES / "example_executor_httpv1.py", tmp_path / "executor.pyz")
    # One task fits at a time, and there is no end of them.
    flags = [f"-executor={executor}", "-codec=json", "-cpu=0.5", "-tasks=100000000", "-maxRefuseSeconds=1ms"]
    flags += ["-verbose", "-metrics.port=0", "-metrics.path=/m", "-summaryMetrics", "-resourceTypeMetrics"]
    with LocalCluster(resources="cpus:0.6;mem:256") as cluster, program(cluster, *flags) as run:
        url = until(run, "metrics are at (http://127.0.0.1:[0-9]+/m)")[1]
        until(run, "task 2 is in state TASK_FINISHED")
        until(run, "1 tasks launched on 1 offers")
        counted = fetch(url)
    assert counted["offers_received"] >= 3 and counted["tasks_launched"] >= 3
    assert counted["tasks_finished"] >= 2 and counted["artifact_downloads"] == 1
    assert counted['call_count{type="subscribe"}'] == 1 and counted['call_count{type="accept"}'] >= 2
    assert counted['event_received_count{type="update"}'] >= 4
    assert (
        counted['job_start_count{job="api-server"}'] == counted['job_start_count{job="artifact-server"}'] == 1
    )
    assert counted['call_latency_count{type="subscribe"}'] == 1
    assert counted['offered_resources_sum{type="mem"}'] >= 256
    assert counted["tasks_launched_per_cycle_count"] >= 3


def test_a_port_that_is_taken_is_tried_again(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, LocalCluster() as cluster:
        port = taken.getsockname()[1]
        flags = [f"-metrics.port={port}", "-jobRestartDelay=100ms", "-cpu=1000", f"-executor={__file__}"]
        with program(cluster, *flags) as run:
            until(run, rf"-metrics.port: .*127\.0\.0\.1:{port}.* trying again in 0.1 s")
            taken.close()
            assert fetch(until(run, "metrics are at (http://.*)")[1])['job_start_count{job="api-server"}'] > 1
