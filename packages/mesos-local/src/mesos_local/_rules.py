"""Which messages, links and requests a test wants to go wrong: rules, without sockets, threads or clocks.

One plan is shared by all parts of a cluster. A message between two of them is looked at once, where it is
sent; one from outside where it arrives.
"""

from __future__ import annotations

import enum
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from google.protobuf.message import Message
from mesos_proto import evolve

__all__ = ["CLEAR", "AnswerRule", "Fate", "FaultPlan", "LinkRule", "LinkState", "MessageRule", "Rule"]

log = logging.getLogger("mesos.local.faults")

Address: TypeAlias = tuple[str, int]


class Fate(enum.Enum):
    """What becomes of a message."""

    DROPPED = "dropped"
    CUT = "cut"
    """Half of it is written to a stream, which then breaks."""


@dataclass(slots=True, eq=False)
class Rule:
    """Something that goes wrong; counts how often it did."""

    hits: int = field(default=0, init=False)
    changed: threading.Condition = field(default_factory=threading.Condition, init=False, repr=False)

    def hit(self) -> None:
        """Note that it happened once more."""
        with self.changed:
            self.hits += 1
            self.changed.notify_all()


@dataclass(slots=True, eq=False)
class MessageRule(Rule):
    """From the `nth` message on that fits, `times` are not delivered (None: all)."""

    kind: type[Message] | None
    source: str | None
    target: str | None
    when: Callable[[Message], bool] | None
    nth: int
    times: int | None
    fate: Fate
    seen: int = field(default=0, init=False)

    def fits(self, source: str, target: str, message: Message) -> bool:
        """Tell whether the rule is about this message. A process is named whole, or by its beginning."""
        if self.kind is not None and _name(self.kind) != _name(type(message)):
            return False
        if not (source.startswith(self.source or "") and target.startswith(self.target or "")):
            return False
        if self.when is None:
            return True
        wants_v1 = self.kind is not None and ".v1." in str(self.kind.DESCRIPTOR.full_name)
        try:
            return bool(self.when(evolve(message) if wants_v1 else message))
        except Exception:
            log.exception("The condition of a fault failed on a %s", _name(type(message)))
            return False

    def take(self) -> bool:
        """Count a message that fits; tell whether its time has come."""
        with self.changed:
            self.seen += 1
            if self.seen < self.nth or (self.times is not None and self.hits >= self.times):
                return False
            self.hits += 1
            self.changed.notify_all()
            return True


def _name(kind: type[Message]) -> str:
    """Give the name that a message of v0 and its counterpart of v1 share."""
    return str(kind.DESCRIPTOR.full_name).replace("mesos.v1.", "mesos.")


@dataclass(frozen=True, slots=True)
class LinkState:
    """How a link is from one process to another."""

    refused: bool = False
    silent: bool = False
    delay: float = 0.0


CLEAR = LinkState()


@dataclass(slots=True, eq=False)
class LinkRule(Rule):
    """What is wrong with the links from one address to another; None stands for every address."""

    source: Address | None
    target: Address | None
    state: LinkState

    def fits(self, source: Address, target: Address) -> bool:
        """Tell whether the rule is about this link."""
        return self.source in (None, source) and self.target in (None, target)


@dataclass(slots=True, eq=False)
class AnswerRule(Rule):
    """Requests for `path`, and what is below it, are answered with a status (None: not at all)."""

    status: int | None
    path: str
    part: str | None
    location: str | None
    times: int | None

    def fits(self, part: str, path: str) -> bool:
        """Tell whether the rule is about a request to this part."""
        if self.part not in (None, part):
            return False
        process = "/" + part.partition("@")[0]
        path = path.removeprefix(process) if path.startswith(process + "/") else path
        return self.path == "/" or path == self.path or path.startswith(self.path + "/")

    def take(self) -> bool:
        """Count a request that fits; tell whether the rule still holds."""
        with self.changed:
            if self.times is not None and self.hits >= self.times:
                return False
            self.hits += 1
            self.changed.notify_all()
            return True


class FaultPlan:
    """The rules that hold now; changed by tests, asked by the parts, each on its thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: tuple[MessageRule, ...] = ()
        self._links: tuple[LinkRule, ...] = ()
        self._answers: tuple[AnswerRule, ...] = ()
        self.refusals: tuple[Rule, ...] = ()
        """While there is one, nobody can authenticate."""
        self.idle = True
        self.parts: frozenset[str] = frozenset()
        """The processes of the cluster."""

    def add(self, rule: Rule) -> None:
        """Let a rule hold."""
        self._change(lambda rules: (*rules, rule), rule)

    def remove(self, rule: Rule) -> None:
        """Let a rule hold no longer."""
        self._change(lambda rules: tuple(each for each in rules if each is not rule), rule)

    def _change(self, change: Callable[[tuple[Rule, ...]], tuple[Rule, ...]], rule: Rule) -> None:
        with self._lock:
            if isinstance(rule, MessageRule):
                self._messages = change(self._messages)  # type: ignore[assignment]
            elif isinstance(rule, LinkRule):
                self._links = change(self._links)  # type: ignore[assignment]
            elif isinstance(rule, AnswerRule):
                self._answers = change(self._answers)  # type: ignore[assignment]
            else:
                self.refusals = change(self.refusals)
            self.idle = not (self._messages or self._links or self._answers or self.refusals)

    def fate(self, source: str, target: str, message: Message) -> Fate | None:
        """Decide about a message; None: it is delivered."""
        for rule in self._messages:
            if rule.fits(source, target, message) and rule.take():
                return rule.fate
        return None

    def link(self, source: Address, target: Address) -> LinkState:
        """Tell how the link from one address to another is."""
        found = [rule.state for rule in self._links if rule.fits(source, target)]
        if not found:
            return CLEAR
        return LinkState(
            refused=any(each.refused for each in found),
            silent=any(each.silent for each in found),
            delay=sum(each.delay for each in found),
        )

    def sources(self) -> set[Address]:
        """Give the addresses from which some link has a rule."""
        return {rule.source for rule in self._links if rule.source is not None}

    def answer(self, part: str, path: str) -> AnswerRule | None:
        """Tell how a request is answered; None: as ever."""
        for rule in self._answers:
            if rule.fits(part, path) and rule.take():
                return rule
        return None
