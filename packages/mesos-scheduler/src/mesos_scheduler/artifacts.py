"""Serves files to agents, such as the program of an executor, for as long as a scheduler runs."""

from __future__ import annotations

import http.server
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, unquote

from mesos_proto.v1 import mesos_pb2 as mesos

from ._web import BackgroundServer
from .errors import DriverMisuse

_log = logging.getLogger("mesos.scheduler")


def _nobody(name: str) -> None:
    """Take no note of what was fetched."""


class ArtifactServer(BackgroundServer):
    """Serves files over HTTP, each under its name, on `address` and `port` (0: a free one).

        with ArtifactServer("10.0.0.5") as artifacts:
            command = mesos.CommandInfo(value="./executor.pyz", uris=[artifacts.add("executor.pyz")])

    Nothing but the files added is served. `fetched(name)` is called after each time that a file was fetched
    whole, on a thread of the server's. Raises `DriverMisuse` when the address cannot be had.
    """

    def __init__(
        self, address: str = "127.0.0.1", port: int = 0, *, fetched: Callable[[str], object] = _nobody
    ) -> None:
        self._files: dict[str, Path] = {}
        handler = type("Handler", (_Handler,), {"served": self._files, "fetched": staticmethod(fetched)})
        super().__init__(handler, "files", address, port)

    def add(self, path: str | os.PathLike[str], *, executable: bool = True) -> mesos.CommandInfo.URI:
        """Serve a file; return what an agent needs to fetch it. Raises `DriverMisuse` when there is none."""
        file = Path(path)
        if not file.is_file():
            raise DriverMisuse(f"there is no file {file} to serve")
        self._files[file.name] = file
        return mesos.CommandInfo.URI(
            value=f"{self.url}/{quote(file.name)}", executable=executable, extract=False
        )


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: dict[str, Path]
    fetched: Callable[[str], object]

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        path = self.served.get(unquote(self.path.partition("?")[0].lstrip("/")))
        try:
            file = None if path is None else path.open("rb")
        except OSError as error:
            _log.error("cannot serve %s: %s", path, error)
            file = None
        if path is None or file is None:
            self.send_error(404)
            return
        with file:
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(os.fstat(file.fileno()).st_size))
            self.end_headers()
            if body:
                shutil.copyfileobj(file, self.wfile)
                self.fetched(path.name)

    def log_message(self, format: str, *args: object) -> None:
        _log.debug("artifact server: " + format, *args)
