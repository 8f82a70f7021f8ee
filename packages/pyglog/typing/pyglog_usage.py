"""What type checkers must accept, and make of pyglog's names."""

from __future__ import annotations

import argparse
import logging
import sys

import pyglog
import pyglog.go as glog
from pyglog import V


class MySink:
    """A structured sink, by its shape."""

    def handle(self, record: pyglog.Record) -> None:
        """Take a record."""
        print(record.severity.name, record.message, file=sys.stderr)


class MyTextSink:
    """A text sink, by its shape."""

    def enabled(self, record: pyglog.Record) -> bool:
        """Want errors."""
        return record.severity >= pyglog.ERROR

    def emit(self, record: pyglog.Record, line: str) -> None:
        """Take a line."""
        sys.stderr.write(line)


def use(parser: argparse.ArgumentParser) -> None:
    """Use every face of the package."""
    pyglog.add_flags(parser, prefix="log_")
    settings: pyglog.Settings = pyglog.init(parser.parse_args(), v=1)
    if V(2):
        pyglog.info("level %d", settings.v, depth=1, context={"a": 1})
    V(2).info("chained %s", object())
    level: pyglog.Verbose = pyglog.v_depth(1, depth=1)
    if level:
        pyglog.exception("failed")
    before = pyglog.configure(vmodule={"driver*": 3})
    with pyglog.overridden(logtostderr=True):
        pyglog.log(pyglog.WARNING, "text")
    pyglog.restore(before)
    for remove in [pyglog.add_sink(MySink()), pyglog.add_sink(MyTextSink())]:
        remove()
    pyglog.add_sink(pyglog.JsonSink(sys.stdout))
    pyglog.add_sink(pyglog.LoggingSink(logging.getLogger("x")))
    handler: logging.Handler = pyglog.install()
    names: list[str] = pyglog.names("INFO") + glog.Names("INFO")
    lines: int = pyglog.stats.info.lines + glog.Stats.Info.Lines()
    glog.V(1).Infof("%v %v %v", names, lines, handler)
    glog.InfoContextDepthf(None, 1, "%v", 1)


def never(text: str) -> int:
    """Return nothing: the checker knows that `fatal` and `exit` do not come back."""
    if text:
        pyglog.fatal("%s", text)
    pyglog.exit("end")
