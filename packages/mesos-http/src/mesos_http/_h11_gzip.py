"""Unpacks gzip in pieces of bounded size, so that a small answer cannot become a large one unseen."""

from __future__ import annotations

import zlib

_PIECE = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class Gunzip:
    """Takes packed bytes by `feed`; `piece` returns the next plain ones. Raises `zlib.error`."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._packed = b""
        self._begun = False

    def feed(self, data: bytes) -> None:
        """Take packed bytes."""
        self._packed += data

    def piece(self) -> bytes:
        """Return some of the bytes that can be had now; b"" for none."""
        while self._packed:
            if self._member.eof:  # Members may follow each other.
                self._member = zlib.decompressobj(_GZIP)
                self._begun = False
            self._begun = True
            plain = self._member.decompress(self._packed, _PIECE)
            self._packed = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if plain:
                return plain
        return self._member.decompress(b"", _PIECE) if self._begun and not self._member.eof else b""

    def finish(self) -> None:
        """Take note of the end. Raises `zlib.error` when it comes too early."""
        if self._begun and not self._member.eof:
            raise zlib.error("the packed bytes end too early")
