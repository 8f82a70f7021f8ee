"""Roles: `"*"`, or a path such as `"eng/web"`.

Mirrors upstream's `roles.cpp`.
"""

from __future__ import annotations

from mesos_proto.errors import RoleError

__all__ = ["ancestors", "is_strict_subrole", "parse_roles", "validate_role"]

_FORBIDDEN = frozenset("\t\n\v\f\r \x7f")


def validate_role(role: str) -> None:
    """Raise `RoleError` unless Mesos would take the role."""
    if role == "*":
        return
    if not isinstance(role, str):
        raise RoleError(f"role {role!r} is not text in UTF-8")
    if not role:
        raise RoleError("a role cannot be the empty string")
    if role.startswith("/") or role.endswith("/"):
        raise RoleError(f"role {role!r} cannot start or end with a slash")
    for component in role.split("/"):
        if not component:
            raise RoleError(f"role {role!r} cannot contain two adjacent slashes")
        if component in (".", "..", "*"):
            raise RoleError(f"role {role!r} cannot have {component!r} as a component")
        if component.startswith("-"):
            raise RoleError(f"role {role!r} cannot have a component that starts with a dash")
        if not _FORBIDDEN.isdisjoint(component):
            raise RoleError(f"role {role!r} cannot contain whitespace or a delete character")


def parse_roles(text: str) -> list[str]:
    """Parse a comma-separated list of roles. Raises `RoleError`."""
    roles = [role for role in text.split(",") if role]
    for role in roles:
        validate_role(role)
    return roles


def ancestors(role: str) -> list[str]:
    """Return the roles above a role, nearest first: `a/b/c` has `a/b` and `a`."""
    parts = role.split("/")
    return ["/".join(parts[:size]) for size in range(len(parts) - 1, 0, -1)]


def is_strict_subrole(role: str, ancestor: str) -> bool:
    """Tell whether a role lies below another one."""
    return role.startswith(ancestor + "/") and len(role) > len(ancestor) + 1
