"""The releases of Mesos that can be had as one shared object from the index."""

from __future__ import annotations

from dataclasses import dataclass

_COMMON = (
    "libapr1",
    "libcurl4",
    "libsasl2-2",
    "libsasl2-modules",
    "libssl3",
    "libsvn1",
    "zlib1g",
)
_LIBEVENT = ("libevent-2.1-7", "libevent-openssl-2.1-7", "libevent-pthreads-2.1-7")


@dataclass(frozen=True, slots=True)
class Release:
    """One release: the index's package `mesos.scheduler` of that version, pinned by its hash."""

    version: str
    sha256: str
    packages: tuple[str, ...] = _COMMON

    @property
    def requirement(self) -> str:
        """The line of a requirements file that means exactly this archive."""
        return f"mesos.scheduler==={self.version}.linux-x86_64 --hash=sha256:{self.sha256}"


RELEASES = {
    release.version: release
    for release in (
        Release("1.11.0", "1d376f20bca6d05ee8b90c1c123a452b28753497ccc2f1c80ea3ac94c12e8f6e"),
        Release("1.10.0", "76f111c32a0cd82fc23aff61a85215d4d9ceebb34654d93264d8e64a27483ff5"),
        Release(
            "1.4.3",
            "2f1893a2a0c26ce31208c843c3815ce6821eb83f0808c57287938fe1eccea51c",
            (*_COMMON, *_LIBEVENT),
        ),
    )
}

LATEST = RELEASES["1.11.0"]
