"""The line at the bottom of a terminal."""

from __future__ import annotations

import io
import sys

import pytest
from httpv1.screen import Screen


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def test_lines_come_above_the_status(terminal: Terminal) -> None:
    screen = Screen(terminal)
    screen.status("1 of 2")
    screen.say("a line")
    screen.status("2 of 2")
    screen.clear()
    screen.say("the end")
    erase = "\r\x1b[2K"
    assert terminal.getvalue() == f"{erase}1 of 2{erase}a line\n1 of 2{erase}2 of 2{erase}the end\n"


def test_a_status_is_never_longer_than_a_line(terminal: Terminal) -> None:
    Screen(terminal).status("x" * 1000)
    assert 10 <= terminal.getvalue().count("x") < 1000


def test_errors_of_others_come_above_it_line_by_line(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal)
    screen = Screen(terminal)
    outside = sys.stderr
    with screen.over_errors():
        screen.status("1 of 2")
        sys.stderr.write("one ")
        assert "one" not in terminal.getvalue()
        sys.stderr.write("line\nhalf")
        assert terminal.getvalue().endswith("\r\x1b[2Kone line\n1 of 2")
    assert sys.stderr is outside
    assert terminal.getvalue().endswith("\r\x1b[2Khalf")


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_without_a_terminal_there_are_lines_only(monkeypatch: pytest.MonkeyPatch, term: str) -> None:
    monkeypatch.setenv("TERM", term)
    out = Terminal() if term == "dumb" else io.StringIO()
    screen = Screen(out)
    screen.status("1 of 2")
    screen.say("a line")
    with screen.over_errors():
        assert sys.stderr is not out
    assert out.getvalue() == "a line\n"
