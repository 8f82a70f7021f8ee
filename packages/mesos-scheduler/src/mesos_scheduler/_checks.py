"""What a program's call must hold on either transport before anything is done about it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from google.protobuf.message import Message

from . import commands
from .errors import DriverMisuse


def check_complete(event: Any) -> None:
    """Raise `DriverMisuse` when a message in a call, of either transport's, lacks required fields.

    Of the statuses to reconcile only the ids count.
    """
    if isinstance(event, commands.ReconcileTasks):
        if not all(status.task_id.value for status in event.statuses):
            raise DriverMisuse("reconcile_tasks needs the task id of each status")
        return
    for field in fields(event):
        value = getattr(event, field.name)
        for message in value if isinstance(value, list | tuple) else (value,):
            if isinstance(message, Message) and not message.IsInitialized():
                missing = ", ".join(message.FindInitializationErrors())  # type: ignore[attr-defined]
                raise DriverMisuse(f"{message.DESCRIPTOR.name} lacks required fields: {missing}")
