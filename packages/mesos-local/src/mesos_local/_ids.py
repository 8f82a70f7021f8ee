"""Ids that come over the wire."""

from __future__ import annotations

import uuid

__all__ = ["invalid_uuid"]


def invalid_uuid(value: bytes) -> str | None:
    """Say what is wrong with the 16 bytes that name a status update, if anything is."""
    parsed = uuid.UUID(bytes=value) if len(value) == 16 else None
    valid = parsed is not None and parsed.variant == uuid.RFC_4122 and parsed.version
    return None if valid else "Not a valid UUID"
