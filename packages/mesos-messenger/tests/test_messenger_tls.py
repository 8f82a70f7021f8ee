"""TLS between our own endpoints, and against OpenSSL's own client and server."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from mesos_messenger import (
    UPID,
    ConfigurationError,
    Encoder,
    Messenger,
    Tls,
    tls,
)
from messenger_helpers import DATA, DEADLINE, Calls, Inbox, RawPeer, connect, eventually, text

KEYS = DATA / "tls"
NAME = "google.protobuf.StringValue"


def settings(name: str = "peer", **changes: Any) -> Tls:
    """TLS with one of the certificates, trusting the test authority."""
    return Tls(KEYS / f"{name}.crt", KEYS / f"{name}.key", ca_file=KEYS / "ca.crt", **changes)


@contextmanager
def pair(a_tls: Tls | None, b_tls: Tls | None) -> Iterator[tuple[Messenger, Messenger, Inbox]]:
    with (
        Messenger("a", bind="127.0.0.1:0", tls=a_tls, environ={}) as a,
        Messenger("b", bind="127.0.0.1:0", tls=b_tls, environ={}) as b,
    ):
        inbox = Inbox()
        b.install(StringValue, inbox)
        yield a, b, inbox


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (settings(), settings()),
        (settings(verify_server=True), settings()),
        (settings(), settings(require_client=True)),
        (settings(require_client=True), settings(require_client=True)),
        (settings("expired"), settings("expired")),
        (settings("stranger", verify_server=True), settings(support_downgrade=True)),
    ],
)
def test_messages_pass(ours: Tls, theirs: Tls) -> None:
    with pair(ours, theirs) as (a, b, inbox):
        for number in range(200):
            a.send(b.upid, text(f"{number} " + "x" * 2000))
        assert [value.split()[0] for value in inbox.wait(200)] == [str(number) for number in range(200)]
        exited, peer = Calls(), b.upid
        a.link(peer, exited)
        b.stop()
        assert exited.wait() == [(peer,)]


@pytest.mark.parametrize(
    ("ours", "theirs", "whose"),
    [
        (settings(verify_server=True), settings("stranger"), "wrong authority"),
        (settings(verify_server=True), settings("elsewhere"), "wrong name"),
        (settings(verify_server=True), settings("expired"), "expired"),
        (settings("stranger"), settings(require_client=True), "client of a wrong authority"),
        (settings("expired"), settings(require_client=True), "expired client"),
    ],
)
def test_certificates_that_do_not_hold_are_refused(ours: Tls, theirs: Tls, whose: str) -> None:
    with pair(ours, theirs) as (a, b, inbox):
        exited = Calls()
        a.link(b.upid, exited)
        assert exited.wait() == [(b.upid,)], whose
        eventually(lambda: b.snapshot().total.drops.get("tls"))
        assert inbox.values == []


def test_the_name_of_reverse_dns_counts_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    async def name(address: tuple[str, int]) -> str:
        return "elsewhere.invalid"

    monkeypatch.setattr(tls, "_name_of", name)
    with pair(settings(verify_server=True), settings("elsewhere")) as (a, b, inbox):
        a.send(b.upid, text("x"))
        assert inbox.wait(1) == ["x"]


def test_plain_peers_are_served_only_where_downgrading_is_allowed() -> None:
    with pair(None, settings(support_downgrade=True)) as (a, b, inbox):
        a.send(b.upid, text("plain"))
        assert inbox.wait(1) == ["plain"]
        with connect(b.upid) as idle:
            a.send(b.upid, text("and again"))
            inbox.wait(2)
            idle.sendall(b"GET /health HTTP/1.1\r\n\r\n")
            assert idle.recv(100).startswith(b"HTTP/1.1 200")
    with pair(None, settings()) as (a, b, inbox):
        exited = Calls()
        a.link(b.upid, exited)
        a.send(b.upid, text("plain"))
        exited.wait()
        eventually(lambda: b.snapshot().total.drops.get("tls"))
        assert inbox.values == []


def test_plain_servers_are_reached_only_where_downgrading_is_allowed() -> None:
    with pair(settings(support_downgrade=True), None) as (a, b, inbox):
        a.send(b.upid, text("plain"))
        assert inbox.wait(1) == ["plain"]
    with pair(settings(), None) as (a, b, inbox):
        undelivered = Calls()
        a.undelivered = undelivered
        a.send(b.upid, text("plain"))
        undelivered.wait()
        assert inbox.values == []


def test_a_verification_that_fails_is_no_reason_to_go_on_without() -> None:
    ours = settings(verify_server=True, support_downgrade=True)
    with pair(ours, settings("stranger", support_downgrade=True)) as (a, b, inbox):
        undelivered = Calls()
        a.undelivered = undelivered
        a.send(b.upid, text("secret"))
        undelivered.wait()
        assert inbox.values == []


def test_one_that_never_shakes_hands_harms_nobody_and_stop_does_not_wait_for_it() -> None:
    with pair(settings(), settings()) as (a, b, inbox), connect(b.upid) as silent:
        a.send(b.upid, text("x"))
        assert inbox.wait(1) == ["x"]
        assert b.stop()
        silent.settimeout(DEADLINE)
        assert silent.recv(1) == b""


def test_stop_lets_a_tls_peer_read_everything_first() -> None:
    with pair(settings(), settings()) as (a, b, inbox):
        for number in range(500):
            a.send(b.upid, text(str(number)))
        assert a.stop(DEADLINE)
        assert inbox.wait(500) == [str(number) for number in range(500)]


def test_the_environment() -> None:
    environ = {
        "LIBPROCESS_SSL_ENABLED": "1",
        "LIBPROCESS_SSL_CERT_FILE": "c",
        "SSL_KEY_FILE": "k",
        "LIBPROCESS_SSL_CA_FILE": "a",
        "LIBPROCESS_SSL_VERIFY_CERT": "true",
        "SSL_REQUIRE_CERT": "true",
        "LIBPROCESS_SSL_REQUIRE_CERT": "false",
        "LIBPROCESS_SSL_SUPPORT_DOWNGRADE": "1",
    }
    assert Tls.from_environ(environ) == Tls(
        "c", "k", ca_file="a", verify_server=True, require_client=False, support_downgrade=True
    )
    newer = {**environ, "LIBPROCESS_SSL_VERIFY_SERVER_CERT": "0", "LIBPROCESS_SSL_REQUIRE_CLIENT_CERT": "1"}
    read = Tls.from_environ(newer)
    assert read is not None and read.verify_server and read.require_client
    assert Tls.from_environ({**environ, "LIBPROCESS_SSL_ENABLED": "0"}) is None
    assert Tls.from_environ({}) is None
    for name, value in (
        ("SSL_KEY_FILE", ""),
        ("LIBPROCESS_SSL_CERT_FILE", ""),
        ("LIBPROCESS_SSL_VERIFY_CERT", "perhaps"),
    ):
        with pytest.raises(ConfigurationError, match=name.removeprefix("LIBPROCESS_")):
            Tls.from_environ({**environ, name: value})
    with pytest.raises(ConfigurationError, match="cannot be set up"):
        Messenger("a", environ=environ)


def test_messengers_with_tls_from_the_environment() -> None:
    environ = {
        "LIBPROCESS_SSL_ENABLED": "true",
        "LIBPROCESS_SSL_CERT_FILE": str(KEYS / "peer.crt"),
        "LIBPROCESS_SSL_KEY_FILE": str(KEYS / "peer.key"),
        "LIBPROCESS_SSL_CA_FILE": str(KEYS / "ca.crt"),
        "LIBPROCESS_SSL_VERIFY_SERVER_CERT": "true",
        "LIBPROCESS_IP": "127.0.0.1",
    }
    with Messenger("a", environ=environ) as a, Messenger("b", environ=environ) as b:
        inbox = Inbox()
        b.install(StringValue, inbox)
        a.send(b.upid, text("x"))
        assert inbox.wait(1) == ["x"]


@pytest.fixture(scope="module")
def openssl() -> str:
    """OpenSSL's command, installed where that is possible."""
    path = shutil.which("openssl")
    if path is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-qy", "openssl"]):
            subprocess.run(command, check=False, capture_output=True, timeout=100)
        path = shutil.which("openssl")
    if path is None:
        reason = "needs the openssl command: apt-get install openssl"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def s_client(openssl: str, upid: UPID, data: bytes, *arguments: str | Path) -> bytes:
    """Send bytes with OpenSSL's client, wait for the answer, return all that it printed."""
    command = [openssl, "s_client", "-quiet", "-connect", f"{upid.ip}:{upid.port}", *map(str, arguments)]
    with subprocess.Popen(
        command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        killer = threading.Timer(DEADLINE, process.kill)
        killer.start()
        output = b""
        try:
            process.stdin.write(data)
            while part := process.stdout.readline():
                output += part
                if part == b"\r\n":
                    break
        except BrokenPipeError:
            output += process.stdout.read()
        finally:
            process.kill()
            killer.cancel()
    return output


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl_as_the_client(openssl: str, version: str) -> None:
    with Messenger("b", bind="127.0.0.1:0", tls=settings(require_client=True), environ={}) as b:
        inbox = Inbox()
        b.install(StringValue, inbox)
        sender = UPID("x", "127.0.0.1", 1)
        message = Encoder(sender, b.upid, NAME).encode(text("hello").SerializeToString())
        trust = ["-CAfile", KEYS / "ca.crt", "-verify_return_error", "-verify_ip", "127.0.0.1", version]
        ours = ["-cert", KEYS / "peer.crt", "-key", KEYS / "peer.key"]
        assert b"202 Accepted" in s_client(openssl, b.upid, message, *trust, *ours)
        assert inbox.wait(1) == ["hello"]
        wrong = ["-cert", KEYS / "stranger.crt", "-key", KEYS / "stranger.key"]
        for arguments in ([*trust], [*trust, *wrong]):
            assert b"202 Accepted" not in s_client(openssl, b.upid, message, *arguments)
        eventually(lambda: b.snapshot().total.drops.get("tls", 0) >= 2)
        assert len(inbox.values) == 1


def test_the_ciphers_of_libprocess_are_understood(openssl: str) -> None:
    with Messenger("b", bind="127.0.0.1:0", tls=settings(), environ={}) as b:
        # What libprocess uses by default wants an RSA key; this is the same for the key of the tests.
        output = s_client(
            openssl,
            b.upid,
            b"GET /health HTTP/1.1\r\n\r\n",
            *("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"),
        )
        assert b"200 OK" in output


@contextmanager
def s_server(
    openssl: str, name: str, *arguments: str | Path
) -> Iterator[tuple[UPID, subprocess.Popen[bytes]]]:
    """OpenSSL's server, which prints what it receives."""
    command: list[str | Path] = [
        *(openssl, "s_server", "-accept", "127.0.0.1:0"),
        *("-cert", KEYS / f"{name}.crt", "-key", KEYS / f"{name}.key"),
        *arguments,
    ]
    with subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        killer = threading.Timer(DEADLINE, process.kill)
        killer.start()
        try:
            assert process.stdout is not None
            line = b""
            while not line.startswith(b"ACCEPT "):
                line = process.stdout.readline()
                assert line, "the server did not start"
            yield UPID("x", "127.0.0.1", int(line.rpartition(b":")[2])), process
        finally:
            process.kill()
            killer.cancel()


def test_openssl_as_the_server(openssl: str) -> None:
    demands: list[str | Path] = ["-Verify", "2", "-verify_return_error", "-CAfile", KEYS / "ca.crt"]
    with (
        s_server(openssl, "peer", *demands) as (upid, process),
        Messenger("a", bind="127.0.0.1:0", tls=settings(verify_server=True), environ={}) as a,
    ):
        a.send(upid, text("hello"))
        assert process.stdout is not None
        output = b""
        while b"hello" not in output:
            part = process.stdout.readline()
            assert part, output
            output += part
        assert f"POST /x/{NAME} HTTP/1.1".encode() in output
        # It answers nothing: there is nothing to wait for.
        a.stop(0.1)


@pytest.mark.parametrize("name", ["stranger", "elsewhere", "expired"])
def test_openssl_as_a_server_that_is_refused(openssl: str, name: str) -> None:
    with (
        s_server(openssl, name) as (upid, _),
        Messenger("a", bind="127.0.0.1:0", tls=settings(verify_server=True), environ={}) as a,
    ):
        exited, undelivered = Calls(), Calls()
        a.undelivered = undelivered
        a.link(upid, exited)
        a.send(upid, text("secret"))
        assert exited.wait() == [(upid,)]
        (report,) = undelivered.wait()[0]
        assert "certificate" in str(report)


def test_a_server_that_answers_with_something_else() -> None:
    with RawPeer() as peer, Messenger("a", bind="127.0.0.1:0", tls=settings(), environ={}) as a:
        exited = Calls()
        a.link(peer.upid, exited)
        connection = peer.accept()
        connection.recv(1)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        assert exited.wait() == [(peer.upid,)]
