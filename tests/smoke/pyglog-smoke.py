"""pyglog alone: a line in glog's format reaches stderr."""

import contextlib
import io

import pyglog

stderr = io.StringIO()
with contextlib.redirect_stderr(stderr):
    pyglog.configure(logtostderr=True)
    pyglog.info("hello %s", "wheel")
    pyglog.flush()
assert stderr.getvalue().startswith("I") and stderr.getvalue().endswith("hello wheel\n"), stderr.getvalue()
print("pyglog: works")
