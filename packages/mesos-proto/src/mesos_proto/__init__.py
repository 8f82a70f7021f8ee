"""Every protobuf message of Apache Mesos 1.11, v0 and v1, and the algebra of resources.

Importing this package loads no message: the modules of `mesos_proto.v0` and `mesos_proto.v1` are
loaded when they are imported.
"""

__all__: list[str] = []
