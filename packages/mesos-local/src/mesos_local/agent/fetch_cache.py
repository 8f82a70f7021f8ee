"""The fetcher's cache: what is downloaded once, for a user and a URI, serves every later fetch of the two.

Strategy: all is in the directory, as executors of the agent's own, which are other processes, share it. Each
entry has a lock: who downloads holds it alone, who reads shares it, so that one download serves all who wait
for it, and what is in use is not removed. A lock of the whole cache is held, for a moment, by who makes room.
An entry appears under its name when it is whole; a download that failed leaves nothing.

Mirrors `FetcherProcess::Cache` of upstream's src/slave/containerizer/fetcher.cpp: what does not fit in, even
when all that is not in use is removed (the least recently used first), goes past the cache.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FetchCache"]

_NAME_LENGTH = 20


@dataclass(frozen=True, slots=True)
class FetchCache:
    """A cache in `directory` of at most `size` bytes."""

    directory: Path
    size: int

    @contextlib.contextmanager
    def entry(
        self,
        user: str,
        uri: str,
        name: str,
        size: Callable[[], int | None],
        download: Callable[[str], None],
    ) -> Iterator[str | None]:
        """Yield the path of the cached file, which stays while it is looked at; None: it does not fit.

        When it is not here, `size` is asked how large it will be (None: nobody knows, so it cannot be fitted
        in), and `download` brings it to the path it is given. What they raise is raised.
        """
        for place in ("entries", "locks", "parts", "claims"):
            (self.directory / place).mkdir(parents=True, exist_ok=True)
        entry = self._name(user, uri, name)
        path = self.directory / "entries" / entry
        with open(self.directory / "locks" / entry, "ab") as lock:
            while True:
                fcntl.flock(lock, fcntl.LOCK_SH)
                if path.exists():
                    os.utime(path)
                    yield str(path)
                    return
                fcntl.flock(lock, fcntl.LOCK_EX)
                # Somebody else may have been faster.
                if not path.exists() and not self._download(entry, size(), download):
                    break
        yield None

    @staticmethod
    def _name(user: str, uri: str, name: str) -> str:
        """Name an entry: unique, with the end of the name, which says what kind of archive it is."""
        digest = hashlib.sha256(f"{user}\0{uri}".encode()).hexdigest()[:32]
        half = _NAME_LENGTH // 2
        return f"{digest}-{name if len(name) <= _NAME_LENGTH else f'{name[:half]}_{name[-half:]}'}"

    def _download(self, entry: str, expected: int | None, download: Callable[[str], None]) -> bool:
        """Bring an entry in; tells whether there was room for what really came."""
        if expected is None or not self._claim(entry, expected):
            return False
        part = self.directory / "parts" / entry
        try:
            download(str(part))
            if not self._claim(entry, part.stat().st_size):
                return False
            os.replace(part, self.directory / "entries" / entry)
            return True
        finally:
            part.unlink(missing_ok=True)
            (self.directory / "claims" / entry).unlink(missing_ok=True)

    def _claim(self, entry: str, wanted: int) -> bool:
        """Take room for an entry that is on its way; tells whether there is enough."""
        claim = self.directory / "claims" / entry
        with self._locked():
            claim.unlink(missing_ok=True)
            entries = {each: each.stat() for each in (self.directory / "entries").iterdir()}
            used = sum(each.st_size for each in entries.values())
            used += sum(int(each.read_text(encoding="ascii")) for each in claim.parent.iterdir())
            for each in sorted(entries, key=lambda path: entries[path].st_mtime):
                if used + wanted <= self.size:
                    break
                if self._remove_unused(each.name):
                    used -= entries[each].st_size
            if used + wanted > self.size:
                return False
            claim.write_text(str(wanted), encoding="ascii")
            return True

    def clear(self) -> None:
        """Remove all that is not in use, and what a download left that was cut off."""
        if (self.directory / "locks").is_dir():
            with self._locked():
                for each in (self.directory / "locks").iterdir():
                    self._remove_unused(each.name)

    def _remove_unused(self, entry: str) -> bool:
        """Remove an entry unless somebody uses it; tells whether it did."""
        with open(self.directory / "locks" / entry, "ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            for place in ("entries", "parts", "claims"):
                (self.directory / place / entry).unlink(missing_ok=True)
        return True

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with open(self.directory / "lock", "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
