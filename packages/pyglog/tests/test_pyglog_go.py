"""The Go package's names."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pyglog
import pyglog.go as glog
import pytest
from pyglog import Record
from pyglog_helpers import Logs


def forms(name: str) -> list[Callable[..., None]]:
    """All forms of a severity."""
    ends = ["", "f", "ln", "Depth", "Depthf", "Context", "Contextf", "ContextDepth", "ContextDepthf"]
    return [getattr(glog, name + end) for end in ends]


@pytest.mark.parametrize(("name", "letter"), [("Info", "I"), ("Warning", "W"), ("Error", "E")])
def test_forms(logs: Logs, name: str, letter: str) -> None:
    plain, format, line, depth, depth_format, context, context_format, context_depth, context_depth_format = (
        forms(name)
    )
    seen: list[object] = []

    class Sink:
        def handle(self, record: Record) -> None:
            seen.append(record.context)

    remove = pyglog.add_sink(Sink())

    def inner() -> None:
        depth(1, "d", 1)
        depth_format(1, "df %v", 1)
        context_depth("ctx", 1, "cd")
        context_depth_format("ctx", 1, "cdf %d", 1)

    plain("p", 1, 2, "q", 3)
    format("f %v %q %d%% %5.1f", "a", "b", 3, 1.25)
    line("l", 1, 2, "q")
    context("ctx", "c")
    context_format("ctx", "cf %s", 1)
    inner()
    frame = inspect.currentframe()
    assert frame is not None
    last = frame.f_lineno - 3
    remove()
    assert logs.messages() == [
        "p1 2q3", "f a 'b' 3%   1.2", "l 1 2 q", "c", "cf 1", "d1", "df 1", "cd", "cdf 1",
    ]  # fmt: skip
    lines = logs.lines()
    assert {line.severity for line in lines} == {letter}
    assert [line.line for line in lines] == [last - 5, last - 4, last - 3, last - 2, last - 1, *[last] * 4]
    assert seen == [None, None, None, "ctx", "ctx", None, None, "ctx", "ctx"]


def test_fatal_and_exit_have_all_forms() -> None:
    assert all(callable(form) for name in ("Fatal", "Exit") for form in forms(name))
    with pytest.raises(SystemExit) as caught:
        glog.Exitf("%v", "the end")
    assert caught.value.code == 1


def test_verbose_forms(logs: Logs) -> None:
    pyglog.configure(vmodule="test_pyglog_go=2")
    assert glog.V(2) and not glog.V(3) and glog.VDepth(0, 2) and not glog.VDepth(0, 3)

    def inner() -> None:
        glog.V(2).InfoDepth(1, "d")
        glog.V(2).InfoDepthf(1, "df %v", 1)

    glog.V(2).Info("a", 1, 2)
    glog.V(2).Infof("%v", 1)
    glog.V(2).Infoln("a", 1)
    glog.V(2).InfoContext("ctx", "c")
    glog.V(2).InfoContextf("ctx", "%v", "cf")
    inner()
    for call in ("Info", "Infof", "Infoln"):
        getattr(glog.V(3), call)("off")
    glog.V(3).InfoDepth(0, "off")
    glog.V(3).InfoDepthf(0, "off")
    glog.V(3).InfoContext(None, "off")
    glog.V(3).InfoContextf(None, "off")
    assert logs.messages() == ["a1 2", "1", "a 1", "c", "cf", "d", "df 1"]
    lines = [line.line for line in logs.lines()]
    assert lines == [lines[0], *range(lines[0] + 1, lines[0] + 5), lines[0] + 5, lines[0] + 5]


def test_the_rest(logs: Logs) -> None:
    lines, size = glog.Stats.Info.Lines(), glog.Stats.Info.Bytes()
    glog.Info("x")
    glog.Flush()
    assert glog.Stats.Info.Lines() == lines + 1 and glog.Stats.Info.Bytes() > size
    assert glog.Names("INFO") == pyglog.names("INFO")


@pytest.mark.parametrize(
    ("format", "translated"),
    [
        ("%v", "%s"),
        ("%+v", "%s"),
        ("%#v", "%r"),
        ("%-10v|", "%-10s|"),
        ("%t", "%s"),
        ("%%v", "%%v"),
        ("%5d", "%5d"),
    ],
)
def test_format_verbs(format: str, translated: str) -> None:
    assert glog.translate_format(format) == translated
