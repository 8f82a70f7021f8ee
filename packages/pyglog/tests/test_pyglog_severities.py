"""What golang/glog's tests pin of the log functions: which files, depth, context, backtraces, counts."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping

import pyglog
import pytest
from pyglog import INFO, WARNING, FlagError, Severity, _core
from pyglog_helpers import Logs

HERE = os.path.basename(__file__)


def here() -> int:
    """The line of the call."""
    frame = inspect.currentframe()
    assert frame is not None and frame.f_back is not None
    return frame.f_back.f_lineno


@pytest.mark.parametrize(
    ("log", "severity"),
    [
        (pyglog.info, "INFO"),
        (pyglog.warning, "WARNING"),
        (pyglog.error, "ERROR"),
        (lambda text: pyglog.log(pyglog.WARNING, text, depth=1), "WARNING"),
    ],
)
def test_record_is_in_its_file_and_those_below(logs: Logs, log: Callable[[str], None], severity: str) -> None:
    log("test")
    names = [name.name for name in Severity]
    position = names.index(severity)
    own = logs.raw(severity)
    line = own[own.index(b"msg\n") + 4 :]
    for name in names[: position + 1]:
        assert logs.raw(name).endswith(line)
        assert [(read.severity, read.message) for read in logs.lines(name)] == [(severity[0], b"test\n")]
    for name in names[position + 1 :]:
        assert logs.lines(name) == []


def test_depth_names_a_caller(logs: Logs) -> None:
    def inner(depth: int) -> None:
        pyglog.info("depth-test", depth=depth)

    for _ in range(2):
        inner(1)
        expected = here() - 1
    assert [line.line for line in logs.lines()] == [expected, expected]
    inner(0)
    assert logs.lines()[-1].line == inner.__code__.co_firstlineno + 1


@pytest.mark.parametrize("log", [pyglog.warning, pyglog.error, pyglog.exception])
def test_depth_of_the_other_functions(logs: Logs, log: Callable[..., None]) -> None:
    def inner() -> None:
        log("depth-test", depth=1)

    inner()
    assert logs.lines()[0].line == here() - 1
    log("direct")
    assert logs.lines()[1].line == here() - 1
    pyglog.log(WARNING, "known at run time")
    assert logs.lines()[2].line == here() - 1


def test_depth_beyond_the_stack_is_told_as_unknown(logs: Logs) -> None:
    pyglog.info("deep", depth=10_000)
    (line,) = logs.lines()
    assert (line.file, line.line) == ("???", 1)


@pytest.mark.parametrize(
    ("message", "args", "written"),
    [
        ("%s and %d", ("a", 1), "a and 1"),
        ("100% {} %s", (), "100% {} %s"),
        ("%(key)s", ({"key": "v"},), "v"),
        ({"a": 1}, (), "{'a': 1}"),
        (None, (), "None"),
        (b"%s", (), "b'%s'"),
        ("%s", ((1, 2),), "(1, 2)"),
    ],
)
def test_arguments(logs: Logs, message: object, args: tuple[object, ...], written: str) -> None:
    for _ in range(2):
        pyglog.info(message, *args)
        pyglog.warning(message, *args)
    assert logs.messages() == [written] * 4


class Bad:
    """Something that cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


@pytest.mark.parametrize(
    ("message", "args", "pieces"),
    [
        ("%d", ("x",), ["%d (arguments ('x') do not fit: "]),
        ("no place", (1,), ["no place (arguments (1) do not fit: "]),
        ("%s %s", (1,), ["%s %s (arguments (1) do not fit: "]),
        ("%s", (Bad(),), ["%s (arguments (<unprintable Bad>) do not fit: no text)"]),
        (Bad(), (), ["<unprintable Bad> (arguments () do not fit: no text)"]),
    ],
)
def test_what_does_not_fit_is_told_in_the_line(
    logs: Logs, message: object, args: tuple[object, ...], pieces: list[str]
) -> None:
    for _ in range(2):
        pyglog.info(message, *args)
    pyglog.error(message, *args)
    for written in logs.messages():
        assert all(piece in written for piece in pieces)
    assert len(logs.messages()) == 3


def test_exception_has_its_traceback(logs: Logs) -> None:
    try:
        raise ValueError("bad offer")
    except ValueError as caught:
        pyglog.exception("refused %s", "it")
        pyglog.info("also here", exc_info=True)
        error = caught
    pyglog.info("later", exc_info=error)
    pyglog.warning("by triple", exc_info=(ValueError, error, error.__traceback__))
    pyglog.exception("none is being handled")
    pyglog.info("nor here", exc_info=(None, None, None))
    messages = logs.messages()
    for message, start in zip(
        messages[:4], ("refused it\n", "also here\n", "later\n", "by triple\n"), strict=True
    ):
        assert message.startswith(start + "Traceback (most recent call last):\n")
        assert message.endswith("ValueError: bad offer")
    assert messages[4:] == ["none is being handled", "nor here"]


def test_stats_count_lines_and_bytes_of_each_severity(logs: Logs) -> None:
    def counts() -> list[tuple[int, int]]:
        return [
            (stats.lines, stats.bytes)
            for stats in (pyglog.stats.info, pyglog.stats.warning, pyglog.stats.error)
        ]

    before = counts()
    for _ in range(3):
        pyglog.info("é")
    pyglog.warning("two")
    pyglog.error("three")
    waiting = counts()
    pyglog.flush()
    after = counts()
    assert waiting == after
    assert [late[0] - early[0] for early, late in zip(before, after, strict=True)] == [3, 1, 1]
    raw = logs.raw()
    written = len(raw) - raw.index(b"msg\n") - 4
    assert sum(late[1] - early[1] for early, late in zip(before, after, strict=True)) == written


def test_backtrace_at_a_line(logs: Logs) -> None:
    place = f"{HERE}:{here() + 2}"
    pyglog.configure(log_backtrace_at=f"other.py:1,{place},")
    pyglog.info("we want a stack trace here")
    pyglog.info("but not here")
    first, second = logs.messages()
    assert first.startswith("we want a stack trace here\n\nStack (most recent call last):\n")
    assert f'{HERE}", line {place.rpartition(":")[2]}, in test_backtrace_at_a_line' in first
    assert first.rstrip().endswith('pyglog.info("we want a stack trace here")')
    assert second == "but not here"
    assert f"{HERE}:{place.rpartition(':')[2]}] we want" in logs.raw().decode()


def test_unbuffered_and_stderr_settings_hold_from_the_next_record_on(
    logs: Logs, capsys: pytest.CaptureFixture[str]
) -> None:
    def say() -> None:
        pyglog.info("hello")

    say()
    pyglog.configure(alsologtostderr=True)
    say()
    assert capsys.readouterr().err.count("hello") == 1
    pyglog.configure(alsologtostderr=False, stderrthreshold="INFO")
    say()
    assert capsys.readouterr().err.count("hello") == 1
    pyglog.configure(logtostderr=True)
    say()
    assert capsys.readouterr().err.count("hello") == 1
    assert logs.messages() == ["hello"] * 3
    pyglog.configure(logtostderr=False, stderrthreshold="FATAL", logbuflevel=-1)
    say()
    assert (logs.folder / "test.INFO").read_bytes().count(b"hello") == 4
    assert capsys.readouterr().err == ""


def test_colours_only_if_asked_or_on_a_terminal(logs: Logs, capsys: pytest.CaptureFixture[str]) -> None:
    pyglog.configure(logtostderr=True)
    pyglog.error("plain")
    pyglog.configure(colorlogtostderr=True)
    pyglog.info("an INFO line has none")
    pyglog.warning("yellow")
    pyglog.error("red")
    lines = capsys.readouterr().err.splitlines()
    assert [line.count("\x1b") for line in lines] == [0, 0, 2, 2]
    assert lines[2].startswith("\x1b[33mW") and lines[3].startswith("\x1b[31mE")


def test_severity_names_and_numbers() -> None:
    assert [severity.letter for severity in Severity] == list("IWEF")
    assert Severity.parse("warning") is Severity.parse("WARNING") is Severity.parse(1) is WARNING
    assert Severity.parse("0") is INFO
    for bad in ("", "LOG", "4", 4, -1, "1.0"):
        with pytest.raises(FlagError, match="is not a severity: use INFO"):
            Severity.parse(bad)


def test_call_sites_kept_are_bounded(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_core, "_SITES", 10)
    for number in range(50):
        space: Mapping[str, object] = {"pyglog": pyglog}
        exec(compile("pyglog.info('dynamic')\n" * 2, f"made_{number}.py", "exec"), dict(space))
    assert [line.file for line in logs.lines()] == [f"made_{number // 2}.py" for number in range(100)]
    assert len(_core._sites) <= 11
