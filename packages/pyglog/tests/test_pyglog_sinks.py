"""Text and structured sinks, JSON lines, and records for `logging` handlers."""

from __future__ import annotations

import dataclasses
import datetime
import io
import json
import logging
from pathlib import Path

import pyglog
import pytest
from pyglog import GlogError, JsonSink, LoggingSink, Record, Stack, StructuredTextWrapper, V
from pyglog.record import format_line, format_stack
from pyglog_helpers import Logs


class Texts:
    """A text sink that keeps what it gets."""

    def __init__(self, enabled: bool = True, error: Exception | None = None) -> None:
        self.wanted = enabled
        self.error = error
        self.got: list[tuple[Record, str]] = []

    def enabled(self, record: Record) -> bool:
        return self.wanted

    def emit(self, record: Record, line: str) -> None:
        self.got.append((record, line))
        if self.error is not None:
            raise self.error


class Records:
    """A structured sink that keeps what it gets."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.got: list[Record] = []

    def handle(self, record: Record) -> None:
        self.got.append(record)
        if self.error is not None:
            raise self.error


class StackRecords(Records):
    """One that may want stacks."""

    def __init__(self, wants: bool) -> None:
        super().__init__()
        self.wants = wants

    def wants_stack(self, record: Record) -> bool:
        return self.wants


def add(request: pytest.FixtureRequest, *sinks: pyglog.Sink) -> None:
    """Add sinks for the time of a test."""
    for sink in sinks:
        request.addfinalizer(pyglog.add_sink(sink))


def test_text_sinks_get_the_line_of_the_file(logs: Logs, request: pytest.FixtureRequest) -> None:
    first, off, second = Texts(), Texts(enabled=False), Texts()
    add(request, first, off, second)
    pyglog.info("test %d", 1)
    (record, line), *rest = first.got
    assert not rest and not off.got and second.got == [(record, line)]
    assert logs.raw().endswith(line.encode())
    assert format_line(record) == line


def test_structured_sinks_get_the_parts(logs: Logs, request: pytest.FixtureRequest) -> None:
    first, second = Records(), Records()
    add(request, first, second)
    context = {"trace": "abc"}
    pyglog.error("test %d", 1, context=context)
    (record,) = first.got
    assert second.got == [record]
    assert (record.format, record.args, record.message) == ("test %d", (1,), "test 1")
    assert record.severity is pyglog.ERROR and record.context is context and not record.verbose
    assert (
        record.file == __file__
        and record.line == test_structured_sinks_get_the_parts.__code__.co_firstlineno + 4
    )
    assert record.stack is None


@pytest.mark.parametrize(
    "log", [pyglog.info, pyglog.warning, pyglog.error, V(0).info, V(0).warning, V(0).error]
)
def test_context_reaches_sinks(logs: Logs, request: pytest.FixtureRequest, log: object) -> None:
    sink = Records()
    add(request, sink)
    assert callable(log)
    log("test", context="here")
    assert sink.got[0].context == "here"


def test_v_records_say_so(logs: Logs, request: pytest.FixtureRequest) -> None:
    sink = Records()
    add(request, sink)
    V(0).info("verbose")
    V(9).info("off")
    assert [(record.message, record.verbose) for record in sink.got] == [("verbose", True)]


def test_failing_sink_is_told_once_and_keeps_nothing_from_the_others(
    logs: Logs, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    bad_text, bad, good_text, good = (
        Texts(error=OSError("no")),
        Records(ValueError("err")),
        Texts(),
        Records(),
    )
    add(request, bad_text, bad, good_text, good)
    for _ in range(3):
        pyglog.info("test")
    assert [len(sink.got) for sink in (bad_text, bad, good_text, good)] == [3, 3, 3, 3]
    assert logs.messages() == ["test"] * 3
    err = capsys.readouterr().err
    assert "During handling" not in err
    assert err.count("pyglog: the sink") == 2 and "OSError: no" in err and "ValueError: err" in err


def test_stack_is_there_if_wanted(logs: Logs, request: pytest.FixtureRequest) -> None:
    wants, does_not, plain = StackRecords(True), StackRecords(False), Records()
    add(request, wants, does_not, plain)
    pyglog.info("test")
    stack = wants.got[0].stack
    assert isinstance(stack, Stack) and "in test_stack_is_there_if_wanted" in stack
    assert logs.messages() == ["test"]


def test_stack_among_the_arguments_is_used(logs: Logs, request: pytest.FixtureRequest) -> None:
    wants = StackRecords(True)
    add(request, wants)
    given = format_stack(None)
    given = Stack("the stack of another place")
    pyglog.info("test\n%s", given)
    assert wants.got[0].stack is given


def test_sink_that_logs_is_not_called_by_that(logs: Logs, request: pytest.FixtureRequest) -> None:
    class Logging(Records):
        def handle(self, record: Record) -> None:
            super().handle(record)
            pyglog.info("from the sink")

    sink = Logging()
    add(request, sink)
    pyglog.info("test")
    assert [record.message for record in sink.got] == ["test"]
    assert sorted(logs.messages()) == ["from the sink", "test"]


def test_removed_sink_gets_nothing_more(logs: Logs) -> None:
    sink = Records()
    remove = pyglog.add_sink(sink)
    pyglog.info("one")
    remove()
    remove()
    pyglog.info("two")
    assert [record.message for record in sink.got] == ["one"]


def test_what_is_no_sink_is_refused() -> None:
    with pytest.raises(GlogError, match="neither enabled and emit nor handle"):
        pyglog.add_sink(object())  # type: ignore[arg-type]


def test_structured_text_wrapper_gives_the_lines_text_sinks_get(
    logs: Logs, request: pytest.FixtureRequest
) -> None:
    reference, wrapped, off = Texts(), Texts(), Texts(enabled=False)
    add(request, reference, StructuredTextWrapper(wrapped, off))
    pyglog.info("test %d", 1)
    assert wrapped.got == reference.got and not off.got
    for bad in (StructuredTextWrapper(), StructuredTextWrapper(Texts(error=OSError()))):
        add(request, bad)
    pyglog.info("test %d", 2)
    assert wrapped.got == reference.got and len(wrapped.got) == 2


def test_redacting_before_text_sinks(logs: Logs, request: pytest.FixtureRequest) -> None:
    kept = Texts()
    wrapper = StructuredTextWrapper(kept)

    class Redacting:
        def handle(self, record: Record) -> None:
            wrapper.handle(dataclasses.replace(record, message=record.message.replace("secret", "***")))

    add(request, Redacting())
    pyglog.info("the secret word")
    assert kept.got[0][1].endswith("] the *** word\n")


def test_json_lines(logs: Logs, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    sink = JsonSink(path)
    add(request, sink)
    pyglog.info("one\ntwo \ud800 é")
    V(0).warning("v", context={"task": "t-1", 3: [1.5, float("nan"), {"deep": (None, True, object)}]})
    pyglog.error("e", context="text")
    logging.LogRecord("x", 20, "f", 1, "m", None, None)
    sink.close()
    first, second, third = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert first["message"] == "one\ntwo \ud800 é" and first["severity"] == "INFO"
    assert set(first) == {"severity", "time", "thread", "file", "line", "message"}
    assert first["file"] == __file__ and isinstance(first["line"], int)
    when = datetime.datetime.fromisoformat(first["time"])
    assert when.tzinfo is not None
    assert abs((datetime.datetime.now(datetime.timezone.utc) - when).total_seconds()) < 3600
    assert second["verbose"] is True
    assert second["context"]["3"][:2] == [1.5, "nan"] and second["context"]["3"][2]["deep"][:2] == [
        None,
        True,
    ]
    assert third["context"] == "text"


def test_json_to_a_stream_of_the_caller(logs: Logs, request: pytest.FixtureRequest) -> None:
    stream = io.StringIO()
    sink = JsonSink(stream)
    add(request, sink)
    pyglog.info("x")
    sink.close()
    assert json.loads(stream.getvalue())["message"] == "x"


class Kept(logging.Handler):
    """A `logging` handler that keeps what it gets."""

    def __init__(self, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self.got: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.got.append(record)


def test_records_for_a_logging_handler(logs: Logs, request: pytest.FixtureRequest) -> None:
    everything, errors = Kept(), Kept(logging.ERROR)
    add(request, LoggingSink(everything), LoggingSink(errors))
    pyglog.info("percent %% %d", 1)
    pyglog.warning("w")
    pyglog.error("e")
    V(0).info("v")
    levels = [record.levelno for record in everything.got]
    assert levels == [logging.INFO, logging.WARNING, logging.ERROR, logging.DEBUG]
    assert everything.got[0].getMessage() == "percent % 1"
    assert (everything.got[0].pathname, everything.got[0].name) == (__file__, "pyglog")
    assert [record.getMessage() for record in errors.got] == ["e"]


def test_records_for_a_logger(logs: Logs, request: pytest.FixtureRequest) -> None:
    logger, kept = logging.getLogger("test_pyglog_sinks"), Kept()
    logger.addHandler(kept)
    request.addfinalizer(lambda: logger.removeHandler(kept))
    logger.setLevel(logging.WARNING)
    add(request, LoggingSink(logger))
    pyglog.info("i")
    pyglog.warning("w")
    assert [(record.name, record.getMessage()) for record in kept.got] == [("test_pyglog_sinks", "w")]


def test_both_bridges_at_once_do_not_circle(logs: Logs, request: pytest.FixtureRequest) -> None:
    kept = Kept()
    root = logging.getLogger()
    root.addHandler(kept)
    request.addfinalizer(lambda: root.removeHandler(kept))
    pyglog.install()
    request.addfinalizer(pyglog.uninstall)
    add(request, LoggingSink(root))
    pyglog.info("ours")
    logging.getLogger("x").info("theirs")
    assert logs.messages() == ["ours", "theirs"]
    assert [record.getMessage() for record in kept.got] == ["ours", "theirs"]
