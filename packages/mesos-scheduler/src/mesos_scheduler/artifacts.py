"""Serves files to agents, such as the program of an executor, for as long as a scheduler runs."""

from __future__ import annotations

import http.server
import logging
import os
import shutil
import threading
from pathlib import Path
from types import TracebackType
from urllib.parse import quote, unquote

from mesos_proto.v1 import mesos_pb2 as mesos

from .errors import DriverMisuse

_log = logging.getLogger("mesos.scheduler")


class ArtifactServer:
    """Serves files over HTTP, each under its name, on `address` and `port` (0: a free one).

        with ArtifactServer("10.0.0.5") as artifacts:
            command = mesos.CommandInfo(value="./executor.pyz", uris=[artifacts.add("executor.pyz")])

    Nothing but the files added is served. Raises `DriverMisuse` when the address cannot be had.
    """

    def __init__(self, address: str = "127.0.0.1", port: int = 0) -> None:
        self._files: dict[str, Path] = {}
        files = self._files

        class Handler(_Handler):
            served = files

        try:
            self._server = http.server.ThreadingHTTPServer((address, port), Handler)
        except OSError as error:
            why = f"{error.strerror or error}; port 0 takes a free one"
            raise DriverMisuse(f"files cannot be served on {address}:{port}: {why}") from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="mesos-scheduler-artifacts", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port in use."""
        return int(self._server.server_address[1])

    def add(self, path: str | os.PathLike[str], *, executable: bool = True) -> mesos.CommandInfo.URI:
        """Serve a file; return what an agent needs to fetch it. Raises `DriverMisuse` when there is none."""
        file = Path(path)
        if not file.is_file():
            raise DriverMisuse(f"there is no file {file} to serve")
        self._files[file.name] = file
        address = self._server.server_address[0]
        text = address if isinstance(address, str) else bytes(address).decode()
        return mesos.CommandInfo.URI(
            value=f"http://{text}:{self.port}/{quote(file.name)}", executable=executable, extract=False
        )

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> ArtifactServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: dict[str, Path]

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
        if file is None:
            self.send_error(404)
            return
        with file:
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(os.fstat(file.fileno()).st_size))
            self.end_headers()
            if body:
                shutil.copyfileobj(file, self.wfile)

    def log_message(self, format: str, *args: object) -> None:
        _log.debug("artifact server: " + format, *args)
