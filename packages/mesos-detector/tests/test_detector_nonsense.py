"""Servers that speak ZooKeeper's protocol badly, or not at all: detection goes on trying, and recovers."""

from __future__ import annotations

import itertools
import socket
import struct
import threading
from collections.abc import Callable

import pytest
from detector_helpers import DEADLINE, as_json, kazoo, master_info, raw_server, wait_for
from mesos_detector import Contender, DetectionTimeoutError, detect
from mesos_detector.testing import ZooKeeperEnsemble


def frame(body: bytes) -> bytes:
    return struct.pack(">i", len(body)) + body


WELCOME = frame(struct.pack(">iiqi16s", 0, 10_000, 0x1234, 16, b"p" * 16) + b"\0")
NONSENSE = [
    b"",
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    frame(b"abcd"),
    WELCOME,
    WELCOME + frame(b"x" * 8),
    WELCOME + frame(b"ab"),
    WELCOME + frame(struct.pack(">iqi", 77, 0, 0)),
    WELCOME + frame(struct.pack(">iqi", -1, 0, 0)),
    WELCOME + frame(struct.pack(">iqi", 1, 0, -9999)),
    WELCOME + frame(struct.pack(">iqii", 1, 0, 0, -1)),
]


def answering(data: bytes) -> Callable[[socket.socket], None]:
    def serve(stream: socket.socket) -> None:
        stream.recv(4096)
        stream.sendall(data)
        stream.settimeout(0.1)
        try:
            while stream.recv(4096):
                pass
        except TimeoutError:
            return

    return serve


def no_threads() -> bool:
    return not any(
        thread.name.startswith(("mesos-detector", "mesos-contender")) for thread in threading.enumerate()
    )


@pytest.mark.parametrize("data", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_raises_nothing_and_elects_nobody(data: bytes) -> None:
    with raw_server(answering(data)) as port:
        with detect(f"zk://127.0.0.1:{port}/mesos") as detector:
            with pytest.raises(DetectionTimeoutError):
                detector.leader(timeout=0.3)
        wait_for(no_threads)


def pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        return
    finally:
        for stream in (source, target):
            try:
                stream.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


def relay(ensemble: ZooKeeperEnsemble, nonsense: bytes) -> Callable[[socket.socket], None]:
    """Answer the first connection with nonsense, pass the others on to a real server."""
    host, _, port = ensemble.hosts.split(",")[0].partition(":")
    numbers = itertools.count()

    def serve(stream: socket.socket) -> None:
        if next(numbers) == 0:
            answering(nonsense)(stream)
            return
        with socket.create_connection((host, int(port)), timeout=DEADLINE) as upstream:
            back = threading.Thread(target=pump, args=(upstream, stream))
            back.start()
            pump(stream, upstream)
            back.join()

    return serve


@pytest.mark.parametrize("data", [NONSENSE[6], NONSENSE[9]], ids=[6, 9])
def test_detection_recovers_when_sense_returns(ensemble: ZooKeeperEnsemble, data: bytes) -> None:
    path = f"/nonsense-{NONSENSE.index(data)}"
    with kazoo(ensemble.hosts) as client:
        client.create(f"{path}/json.info_0000000001", as_json(master_info(1)), makepath=True)
    with raw_server(relay(ensemble, data)) as port:
        with detect(f"zk://127.0.0.1:{port}{path}") as detector:
            assert detector.leader(timeout=DEADLINE).info == master_info(1)
    wait_for(no_threads)


def test_candidacy_begins_when_sense_returns(ensemble: ZooKeeperEnsemble) -> None:
    with raw_server(relay(ensemble, NONSENSE[6])) as port:
        with Contender(f"zk://127.0.0.1:{port}/nonsense-contender", master_info(1)) as contender:
            contender.wait_elected(DEADLINE)
    wait_for(no_threads)
