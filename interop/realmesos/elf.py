"""Make a Mesos library that was linked on Ubuntu 16.04 loadable on Debian 12.

The library wants OpenSSL 1.0, libcurl with Ubuntu's symbol version and (old releases) libevent 2.0.
All edits are made in place, no byte moves: the file names of needed libraries and the names of needed
symbol versions get their successors, which are never longer, and the versions' hashes follow;
everything behind the last loaded segment (debug information) is cut off. Functions that OpenSSL 3 no
longer has stay unresolved: they are bound lazily, and reached only when TLS is switched on.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from realmesos.errors import BuildFailed

SONAMES = {
    b"libssl.so.1.0.0": b"libssl.so.3",
    b"libcrypto.so.1.0.0": b"libcrypto.so.3",
    b"libevent-2.0.so.5": b"libevent-2.1.so.7",
    b"libevent_openssl-2.0.so.5": b"libevent_openssl-2.1.so.7",
    b"libevent_pthreads-2.0.so.5": b"libevent_pthreads-2.1.so.7",
}
VERSIONS = {
    b"OPENSSL_1.0.0": b"OPENSSL_3.0.0",
    b"OPENSSL_1.0.1": b"OPENSSL_3.0.0",
    b"OPENSSL_1.0.2": b"OPENSSL_3.0.0",
    b"CURL_OPENSSL_3": b"CURL_OPENSSL_4",
}

_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NEEDED, _DT_STRTAB, _DT_VERNEED, _DT_VERNEEDNUM = 1, 5, 0x6FFFFFFE, 0x6FFFFFFF


def elf_hash(name: bytes) -> int:
    """Return the System V hash of a symbol version's name."""
    value = 0
    for byte in name:
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high & 0xFFFFFFFF
    return value


class Library:
    """The bytes of a shared object, and the tables of it that matter here."""

    def __init__(self, data: bytes) -> None:
        if data[:6] != b"\x7fELF\x02\x01":
            raise BuildFailed("the library is not a little-endian 64-bit ELF file")
        self.data = bytearray(data)
        self.loads: list[tuple[int, int, int]] = []
        self.end = 0
        dynamic = (0, 0)
        (start,) = struct.unpack_from("<Q", data, 32)
        size, count = struct.unpack_from("<HH", data, 54)
        for number in range(count):
            kind, _, offset, address, _, length, _, _ = struct.unpack_from(
                "<IIQQQQQQ", data, start + number * size
            )
            if kind == _PT_LOAD:
                self.loads.append((address, offset, length))
                self.end = max(self.end, offset + length)
            elif kind == _PT_DYNAMIC:
                dynamic = (offset, length)
        self.tags = list(self._tags(*dynamic))
        self.table = dict(self.tags)
        self.strings = self.offset(self.table[_DT_STRTAB])

    def _tags(self, start: int, length: int) -> Iterator[tuple[int, int]]:
        for position in range(start, start + length, 16):
            tag, value = struct.unpack_from("<QQ", self.data, position)
            if tag == 0:
                return
            yield tag, value

    def offset(self, address: int) -> int:
        """Return where a virtual address lies in the file."""
        for base, offset, size in self.loads:
            if base <= address < base + size:
                return address - base + offset
        raise BuildFailed(f"the address {address:#x} is not in the library")

    def name(self, index: int) -> bytes:
        """Return a string of the dynamic string table."""
        start = self.strings + index
        return bytes(self.data[start : self.data.index(b"\0", start)])

    def rename(self, index: int, new: bytes) -> None:
        """Replace a string of the table by one that is not longer."""
        old = self.name(index)
        if len(new) > len(old):
            raise BuildFailed(f"{new!r} does not fit in the place of {old!r}")
        start = self.strings + index
        self.data[start : start + len(old)] = new.ljust(len(old), b"\0")

    def needed(self) -> tuple[set[int], dict[int, list[int]]]:
        """Return the string indices of needed files, and of versions with the places that hash them."""
        files = {value for tag, value in self.tags if tag == _DT_NEEDED}
        versions: dict[int, list[int]] = {}
        position = self.offset(self.table[_DT_VERNEED])
        for _ in range(self.table[_DT_VERNEEDNUM]):
            _, count, file, first, following = struct.unpack_from("<HHIII", self.data, position)
            files.add(file)
            place = position + first
            for _ in range(count):
                _, _, _, index, step = struct.unpack_from("<IHHII", self.data, place)
                versions.setdefault(index, []).append(place)
                place += step
            position += following
        return files, versions


def patch(data: bytes) -> bytes:
    """Return the library's bytes with today's names in it."""
    library = Library(data)
    files, versions = library.needed()
    for index, places in versions.items():
        new = VERSIONS.get(library.name(index))
        if new is not None:
            library.rename(index, new)
            for place in places:
                struct.pack_into("<I", library.data, place, elf_hash(new))
    for index in files:
        new = SONAMES.get(library.name(index))
        if new is not None:
            library.rename(index, new)
    struct.pack_into("<Q", library.data, 40, 0)  # e_shoff: no section headers
    struct.pack_into("<HHH", library.data, 58, 64, 0, 0)  # e_shentsize, e_shnum, e_shstrndx
    return bytes(library.data[: library.end])
