"""What the page about the extras shows, runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from mesos_local import LocalCluster
from mesos_scheduler import extras
from mesos_scheduler.extras import offers

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "extras.md").read_text(encoding="utf-8")


def test_the_examples_run_one_after_the_other(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    program = tmp_path / "extras.py"
    with LocalCluster() as cluster:
        text = "\n".join(blocks).replace("127.0.0.1:5050", cluster.master_address)
        program.write_text(text, encoding="utf-8")
        environment = {**os.environ, "LIBPROCESS_IP": "127.0.0.1"}
        done = subprocess.run(
            [sys.executable, "-W", "error", program],
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
            env=environment,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("metrics are at http://127.0.0.1:") and lines[0].endswith("/metrics")
    assert sum(line.startswith("framework ") for line in lines) == 1
    assert sum(line.startswith("update ") for line in lines) == 9
    assert lines[-1] == "connected"


def test_every_module_and_filter_is_on_the_page():
    for module in [*extras.__all__, "metrics"]:
        assert f"| `{module}` |" in PAGE
    filters = [
        name
        for name, value in vars(offers).items()
        if not name.startswith("_")
        and callable(value)
        and getattr(value, "__annotations__", {}).get("return") == "OfferFilter"
    ]
    assert len(filters) == 13
    assert [name for name in filters if f"`{name}(" not in PAGE] == []
