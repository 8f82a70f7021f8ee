"""Flags with one dash and two, the environment, and code; which wins, and what is refused."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Iterator

import pyglog
import pytest
from pyglog import FlagError, Location, Settings, Severity


@pytest.fixture(autouse=True)
def give_back() -> Iterator[None]:
    """Undo what a test sets."""
    before = pyglog.settings()
    yield
    pyglog.uninstall()
    pyglog.restore(before)


def parse(*argv: str, prefix: str = "") -> argparse.Namespace:
    """Parse flags beside those of a program."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("-master", "--master")
    parser.add_argument("rest", nargs="*")
    pyglog.add_flags(parser, prefix)
    return parser.parse_args(argv)


def init(*argv: str, environ: dict[str, str] | None = None, **defaults: object) -> Settings:
    """Set up from flags, environment and code."""
    return pyglog.init(parse(*argv), environ=environ or {}, capture_logging=False, **defaults)


@pytest.mark.parametrize("dash", ["-", "--"])
@pytest.mark.parametrize("joined", [True, False])
def test_value_flags_in_every_spelling(dash: str, joined: bool) -> None:
    given = {
        "v": "2",
        "vmodule": "driver=3",
        "log_backtrace_at": "driver.py:10",
        "stderrthreshold": "warning",
        "log_dir": "/some",
        "log_link": "/links",
        "logbuflevel": "-1" if joined else "1",
        "logbufsecs": "0.5",
        "max_log_size": "3",
    }
    argv = []
    for name, value in given.items():
        argv += [f"{dash}{name}={value}"] if joined else [f"{dash}{name}", value]
    made = init(*argv)
    assert (made.v, made.vmodule[0].level, made.log_backtrace_at) == (2, 3, (Location("driver.py", 10),))
    assert (made.stderrthreshold, made.log_dir, made.log_link) == (Severity.WARNING, "/some", "/links")
    assert (made.logbuflevel, made.logbufsecs, made.max_log_size) == (-1 if joined else 1, 0.5, 3 << 20)


@pytest.mark.parametrize("name", ["logtostderr", "alsologtostderr", "colorlogtostderr"])
@pytest.mark.parametrize("dash", ["-", "--"])
@pytest.mark.parametrize(
    ("tail", "value"), [("", True), ("=true", True), ("=false", False), ("=1", True), ("=F", False)]
)
def test_boolean_flags_take_a_value_only_after_an_equals_sign(
    name: str, dash: str, tail: str, value: bool
) -> None:
    args = parse(f"{dash}{name}{tail}", "positional")
    assert args.rest == ["positional"]
    assert getattr(pyglog.init(args, environ={}, capture_logging=False), name) is value


def test_go_style_run_together() -> None:
    assert init("-v2").v == 2
    assert init("-master=zk://a,b/mesos", "-v=1", "x").v == 1


def test_command_line_wins_over_environment_over_code() -> None:
    environ = {"GLOG_v": "2", "GLOG_vmodule": "a=1", "GLOG_logtostderr": "1", "OTHER": "x"}
    made = init("-v=3", environ=environ, v=1, log_link="/links", vmodule="b=2")
    assert (made.v, made.logtostderr, made.log_link) == (3, True, "/links")
    assert str(made.vmodule[0]) == "a=1"
    assert init("-logtostderr=false", environ=environ).logtostderr is False


def test_negative_value_as_a_word_of_its_own() -> None:
    assert init("-logbuflevel", "-1").logbuflevel == init("--v", "-1").v == -1


def test_empty_variable_is_none() -> None:
    assert init(environ={"GLOG_v": "", "GLOG_log_dir": ""}).v == 0


def test_folders_stay_where_they_are() -> None:
    made = init("-log_dir=logs", "-log_link=../links")
    assert made.log_dir == os.path.abspath("logs") and made.log_link == os.path.abspath("../links")


def test_flags_not_given_change_nothing() -> None:
    pyglog.configure(v=2, log_link="/links")
    made = init()
    assert (made.v, made.log_link) == (2, "/links")


def test_prefix_keeps_clear_of_a_program_s_own_flags() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("-v", "--verbose", action="store_true")
    pyglog.add_flags(parser, prefix="glog_")
    args = parser.parse_args(["-v", "--glog_v=2", "-glog_logtostderr"])
    made = pyglog.init(args, environ={}, capture_logging=False)
    assert (args.verbose, made.v, made.logtostderr) == (True, 2, True)


@pytest.mark.parametrize(
    ("flag", "why"),
    [
        ("-v=x", "'x' is not an integer"),
        ("-v=1.5", "'1.5' is not an integer"),
        ("-vmodule=x", "'x' is not pattern=N"),
        ("-stderrthreshold=LOUD", "'LOUD' is not a severity"),
        ("-stderrthreshold=7", "'7' is not a severity"),
        ("-log_backtrace_at=driver:3", "'driver:3' is not file.py:N"),
        ("-log_backtrace_at=driver.py:-3", "is not file.py:N"),
        ("-log_backtrace_at=driver.py", "is not file.py:N"),
        ("-log_backtrace_at=a.py:1:2", "is not file.py:N"),
        ("-max_log_size=0", "'0' is not a size"),
        ("-max_log_size=big", "'big' is not a size"),
        ("-logbufsecs=0", "is not a positive number of seconds"),
        ("-logbufsecs=inf", "is not a positive number of seconds"),
        ("-logtostderr=maybe", "maybe"),
    ],
)
def test_bad_flag_is_refused_by_name(flag: str, why: str) -> None:
    with pytest.raises(argparse.ArgumentError) as caught:
        parse(flag)
    assert why in str(caught.value) and flag.partition("=")[0] in str(caught.value)


def test_bad_environment_and_code_are_refused_by_name() -> None:
    with pytest.raises(FlagError, match=r"^v: 'x' is not an integer .*GLOG_"):
        init(environ={"GLOG_v": "x"})
    with pytest.raises(FlagError, match="there is no setting 'verbosity': the settings are v, vmodule"):
        pyglog.configure(verbosity=1)
    for name, value in [
        ("v", 1.5),
        ("logtostderr", "perhaps"),
        ("log_dir", 3),
        ("log_dir", "a\0b"),
        ("program", "a/b"),
        ("stderrthreshold", None),
        ("log_backtrace_at", 5),
        ("max_log_size", True),
    ]:
        with pytest.raises(FlagError, match=f"^{name}: "):
            pyglog.configure(**{name: value})


def test_values_of_settings() -> None:
    assert pyglog.configure(max_log_size="512KB", colorlogtostderr="auto", stderrthreshold=Severity.FATAL)
    assert pyglog.settings().max_log_size == 512 << 10
    assert pyglog.settings().colorlogtostderr is None
    pyglog.configure(log_backtrace_at=["a.py:1", Location("b.py", 2)])
    assert [str(place) for place in pyglog.settings().log_backtrace_at] == ["a.py:1", "b.py:2"]
    assert not Location("a.py", 1).matches("/x/ba.py", 1)


def test_overridden_gives_back_even_after_an_error() -> None:
    pyglog.configure(v=1)
    with pytest.raises(KeyError), pyglog.overridden(v=3) as inside:
        assert inside.v == pyglog.settings().v == 3
        raise KeyError
    assert pyglog.settings().v == 1


def test_init_captures_logging_unless_told_not_to() -> None:
    root = logging.getLogger()
    before = root.handlers[:]
    pyglog.init(environ={}, capture_logging=False)
    assert root.handlers == before
    pyglog.init(environ={})
    pyglog.init(environ={})
    assert [type(handler) for handler in root.handlers[len(before) :]] == [pyglog.GlogHandler]
