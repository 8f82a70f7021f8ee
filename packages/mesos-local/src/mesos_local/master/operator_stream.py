"""Subscribers of the operator API: the state they begin with, and their heartbeats."""

from __future__ import annotations

import logging

from mesos_proto.v0 import master_pb2 as operator

from .._wire import StreamClose, StreamSend
from . import operator_views
from .http_events import HEARTBEAT_INTERVAL
from .state import Master

__all__ = ["heartbeat", "leave", "subscribe"]

log = logging.getLogger("mesos.local.master")

MAX_SUBSCRIBERS = 1000
_Event = operator.Event


def subscribe(master: Master, stream: str) -> None:
    """Begin with the whole state; beyond so many subscribers the oldest is let go."""
    while len(master.subscribers) >= MAX_SUBSCRIBERS:
        oldest = next(iter(master.subscribers))
        log.info("Closing the event stream %s: there are too many", oldest)
        leave(master, oldest)
        master.commands.append(StreamClose(oldest))
    subscribed = _Event.Subscribed(
        get_state=operator_views.state(master), heartbeat_interval_seconds=HEARTBEAT_INTERVAL
    )
    master.commands.append(StreamSend(stream, _Event(type=_Event.SUBSCRIBED, subscribed=subscribed)))
    master.subscribers[stream] = None
    heartbeat(master, stream)


def heartbeat(master: Master, stream: str) -> None:
    """Show that the master lives, now and in regular intervals."""
    if stream in master.subscribers:
        master.commands.append(StreamSend(stream, _Event(type=_Event.HEARTBEAT)))
        master.set_timer(("operator", stream), HEARTBEAT_INTERVAL)


def leave(master: Master, stream: str) -> None:
    """Forget one that no longer reads."""
    master.subscribers.pop(stream, None)
    master.cancel_timer(("operator", stream))
