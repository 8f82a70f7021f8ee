"""`evolve` and `devolve`, for importing by name; see `_convert`. The stub types them message by message."""

from mesos_proto._convert import devolve, evolve

__all__ = ["devolve", "evolve"]
