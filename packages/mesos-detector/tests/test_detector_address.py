"""Master strings: every accepted form, and a clear error for each malformed one."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesos_detector import (
    DetectorError,
    HostPort,
    HttpAddress,
    MalformedMasterError,
    StandaloneAddress,
    ZooKeeperAddress,
    detect,
    parse_master,
    redact,
)


def zookeeper(
    *servers: tuple[str, int], path: str = "/mesos", credential: str | None = None
) -> ZooKeeperAddress:
    return ZooKeeperAddress(tuple(HostPort(*server) for server in servers), path, credential)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.1:5050", StandaloneAddress(HostPort("10.0.0.1", 5050))),
        ("  localhost:5050\n", StandaloneAddress(HostPort("localhost", 5050))),
        ("master@m-1.example.com:5051", StandaloneAddress(HostPort("m-1.example.com", 5051))),
        ("http://m1:5050", HttpAddress("http", HostPort("m1", 5050))),
        ("http://m1:5050/", HttpAddress("http", HostPort("m1", 5050))),
        ("https://m1", HttpAddress("https", HostPort("m1", 443))),
        ("http://[::1]:5050", HttpAddress("http", HostPort("::1", 5050))),
        ("zk://h1:2181/mesos", zookeeper(("h1", 2181))),
        ("zk://h1,h2:2182/mesos", zookeeper(("h1", 2181), ("h2", 2182))),
        ("zk://h1:1,h2:2,h3:3/a/b/c/", zookeeper(("h1", 1), ("h2", 2), ("h3", 3), path="/a/b/c")),
        ("zk://[::1]:2181/mesos", zookeeper(("::1", 2181))),
        ("zk://user:pass@h1:2181/mesos", zookeeper(("h1", 2181), credential="user:pass")),
        ("zk://user:p@ss:w@h1:2181/mesos", zookeeper(("h1", 2181), credential="user:p@ss:w")),
        ("zk://user:@h1:2181/mesos", zookeeper(("h1", 2181), credential="user:")),
    ],
)
def test_accepted_forms(text: str, address: object) -> None:
    assert parse_master(text) == address


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("localhost", "port is missing"),
        ("localhost:", "between 1 and 65535"),
        ("localhost:0", "between 1 and 65535"),
        ("localhost:65536", "between 1 and 65535"),
        ("localhost:5050x", "between 1 and 65535"),
        ("localhost:\u0665", "between 1 and 65535"),
        ("localhost:" + "9" * 5000, "between 1 and 65535"),
        (":5050", "host is missing"),
        ("-x:5050", "not a host name"),
        ("a..b:5050", "not a host name"),
        ("zk://" + "a" * 64 + ":2181/mesos", "not a host name"),
        ("slave@localhost:5050", "can only be 'master'"),
        ("localhost:5050/mesos", "takes no path"),
        ("zk:/h1:2181/mesos", "did you mean zk://"),
        ("zk//h1:2181/mesos", "takes no path"),
        ("[::1]:5050", "IPv4"),
        ("a b:5050", "white space"),
        ("local", "LocalCluster"),
        ("etcd://h1:2181/mesos", "'etcd' is not a known scheme"),
        ("zk://", "no ZooKeeper server"),
        ("zk:///mesos", "no ZooKeeper server"),
        ("zk://h1:2181", "a path is needed"),
        ("zk://h1:2181/", "a path is needed"),
        ("zk://h1:2181,/mesos", "host is missing"),
        ("zk://h1:2181,,h2:2181/mesos", "host is missing"),
        ("zk://h1:x/mesos", "between 1 and 65535"),
        ("zk://h1:2181/a//b", "no component ''"),
        ("zk://h1:2181/a/../b", "no component '..'"),
        ("zk://user@h1:2181/mesos", "user:password@"),
        ("zk://:pass@h1:2181/mesos", "user:password@"),
        ("zk://user:pa/ss@h1:2181/mesos", "cannot contain '/'"),
        ("http://m1:5050/redirect", "only scheme, host and port"),
        ("http://m1:5050?x=1", "only scheme, host and port"),
        ("http://user:pass@m1:5050", "authorization="),
        ("http://", "host is missing"),
        ("file://", "needs the path"),
        ("file:///does/not/exist", "No such file"),
    ],
)
def test_malformed_forms_say_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(MalformedMasterError) as caught:
        parse_master(text)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 6000


@pytest.mark.parametrize(
    "text",
    [
        "zk://user:hunter2@h1:2181",
        "zk://user:hunter2@h1:x/mesos",
        "zk://user:hun/ter2hunter2@h1:2181/mesos",
        "zk://user:hunter2://x@h1:x/mesos",
        "zk://user:hun ter2 hunter2@h1:2181/mesos",
        "zk:/user:hunter2@h1:2181/mesos",
        "http://user:hunter2@m1:5050",
        "user:hunter2@m1:5050",
    ],
)
def test_errors_do_not_show_passwords(text: str) -> None:
    with pytest.raises(MalformedMasterError) as caught:
        parse_master(text)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in redact(text)


def test_repr_and_str_do_not_show_passwords() -> None:
    address = parse_master("zk://user:hunter2@h1:2181/mesos")
    detector = detect("zk://user:hunter2@h1:2181/mesos")
    for text in (repr(address), str(address), repr(detector)):
        assert "hunter2" not in text
        assert "h1" in text


def test_files_hold_any_other_form(tmp_path: Path) -> None:
    inner, outer = tmp_path / "zk", tmp_path / "outer"
    inner.write_text("  zk://h1:2181/mesos\n")
    outer.write_text(f"file://{inner}")
    assert parse_master(f"file://{inner}") == zookeeper(("h1", 2181))
    assert parse_master(f"file://{outer}") == zookeeper(("h1", 2181))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"zk://h1:2181/", "a path is needed"),
        (b"\xff\xfe", "not text"),
        (b"x" * 100_000, "too long"),
    ],
)
def test_files_with_something_else(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "master"
    file.write_bytes(content)
    with pytest.raises(MalformedMasterError) as caught:
        parse_master(f"file://{file}")
    assert says in str(caught.value)
    assert str(file) in str(caught.value)


def test_files_that_name_each_other(tmp_path: Path) -> None:
    file = tmp_path / "loop"
    file.write_text(f"file://{file}")
    with pytest.raises(MalformedMasterError, match="name each other"):
        parse_master(f"file://{file}")


def test_a_directory_is_not_a_master_file(tmp_path: Path) -> None:
    with pytest.raises(MalformedMasterError, match="cannot be read"):
        parse_master(f"file://{tmp_path}")


@given(st.text(max_size=40) | st.from_regex(r"(zk|http|https)://[a-z:@/,.0-9\[\]]{0,30}", fullmatch=True))
@settings(max_examples=200, deadline=None)
def test_anything_else_is_an_address_or_our_error(text: str) -> None:
    if text.strip().startswith("file://"):
        return
    try:
        address = parse_master(text)
    except MalformedMasterError as error:
        assert str(error)
    else:
        assert "***" in str(address) or parse_master(str(address)) == address


@pytest.mark.parametrize("name", ["session_timeout", "poll_interval", "request_timeout"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_times_are_positive(name: str, value: float) -> None:
    with pytest.raises(DetectorError, match=name):
        detect("localhost:5050", **{name: value})  # type: ignore[arg-type]


def test_authorization_holds_no_line_break() -> None:
    with pytest.raises(DetectorError, match="line break") as caught:
        detect("localhost:5050", authorization="Basic aaaa\r\nX: y")
    assert "aaaa" not in str(caught.value)
