"""Masters named by their address, asked over real sockets."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest
from detector_helpers import DEADLINE, FakeMaster, News, free_port, raw_server
from mesos_detector import DetectionFailedError, DetectionTimeoutError, Leader, detect


def detector_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("mesos-detector")]


def test_named_master_is_confirmed_and_its_restart_noticed() -> None:
    news: News[Leader | None] = News()
    with FakeMaster() as master:
        port = master.port
        detector = detect(f"localhost:{port}", poll_interval=0.1)
        detector.watch(news)
        leader = news.next()
        assert leader is not None
        assert (leader.pid, leader.confirmed) == (f"master@127.0.0.1:{port}", True)
        assert leader.url == f"http://localhost:{port}"
    assert news.next() is None
    with FakeMaster(2, port=port):
        leader = news.next()
        assert leader is not None and leader.info.id == "master-2"
        detector.stop()
    assert detector_threads() == []


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("form", ["{}", "master@{}", "http://{}"])
def test_leader_is_followed_from_master_to_master(form: str, old: bool) -> None:
    news: News[Leader | None] = News()
    with FakeMaster(1) as first, FakeMaster(2) as second:
        first.old = second.old = old
        first.leader = second.address
        with detect(form.format(first.address), poll_interval=0.1) as detector:
            detector.watch(news)
            news.until(lambda leader: leader is not None and leader.pid == f"master@{second.address}")
            first.leader, second.leader = None, first.address
            news.until(lambda leader: leader is not None and leader.pid == f"master@{first.address}")
            first.no_leader = second.no_leader = True
            news.until(lambda leader: leader is None)


def test_master_file(tmp_path: Path) -> None:
    with FakeMaster() as master:
        (tmp_path / "master").write_text(f"{master.address}\n")
        with detect(f"file://{tmp_path / 'master'}") as detector:
            assert detector.leader(timeout=DEADLINE).pid == f"master@{master.address}"


def test_master_that_is_not_there_yet_is_waited_for() -> None:
    port = free_port()
    with detect(f"127.0.0.1:{port}", poll_interval=0.1) as detector:
        with pytest.raises(DetectionTimeoutError, match="refuses connections"):
            detector.leader(timeout=0.5)
        with FakeMaster(port=port):
            assert detector.leader(timeout=DEADLINE).pid == f"master@127.0.0.1:{port}"
    assert detector.counts.failed_questions > 0


def test_dripping_master_does_not_hold_detection() -> None:
    def drip(stream: socket.socket) -> None:
        while True:
            stream.sendall(b"H")
            time.sleep(0.05)

    with raw_server(drip) as port:
        with detect(f"127.0.0.1:{port}", request_timeout=0.3) as detector:
            leader = detector.leader(timeout=DEADLINE)
            assert (leader.pid, leader.confirmed) == (f"master@127.0.0.1:{port}", False)
            begin = time.monotonic()
        assert time.monotonic() - begin < 10
        with detect(f"http://127.0.0.1:{port}", request_timeout=0.3) as detector:
            with pytest.raises(DetectionTimeoutError, match="no complete answer in time"):
                detector.leader(timeout=2)


def test_refresh_asks_now() -> None:
    with FakeMaster() as master, detect(master.address, poll_interval=3600) as detector:
        detector.leader(timeout=DEADLINE)
        master.number = 2
        news: News[Leader | None] = News()
        detector.watch(news)
        detector.refresh()
        news.until(lambda leader: leader is not None and leader.info.id == "master-2")


def test_authorization_that_raises_is_a_problem_not_a_crash() -> None:
    def broken() -> str:
        raise RuntimeError("no token")

    with FakeMaster() as master:
        with detect(f"http://{master.address}", authorization=broken, poll_interval=0.1) as detector:
            with pytest.raises(DetectionTimeoutError, match="RuntimeError"):
                detector.leader(timeout=0.5)


def test_unforeseen_error_ends_detection_and_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*arguments: object) -> object:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr("mesos_detector._standalone.inquire", broken)
    with detect("localhost:5050") as detector:
        with pytest.raises(DetectionFailedError, match="unforeseen error, ZeroDivisionError"):
            detector.leader(timeout=DEADLINE)
    assert "a mistake of ours" in caplog.text
