"""Where masters keep their registry: in a file they share, or nowhere.

Strategy: the file is replaced whole, so that it is at any moment one that some master has written. Whoever
leads writes it; a master that finds what another has written since is no longer the one that leads (its
news of that is late), and fails, as a replica of upstream's log does. What was written survives the end of
the process, not that of the machine.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from ..errors import RegistryError
from .registry import Registry, RegistryText, read

__all__ = ["FileRegistry", "NoRegistry", "RegistryStore"]


class RegistryStore(Protocol):
    """Keeps a registry. Both methods raise RegistryError."""

    def load(self) -> Registry:
        """Give what was stored last; from now on only this master may store."""
        ...

    def store(self, registry: Registry) -> None:
        """Keep a registry in place of the one before."""
        ...


class NoRegistry:
    """Remembers nothing: each master begins with an empty registry."""

    def load(self) -> Registry:
        return Registry()

    def store(self, registry: Registry) -> None:
        pass


class FileRegistry:
    """A registry in a file. Each master has an object of its own, for the same file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text = RegistryText()
        self._seen: tuple[int, int] | None = None
        """Which file was read or written last."""

    def load(self) -> Registry:
        try:
            self._seen = self._identity()
            registry = read(self._path.read_text("utf-8")) if self._seen is not None else Registry()
        except (OSError, ValueError, RegistryError) as error:
            raise RegistryError(
                f"the registry {self._path} cannot be read: {error}; it was left as it is: mend it, "
                "or move it away to begin with an empty one"
            ) from error
        return registry

    def store(self, registry: Registry) -> None:
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}.{id(self)}")
        try:
            if self._identity() != self._seen:
                raise RegistryError(f"another master has written the registry {self._path}")
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(self._text.write(registry), "utf-8")
            os.replace(fresh, self._path)
            self._seen = self._identity()
        except OSError as error:
            raise RegistryError(f"the registry {self._path} cannot be written: {error}") from error

    def _identity(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns
