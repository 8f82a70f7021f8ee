"""What the machine has, and how busy it is, by the names that `/metrics/snapshot` has for it."""

from __future__ import annotations

import os

__all__ = ["metrics"]


def metrics() -> dict[str, float]:
    """Give the `system/` metrics that can be had here."""
    model: dict[str, float] = {"system/cpus_total": float(os.cpu_count() or 1)}
    for name, load in zip(("1min", "5min", "15min"), os.getloadavg(), strict=True):
        model[f"system/load_{name}"] = load
    for name, pages in (("total", "SC_PHYS_PAGES"), ("free", "SC_AVPHYS_PAGES")):
        if pages in os.sysconf_names:
            model[f"system/mem_{name}_bytes"] = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf(pages))
    return model
