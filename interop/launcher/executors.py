#!/usr/bin/env python3
"""Stand in for Mesos' command executor and default executor, on the agent's v1 HTTP API (JSON).

The agent starts this file under two names. As `mesos-executor` it runs the one command of one task as
its own child; as `mesos-default-executor` it runs the tasks of task groups as nested containers. Both
kill with SIGTERM, then SIGKILL after the grace period, and subscribe again to a restarted agent when
the framework checkpoints. No health checks, no images, no terminals. Standard library only: it runs
under the machine's own python3.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
TERMINAL = ("TASK_FINISHED", "TASK_FAILED", "TASK_KILLED")
UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "secs": 1,
    "mins": 60,
    "hrs": 3600,
    "days": 86400,
    "weeks": 604800,
}
KILL_GRACE = 3.0
RETRY = 0.25
LINGER = 0.5


def duration(text: str | None, otherwise: float) -> float:
    """Parse Mesos' duration text into seconds."""
    match = re.fullmatch(r"([0-9.]+)(ns|us|ms|secs|mins|hrs|days|weeks)", text or "")
    return float(match.group(1)) * UNITS[match.group(2)] if match else otherwise


def grace(policy: Json) -> float:
    """Return the grace period of a KillPolicy in seconds."""
    return float(policy.get("grace_period", {}).get("nanoseconds", KILL_GRACE * 1e9)) / 1e9


def how_it_ended(status: int, noun: str) -> str:
    """Describe a process status as `subprocess` gives it."""
    if status >= 0:
        return f"{noun} exited with status {status}"
    return f"{noun} terminated with signal {signal.strsignal(-status)}"


def log(*words: object) -> None:
    """Write a line to the sandbox's stderr."""
    print("executor:", *words, file=sys.stderr, flush=True)


class Agent:
    """The agent's HTTP API, one connection a call."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.endpoint = environ["MESOS_AGENT_ENDPOINT"]
        self.headers = {"Content-Type": "application/json", "Accept": "application/json"}
        token = environ.get("MESOS_EXECUTOR_AUTHENTICATION_TOKEN")
        if token:
            self.headers["Authorization"] = "Bearer " + token

    def post(self, path: str, call: Json, timeout: float | None = 30) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.endpoint, timeout=timeout)
        try:
            connection.request("POST", path, json.dumps(call), self.headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def events(self, subscribe: Json) -> Iterator[Json]:
        """Subscribe, and yield the events of that one connection."""
        connection = http.client.HTTPConnection(self.endpoint)
        try:
            connection.request("POST", "/api/v1/executor", json.dumps(subscribe), self.headers)
            response = connection.getresponse()
            if response.status != 200:
                raise OSError(f"subscribe: {response.status} {response.read()!r}")
            while True:
                length = b""
                while not length.endswith(b"\n"):
                    byte = response.read(1)
                    if not byte:
                        return
                    length += byte
                record = response.read(int(length))
                if len(record) < int(length):
                    return
                yield json.loads(record)
        finally:
            connection.close()


class Executor:
    """What both kinds share: subscribing, reconnecting, status updates until acknowledged."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.agent = Agent(environ)
        self.ids: Json = {
            "framework_id": {"value": environ["MESOS_FRAMEWORK_ID"]},
            "executor_id": {"value": environ["MESOS_EXECUTOR_ID"]},
        }
        checkpoint = environ.get("MESOS_CHECKPOINT") == "1"
        self.recovery = duration(environ.get("MESOS_RECOVERY_TIMEOUT"), 900) if checkpoint else 0.0
        self.shutdown_grace = duration(environ.get("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD"), 5)
        self.updates: dict[str, Json] = {}  # by uuid, not yet acknowledged
        self.capabilities: set[str] = set()
        self.lock = threading.RLock()
        self.outbox: queue.Queue[Json] = queue.Queue()

    def unacknowledged_tasks(self) -> list[Json]:
        raise NotImplementedError

    def handle(self, event: Json) -> None:
        raise NotImplementedError

    def give_up(self) -> None:
        """Kill what runs; the agent did not come back."""

    def run(self) -> None:
        threading.Thread(target=self.send_updates, daemon=True).start()
        lost_at = time.monotonic()
        while True:
            with self.lock:
                subscribe = {
                    "unacknowledged_updates": list(self.updates.values()),
                    "unacknowledged_tasks": self.unacknowledged_tasks(),
                }
            try:
                for event in self.agent.events(dict(self.ids, type="SUBSCRIBE", subscribe=subscribe)):
                    if event["type"] == "SUBSCRIBED":
                        framework = event["subscribed"]["framework_info"]
                        self.capabilities = {each["type"] for each in framework.get("capabilities", [])}
                    self.handle(event)
                    lost_at = time.monotonic()
            except (OSError, http.client.HTTPException) as error:
                log("agent connection:", error)
            if time.monotonic() - lost_at > self.recovery:
                log("the agent is gone, exiting")
                self.give_up()
                os._exit(1)
            time.sleep(RETRY)

    def update(self, state: str, task_id: Json, **fields: object) -> None:
        status = {
            "task_id": task_id,
            "state": state,
            "source": "SOURCE_EXECUTOR",
            "timestamp": time.time(),
            "executor_id": self.ids["executor_id"],
            "uuid": base64.b64encode(uuid.uuid4().bytes).decode(),
            **{name: value for name, value in fields.items() if value},
        }
        with self.lock:
            self.updates[status["uuid"]] = {"status": status}
        self.outbox.put({"type": "UPDATE", "update": {"status": status}})

    def send_updates(self) -> None:
        # What cannot be sent now goes with the next SUBSCRIBE.
        while True:
            call = dict(self.ids, **self.outbox.get())
            try:
                status, body = self.agent.post("/api/v1/executor", call)
                if status != 202:
                    log("update refused:", status, body)
            except (OSError, http.client.HTTPException) as error:
                log("update not sent:", error)


class CommandExecutor(Executor):
    """One task, whose command is this process's child."""

    def __init__(self, environ: dict[str, str]) -> None:
        super().__init__(environ)
        self.task: Json | None = None
        self.task_acknowledged = False
        self.process: subprocess.Popen[bytes] | None = None
        self.killing = False
        self.expired = False
        self.closing = False
        self.kill_timer: threading.Timer | None = None

    def unacknowledged_tasks(self) -> list[Json]:
        return [self.task] if self.task and not self.task_acknowledged else []

    def handle(self, event: Json) -> None:
        kind = event["type"]
        if kind == "LAUNCH":
            self.launch(event["launch"]["task"])
        elif kind == "KILL":
            task_policy = self.task.get("kill_policy", {}) if self.task else {}
            self.kill(grace(event["kill"].get("kill_policy") or task_policy))
        elif kind == "SHUTDOWN":
            if self.process is None:
                os._exit(0)
            self.closing = True
            self.kill(max(0.0, self.shutdown_grace - 2))
        elif kind == "ACKNOWLEDGED":
            with self.lock:
                update = self.updates.pop(event["acknowledged"]["uuid"], None)
                self.task_acknowledged = True
            if update and update["status"]["state"] in TERMINAL:
                os._exit(0)

    def launch(self, task: Json) -> None:
        if self.task is not None:
            self.update("TASK_FAILED", task["task_id"], message="Attempted to run multiple tasks")
            return
        self.task = task
        self.update("TASK_STARTING", task["task_id"])
        command = task["command"]
        environment = dict(os.environ)
        for variable in command.get("environment", {}).get("variables", []):
            environment[variable["name"]] = variable.get("value", "")
        role = next(
            (each["allocation_info"]["role"] for each in task["resources"] if "allocation_info" in each), ""
        )
        if role:
            environment["MESOS_ALLOCATION_ROLE"] = role
        if command.get("shell", True):
            argv, program = ["sh", "-c", command["value"]], "/bin/sh"
        else:
            argv, program = command.get("arguments") or [command["value"]], command["value"]
        try:
            self.process = subprocess.Popen(argv, executable=program, env=environment, start_new_session=True)
        except OSError as error:
            self.update("TASK_FAILED", task["task_id"], message=str(error))
            return
        self.update("TASK_RUNNING", task["task_id"])
        threading.Thread(target=self.reap, args=[self.process, task["task_id"]], daemon=True).start()
        limit = task.get("max_completion_time", {}).get("nanoseconds")
        if limit:
            self.after(limit / 1e9, self.expire)

    def after(self, seconds: float, function: Any) -> threading.Timer:
        timer = threading.Timer(seconds, function)
        timer.daemon = True
        timer.start()
        return timer

    def expire(self) -> None:
        self.expired = True
        self.signal(signal.SIGKILL)

    def reap(self, process: subprocess.Popen[bytes], task_id: Json) -> None:
        status = process.wait()
        state = (
            "TASK_KILLED" if self.killing else "TASK_FAILED" if status or self.expired else "TASK_FINISHED"
        )
        reason = "REASON_MAX_COMPLETION_TIME_REACHED" if self.expired else None
        self.update(state, task_id, message=how_it_ended(status, "Command"), reason=reason)
        if self.closing:  # nobody acknowledges updates of a framework that is shut down
            self.after(LINGER, lambda: os._exit(0))

    def kill(self, after: float) -> None:
        if self.process is None or self.process.poll() is not None or self.task is None:
            return
        if not self.killing:
            self.killing = True
            if "TASK_KILLING_STATE" in self.capabilities:
                self.update("TASK_KILLING", self.task["task_id"])
            self.signal(signal.SIGTERM)
        if self.kill_timer:
            self.kill_timer.cancel()
        self.kill_timer = self.after(after, self.give_up)

    def give_up(self) -> None:
        self.signal(signal.SIGKILL)

    def signal(self, number: int) -> None:
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            log("the task is gone already")


class GroupExecutor(Executor):
    """Tasks of task groups, as nested containers of this executor's own container."""

    def __init__(self, environ: dict[str, str]) -> None:
        super().__init__(environ)
        self.container: Json = {}  # its own, told on subscribing
        self.tasks: dict[str, Json] = {}
        self.closing = False

    def unacknowledged_tasks(self) -> list[Json]:
        return [entry["info"] for entry in self.tasks.values() if not entry["acknowledged"]]

    def handle(self, event: Json) -> None:
        kind = event["type"]
        if kind == "SUBSCRIBED":
            self.container = event["subscribed"]["container_id"]
        elif kind == "LAUNCH_GROUP":
            self.launch_group(event["launch_group"]["task_group"]["tasks"])
        elif kind == "KILL":
            entry = self.tasks.get(event["kill"]["task_id"]["value"])
            if entry:
                self.kill(
                    entry, grace(event["kill"].get("kill_policy") or entry["info"].get("kill_policy", {}))
                )
        elif kind == "SHUTDOWN":
            self.closing = True
            for entry in list(self.tasks.values()):
                self.kill(entry, max(0.0, self.shutdown_grace - 2))
            self.maybe_exit()
        elif kind == "ACKNOWLEDGED":
            with self.lock:
                self.updates.pop(event["acknowledged"]["uuid"], None)
                entry = self.tasks.get(event["acknowledged"]["task_id"]["value"])
                if entry:
                    entry["acknowledged"] = True
            self.maybe_exit()

    def launch_group(self, tasks: list[Json]) -> None:
        group = object()
        for info in tasks:
            container = {"value": str(uuid.uuid4()), "parent": self.container}
            entry = {"info": info, "container": container, "group": group}
            entry.update(killing=False, acknowledged=False, done=False)
            with self.lock:
                self.tasks[info["task_id"]["value"]] = entry
            self.tell(entry, "TASK_STARTING")
            threading.Thread(target=self.run_task, args=[entry], daemon=True).start()

    def maybe_exit(self) -> None:
        with self.lock:
            idle = not self.updates and all(entry["done"] for entry in self.tasks.values())
            if idle and (self.tasks or self.closing):
                os._exit(0)

    def run_task(self, entry: Json) -> None:
        info, container = entry["info"], entry["container"]
        command = json.loads(json.dumps(info.get("command", {})))
        variables = command.setdefault("environment", {}).setdefault("variables", [])
        variables.append({"name": "MESOS_TASK_ID", "value": info["task_id"]["value"]})
        launch: Json = {"container_id": container, "command": command}
        if "container" in info:
            launch["container"] = info["container"]
        status, body = self.agent.post(
            "/api/v1", {"type": "LAUNCH_NESTED_CONTAINER", "launch_nested_container": launch}
        )
        if status != 200:
            self.finish(entry, "TASK_FAILED", body.decode(errors="replace"))
            return
        self.tell(entry, "TASK_RUNNING")
        wait = {"type": "WAIT_NESTED_CONTAINER", "wait_nested_container": {"container_id": container}}
        while True:
            try:
                status, body = self.agent.post("/api/v1", wait, timeout=None)
                break
            except (OSError, http.client.HTTPException):
                time.sleep(RETRY)  # the agent restarts
        code = json.loads(body)["wait_nested_container"].get("exit_status") if status == 200 else None
        ended = "Command ended" if code is None else how_it_ended(os.waitstatus_to_exitcode(code), "Command")
        if entry["killing"]:
            self.finish(entry, "TASK_KILLED", ended)
        else:
            self.finish(entry, "TASK_FAILED" if code != 0 else "TASK_FINISHED", ended)

    def tell(self, entry: Json, state: str, **fields: object) -> None:
        container = {"container_id": entry["container"]}
        self.update(state, entry["info"]["task_id"], container_status=container, **fields)

    def finish(self, entry: Json, state: str, message: str) -> None:
        entry["done"] = True
        self.tell(entry, state, message=message)
        if state != "TASK_FINISHED" and not self.closing:
            for other in list(self.tasks.values()):  # the rest of the group ends with it
                if other["group"] is entry["group"]:
                    self.kill(other, KILL_GRACE)

    def kill(self, entry: Json, after: float) -> None:
        if entry["done"] or entry["killing"]:
            return
        entry["killing"] = True
        if "TASK_KILLING_STATE" in self.capabilities:
            self.tell(entry, "TASK_KILLING")

        def send(number: int) -> None:
            if entry["done"]:
                return
            kill = {"container_id": entry["container"], "signal": number}
            try:
                self.agent.post("/api/v1", {"type": "KILL_NESTED_CONTAINER", "kill_nested_container": kill})
            except (OSError, http.client.HTTPException) as error:
                log("kill not sent:", error)

        for delay, number in ((0.0, signal.SIGTERM), (after, signal.SIGKILL)):
            timer = threading.Timer(delay, send, [int(number)])
            timer.daemon = True
            timer.start()


if __name__ == "__main__":
    kinds = {"mesos-executor": CommandExecutor, "mesos-default-executor": GroupExecutor}
    kinds[os.path.basename(sys.argv[0])](dict(os.environ)).run()
