"""Ids that come over the wire."""

from __future__ import annotations

import uuid

__all__ = ["identifier", "invalid_uuid"]


def identifier(value: str) -> str | None:
    """Check an id that may become the name of a directory."""
    if not value:
        return "ID must not be empty"
    if len(value.encode()) > 255:
        return "ID must not be greater than 255 characters"
    if value in (".", ".."):
        return f"'{value}' is disallowed"
    if any(ord(char) < 32 or ord(char) == 127 or char in "/\\" for char in value):
        return f"'{value}' contains invalid characters"
    return None


def invalid_uuid(value: bytes) -> str | None:
    """Say what is wrong with the 16 bytes that name a status update, if anything is."""
    parsed = uuid.UUID(bytes=value) if len(value) == 16 else None
    valid = parsed is not None and parsed.variant == uuid.RFC_4122 and parsed.version
    return None if valid else "Not a valid UUID"
