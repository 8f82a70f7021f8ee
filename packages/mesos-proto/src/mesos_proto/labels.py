"""Labels: equality, in which their order does not count, and a short text form.

Mirrors upstream's `type_utils.cpp` and mesos-go's `labels.go`.
"""

from __future__ import annotations

from mesos_proto.v0 import mesos_pb2 as mesos0
from mesos_proto.v1 import mesos_pb2 as mesos

__all__ = ["equal_labels", "format_labels"]

AnyLabels = mesos.Labels | mesos0.Labels | None


def equal_labels(left: AnyLabels, right: AnyLabels) -> bool:
    """Tell whether two have the same labels, in any order; None has none."""
    return sorted(_pairs(left), key=repr) == sorted(_pairs(right), key=repr)


def format_labels(labels: AnyLabels) -> str:
    """Write labels as `a,b=1,c`."""
    return ",".join(f"{key}={value}" if value else key for key, value in _pairs(labels))


def _pairs(labels: AnyLabels) -> list[tuple[str, str | None]]:
    if labels is None:
        return []
    return [(label.key, label.value if label.HasField("value") else None) for label in labels.labels]
