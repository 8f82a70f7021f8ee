"""Lines in glog's format, read back by a parser of the documented grammar."""

from __future__ import annotations

import os
import threading
import time

import pyglog
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyglog import _core
from pyglog.record import MAX_LINE, Record, format_header, format_line
from pyglog_helpers import Logs, parse_line, parse_records

MOMENT = time.mktime((2006, 1, 2, 15, 4, 5, 0, 0, -1)) + 0.067890


def test_header_of_a_known_moment() -> None:
    header = format_header(pyglog.INFO, MOMENT, 1234, "/a/b/glog_test.py", 7)
    assert header == "I0102 15:04:05.067890    1234 glog_test.py:7] "


@pytest.mark.parametrize(
    ("thread", "column"),
    [
        (0, "         "),
        (1, "       1 "),
        (912389, "  912389 "),
        (2**31, " 2147483648 "),
        (2**63 - 2, " 9223372036854775806 "),
        (2**63, " 9223372036854775808 "),
        (2**63 + 9, " 9223372036854775817 "),
        (2**64 - 2, " 18446744073709551614 "),
    ],
)
def test_thread_ids_are_padded_to_seven_columns(thread: int, column: str) -> None:
    assert f".067890{column}f.py:1] " in format_header(pyglog.INFO, MOMENT, thread, "f.py", 1)


@pytest.mark.parametrize("micros", [0, 1, 9, 10, 67890, 499999, 500000, 999998, 999999])
def test_microseconds_survive_the_float(micros: int) -> None:
    for second in (int(MOMENT), 1_700_000_000, 1_799_999_999):
        header = format_header(pyglog.INFO, second + micros / 1e6, 1, "f.py", 1)
        assert f".{micros:06d} " in header


def test_record_read_back_from_its_file(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_core, "_time", lambda: MOMENT)
    for _ in range(2):  # the first call at a place and the ones after it go different ways
        pyglog.info("testHeader")
    for line in logs.lines():
        assert (line.severity, line.month, line.day) == ("I", 1, 2)
        assert (line.hour, line.minute, line.second, line.micros) == (15, 4, 5, 67890)
        assert line.thread == f"{threading.get_native_id():>7}"
        assert line.file == os.path.basename(__file__)
        assert line.message == b"testHeader\n"
    assert len(logs.lines()) == 2


def test_each_thread_has_its_id(logs: Logs) -> None:
    seen = []

    def work() -> None:
        pyglog.info("from a thread")
        seen.append(threading.get_native_id())

    for _ in range(3):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert [int(line.thread) for line in logs.lines()] == seen


def test_line_number_is_that_of_the_call(logs: Logs) -> None:
    for _ in range(2):
        pyglog.info("one")
        pyglog.info("two")
    lines = [line.line for line in logs.lines()]
    assert lines == [lines[0], lines[0] + 1, lines[0], lines[0] + 1]


@pytest.mark.parametrize(
    "text", ["X" * 2 * MAX_LINE, "é" * MAX_LINE, "\U0001f600" * MAX_LINE, "x" + "€" * MAX_LINE]
)
def test_long_message_is_cut(logs: Logs, text: str) -> None:
    pyglog.info(text)
    pyglog.info("after")
    first, second = logs.lines()
    assert second.message == b"after\n"
    body = first.message.decode()
    assert body.endswith("\n") and text.startswith(body[:-1])
    assert len(first.message) > MAX_LINE - 100


def test_long_message_has_exactly_the_documented_length(logs: Logs) -> None:
    before = pyglog.stats.info.bytes
    pyglog.info("X" * 2 * MAX_LINE)
    assert pyglog.stats.info.bytes - before == MAX_LINE == 15000


@pytest.mark.parametrize(
    ("text", "written"), [("", b"\n"), ("a\n", b"a\n"), ("a\n\n", b"a\n\n"), ("\n", b"\n")]
)
def test_newline_is_added_only_if_missing(logs: Logs, text: str, written: bytes) -> None:
    for _ in range(2):
        pyglog.info(text)
    raw = logs.raw()
    tail = raw[raw.index(b"] ", raw.index(b"msg\n")) + 2 :]
    assert tail.startswith(written)
    assert raw.endswith(b"] " + written)


_TEXT = st.text(st.characters(codec=None), max_size=200) | st.text("\n\r\0%{}s\ud800\udfff] :", max_size=40)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(texts=st.lists(_TEXT, min_size=1, max_size=5), as_argument=st.booleans())
def test_any_text_is_written_whole(logs: Logs, texts: list[str], as_argument: bool) -> None:
    offset = len(logs.raw())
    for text in texts:
        if as_argument:
            pyglog.info("%s", text)
        else:
            pyglog.info(text)
    written = logs.raw()[offset:]
    if not offset:
        written = written[written.index(b"msg\n") + 4 :]
    for text in texts:
        message = text.encode("utf-8", "backslashreplace")
        message = message if message.endswith(b"\n") else message + b"\n"
        line = parse_line(written)
        assert line.message.startswith(message)
        written = written[len(written) - len(line.message) + len(message) :]
    assert written == b""


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    severity=st.sampled_from(pyglog.Severity),
    when=st.floats(0, 2**31, allow_nan=False),
    thread=st.integers(1, 2**64),
    file=st.from_regex(r"[a-z_]{1,12}\.py", fullmatch=True),
    line=st.integers(0, 10**6),
    message=_TEXT,
)
def test_any_record_is_read_back(
    severity: pyglog.Severity, when: float, thread: int, file: str, line: int, message: str
) -> None:
    record = Record(severity, when, thread, f"/some/where/{file}", line, message)
    data = format_line(record).encode("utf-8", "backslashreplace")
    read = parse_line(data)
    assert (read.severity, int(read.thread), read.file, read.line) == (severity.letter, thread, file, line)
    shown = time.localtime(int(when))
    assert (read.month, read.day, read.hour) == (shown.tm_mon, shown.tm_mday, shown.tm_hour)
    assert (read.minute, read.second) == (shown.tm_min, shown.tm_sec)
    assert abs(read.micros / 1e6 - when % 1) < 2e-6
    assert read.message.rstrip(b"\n") == message.encode("utf-8", "backslashreplace").rstrip(b"\n")


def test_parser_rejects_what_is_no_header() -> None:
    good = b"I0102 15:04:05.067890    1234 f.py:7] m\n"
    assert parse_line(good).message == b"m\n"
    for bad in (
        b"D" + good[1:],
        good.replace(b"0102", b"1302"),
        good.replace(b"   1234", b"1234"),
        good[:20],
    ):
        with pytest.raises((ValueError, IndexError)):
            parse_line(bad)
    assert [line.message for line in parse_records(good + b"more\n" + good)] == [b"m\nmore\n", b"m\n"]
