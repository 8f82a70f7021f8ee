"""Masters behind https: CAs and client certificates of one's own."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from detector_certificate import PEM
from detector_helpers import FakeMaster
from mesos_detector import DetectionTimeoutError, DetectorError, detect

PATIENCE = 20.0


@pytest.fixture
def pem(tmp_path: Path) -> str:
    path = tmp_path / "pem"
    path.write_text(PEM)
    return str(path)


def server_context(pem: str) -> ssl.SSLContext:
    """Return a context that wants a client certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    context.load_verify_locations(pem)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.mark.parametrize("form", ["paths", "pair", "context", "unverified"])
def test_a_leader_behind_https(pem: str, form: str) -> None:
    context = ssl.create_default_context(cafile=pem)
    context.load_cert_chain(pem)
    forms = {
        "paths": {"verify": pem, "cert": pem},
        "pair": {"verify": pem, "cert": (pem, pem)},
        "context": {"ssl_context": context},
        "unverified": {"verify": False, "cert": pem},
    }
    with FakeMaster(context=server_context(pem)) as master:
        with detect(f"https://{master.address}", **forms[form]) as detector:  # type: ignore[arg-type]
            leader = detector.leader(timeout=PATIENCE)
            assert leader is not None and leader.url == f"https://{master.address}"


@pytest.mark.parametrize("given", ["nothing", "no certificate"])
def test_without_them_the_problem_is_named(pem: str, given: str) -> None:
    arguments = {} if given == "nothing" else {"verify": pem}
    with FakeMaster(context=server_context(pem)) as master:
        with detect(f"https://{master.address}", **arguments) as detector:  # type: ignore[arg-type]
            with pytest.raises(DetectionTimeoutError, match=r"TLS|reset|closed|EOF|HTTP|Broken"):
                detector.leader(timeout=1.0)
        assert master.requests == []


def test_arguments_that_cannot_be_meant(pem: str) -> None:
    with pytest.raises(DetectorError, match="cannot be used"):
        detect("https://h:1", verify="/no/such/file")
    with pytest.raises(DetectorError, match="cannot be used"):
        detect("https://h:1", cert="/no/such/file")
    with pytest.raises(DetectorError, match="not both"):
        detect("https://h:1", verify=pem, ssl_context=ssl.create_default_context())
