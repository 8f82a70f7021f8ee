"""Nodes of the masters' group: names, order, payloads of every age."""

from __future__ import annotations

import json

import pytest
from detector_helpers import as_json, master_info
from hypothesis import given, settings
from hypothesis import strategies as st
from mesos_detector import Leader, leader_of, master_pid, master_url
from mesos_detector._members import Member, members_of, read_member
from mesos_detector._payload import GarbageError, info_from_bytes, info_from_json, info_from_pid
from mesos_proto.v0 import mesos_pb2


def names(*given_names: str) -> list[str]:
    return [member.name for member in members_of(given_names)]


def test_lowest_sequence_leads_over_all_labels() -> None:
    assert names("json.info_0000000004", "info_0000000003", "0000000005", "json.info_0000000010") == [
        "info_0000000003",
        "json.info_0000000004",
        "0000000005",
        "json.info_0000000010",
    ]


def test_order_is_numeric_and_signed() -> None:
    assert names("json.info_9", "json.info_10", "json.info_-2147483648", "json.info_2147483647") == [
        "json.info_-2147483648",
        "json.info_9",
        "json.info_10",
        "json.info_2147483647",
    ]


@pytest.mark.parametrize(
    "name", ["log_replicas", "json.info_", "json.info", "", "_", "info_1x", "info_9999999999", "info_\u0663"]
)
def test_what_is_not_a_member(name: str) -> None:
    assert names(name) == []


def test_labels() -> None:
    assert Member(1, "json.info_1").label == "json.info"
    assert Member(1, "info_x_1").label == "info"
    assert Member(1, "0000000001").label is None


def test_payload_of_each_label() -> None:
    info = master_info(1)
    assert read_member(Member(1, "json.info_1"), as_json(info)) == info
    assert read_member(Member(1, "info_1"), info.SerializeToString()) == info
    oldest = read_member(Member(1, "0000000001"), b"master@10.1.2.3:5050")
    assert (oldest.pid, oldest.port, master_pid(oldest)) == (
        "master@10.1.2.3:5050",
        5050,
        "master@10.1.2.3:5050",
    )
    assert oldest.ip == 0x0302010A
    with pytest.raises(GarbageError, match="unknown label"):
        read_member(Member(1, "other_1"), as_json(info))


def test_json_as_mesos_writes_it() -> None:
    data = {
        "address": {"hostname": "m1.example.com", "ip": "192.168.0.1", "port": 5050},
        "capabilities": [{"type": "AGENT_UPDATE"}, {"type": "SOMETHING_NEWER"}],
        "domain": None,
        "hostname": "m1.example.com",
        "id": "6b7b4b0e-3f6a-4f1d-9f0a-1d8a2f6f3c11",
        "ip": 16820416,
        "pid": "master@192.168.0.1:5050",
        "port": 5050,
        "version": "1.11.0",
        "field_of_the_future": [1, {"a": 2}],
    }
    info = info_from_json(json.dumps(data).encode())
    leader = leader_of(info)
    assert leader.pid == "master@192.168.0.1:5050"
    assert leader.url == "http://192.168.0.1:5050"
    assert master_url(info, "https") == "https://m1.example.com:5050"


def test_ip_field_is_little_endian_and_the_last_resort() -> None:
    info = mesos_pb2.MasterInfo(id="x", ip=16820416, port=5051)
    assert master_pid(info) == "master@192.168.0.1:5051"
    info.pid = "master@10.0.0.1:5050"
    assert master_url(info) == "http://10.0.0.1:5050"
    info.address.ip, info.address.port = "10.0.0.2", 5052
    assert master_url(info) == "http://10.0.0.2:5052"
    assert master_pid(info) == "master@10.0.0.1:5050"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"{}",
        b'{"id": "x"}',
        b'{"id": "x", "ip": 1, "port": 99999999999}',
        b'{"id": "x", "ip": 16777343, "port": 70000}',
        b'{"id": "x", "ip": 0, "port": 5050}',
        b'{"id": "x", "ip": 16777343, "port": 5050, "pid": "nonsense"}',
        b'{"id": ["x"], "ip": 16777343, "port": 5050}',
        b"[" * 100_000,
        b'{"id":' + b"[" * 100_000,
        b" " * 300_000,
    ],
)
def test_garbage_in_json(data: bytes) -> None:
    with pytest.raises(GarbageError):
        info_from_json(data)


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_master_or_garbage(data: bytes) -> None:
    for decode in (info_from_json, info_from_bytes, info_from_pid):
        try:
            info = decode(data)
        except GarbageError:
            continue
        assert master_pid(info)


@given(st.integers(0, 200), st.integers(0, 255))
@settings(max_examples=200, deadline=None)
def test_damaged_payloads_are_a_master_or_garbage(position: int, byte: int) -> None:
    for good, decode in (
        (as_json(master_info(1)), info_from_json),
        (master_info(1).SerializeToString(), info_from_bytes),
    ):
        data = bytearray(good)
        data[position % len(data)] = byte
        for damaged in (bytes(data), good[: position % len(good)]):
            try:
                decode(damaged)
            except GarbageError:
                continue


def test_leaders_are_values_with_copies_of_their_info() -> None:
    info = master_info(1)
    leader = leader_of(info)
    assert leader == leader_of(info)
    assert len({leader, leader_of(info)}) == 1
    info.id = "changed"
    assert leader.info.id == "master-1"
    assert isinstance(leader, Leader)
