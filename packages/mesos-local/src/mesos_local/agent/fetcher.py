"""What a command needs in its sandbox before it starts: files from the web or the host, unpacked when asked.

Mirrors upstream's src/launcher/fetcher.cpp. The fetcher's own words go to the sandbox's `stderr`, as there.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import gzip
import http.client
import os
import shutil
import stat
import tarfile
import time
import urllib.parse
import urllib.request
import urllib.response
import zipfile
from collections.abc import Callable, Iterable

from mesos_proto.v0 import mesos_pb2 as mesos

from ..errors import FetchError
from .fetch_cache import FetchCache

__all__ = ["FetchCache", "fetch", "fetch_logged"]

_TAR_SUFFIXES = (".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz")
_CHUNK = 1 << 20
_STALL_SECONDS = 60.0
_FAILURES = (OSError, http.client.HTTPException, tarfile.TarError, zipfile.BadZipFile, EOFError, ValueError)
_WRITER_SECONDS = 5.0
_WRITER_POLL = 0.001


def fetch(
    uris: Iterable[mesos.CommandInfo.URI],
    sandbox: str,
    say: Callable[[str], None],
    cache: FetchCache | None = None,
    user: str = "",
) -> None:
    """Bring each URI into `sandbox`, in order.

    `say` gets a line for each step. Raises FetchError at the first that cannot be had.
    """
    for uri in uris:
        target = os.path.join(sandbox, _file_name(uri))
        if os.path.dirname(target) != sandbox:
            os.makedirs(os.path.dirname(target), exist_ok=True)
        say(f"Fetching '{uri.value}' to '{target}'")
        try:
            if not (
                uri.cache and cache is not None and _fetch_cached(uri, target, sandbox, say, cache, user)
            ):
                _copy(uri.value, target)
                _finish(uri, target, target, sandbox, say)
        except _FAILURES as error:
            raise FetchError(f"Failed to fetch '{uri.value}': {error}") from error
    for directory, _, names in os.walk(sandbox):
        for name in names:
            _await_no_writer(os.path.join(directory, name))


def _fetch_cached(
    uri: mesos.CommandInfo.URI,
    target: str,
    sandbox: str,
    say: Callable[[str], None],
    cache: FetchCache,
    user: str,
) -> bool:
    """Fetch through the cache; tells whether it could be done."""
    name = uri.value.rpartition("/")[2]
    with cache.entry(
        user, uri.value, name, lambda: _size(uri.value), lambda path: _copy(uri.value, path)
    ) as cached:
        if cached is None:
            say(f"Fetching '{uri.value}' past the cache: it does not fit in, or its size is not known")
            return False
        _finish(uri, cached, target, sandbox, say)
    return True


def _finish(
    uri: mesos.CommandInfo.URI, source: str, target: str, sandbox: str, say: Callable[[str], None]
) -> None:
    """Make of what was fetched what was asked for; an archive out of the cache is only unpacked."""
    if uri.extract and not uri.executable and _extract(source, target, sandbox):
        say(f"Extracted '{source}' into '{sandbox}'")
        return
    if source != target:
        shutil.copy(source, target)
    if uri.executable:
        os.chmod(target, 0o755)


def _size(value: str) -> int | None:
    """Give how many bytes a URI has, where that can be known before."""
    if urllib.parse.urlsplit(value).scheme not in ("http", "https", "ftp", "ftps"):
        return os.path.getsize(_local_path(value))
    with contextlib.suppress(OSError):
        with _open(urllib.request.Request(value, method="HEAD")) as answer:
            told = answer.headers.get("Content-Length", "")
            return int(told) or None if told.isdecimal() else None
    return None


def fetch_logged(command: mesos.CommandInfo, sandbox: str, cache: FetchCache | None = None) -> None:
    """Fetch for a command, and write what is done to the `stderr` of the sandbox, beside a `stdout`."""
    for name in ("stdout", "stderr"):
        with open(os.path.join(sandbox, name), "ab"):
            pass
    if not command.uris:
        return
    with open(os.path.join(sandbox, "stderr"), "a", encoding="utf-8") as stderr:

        def say(line: str) -> None:
            print(line, file=stderr, flush=True)

        try:
            fetch(command.uris, sandbox, say, cache, command.user)
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
    if urllib.parse.urlsplit(value).scheme in ("http", "https", "ftp", "ftps"):
        _download(value, target)
    else:
        shutil.copy(_local_path(value), target)


def _local_path(value: str) -> str:
    scheme = urllib.parse.urlsplit(value).scheme
    if scheme == "file":
        path = value[len("file://") :]
        path = path[len("localhost") :] if path.startswith("localhost/") else path
    elif scheme:
        raise FetchError(f"Failed to fetch '{value}': no fetcher for the scheme '{scheme}'")
    else:
        path = value
    if not os.path.isabs(path):
        raise FetchError(f"Failed to fetch '{value}': a path must be absolute")
    return path


def _download(url: str, target: str) -> None:
    with _open(urllib.request.Request(url)) as source:
        status = getattr(source, "status", 200)
        if status not in (None, 200):
            raise FetchError(f"Failed to fetch '{url}': HTTP status {status}")
        with open(target, "wb") as file:
            shutil.copyfileobj(source, file, _CHUNK)


def _open(request: urllib.request.Request) -> urllib.response.addinfourl:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    answer: urllib.response.addinfourl = opener.open(request, timeout=_STALL_SECONDS)
    return answer


def _extract(archive: str, target: str, sandbox: str) -> bool:
    """Unpack what its name says is an archive, into `sandbox`; a single file goes beside `target`."""
    if archive.endswith(_TAR_SUFFIXES):
        with tarfile.open(archive) as tar:
            if hasattr(tarfile, "tar_filter"):
                tar.extractall(sandbox, filter="tar")
            else:
                tar.extractall(sandbox)
    elif archive.endswith(".zip"):
        _unzip(archive, sandbox)
    elif archive.endswith(".gz"):
        with gzip.open(archive) as source, open(target.removesuffix(".gz"), "wb") as file:
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
