"""The parts of `mesos_proto.build`."""

__all__: list[str] = []
