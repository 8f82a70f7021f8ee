"""The v0 messages, one module a file: `from mesos_proto.v0 import mesos_pb2`."""

__all__: list[str] = []
