"""What the examples say about flags that cannot be obeyed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


@pytest.mark.parametrize("program", ["scheduler.py", "persistent_scheduler.py"])
@pytest.mark.parametrize(
    ("secret", "why"),
    [("/no/such/file", "No such file or directory"), (sys.executable, "not UTF-8 text")],
    ids=["missing", "binary"],
)
def test_a_secret_file_that_cannot_be_read_is_named_with_its_flag(
    program: str, secret: str, why: str
) -> None:
    flags = ["-mesos_authentication_principal=me", f"-mesos_authentication_secret_file={secret}"]
    command = [sys.executable, str(EXAMPLES / program), f"-executor={__file__}", "-artifactPort=0", *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: -mesos_authentication_secret_file: {secret} ") and why in line
