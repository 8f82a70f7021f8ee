"""What a command needs in its sandbox before it starts: files from the web or the host, unpacked when asked.

Mirrors upstream's src/launcher/fetcher.cpp. The fetcher's own words go to the sandbox's `stderr`, as there.
"""

from __future__ import annotations

import errno
import fcntl
import gzip
import os
import shutil
import stat
import tarfile
import time
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterable

from mesos_proto.v0 import mesos_pb2 as mesos

from ..errors import FetchError

__all__ = ["fetch", "fetch_logged"]

_TAR_SUFFIXES = (".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz")
_CHUNK = 1 << 20
_STALL_SECONDS = 60.0
_WRITER_SECONDS = 5.0
_WRITER_POLL = 0.001


def fetch(uris: Iterable[mesos.CommandInfo.URI], sandbox: str, say: Callable[[str], None]) -> None:
    """Bring each URI into `sandbox`, in order.

    `say` gets a line for each step. Raises FetchError at the first that cannot be had.
    """
    for uri in uris:
        target = os.path.join(sandbox, _file_name(uri))
        if os.path.dirname(target) != sandbox:
            os.makedirs(os.path.dirname(target), exist_ok=True)
        say(f"Fetching '{uri.value}' to '{target}'")
        try:
            _copy(uri.value, target)
            if uri.executable:
                os.chmod(target, 0o755)
            elif uri.extract and _extract(target, sandbox):
                say(f"Extracted '{target}' into '{sandbox}'")
        except (OSError, tarfile.TarError, zipfile.BadZipFile, EOFError, ValueError) as error:
            raise FetchError(f"Failed to fetch '{uri.value}': {error}") from error
    for directory, _, names in os.walk(sandbox):
        for name in names:
            _await_no_writer(os.path.join(directory, name))


def fetch_logged(uris: Iterable[mesos.CommandInfo.URI], sandbox: str) -> None:
    """Fetch, and write what is done to the `stderr` of the sandbox, which has a `stdout` afterwards too."""
    uris = list(uris)
    for name in ("stdout", "stderr"):
        with open(os.path.join(sandbox, name), "ab"):
            pass
    if not uris:
        return
    with open(os.path.join(sandbox, "stderr"), "a", encoding="utf-8") as stderr:

        def say(line: str) -> None:
            print(line, file=stderr, flush=True)

        try:
            fetch(uris, sandbox, say)
        except FetchError as error:
            say(str(error))
            raise


def _await_no_writer(path: str) -> None:
    """Wait until nobody has a program open for writing: the kernel would not run it ("Text file busy").

    Whatever this process forked while it wrote the file has it open too, until it has called exec; upstream's
    fetcher is a process of its own and forks nothing. Linux grants a lease to read once no writer is left.
    """
    status = os.lstat(path)
    if (
        not stat.S_ISREG(status.st_mode)
        or not status.st_mode & stat.S_IXUSR
        or not hasattr(fcntl, "F_SETLEASE")
    ):
        return
    deadline = time.monotonic() + _WRITER_SECONDS
    with open(path, "rb") as file:
        while True:
            try:
                fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            except OSError as error:
                if error.errno != errno.EAGAIN or time.monotonic() > deadline:
                    return  # leases are not to be had here, or somebody else goes on writing
                time.sleep(_WRITER_POLL)
            else:
                return


def _file_name(uri: mesos.CommandInfo.URI) -> str:
    if uri.output_file:
        if os.path.isabs(uri.output_file) or ".." in uri.output_file.split("/"):
            raise FetchError(f"output_file '{uri.output_file}' must be a path inside the sandbox")
        return uri.output_file
    name = uri.value.rpartition("/")[2]
    if name in ("", ".", ".."):
        raise FetchError(f"Malformed URI '{uri.value}': it does not end in the name of a file")
    return name


def _copy(value: str, target: str) -> None:
    scheme = urllib.parse.urlsplit(value).scheme
    if scheme in ("http", "https", "ftp", "ftps"):
        _download(value, target)
        return
    if scheme == "file":
        path = value[len("file://") :]
        path = path[len("localhost") :] if path.startswith("localhost/") else path
    elif scheme:
        raise FetchError(f"Failed to fetch '{value}': no fetcher for the scheme '{scheme}'")
    else:
        path = value
    if not os.path.isabs(path):
        raise FetchError(f"Failed to fetch '{value}': a path must be absolute")
    shutil.copy(path, target)


def _download(url: str, target: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=_STALL_SECONDS) as source:
        status = getattr(source, "status", 200)
        if status not in (None, 200):
            raise FetchError(f"Failed to fetch '{url}': HTTP status {status}")
        with open(target, "wb") as file:
            shutil.copyfileobj(source, file, _CHUNK)


def _extract(archive: str, sandbox: str) -> bool:
    """Unpack what its name says is an archive; the archive stays beside its content."""
    if archive.endswith(_TAR_SUFFIXES):
        with tarfile.open(archive) as tar:
            if hasattr(tarfile, "tar_filter"):
                tar.extractall(sandbox, filter="tar")
            else:
                tar.extractall(sandbox)
    elif archive.endswith(".zip"):
        _unzip(archive, sandbox)
    elif archive.endswith(".gz"):
        with gzip.open(archive) as source, open(archive[: -len(".gz")], "wb") as file:
            shutil.copyfileobj(source, file, _CHUNK)
    else:
        return False
    return True


def _unzip(archive: str, sandbox: str) -> None:
    with zipfile.ZipFile(archive) as unzipped:
        for member in unzipped.infolist():
            path = unzipped.extract(member, sandbox)
            mode = member.external_attr >> 16
            if mode and not member.is_dir():
                os.chmod(path, mode & 0o777)
