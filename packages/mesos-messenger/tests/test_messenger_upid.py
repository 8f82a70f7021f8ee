from __future__ import annotations

import copy
import pickle

import pytest
from mesos_messenger import UPID


@pytest.mark.parametrize(
    "text",
    ["master@10.0.0.1:5050", "slave(1)@10.0.0.2:5051", "scheduler-3f1c@10.0.0.3:40213", "a b@1.2.3.4:1"[2:]],
)
def test_text_comes_back(text: str) -> None:
    upid = UPID.parse(text)
    assert str(upid) == text and upid


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("  master@1.2.3.4:5 trailing", UPID("master", "1.2.3.4", 5)),
        ("a@b@1.2.3.4:5", UPID()),
        ("m@1.2.3.4:5050abc", UPID("m", "1.2.3.4", 5050)),
        ("m@1.2.3.4:70000", UPID("m", "1.2.3.4", 70000 & 0xFFFF)),
        ("m@1.2.3.4:-1", UPID("m", "1.2.3.4", 65535)),
        ("m@1.2.3.4:+7", UPID("m", "1.2.3.4", 7)),
        ("m@1.2.3.4:" + "9" * 5000, UPID("m", "1.2.3.4", 65535)),
        ("m@1.2.3.4:", UPID()),
        ("m@1.2.3.4:x", UPID()),
        ("m@1.2.3.4", UPID()),
        ("m:5", UPID()),
        ("", UPID()),
        ("   ", UPID()),
        ("m@[::1]:5", UPID()),
        ("m@1.2.3:5", UPID()),
        ("m@not a host:5", UPID()),
        ("@1.2.3.4:5", UPID("", "1.2.3.4", 5)),
        ("@0.0.0.0:0", UPID()),
    ],
)
def test_what_libprocess_makes_of_it(text: str, meaning: UPID) -> None:
    assert UPID.parse(text, resolve=False) == meaning


def test_a_name_is_resolved_only_when_asked_for() -> None:
    assert UPID.parse("m@localhost:5") == UPID("m", "127.0.0.1", 5)
    assert UPID.parse("m@localhost:5", resolve=False) == UPID()
    assert UPID.parse("m@no-such-host.invalid:5") == UPID()


def test_the_empty_one() -> None:
    assert str(UPID()) == "@0.0.0.0:0" and not UPID()
    for part in (UPID("", "1.2.3.4", 5), UPID("m", "0.0.0.0", 5), UPID("m", "1.2.3.4", 0)):
        assert not part


def test_value() -> None:
    upid = UPID("m", "1.2.3.4", 5)
    assert (upid.id, upid.ip, upid.port, upid.address) == ("m", "1.2.3.4", 5, ("1.2.3.4", 5))
    assert upid == UPID("m", "1.2.3.4", 5) and hash(upid) == hash(UPID("m", "1.2.3.4", 5))
    assert upid != UPID("m", "1.2.3.4", 6) and upid != "m@1.2.3.4:5"
    assert repr(upid) == "UPID('m@1.2.3.4:5')"
    assert pickle.loads(pickle.dumps(upid)) == upid and copy.deepcopy(upid) == upid
    with pytest.raises(AttributeError):
        upid.id = "x"
    with pytest.raises(AttributeError):
        del upid.id
