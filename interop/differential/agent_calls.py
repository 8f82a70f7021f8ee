"""The operator API of an agent: what runs there, what is in its sandboxes, what it refuses."""

from __future__ import annotations

import base64
import json
import time

from differential.client import WAIT, Site
from differential.operator_calls import JSON, ask, mine, note, running, send, sleeping, tidy
from differential.tasks import task


def agent_tasks(site: Site) -> None:
    with running(site, sleeping()) as (client, agent):
        state = ask(agent, "GET_STATE")
        for name, found in sorted(state["get_tasks"].items()):
            site.note(
                name,
                json.dumps(
                    [
                        {
                            key: value
                            for key, value in tidy(each).items()
                            if not key.startswith("status_update")
                        }
                        for each in mine(found, client, "framework_id")
                    ]
                ),
            )
        note(site, mine(state["get_frameworks"]["frameworks"], client, "framework_info", "id"))
        site.note(sorted(state["get_executors"]))


def agent_containers(site: Site) -> None:
    with running(site, sleeping()) as (client, agent):
        (own,) = mine(ask(agent, "GET_CONTAINERS", get_containers={})["containers"], client, "framework_id")
        statistics = own.pop("resource_statistics")
        note(site, own)
        site.note(
            [statistics[name] for name in ("cpus_soft_limit", "mem_limit_bytes", "mem_soft_limit_bytes")]
        )
        site.note(sorted(statistics))


def agent_small_answers(site: Site) -> None:
    with running(site, sleeping()) as (_, agent):
        for kind in (
            "GET_HEALTH",
            "GET_AGENT",
            "GET_RESOURCE_PROVIDERS",
            "GET_OPERATIONS",
            "GET_LOGGING_LEVEL",
        ):
            note(site, json.loads(send(agent, {"type": kind})[1]))


def agent_files(site: Site) -> None:
    with running(site, task("t", command="echo told; exec sleep 1000")) as (client, agent):
        base = f"/frameworks/{client.framework_id}/executors/t/runs/latest"
        files = ask(agent, "LIST_FILES", list_files={"path": base})["file_infos"]
        note(site, [{key: each[key] for key in ("mode", "nlink", "path")} for each in files])
        deadline = time.monotonic() + WAIT
        while (read := _read(agent, f"{base}/stdout", 0)) and b"told\n" not in read[1]:
            assert time.monotonic() < deadline
        size, data = read
        site.note(size == len(data), _read(agent, f"{base}/stdout", data.index(b"told"), 4)[1])
        site.note(_read(agent, f"{base}/stdout", size + 10)[1])
        for path in (base, f"{base}/nothing"):
            status, text = send(agent, {"type": "READ_FILE", "read_file": {"path": path, "offset": 0}})
            site.note(status, text.decode() if status == 400 else "")


def _read(agent: str, path: str, offset: int, length: int = 1000) -> tuple[int, bytes]:
    found = ask(agent, "READ_FILE", read_file={"path": path, "offset": offset, "length": length})
    return found["size"], base64.b64decode(found["data"])


def agent_refusals(site: Site) -> None:
    with running(site, sleeping()) as (_, agent):
        recordio = {"Content-Type": "application/recordio"}
        for body, headers, method in (
            (b"", JSON, "GET"),
            (b"{}", {}, "POST"),
            (b"{}", {"Content-Type": "text/plain"}, "POST"),
            (b"{}", JSON, "POST"),
            (b'{"type": "READ_FILE"}', JSON, "POST"),
            (b'{"type": "GET_METRICS"}', JSON, "POST"),
            (b'{"type": "GET_HEALTH"}', {**JSON, "Accept": "text/plain"}, "POST"),
            (b'{"type": "GET_HEALTH"}', {**JSON, "Accept": "application/recordio"}, "POST"),
            (b'{"type": "GET_HEALTH"}', {**JSON, "Message-Accept": "application/json"}, "POST"),
            (b'{"type": "GET_HEALTH"}', {**JSON, "Message-Content-Type": "application/json"}, "POST"),
            (b"", recordio, "POST"),
            (b"", {**recordio, "Message-Content-Type": "text/plain"}, "POST"),
        ):
            status, text = send(agent, body, headers, method)
            site.note(status, text.decode())


SCRIPTS = (agent_tasks, agent_containers, agent_small_answers, agent_files, agent_refusals)
