"""Run the tests against a real Mesos: `hatch run interop`, or `python interop/run.py`.

With `--ci` only the subset that every change must pass, in at most four minutes; all other arguments
go to pytest (`-k`, `-x`, `--release 1.10.0`, `--executor PATH` …).
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent / "tests"


def main(arguments: list[str]) -> int:
    """Return pytest's exit code."""
    chosen = list(arguments)
    if "--ci" in chosen:
        chosen.remove("--ci")
        chosen += ["-m", "ci"]
    return int(pytest.main([str(TESTS), "--durations=5", *chosen]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
