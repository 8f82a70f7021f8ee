"""The v1 messages, one module a file: `from mesos_proto.v1 import mesos_pb2`."""

__all__: list[str] = []
