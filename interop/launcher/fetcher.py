#!/usr/bin/env python3
"""Stand in for the agent's mesos-fetcher.

MESOS_FETCHER_INFO, a JSON FetcherInfo, says which URIs go into the sandbox and how: local paths,
file, http, https and ftp URIs; no Hadoop. Exits 0 only if all was fetched. Standard library only: it
runs under the machine's own python3.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from typing import Any

Json = dict[str, Any]
TAR = (".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz")


def log(*words: object) -> None:
    """Write a line to the sandbox's stderr."""
    print("fetcher:", *words, file=sys.stderr, flush=True)


def download(uri: str, target: str, home: str, stall: float) -> None:
    """Bring one URI to a local file."""
    uri = uri.lstrip()
    parts = urllib.parse.urlsplit(uri)
    if "://" not in uri or parts.scheme == "file":
        path = parts.path if "://" in uri else uri
        if not os.path.isabs(path):
            if not home:
                raise ValueError("a relative path and no frameworks_home")
            path = os.path.join(home, path)
        if os.path.isdir(path):
            subprocess.run(["cp", "-R", path, target], check=True)
        else:
            shutil.copy(path, target)
    elif parts.scheme in ("http", "https", "ftp"):
        with urllib.request.urlopen(uri, timeout=stall) as source, open(target, "wb") as sink:
            shutil.copyfileobj(source, sink)
    else:
        raise ValueError(f"unsupported scheme {parts.scheme!r}")


def extract(path: str, directory: str) -> bool:
    """Unpack an archive, told by its suffix; False when it is none."""
    if path.endswith(TAR):
        subprocess.run(["tar", "-C", directory, "-xf", path], check=True)
    elif path.endswith(".zip"):
        shutil.unpack_archive(path, directory, "zip")
    elif path.endswith(".gz"):
        with open(os.path.join(directory, os.path.basename(path)[:-3]), "wb") as sink:
            subprocess.run(["gunzip", "-dc", path], stdout=sink, check=True)
    else:
        return False
    return True


def fetch(item: Json, info: Json, stall: float) -> None:
    """Fetch one URI into the sandbox, through the cache when the agent says so."""
    uri, sandbox, home = item["uri"], info["sandbox_directory"], info.get("frameworks_home", "")
    value = uri["value"]
    path = urllib.parse.urlsplit(value).path if "://" in value else value
    target = os.path.join(sandbox, uri.get("output_file") or os.path.basename(path))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    executable = uri.get("executable", False)
    unpack = uri.get("extract", True) and not executable

    if item.get("action", "BYPASS_CACHE") == "BYPASS_CACHE":
        download(value, target, home, stall)
        if unpack:
            extract(target, sandbox)
    else:
        cached = os.path.join(info["cache_directory"], item["cache_filename"])
        if item["action"] == "DOWNLOAD_AND_CACHE" and not os.path.exists(cached):
            download(value, cached, home, stall)
        if unpack and extract(cached, sandbox):
            return
        shutil.copy(cached, target)
    if executable:
        os.chmod(target, 0o755)


def become(user: str) -> None:
    """Change to the task's user."""
    entry = pwd.getpwnam(user)
    if entry.pw_uid != os.geteuid():
        os.initgroups(user, entry.pw_gid)
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)


def main() -> int:
    """Fetch all, stop at the first failure."""
    info = json.loads(os.environ["MESOS_FETCHER_INFO"])
    items = info.get("items", [])
    user, cache = info.get("user"), info.get("cache_directory")
    if cache and any(item.get("action", "BYPASS_CACHE") != "BYPASS_CACHE" for item in items):
        os.makedirs(cache, exist_ok=True)
        if user:
            shutil.chown(cache, user)
    if user:
        become(user)
    stall = float(info.get("stall_timeout", {}).get("nanoseconds", 60e9)) / 1e9
    for item in items:
        try:
            fetch(item, info, stall)
        except (OSError, ValueError, subprocess.CalledProcessError, shutil.ReadError) as error:
            log(f"failed to fetch {item['uri']['value']!r}: {error}")
            return 1
        log(f"fetched {item['uri']['value']!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
