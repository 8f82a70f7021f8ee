"""Time the algebra of resources: the sum of many offers, `contains` and `find`.

Prints one JSON object: `sum_1000_ms` and `sum_10000_ms` (offers of six resources each, as messages,
ports included), the same sums by repeated `+`, and `contains_us` and `find_us` on the resources of
one offer.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable

from mesos_proto.resources import Resources
from mesos_proto.v1 import mesos_pb2 as mesos


def offers(count: int, *, distinct_ports: bool = False) -> list[mesos.Offer]:
    """Make offers of cpus, gpus, mem, disk, ports and a set each, allocated to one role."""
    made = []
    for number in range(count):
        first = 1000 + 20 * number if distinct_ports else 31000
        text = (
            f"cpus:{1 + number % 8};gpus:1;mem:{1024 + number % 512};disk(eng):{10000 + number};"
            f"ports:[{first}-{first + 9}];zones:{{z{number % 3}}}"
        )
        offer = mesos.Offer()
        offer.id.value = f"offer-{number}"
        offer.resources.extend(Resources.parse(text).allocate("eng").messages())
        made.append(offer)
    return made


def best(function: Callable[[], object], *, number: int = 1, repeat: int = 5) -> float:
    """Return the seconds of one call, the best of several rounds."""
    rounds = []
    for _ in range(repeat):
        start = time.perf_counter()
        for _ in range(number):
            function()
        rounds.append((time.perf_counter() - start) / number)
    return min(rounds)


def added(many: list[mesos.Offer]) -> Resources:
    """Sum up with `+`, one offer after another."""
    total = Resources()
    for offer in many:
        total = total + Resources(offer.resources)
    return total


def measure() -> dict[str, float]:
    """Run everything once."""
    thousand, many = offers(1000), offers(10000)
    spread = offers(10000, distinct_ports=True)
    one = Resources.of_offers(thousand[:1])
    part = Resources.parse("cpus:0.5;mem:100;ports:[31003,31005]").allocate("eng")
    target = Resources.parse("cpus(eng):0.5;mem(eng):100;disk(eng):10").allocate("eng")
    assert one.contains(part)
    assert one.find(target) is not None
    return {
        "sum_1000_ms": 1e3 * best(lambda: Resources.of_offers(thousand)),
        "sum_10000_ms": 1e3 * best(lambda: Resources.of_offers(many), repeat=3),
        "sum_10000_distinct_ports_ms": 1e3 * best(lambda: Resources.of_offers(spread), repeat=3),
        "add_1000_ms": 1e3 * best(lambda: added(thousand)),
        "add_10000_ms": 1e3 * best(lambda: added(many), repeat=3),
        "add_10000_distinct_ports_ms": 1e3 * best(lambda: added(spread), repeat=3),
        "contains_us": 1e6 * best(lambda: one.contains(part), number=2000),
        "find_us": 1e6 * best(lambda: one.find(target), number=500),
    }


def main() -> int:
    """Measure and print."""
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    print(json.dumps({name: round(value, 3) for name, value in measure().items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
