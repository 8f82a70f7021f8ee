"""Which processes live on an endpoint, what they handle, and the delivery of messages to them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from mesos_proto.utf8 import TextCheck, text_check

from ._heads import MessageHead
from .metrics import Drop, PeerMetrics

if TYPE_CHECKING:
    from .messenger import Messenger

__all__ = ["Handling", "Registry", "has_required_fields"]

logger = logging.getLogger("mesos.messenger")


class Handling:
    """A process's handler of one type of message; `live` until the process ends."""

    __slots__ = ("_check", "handler", "kind", "live", "messenger", "parse", "required")

    def __init__(self, messenger: Messenger, kind: type[Message], handler: Callable[..., object]) -> None:
        self.messenger = messenger
        self.handler = handler
        self.kind = kind
        self._check: TextCheck | None = None
        self.parse: Callable[[bytes], Message] = kind.FromString
        self.required = has_required_fields(cast(Descriptor, kind.DESCRIPTOR))
        self.live = True

    def passes(self, body: bytes) -> bool:
        """Tell whether every string in a body that can be parsed is UTF-8."""
        check = self._check
        if check is None:
            check = self._check = text_check(self.kind)
        return check.passes(body)

    def mend(self, body: bytes) -> Message | None:
        """Parse a body with broken text, which is replaced; None when that cannot be done."""
        mended = text_check(self.kind).mend(body)
        if mended is None:
            return None
        try:
            return self.parse(mended)
        except Exception:
            return None  # More is wrong with it than its text.


def has_required_fields(descriptor: Descriptor) -> bool:
    """Tell whether a message of this type can lack a required field, at any depth."""
    seen: set[str] = set()
    waiting = [descriptor]
    while waiting:
        kind = waiting.pop()
        if kind.full_name in seen:
            continue
        seen.add(kind.full_name)
        for field in kind.fields:
            if _is_required(field):
                return True
            if field.message_type is not None:
                waiting.append(field.message_type)
    return False


def _is_required(field: Any) -> bool:
    # `label` is gone from newer releases of protobuf, `is_required` is missing from older ones.
    flag = getattr(field, "is_required", None)
    if flag is None:
        return bool(field.label == FieldDescriptor.LABEL_REQUIRED)
    return bool(flag)


class Registry:
    """The processes of one endpoint. Written and read by the loop's thread alone once it runs."""

    def __init__(self) -> None:
        self.processes: dict[str, Messenger] = {}
        self.handlings: dict[tuple[str, str], Handling] = {}

    def deliver(self, head: MessageHead, bodies: list[bytes], metrics: PeerMetrics) -> bool:
        """Call the handler of these messages; False when no such process is here."""
        handling = self.handlings.get(head.key)
        count = len(bodies)
        if handling is None:
            return self._unhandled(head, bodies, metrics)
        metrics.messages_in += count
        rest = iter(bodies)
        body = b""
        handler, parse, sender = handling.handler, handling.parse, head.sender
        while True:
            try:
                if handling.required:
                    for body in rest:
                        message = parse(body)
                        if not (body.isascii() or handling.passes(body)):
                            self._broken_text(handling, head, body, metrics)
                        elif not message.IsInitialized():
                            self._bad(head, metrics, "it lacks a required field")
                        elif handling.live:
                            handler(sender, message)
                else:
                    for body in rest:
                        message = parse(body)
                        if not (body.isascii() or handling.passes(body)):
                            self._broken_text(handling, head, body, metrics)
                        elif handling.live:
                            handler(sender, message)
                return True
            except Exception:
                fault = self._fault(parse, body)
                if fault is None:
                    logger.exception("the handler of %s in %s failed", head.name, head.to)
                    handling.messenger.handler_failures += 1
                elif isinstance(fault, UnicodeDecodeError):
                    self._broken_text(handling, head, body, metrics)
                else:
                    self._bad(head, metrics, "it cannot be parsed")

    @staticmethod
    def _fault(parse: Callable[[bytes], Message], body: bytes) -> Exception | None:
        try:
            parse(body)
        except Exception as error:
            return error
        return None

    def _broken_text(self, handling: Handling, head: MessageHead, body: bytes, metrics: PeerMetrics) -> None:
        """Deliver a message in which a string is not UTF-8, with what is broken replaced."""
        message = handling.mend(body)
        if message is None:
            self._bad(head, metrics, "text in it is not UTF-8 and cannot be mended")
        elif not message.IsInitialized():
            self._bad(head, metrics, "it lacks a required field")
        elif handling.live:
            messenger = handling.messenger
            messenger.mended += 1
            if messenger.mended in _LOGGED_COUNTS:
                logger.warning(
                    "text in %s from %s to %s is not UTF-8; replaced what is broken (%d messages so far)",
                    head.name,
                    head.sender,
                    head.to,
                    messenger.mended,
                )
            messenger.run_guarded(handling.handler, head.sender, message)

    @staticmethod
    def _bad(head: MessageHead, metrics: PeerMetrics, why: str) -> None:
        metrics.drop(Drop.BAD_MESSAGE)
        if metrics.drops[Drop.BAD_MESSAGE] in _LOGGED_COUNTS:
            logger.warning("dropped %s from %s to %s: %s", head.name, head.sender, head.to, why)

    def _unhandled(self, head: MessageHead, bodies: list[bytes], metrics: PeerMetrics) -> bool:
        messenger = self.processes.get(head.to)
        if messenger is None:
            metrics.drop(Drop.NO_PROCESS, len(bodies))
            return False
        metrics.messages_in += len(bodies)
        metrics.drop(Drop.NO_HANDLER, len(bodies))
        hook = messenger.unhandled
        if hook is not None:
            for body in bodies:
                messenger.run_guarded(hook, head.sender, head.name, body)
        return True


_LOGGED_COUNTS = frozenset(10**power for power in range(10))
