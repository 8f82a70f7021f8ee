"""Filters for offers, which `&`, `|` and `~` combine, and what to do with those that pass.

suitable = hostname("a.example.org", "b.example.org") & contains("cpus:1;mem:64") & ~unavailable()
for offer in suitable.of(offers): ...
"""

from __future__ import annotations

import math
import random
import re
import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeAlias, TypeVar

from mesos_proto.attributes import Attributes
from mesos_proto.errors import ResourceError
from mesos_proto.resources import Resources
from mesos_proto.v1 import mesos_pb2 as mesos
from mesos_proto.values import Ranges

from ..errors import DriverMisuse

_K = TypeVar("_K", bound=Hashable)

Offers: TypeAlias = Iterable[mesos.Offer]
_Value: TypeAlias = float | Ranges | str


class OfferFilter:
    """A predicate over offers; calling it tells whether one passes."""

    __slots__ = ("_name", "_passes")

    def __init__(self, passes: Callable[[mesos.Offer], bool], name: str = "") -> None:
        self._passes = passes
        self._name = name or getattr(passes, "__name__", repr(passes))

    def __call__(self, offer: mesos.Offer) -> bool:
        return self._passes(offer)

    def __and__(self, other: OfferFilter) -> OfferFilter:
        left, right = self._passes, other._passes
        return OfferFilter(lambda offer: left(offer) and right(offer), f"({self._name} & {other._name})")

    def __or__(self, other: OfferFilter) -> OfferFilter:
        left, right = self._passes, other._passes
        return OfferFilter(lambda offer: left(offer) or right(offer), f"({self._name} | {other._name})")

    def __invert__(self) -> OfferFilter:
        passes = self._passes
        return OfferFilter(lambda offer: not passes(offer), f"~{self._name}")

    def __repr__(self) -> str:
        return f"<OfferFilter {self._name}>"

    def of(self, offers: Offers) -> list[mesos.Offer]:
        """Return the offers that pass, in their order."""
        return [offer for offer in offers if self._passes(offer)]

    def first(self, offers: Offers) -> mesos.Offer | None:
        """Return the first offer that passes; None when there is none."""
        return next((offer for offer in offers if self._passes(offer)), None)

    def split(self, offers: Offers) -> tuple[list[mesos.Offer], list[mesos.Offer]]:
        """Return the offers that pass, and the others."""
        passed: list[mesos.Offer] = []
        others: list[mesos.Offer] = []
        for offer in offers:
            (passed if self._passes(offer) else others).append(offer)
        return passed, others


anything = OfferFilter(lambda offer: True, "anything")
"""Lets every offer pass."""


def hostname(*names: str) -> OfferFilter:
    """Offers of agents on one of these hosts."""
    wanted = frozenset(names)
    return OfferFilter(lambda offer: offer.hostname in wanted, f"hostname{names!r}")


def hostname_like(pattern: str | re.Pattern[str]) -> OfferFilter:
    r"""Offers of agents on hosts whose whole name matches a regular expression: `r"db\d+\..*"`."""
    matches = re.compile(pattern).fullmatch
    return OfferFilter(lambda offer: matches(offer.hostname) is not None, f"hostname_like({pattern!r})")


def agent(*agent_ids: str) -> OfferFilter:
    """Offers of one of these agents."""
    wanted = frozenset(agent_ids)
    return OfferFilter(lambda offer: offer.agent_id.value in wanted, f"agent{agent_ids!r}")


def attribute(name: str, *values: str | float | Ranges) -> OfferFilter:
    """Offers of agents with an attribute of this name; with values: one that has one of them.

    Text is compared as it is, a number as a scalar of three decimals. Of an attribute that is ranges a
    number must be in them, and `Ranges` wholly so.
    """

    def has(known: _Value) -> bool:
        return not values or any(_equal(known, value) for value in values)

    return _by_attribute(name, has, f"attribute{(name, *values)!r}")


def attribute_like(name: str, pattern: str | re.Pattern[str]) -> OfferFilter:
    """Offers of agents with an attribute whose whole text matches a regular expression."""
    matches = re.compile(pattern).fullmatch

    def has(known: _Value) -> bool:
        return isinstance(known, str) and matches(known) is not None

    return _by_attribute(name, has, f"attribute_like({name!r}, {pattern!r})")


def attribute_between(name: str, least: float = -math.inf, most: float = math.inf) -> OfferFilter:
    """Offers of agents with an attribute that is a scalar from `least` to `most`, both included."""

    def has(known: _Value) -> bool:
        return isinstance(known, float) and least <= known <= most

    return _by_attribute(name, has, f"attribute_between({name!r}, {least}, {most})")


def _by_attribute(name: str, has: Callable[[_Value], bool], text: str) -> OfferFilter:
    return OfferFilter(lambda offer: any(has(value) for value in _values(offer, name)), text)


def _values(offer: mesos.Offer, name: str) -> Iterator[_Value]:
    """Yield the values of a name; what Mesos would not take for an attribute is none."""
    for one in offer.attributes:
        if one.name == name:
            try:
                value = Attributes([one]).get(name)
            except ResourceError:
                continue
            if value is not None:
                yield value


def _equal(known: _Value, value: _Value) -> bool:
    if isinstance(known, str) or isinstance(value, str):
        return known == value
    if isinstance(known, Ranges):
        if isinstance(value, Ranges):
            return value <= known
        return float(value).is_integer() and int(value) in known
    return not isinstance(value, Ranges) and math.isclose(known, value, rel_tol=0, abs_tol=0.0005)


def executor(*executor_ids: str) -> OfferFilter:
    """Offers of agents where an executor of this framework runs; with ids: one of these."""
    wanted = frozenset(executor_ids)

    def runs(offer: mesos.Offer) -> bool:
        if not wanted:
            return bool(offer.executor_ids)
        return any(one.value in wanted for one in offer.executor_ids)

    return OfferFilter(runs, f"executor{executor_ids!r}")


def unavailable(seconds: float = math.inf, *, clock: Callable[[], float] = time.time) -> OfferFilter:
    """Offers of agents whose maintenance is planned to be under way within so many seconds from now.

    What takes an hour wants `~unavailable(3600)`. Maintenance that is over does not count.
    """

    def planned(offer: mesos.Offer) -> bool:
        if not offer.HasField("unavailability"):
            return False
        now = clock()
        plan = offer.unavailability
        start = plan.start.nanoseconds / 1e9
        over = plan.HasField("duration") and start + plan.duration.nanoseconds / 1e9 <= now
        return start <= now + seconds and not over

    return OfferFilter(planned, f"unavailable({seconds})")


def role(*roles: str) -> OfferFilter:
    """Offers made to one of these roles of the framework."""
    wanted = frozenset(roles)
    return OfferFilter(lambda offer: role_of(offer) in wanted, f"role{roles!r}")


def contains(wanted: Resources | str, *, reserved: bool = True) -> OfferFilter:
    """Offers with all of these resources: `"cpus:1;mem:64;ports:[31000-31001]"`, or `Resources`.

    What is wanted for no role is also taken from what is reserved, unless `reserved` is False; what is
    wanted for a role must be reserved for it. Raises `ParseError` for bad text.
    """
    needed = Resources.parse(wanted) if isinstance(wanted, str) else wanted
    exact, loose = needed.reserved(), needed.unreserved()

    def has(have: Resources) -> bool:
        if not have.contains(exact):
            return False
        rest = have - exact
        return (rest.to_unreserved() if reserved else rest).contains(loose)

    return _by_resources(has, f"contains({needed})")


def reserved(*roles: str) -> OfferFilter:
    """Offers with resources that are reserved; with roles: for one of them."""

    def has(have: Resources) -> bool:
        return any(not roles or one in roles for one in have.reservations())

    return _by_resources(has, f"reserved{roles!r}")


def revocable() -> OfferFilter:
    """Offers with resources that may be taken back at any moment."""
    return _by_resources(lambda have: bool(have.revocable()), "revocable()")


def volume(*persistence_ids: str) -> OfferFilter:
    """Offers with a persistent volume; with ids: one of these."""

    def has(have: Resources) -> bool:
        ids = {one.disk.persistence.id for one in have.persistent_volumes()}
        return bool(ids.intersection(persistence_ids) if persistence_ids else ids)

    return _by_resources(has, f"volume{persistence_ids!r}")


def _by_resources(has: Callable[[Resources], bool], name: str) -> OfferFilter:
    return OfferFilter(lambda offer: has(resources_of(offer)), name)


def resources_of(offer: mesos.Offer) -> Resources:
    """Return what is offered, allocated to no role, without what Mesos would not take for resources."""
    return Resources(offer.resources, skip_invalid=True).unallocate()


def role_of(offer: mesos.Offer) -> str:
    """Return the role that an offer is made to; masters before 1.2 do not say."""
    return offer.allocation_info.role if offer.HasField("allocation_info") else "*"


def group(offers: Offers, key: Callable[[mesos.Offer], _K]) -> dict[_K, list[mesos.Offer]]:
    """Sort offers by what a function says of each, such as `role_of`, in the order of the first of each."""
    groups: dict[_K, list[mesos.Offer]] = {}
    for offer in offers:
        groups.setdefault(key(offer), []).append(offer)
    return groups


def by_agent(offers: Offers) -> dict[str, list[mesos.Offer]]:
    """Sort offers by agent: those of one agent may be accepted together."""
    return group(offers, lambda offer: offer.agent_id.value)


def ids(offers: Offers) -> list[mesos.OfferID]:
    """Return the ids of offers, as the driver's calls take them."""
    return [offer.id for offer in offers]


def refuse_up_to(seconds: float, uniform: Callable[[], float] = random.random) -> mesos.Filters:
    """Make filters that refuse an agent's resources for a random time.

    So offers that are declined together do not all come back together.
    """
    if not 0 <= seconds < math.inf:
        raise DriverMisuse(f"the longest time to refuse must be finite, and not negative as {seconds} is")
    return mesos.Filters(refuse_seconds=seconds * uniform())
