"""glog-style leveled logging for Python: severities, `V(n)`, `-vmodule`, a file per severity.

import pyglog

pyglog.init()                       # flags, environment; logging's records come along
pyglog.info("registered with %s", master)
if pyglog.V(2):
    pyglog.info("offers: %s", offers)
"""

from ._calls import error, exception, log, warning
from ._core import info
from ._fatal import exit, fatal
from .bridge import GlogHandler, install, uninstall
from .control import (
    OutputStats,
    Stats,
    add_sink,
    configure,
    flush,
    names,
    overridden,
    remove_sink,
    restore,
    settings,
    stats,
)
from .errors import FlagError, GlogError, NoLogError
from .flags import add_flags, init
from .record import Record, Stack, format_line
from .settings import Location, ModuleLevel, Settings
from .severity import Severity
from .sinks import JsonSink, LoggingSink, Sink, StructuredSink, StructuredTextWrapper, TextSink
from .verbosity import V, Verbose, v_depth

INFO = Severity.INFO
WARNING = Severity.WARNING
ERROR = Severity.ERROR
FATAL = Severity.FATAL

__all__ = [
    "ERROR",
    "FATAL",
    "INFO",
    "WARNING",
    "FlagError",
    "GlogError",
    "GlogHandler",
    "JsonSink",
    "Location",
    "LoggingSink",
    "ModuleLevel",
    "NoLogError",
    "OutputStats",
    "Record",
    "Settings",
    "Severity",
    "Sink",
    "Stack",
    "Stats",
    "StructuredSink",
    "StructuredTextWrapper",
    "TextSink",
    "V",
    "Verbose",
    "add_flags",
    "add_sink",
    "configure",
    "error",
    "exception",
    "exit",
    "fatal",
    "flush",
    "format_line",
    "info",
    "init",
    "install",
    "log",
    "names",
    "overridden",
    "remove_sink",
    "restore",
    "settings",
    "stats",
    "uninstall",
    "v_depth",
    "warning",
]
