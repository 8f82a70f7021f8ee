"""Which address a messenger listens on, and which one it tells."""

from __future__ import annotations

import logging
import socket

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from mesos_messenger import UPID, AddressError, ConfigurationError, Endpoint, Messenger, _address, endpoint
from messenger_helpers import Inbox, RawPeer, read_until, text

NOTHING: dict[str, str] = {}


def told(bind: str | None = None, advertise: str | None = None, **environ: str) -> tuple[str, int, str, int]:
    """What is bound and advertised; port 0 stands for any."""
    names = {f"LIBPROCESS_{name}": value for name, value in environ.items()}
    with Endpoint(bind=bind, advertise=advertise, environ=names) as one:
        place = one._place
        ip, port = one.address
        assert one.port != 0
        return place.bind_ip, place.bind_port, ip, 0 if port == one.port else port


def test_arguments_and_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_address, "default_source", lambda: "10.1.2.3")
    local = "127.0.0.1"
    assert told() == ("0.0.0.0", 0, "10.1.2.3", 0)
    assert told("127.0.0.1") == (local, 0, local, 0)
    assert told("localhost:0") == (local, 0, local, 0)
    assert told(":0") == ("0.0.0.0", 0, "10.1.2.3", 0)
    assert told(IP="127.0.0.1", PORT="0") == (local, 0, local, 0)
    assert told("127.0.0.1:0", "10.9.9.9") == (local, 0, "10.9.9.9", 0)
    assert told("127.0.0.1:0", "10.9.9.9:77") == (local, 0, "10.9.9.9", 77)
    assert told("127.0.0.1:0", ":77") == (local, 0, local, 77)
    assert told(IP="127.0.0.1", ADVERTISE_IP="10.9.9.9", ADVERTISE_PORT="77") == (local, 0, "10.9.9.9", 77)
    assert told("127.0.0.1", "10.8.8.8", ADVERTISE_IP="10.9.9.9", ADVERTISE_PORT="77") == (
        *(local, 0),
        *("10.8.8.8", 77),
    )
    assert told("127.0.0.1", IP="10.0.0.1") == (local, 0, local, 0)


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        ({"bind": "127.0.0.1:x"}, {}),
        ({"bind": "127.0.0.1:65536"}, {}),
        ({"bind": "::1"}, {}),
        ({"bind": "no-such-host.invalid"}, {}),
        ({"advertise": "0.0.0.0"}, {}),
        ({}, {"LIBPROCESS_PORT": "high"}),
        ({}, {"LIBPROCESS_ADVERTISE_PORT": "-1"}),
        ({}, {"LIBPROCESS_IP": "no-such-host.invalid"}),
    ],
)
def test_what_cannot_be_used_is_told_before_the_start(
    arguments: dict[str, str], environ: dict[str, str]
) -> None:
    with pytest.raises(AddressError):
        Messenger("a", environ=environ, **arguments)  # type: ignore[arg-type]


def test_a_port_that_is_taken_is_told_with_the_remedy() -> None:
    with Messenger("a", bind="127.0.0.1:0") as a:
        b = Messenger("b", bind=f"127.0.0.1:{a.upid.port}")
        with pytest.raises(AddressError, match=f"127.0.0.1:{a.upid.port}.*LIBPROCESS_PORT"):
            b.start()


def test_a_given_port_is_used() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with Messenger("a", bind="127.0.0.1", environ={"LIBPROCESS_PORT": str(port)}) as a:
        assert a.upid == UPID("a", "127.0.0.1", port)


def test_the_address_is_that_of_the_route_towards_the_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_address, "default_source", lambda: "10.1.2.3")
    with Messenger("a", environ=NOTHING, towards="127.0.0.1:5050") as a:
        assert a.upid.ip == "127.0.0.1"
    with Messenger("a", environ=NOTHING, towards="master@localhost:5050") as a:
        assert a.upid.ip == "127.0.0.1"
    with Messenger("a", environ=NOTHING) as a:
        assert a.upid_towards("127.0.0.1:5050").ip == "127.0.0.1" == a.upid.ip
        assert a.upid_towards("192.0.2.1:5050").ip == "127.0.0.1", "settled once"
    with Messenger("a", environ=NOTHING) as a:
        assert a.upid.ip == "10.1.2.3"
    with pytest.raises(AddressError):
        Messenger("a", environ=NOTHING, towards="no-such-host.invalid:5050").start()


def test_the_first_send_settles_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_address, "default_source", lambda: "10.1.2.3")
    with RawPeer() as peer, Messenger("a", environ=NOTHING) as a, Messenger("b", environ=NOTHING) as b:
        a.send(peer.upid, text("x"))
        connection = peer.accept()
        head = read_until(connection, b"\r\n0\r\n\r\n")
        connection.close()
        assert f"Libprocess-From: a@127.0.0.1:{a.endpoint.port}\r\n".encode() in head
        inbox = Inbox()
        b.install(StringValue, inbox)
        a.send(UPID("b", "127.0.0.1", b.endpoint.port), text("x"))
        inbox.wait(1)
        assert a.upid.ip == "127.0.0.1"


def test_a_real_route_is_found() -> None:
    assert _address.source_towards("127.0.0.1") == "127.0.0.1"
    source = _address.default_source()
    assert UPID("x", source, 1)


def test_loopback_towards_a_remote_peer_is_warned_about_with_the_remedy(
    caplog: pytest.LogCaptureFixture,
) -> None:
    remote = UPID("master", "192.0.2.1", 5050)
    with Messenger("a", bind="127.0.0.1:0") as a, caplog.at_level(logging.WARNING, "mesos.messenger"):
        a.send(remote, text("x"))
        a.send(remote, text("y"))
        warnings = [record.getMessage() for record in caplog.records if "loopback" in record.getMessage()]
        assert len(warnings) == 1
        assert "192.0.2.1:5050" in warnings[0] and "LIBPROCESS_ADVERTISE_IP" in warnings[0]
        a.stop(0.01)
    caplog.clear()
    with Messenger("a", bind="127.0.0.1:0", advertise="192.0.2.9") as a:
        a.send(remote, text("x"))
        a.stop(0.01)
    assert not any("loopback" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("true", True), ("0", False), ("", False)])
def test_checking_addresses_by_the_environment(value: str, expected: bool) -> None:
    environ = {"LIBPROCESS_REQUIRE_PEER_ADDRESS_IP_MATCH": value}
    assert Endpoint(environ=environ).peer_address_ip_match is expected
    with pytest.raises(ConfigurationError, match="IP_MATCH"):
        Endpoint(environ={endpoint._IP_MATCH: "perhaps"})
