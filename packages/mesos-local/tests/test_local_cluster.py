"""The life of a cluster: it starts quickly, answers over HTTP, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from local_scheduler import Recorder, alive, command_task, get, running
from mesos_auth import Credential
from mesos_local import ClusterError, LocalCluster, MasterSettings
from mesos_scheduler import DriverAborted


def test_it_starts_and_leaves_nothing(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    threads = set(threading.enumerate())
    fifo = tmp_path_factory.mktemp("pipe") / "pid"
    os.mkfifo(fifo)
    recorder = Recorder(lambda offer: [command_task(offer, f"echo $$ > {fifo}; exec sleep 1000")])
    with LocalCluster(2) as cluster:
        with running(cluster, recorder):
            recorder.until("TASK_RUNNING")
            pid = int(fifo.read_text())
            assert alive(pid)
            cluster.stop()
            assert not alive(pid)
    assert not list(tmp_path.iterdir())
    left = set(threading.enumerate()) - threads
    assert not [thread for thread in left if not thread.name.startswith("mesos-scheduler")]
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", int(cluster.master_address.rpartition(":")[2])), 1)


def test_an_exception_in_the_block_ends_it_too(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="mine"):
        with LocalCluster(work_dir=tmp_path / "kept") as cluster:
            raise RuntimeError("mine")
    assert not cluster.agents
    assert (tmp_path / "kept").is_dir()


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ClusterError, match=f"cannot listen on 127.0.0.1:{port}"):
            LocalCluster(port=port).start()


def test_it_starts_only_once() -> None:
    with LocalCluster(0) as cluster:
        with pytest.raises(ClusterError, match="started before"):
            cluster.start()


def test_the_program_ends_on_ctrl_c() -> None:
    command = [sys.executable, "-m", "mesos_local", "--port=0", "--num_slaves=2", "--roles=golang,*"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)},
    ) as program:
        assert program.stdout is not None
        lines = [program.stdout.readline() for _ in range(4)]
        url = lines[3].split()[-1]
        assert get(url + "state")["flags"]["roles"] == "golang,*"
        assert get(url + "state")["activated_slaves"] == 2
        program.send_signal(signal.SIGINT)
        assert program.wait(20) == 0


def test_authentication_lets_in_whom_it_should() -> None:
    settings = MasterSettings(allocation_interval=0.1, authenticate_frameworks=True)
    good, bad = Credential("anna", "secret"), Credential("anna", "wrong")
    with LocalCluster(master=settings, credentials=[good]) as cluster:
        recorder = Recorder(lambda offer: [command_task(offer, "true")])
        with running(cluster, recorder, good):
            recorder.until("TASK_FINISHED")
            (framework,) = get(cluster.web_url + "frameworks")["frameworks"]
            assert framework["principal"] == "anna"
        refused = Recorder()
        with running(cluster, refused, bad) as driver:
            refused.wait(lambda: bool(refused.errors))
            with pytest.raises(DriverAborted, match="refused"):
                driver.join(20)
        nobody = Recorder()
        with running(cluster, nobody):
            nobody.wait(lambda: bool(nobody.errors))
            assert "is not authenticated" in nobody.errors[0]


def test_the_master_tells_its_state_over_http(cluster: LocalCluster) -> None:
    recorder = Recorder(lambda offer: [command_task(offer, "sleep 1000", resources="cpus:1;mem:64")])
    with running(cluster, recorder):
        recorder.until("TASK_RUNNING")
        state = get(cluster.web_url + "state")
        (framework,) = [each for each in state["frameworks"] if each["id"] == recorder.framework_ids[0]]
        (task,) = framework["tasks"]
        assert (task["state"], task["resources"]["cpus"], task["executor_id"]) == ("TASK_RUNNING", 1.0, "")
        assert framework["used_resources"]["mem"] == 64.0
        (agent,) = state["slaves"]
        assert agent["pid"] == cluster.agents[0].pid
        assert agent["resources"]["ports"] == "[31000-31099]"
        assert get(cluster.web_url + "master/state")["id"] == state["id"]
        metrics = get(cluster.web_url + "metrics/snapshot")
        assert metrics["master/tasks_running"] == 1
        assert metrics["master/cpus_used"] == 1.0
        assert [each["id"] for each in get(cluster.web_url + "tasks?limit=1")["tasks"]] == ["task"]
        assert get(cluster.web_url + "version")["version"] == "1.11.0"
        (summary,) = get(cluster.web_url + "state-summary")["slaves"]
        assert summary["TASK_RUNNING"] == 1
        roles = {each["name"]: each for each in get(cluster.web_url + "roles")["roles"]}
        assert roles["*"]["frameworks"] == recorder.framework_ids


def test_the_page_and_its_neighbours_answer(cluster: LocalCluster) -> None:
    agent = f"http://{cluster.agents[0].pid.partition('@')[2]}/"
    for url, kind, text in (
        (cluster.web_url, "text/html", b"<title>Mesos (embedded)"),
        (agent, "text/html", b"<title>Mesos agent"),
        (agent + "static/style.css", "text/css", b"body"),
        (cluster.web_url + "static/common.js", "text/javascript", b"const cell"),
    ):
        with urllib.request.urlopen(url, timeout=10) as response:
            assert text in response.read()
            assert response.headers.get_content_type() == kind
    with urllib.request.urlopen(cluster.web_url + "health", timeout=10) as response:
        assert (response.status, response.read()) == (200, b"")
    for path, body, status in (("state", b"x", 405), ("nothing", None, 404), ("tasks?limit=x", None, 400)):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(cluster.web_url + path, body, timeout=10)
        assert refused.value.code == status
        refused.value.close()


def test_an_operator_tears_a_framework_down(cluster: LocalCluster) -> None:
    def ask(body: bytes) -> int:
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(cluster.web_url + "teardown", body, timeout=10)
        refused.value.close()
        return refused.value.code

    recorder = Recorder(lambda offer: [command_task(offer, "exec sleep 1000")])
    with running(cluster, recorder, failover_timeout=60.0):
        recorder.until("TASK_RUNNING")
        assert ask(b"") == 400
        assert ask(b"frameworkId=nobody") == 400
        body = f"frameworkId={recorder.framework_ids[0]}".encode()
        urllib.request.urlopen(cluster.web_url + "teardown", body, timeout=10).close()
        completed = get(cluster.web_url + "frameworks")["completed_frameworks"]
        assert recorder.framework_ids[0] in [each["id"] for each in completed]


@pytest.mark.parametrize("path", ["maintenance/schedule", "quota", "machine/down"])
def test_what_is_missing_says_so(cluster: LocalCluster, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(cluster.web_url + path, b"{}", timeout=10)
    with refused.value as answer:
        assert answer.code == 501
        assert answer.read().decode() == f"An embedded cluster does not have POST /{path}."


def test_what_can_only_be_read_is_empty(cluster: LocalCluster) -> None:
    for path in ("maintenance/schedule", "maintenance/status", "quota"):
        assert get(cluster.web_url + path) == {}
    assert get(cluster.web_url + "weights") == []
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(cluster.web_url + "maintenance/status", b"{}", timeout=10)
    assert refused.value.code == 405
    refused.value.close()


def test_sandboxes_can_be_read_over_http_and_nothing_else(cluster: LocalCluster) -> None:
    recorder = Recorder(lambda offer: [command_task(offer, "printf abcdef; ln -s /etc/passwd leak")])
    with running(cluster, recorder):
        recorder.until("TASK_FINISHED")
        agent = f"http://{cluster.agents[0].pid.partition('@')[2]}/"
        frameworks = get(agent + "state")["frameworks"]
        (framework,) = [each for each in frameworks if each["id"] == recorder.framework_ids[0]]
        directory = framework["executors"][0]["directory"]
        names = [Path(each["path"]).name for each in get(f"{agent}files/browse?path={directory}")]
        assert {"stdout", "stderr", "leak"} <= set(names)
        read = f"{agent}files/read?path={directory}/stdout"
        assert get(read) == {"offset": 6, "data": ""}
        assert get(read + "&offset=2&length=3") == {"offset": 2, "data": "cde"}
        short = f"/frameworks/{framework['id']}/executors/task/runs/latest/stdout"
        assert get(f"{agent}files/read?path={short}&offset=0")["data"] == "abcdef"
        for path in (
            f"{directory}/leak",
            "/etc/passwd",
            f"{directory}/../../../../../../../../../etc/passwd",
        ):
            with pytest.raises(urllib.error.HTTPError) as refused:
                get(f"{agent}files/read?path={path}&offset=0")
            assert refused.value.code == 404
            refused.value.close()
