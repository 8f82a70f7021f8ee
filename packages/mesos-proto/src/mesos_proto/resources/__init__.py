"""The algebra of resources: `Resources`, and the formats of reservations."""

from mesos_proto.resources._formats import (
    ResourceFormat,
    convert_format,
    downgrade_resources,
    upgrade_resources,
)
from mesos_proto.resources._resources import Resources
from mesos_proto.resources._validate import validate

__all__ = [
    "ResourceFormat",
    "Resources",
    "convert_format",
    "downgrade_resources",
    "upgrade_resources",
    "validate",
]
