"""The agent's fetcher: what is fetched to be run, can be run."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from mesos_local.agent.fetcher import fetch
from mesos_proto.v0 import mesos_pb2 as mesos


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels run a file that is open for writing")
def test_program_is_not_ready_while_somebody_has_it_open_for_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho ran\n")
    sandbox = tmp_path / "sandbox"
    sandbox.mkdir()
    target = sandbox / "program"
    writer = target.open("wb")  # as a child has it between fork and exec
    asked = threading.Event()
    monkeypatch.setattr("mesos_local.agent.fetcher.time.sleep", lambda seconds: asked.set())
    fetching = threading.Thread(
        target=fetch,
        args=([mesos.CommandInfo.URI(value=str(program), executable=True)], str(sandbox), lambda line: None),
    )
    fetching.start()
    assert asked.wait(30)
    assert fetching.is_alive()
    writer.close()
    fetching.join(30)
    assert not fetching.is_alive()
    assert subprocess.run([target], stdout=subprocess.PIPE, check=True, timeout=30).stdout == b"ran\n"
