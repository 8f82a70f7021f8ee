"""Lines in glog's format, read back by a parser of the documented grammar."""

from __future__ import annotations

import pyglog
from pyglog.record import format_header


def test_header_as_documented() -> None:
    import time

    when = time.mktime((2006, 1, 2, 15, 4, 5, 0, 0, -1)) + 0.067891
    header = format_header(pyglog.INFO, when, 1234, "/a/b/glog_test.py", 7)
    assert header == "I0102 15:04:05.067891    1234 glog_test.py:7] "
