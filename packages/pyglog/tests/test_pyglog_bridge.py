"""`logging` records in glog's format, under `-v` and `-vmodule`."""

from __future__ import annotations

import inspect
import json
import logging
import logging.handlers
import os
import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import pyglog
import pytest
from pyglog import JsonSink
from pyglog.bridge import level_of, verbosity_of
from pyglog_helpers import Logs

NAME = os.path.basename(__file__).removesuffix(".py")
logger = logging.getLogger("test_pyglog_bridge")


@pytest.fixture(autouse=True)
def installed(logs: Logs) -> Iterator[None]:
    """Bring the records of `logging` to pyglog, and give the root logger its level back."""
    pyglog.uninstall()  # what a program tested before left
    root = logging.getLogger()
    level = root.level
    pyglog.install()
    yield
    pyglog.uninstall()
    assert root.level == level


@pytest.fixture
def alone() -> Iterator[logging.Logger]:
    """A logger that pytest does not know, as its handlers do not bear all records."""
    made = logging.Logger("alone", logging.INFO)
    handler = pyglog.install(made)
    assert pyglog.install(made) is handler
    yield made
    made.removeHandler(handler)


def test_severities_and_place(logs: Logs) -> None:
    for level in (logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL, 25, 60):
        logger.log(level, "at %d", level)
    frame = inspect.currentframe()
    assert frame is not None
    number = frame.f_lineno - 3
    lines = logs.lines()
    assert [line.severity for line in lines] == ["I", "W", "E", "E", "I", "E"]
    assert {(line.file, line.line) for line in lines} == {(f"{NAME}.py", number)}
    assert logs.messages()[3:] == ["CRITICAL: at 50", "at 25", "Level 60: at 60"]
    assert int(lines[0].thread) == threading.get_native_id()


def test_debug_is_off_until_v(logs: Logs) -> None:
    logger.debug("no")
    assert not logger.isEnabledFor(logging.DEBUG)
    pyglog.configure(v=1)
    logger.debug("yes")
    logger.log(9, "not yet")
    pyglog.configure(v=2)
    logger.log(9, "now")
    pyglog.configure(v=0)
    logger.debug("no more")
    assert logs.messages() == ["yes", "now"]


def test_debug_under_vmodule(logs: Logs) -> None:
    pyglog.configure(vmodule=f"{NAME}=1")
    logger.debug("on in this file")
    logger.log(9, "V(2) is not")
    other = logger.makeRecord("x", logging.DEBUG, "/some/other.py", 1, "off in that", (), None)
    logger.handle(other)
    pyglog.configure(vmodule="other=1")
    logger.debug("off")
    logger.handle(logger.makeRecord("x", logging.DEBUG, "/some/other.py", 1, "on in that", (), None))
    assert logs.messages() == ["on in this file", "on in that"]


def test_levels_correspond() -> None:
    assert [verbosity_of(level) for level in (50, 20, 19, 11, 10, 9, 8, 1)] == [0, 0, 1, 1, 1, 2, 3, 10]
    assert [level_of(v) for v in (-1, 0, 1, 2, 3, 10, 11, 100)] == [20, 20, 10, 9, 8, 1, 1, 1]
    for v in range(1, 11):
        assert verbosity_of(level_of(v)) == v


@pytest.mark.parametrize(
    ("message", "args", "written"),
    [
        ("%s", ("x",), "x"),
        ("%(a)s", ({"a": 1},), "1"),
        ("100%", (), "100%"),
        ("%d", ("x",), "%d (arguments ('x') do not fit: %d format: a real number is required, not str)"),
        ("", (), ""),
    ],
)
def test_arguments(
    logs: Logs, alone: logging.Logger, message: str, args: tuple[object, ...], written: str
) -> None:
    alone.info(message, *args)
    assert logs.messages() == [written]


def test_traceback_and_stack(logs: Logs, alone: logging.Logger) -> None:
    try:
        raise ValueError("bad")
    except ValueError:
        alone.exception("caught")
    alone.info("here", stack_info=True)
    alone.error("nothing", exc_info=True)
    first, second, third = logs.messages()
    assert first.startswith("caught\nTraceback (most recent call last):\n") and first.endswith(
        "ValueError: bad"
    )
    assert (
        second.startswith("here\nStack (most recent call last):\n")
        and "in test_traceback_and_stack" in second
    )
    assert third == "nothing"


def test_backtrace_at_a_logging_call(logs: Logs) -> None:
    frame = inspect.currentframe()
    assert frame is not None
    pyglog.configure(log_backtrace_at=f"{NAME}.py:{frame.f_lineno + 1}")
    logger.info("we want a stack trace here")
    (message,) = logs.messages()
    assert (
        message.startswith("we want a stack trace here\n\n")
        and "in test_backtrace_at_a_logging_call" in message
    )


def test_time_and_thread_are_the_record_s(logs: Logs) -> None:
    handed: queue.Queue[logging.LogRecord] = queue.Queue()
    through = logging.getLogger("test_pyglog_bridge.queue")
    through.propagate = False
    handler = logging.handlers.QueueHandler(handed)
    through.addHandler(handler)
    through.info("from here")
    record = handed.get(timeout=10)
    record.created = 1_700_000_000.25
    done = threading.Thread(target=logging.getLogger().handle, args=(record,))
    done.start()
    done.join()
    through.removeHandler(handler)
    (line,) = logs.lines()
    assert line.micros == 250000 and int(line.thread) == threading.get_ident()


def test_json_has_the_logger_s_name(logs: Logs, tmp_path: Path) -> None:
    sink = JsonSink(tmp_path / "log.json")
    remove = pyglog.add_sink(sink)
    logger.warning("x")
    remove()
    sink.close()
    assert json.loads((tmp_path / "log.json").read_text())["logger"] == logger.name


def test_formatter_of_the_handler_is_used(logs: Logs) -> None:
    pyglog.install().setFormatter(logging.Formatter("[%(name)s] %(message)s"))
    logger.info("x")
    assert logs.messages() == ["[test_pyglog_bridge] x"]


def test_one_logger_alone(logs: Logs, alone: logging.Logger) -> None:
    pyglog.uninstall()
    alone.info("mine")
    logger.warning("not mine")
    assert logs.messages() == ["mine"]


def test_installed_twice_writes_once(logs: Logs) -> None:
    assert pyglog.install() is pyglog.install()
    logger.info("x")
    assert logs.messages() == ["x"]
