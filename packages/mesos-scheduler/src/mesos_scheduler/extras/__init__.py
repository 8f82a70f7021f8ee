"""What a scheduler may want around its driver: handlers, limits, filters, metrics, notifications.

Each module stands alone and works over v0 and v1. `metrics` needs `mesos-scheduler[metrics]`.
"""

from . import acknowledge, handlers, held, notify, offers, revive

__all__ = ["acknowledge", "handlers", "held", "notify", "offers", "revive"]
