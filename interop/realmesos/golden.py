"""Golden bytes: requests of a real Mesos as test data, one JSON object a line."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "golden"

# Ids of processes are a word, and a counter or a UUID that says nothing.
_COUNTER = re.compile(r"(\(\d+\)|-[0-9a-f]{8}-[0-9a-f-]{27})$")


@dataclass(frozen=True, slots=True)
class Sample:
    """One request, with who sent it to whom and what it is an example of."""

    sender: str  # "master", "slave", "scheduler", "executor", "slave-observer" …
    recipient: str
    name: str
    detail: str  # the type of a Call, the state of an update …
    data: bytes

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it different from other samples."""
        return (self.sender, self.recipient, self.name, self.detail)


def role(process: str) -> str:
    """Return the kind of a process from its id, `slave` for `slave(1)`."""
    return _COUNTER.sub("", process)


def path(version: str) -> Path:
    """Return the file of a release."""
    return FOLDER / f"{version}.jsonl"


def save(version: str, samples: Iterable[Sample]) -> None:
    """Write the file of a release."""
    lines = []
    for sample in sorted(samples, key=lambda each: each.key):
        entry = {
            "from": sample.sender,
            "to": sample.recipient,
            "name": sample.name,
            "detail": sample.detail,
            "data": base64.b64encode(sample.data).decode(),
        }
        lines.append(json.dumps(entry) + "\n")
    path(version).write_text("".join(lines), encoding="utf-8")


def load(version: str) -> list[Sample]:
    """Read the file of a release."""
    entries = map(json.loads, path(version).read_text(encoding="utf-8").splitlines())
    return [
        Sample(each["from"], each["to"], each["name"], each["detail"], base64.b64decode(each["data"]))
        for each in entries
    ]
