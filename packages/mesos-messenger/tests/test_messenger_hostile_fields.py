"""Bodies with hostile fields: no handler sees `bytes` for text, nothing raises, everything is counted."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message
from mesos_messenger import UPID, Encoder, MessageError, Messenger, parse_message
from mesos_messenger.testing import MemoryNetwork
from mesos_proto.utf8 import LARGEST_MENDED, TextCheck
from messenger_helpers import Calls, connect

SENDER = UPID("evil", "127.0.0.1", 9)
BROKEN = b"caf\xe9"
MENDED = "caf\ufffd"


def _make_types() -> dict[str, type[Message]]:
    """A proto2 type with strings in every kind of place, and one without any."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="hostile.proto", package="hostile", syntax="proto2")

    def add(message: Any, name: str, number: int, kind: int, label: int, type_name: str = "") -> None:
        part = message.field.add(name=name, number=number, type=kind, label=label)
        if type_name:
            part.type_name = type_name

    optional, repeated, required = field.LABEL_OPTIONAL, field.LABEL_REPEATED, field.LABEL_REQUIRED
    node = file.message_type.add(name="Node")
    add(node, "text", 1, field.TYPE_STRING, optional)
    add(node, "texts", 2, field.TYPE_STRING, repeated)
    add(node, "child", 3, field.TYPE_MESSAGE, optional, ".hostile.Node")
    add(node, "children", 4, field.TYPE_MESSAGE, repeated, ".hostile.Node")
    add(node, "data", 5, field.TYPE_BYTES, optional)
    add(node, "number", 6, field.TYPE_DOUBLE, optional)
    add(node, "numbers", 7, field.TYPE_FIXED32, repeated)
    add(node, "plain", 8, field.TYPE_MESSAGE, optional, ".hostile.Plain")
    add(node, "size", 9, field.TYPE_INT64, optional)
    add(node, "names", 10, field.TYPE_MESSAGE, repeated, ".hostile.Node.NamesEntry")
    entry = node.nested_type.add(name="NamesEntry")
    entry.options.map_entry = True
    add(entry, "key", 1, field.TYPE_STRING, optional)
    add(entry, "value", 2, field.TYPE_STRING, optional)
    plain = file.message_type.add(name="Plain")
    add(plain, "data", 1, field.TYPE_BYTES, optional)
    strict = file.message_type.add(name="Strict")
    add(strict, "id", 1, field.TYPE_STRING, required)
    add(strict, "text", 2, field.TYPE_STRING, optional)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    make: Any = getattr(message_factory, "GetMessageClass", None)
    if make is None:
        make = message_factory.MessageFactory(pool).GetPrototype  # type: ignore[attr-defined]
    return {name: make(pool.FindMessageTypeByName(f"hostile.{name}")) for name in ("Node", "Plain", "Strict")}


TYPES = _make_types()
NODE: Any = TYPES["Node"]
STRICT: Any = TYPES["Strict"]

PLACES: dict[str, Any] = {
    "text": lambda text: NODE(text=text),
    "texts": lambda text: NODE(texts=["fine", text, "fine"]),
    "child": lambda text: NODE(child=NODE(child=NODE(text=text))),
    "children": lambda text: NODE(children=[NODE(text="fine"), NODE(texts=[text])]),
    "key": lambda text: NODE(names={text: "fine"}),
    "value": lambda text: NODE(names={"fine": text}),
}
AROUND = {"data": b"\xff\xfe\x00", "number": -1.5, "numbers": [0xFFFFFFFF], "size": -1}


def broken(place: str) -> tuple[bytes, Any]:
    """A body with broken text in this place, and the message it should arrive as."""
    message = PLACES[place]("cafX")
    message.MergeFrom(NODE(**AROUND))
    expected = PLACES[place](MENDED)
    expected.MergeFrom(NODE(**AROUND))
    body: bytes = message.SerializeToString()
    assert body.count(b"cafX") == 1
    return body.replace(b"cafX", BROKEN), expected


@pytest.mark.parametrize("place", PLACES)
def test_broken_text_is_found_and_mended_wherever_it_is(place: str) -> None:
    body, expected = broken(place)
    check = TextCheck(NODE.DESCRIPTOR)
    assert not check.passes(body)
    mended = check.mend(body)
    assert mended is not None
    assert check.passes(mended)
    assert NODE.FromString(mended) == expected
    with pytest.raises(MessageError):
        parse_message(NODE, body)


@pytest.mark.parametrize("text", ["", "plain", "\0", "é", "日本", "\U0001f600", "\ufffd", "x" * 70000])
def test_good_text_passes_as_it_is(text: str) -> None:
    check = TextCheck(NODE.DESCRIPTOR)
    for place in PLACES.values():
        message = place(text)
        message.MergeFrom(NODE(**AROUND))
        body = message.SerializeToString()
        assert check.passes(body)
        assert parse_message(NODE, body) == message
        if len(body) <= LARGEST_MENDED:
            mended = check.mend(body)
            assert mended is not None and NODE.FromString(mended) == message


@pytest.mark.parametrize(
    "text", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80", b"a\x80"]
)
def test_every_form_of_broken_text_is_found(text: bytes) -> None:
    body = b"\x0a" + bytes([len(text)]) + text
    check = TextCheck(NODE.DESCRIPTOR)
    assert not check.passes(body)
    assert NODE.FromString(check.mend(body)).text == text.decode("utf-8", "replace")


def test_an_earlier_value_of_the_same_field_is_checked_too() -> None:
    body = b"\x0a\x01\xff\x0a\x01a"
    check = TextCheck(NODE.DESCRIPTOR)
    assert not check.passes(body)
    assert NODE.FromString(check.mend(body)).text == "a"


def test_what_has_no_text_is_not_looked_into() -> None:
    body = TYPES["Plain"](data=b"\xff").SerializeToString()  # type: ignore[call-arg]
    assert TextCheck(TYPES["Plain"].DESCRIPTOR).passes(body)


@pytest.mark.parametrize(
    "body",
    [
        b"\x0a",
        b"\x0a\x05\xff",
        b"\x0a\x01\xff\x0b",
        b"\xff" * 11,
        b"\x0a\x01\xff\x31\x00",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f\xff",
        b"\x1a\x02\x0a\x05",
    ],
)
def test_what_is_no_message_cannot_be_mended(body: bytes) -> None:
    assert TextCheck(NODE.DESCRIPTOR).mend(body) is None
    with pytest.raises(MessageError):
        parse_message(NODE, body)


def test_what_is_too_deep_or_too_large_is_not_mended() -> None:
    check = TextCheck(NODE.DESCRIPTOR)
    assert check.mend(b"\x0a\x01\xff" * (LARGEST_MENDED // 3 + 1)) is None
    body = b"\x0a\x01\xff"
    for _ in range(150):
        size = len(body)
        body = b"\x1a" + (bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])) + body
    assert check.mend(body) is None


@pytest.mark.parametrize("place", PLACES)
def test_a_handler_gets_text_and_never_bytes(place: str) -> None:
    body, expected = broken(place)
    with MemoryNetwork() as network:
        target = Messenger("t", endpoint=network.endpoint("10.0.0.1:5050"))
        got: list[Any] = []
        target.install(NODE, lambda _, message: got.append(message))
        target.start()
        deliver(network, target, NODE, [NODE(text="é").SerializeToString(), body, b""])
        assert got == [NODE(text="é"), expected, NODE()]
        assert (target.mended, target.handler_failures) == (1, 0)


def test_a_required_field_is_demanded_of_a_mended_message_too() -> None:
    with MemoryNetwork() as network:
        target = Messenger("t", endpoint=network.endpoint("10.0.0.1:5050"))
        got: list[Any] = []
        target.install(STRICT, lambda _, message: got.append(message))
        target.start()
        deliver(network, target, STRICT, [b"\x12\x01\xff", b"\x0a\x01\xff", b"\x0a\x01a", b"\x12"])
        assert got == [STRICT(id="\ufffd"), STRICT(id="a")]
        assert target.snapshot().total.drops == {"bad_message": 2}
        assert target.mended == 1


def test_what_cannot_be_mended_is_dropped_and_counted() -> None:
    with MemoryNetwork() as network:
        target = Messenger("t", endpoint=network.endpoint("10.0.0.1:5050"))
        got: list[Any] = []
        target.install(NODE, lambda _, message: got.append(message))
        target.start()
        huge = b"\x0a\x80\x80\x40" + b"\xff" * (1 << 20)
        deliver(network, target, NODE, [huge, NODE(text="after").SerializeToString()])
        assert got == [NODE(text="after")]
        assert target.snapshot().total.drops == {"bad_message": 1}


def test_a_flood_is_logged_at_a_bounded_rate(caplog: pytest.LogCaptureFixture) -> None:
    body, _ = broken("text")
    with MemoryNetwork() as network:
        target = Messenger("t", endpoint=network.endpoint("10.0.0.1:5050"))
        target.install(NODE, lambda *_: None)
        target.start()
        with caplog.at_level(logging.DEBUG, "mesos.messenger"):
            deliver(network, target, NODE, [body] * 1500)
        assert target.mended == 1500
        assert len([record for record in caplog.records if "UTF-8" in record.getMessage()]) == 4


def test_a_handler_that_raises_for_a_mended_message_harms_nothing() -> None:
    body, _ = broken("text")
    with MemoryNetwork() as network:
        target = Messenger("t", endpoint=network.endpoint("10.0.0.1:5050"))
        got: list[str] = []

        def handler(_: UPID, message: Any) -> None:
            if message.text == MENDED:
                raise RuntimeError("on purpose")
            got.append(message.text)

        target.install(NODE, handler)
        target.start()
        deliver(network, target, NODE, [body, NODE(text="after").SerializeToString()])
        assert got == ["after"]
        assert target.handler_failures == 1


def deliver(network: MemoryNetwork, target: Messenger, kind: Any, bodies: list[bytes]) -> None:
    """Have a peer send these bodies, whole, in order."""
    evil = Messenger("evil", endpoint=network.endpoint("10.0.0.9:9"))
    evil.start()
    for body in bodies:
        evil.send(target.upid, _Raw(kind, body))  # type: ignore[arg-type]
    network.run()


class _Raw:
    """Stands for a message whose serialized form is what a test says."""

    def __init__(self, kind: Any, body: bytes) -> None:
        self.DESCRIPTOR = kind.DESCRIPTOR
        self._body = body

    def SerializeToString(self) -> bytes:
        return self._body


def test_over_a_socket_the_connection_and_the_loop_live_on() -> None:
    with Messenger("t", bind="127.0.0.1:0") as target:
        calls = Calls()
        target.install(NODE, lambda _, message: calls(message.text))
        encoder = Encoder(SENDER, target.upid, str(NODE.DESCRIPTOR.full_name))
        bodies = [broken("text")[0], b"\x0a\x05\xff", NODE(text="after").SerializeToString()]
        with connect(target.upid) as peer:
            peer.sendall(b"".join(encoder.encode(body) for body in bodies))
            assert calls.wait(2) == [(MENDED,), ("after",)]
        assert target.snapshot().total.drops == {"bad_message": 1}


def test_the_same_holds_for_the_runtime_in_python() -> None:
    # Set for the child alone: the runtime is chosen when protobuf is first imported.
    if os.environ.get("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION") == "python":
        return
    names = [
        "test_broken_text_is_found_and_mended_wherever_it_is",
        "test_a_handler_gets_text_and_never_bytes",
        "test_a_required_field_is_demanded_of_a_mended_message_too",
        "test_what_is_no_message_cannot_be_mended",
        "test_what_cannot_be_mended_is_dropped_and_counted",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
        + [f"{__file__}::{name}" for name in names],
        env={**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
