"""Where a framework id outlives the scheduler, so that the next instance takes over.

A store has `load`, `save` and `clear`. A driver loads at construction, saves before `registered` is called,
and clears when the framework has ended for good.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Protocol

from .errors import FrameworkIdStoreError


class FrameworkIdStore(Protocol):
    """Keeps one framework id. Every method may block, and raises `FrameworkIdStoreError`."""

    def load(self) -> str | None:
        """Return the id; None when there is none."""

    def save(self, framework_id: str) -> None:
        """Keep the id."""

    def clear(self) -> None:
        """Forget the id."""


class FileFrameworkIdStore:
    """Keeps the id in a file, replaced in one step."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

    def load(self) -> str | None:
        """Return the id; None when there is no file."""
        try:
            text = self._path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise FrameworkIdStoreError(f"cannot read the framework id in {self._path}: {error}") from error
        if not text or len(text.split()) != 1:
            raise FrameworkIdStoreError(
                f"{self._path} does not hold one framework id; remove it to register a new framework"
            )
        return text

    def save(self, framework_id: str) -> None:
        """Write the id, surely on disk when this returns."""
        try:
            self._replace(framework_id + "\n")
        except OSError as error:
            raise FrameworkIdStoreError(f"cannot write the framework id to {self._path}: {error}") from error

    def clear(self) -> None:
        """Remove the file."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise FrameworkIdStoreError(f"cannot remove {self._path}: {error}") from error

    def _replace(self, text: str) -> None:
        handle, name = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self._path)
        except BaseException:
            os.unlink(name)
            raise
