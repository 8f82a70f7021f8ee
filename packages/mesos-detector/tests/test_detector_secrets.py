"""Passwords are in nothing that is said, at the highest verbosity there is, in a full run."""

from __future__ import annotations

import io
import logging
import traceback

from detector_helpers import DEADLINE, FakeMaster, News, kazoo, master_info, wait_for
from kazoo.security import make_digest_acl
from mesos_detector import Contender, DetectionFailedError, Leader, detect
from mesos_detector.testing import ZooKeeperEnsemble

PASSWORD = "s3cr3t-of-zookeeper"
OTHER = "an0ther-s3cr3t"
TOKEN = "t0k3n-of-http"


def test_nothing_said_holds_a_secret(ensemble: ZooKeeperEnsemble) -> None:
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s %(args)r"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(1)
    try:
        passwords = _run(ensemble, said)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    text = said.getvalue()
    assert "mesos.detector.kazoo" in text and "Connecting to" in text
    for session_password in passwords:
        assert session_password.hex() not in text and repr(session_password) not in text
    assert "Auth" in text, "kazoo no longer logs requests, and this test proves less than it did"
    for secret in (PASSWORD, OTHER, TOKEN):
        assert secret not in text


def _run(ensemble: ZooKeeperEnsemble, said: io.StringIO) -> list[bytes]:
    url = ensemble.url("/secrets", credential=f"user:{PASSWORD}")
    with Contender(url, master_info(1)) as contender, detect(url) as detector:
        news: News[Leader | None] = News()
        detector.watch(news)
        contender.wait_elected(DEADLINE)
        news.until(lambda leader: leader is not None)
        wrong = ensemble.url("/secrets", credential=f"user:{OTHER}")
        with Contender(wrong, master_info(2)) as refused:
            wait_for(lambda: refused.state.name == "FAILED")
            print(refused, file=said)
        connections = [contender._connection, detector._source._connection]  # type: ignore[attr-defined]
        passwords = [connection._client.client_id[1] for connection in connections]
        ensemble.kill(ensemble.leader_index())
        ensemble.restore()
        wait_for(lambda: detector.problem is None)
        print(repr(contender), repr(detector), repr(detector.address), str(detector.address), file=said)
    with kazoo(ensemble.hosts, auth="x:y") as client:
        client.ensure_path("/closed")
        client.set_acls("/closed", _closed())
    with detect(ensemble.url("/closed", credential=f"user:{OTHER}")) as detector:
        try:
            detector.leader(timeout=DEADLINE)
        except DetectionFailedError as error:
            traceback.print_exception(error, file=said)
    with FakeMaster() as master:
        master.old = True
        with detect(master.address, authorization=f"Bearer {TOKEN}") as detector:
            detector.leader(timeout=DEADLINE)
            print(repr(detector), file=said)
        assert any(TOKEN in headers.get("Authorization", "") for _, _, headers in master.requests)
    return passwords


def _closed() -> list[object]:
    return [make_digest_acl("x", "y", all=True)]
