"""A small HTTP server on a thread of its own."""

from __future__ import annotations

import http.server
import socket
import socketserver
import threading
from types import TracebackType
from typing import TypeVar

from .errors import DriverMisuse

_Self = TypeVar("_Self", bound="BackgroundServer")


class BackgroundServer:
    """Serves HTTP on `address` and `port` (0: a free one) until `close`, or the end of a `with` block.

    Raises `DriverMisuse` when the address cannot be had.
    """

    def __init__(
        self,
        handler: type[http.server.BaseHTTPRequestHandler],
        what: str,
        address: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            self._server = type("Server", (_Server,), {"address_family": family})((address, port), handler)
        except (OSError, OverflowError) as error:
            why = f"{getattr(error, 'strerror', None) or error}; port 0 takes a free one"
            raise DriverMisuse(f"{what} cannot be served on {address}:{port}: {why}") from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name=f"mesos-scheduler-{what}", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port in use."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The URL of the server, without a path."""
        address = str(self._server.server_address[0])
        return f"http://[{address}]:{self.port}" if ":" in address else f"http://{address}:{self.port}"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        # HTTPServer's own asks the name service who we are, which can take long.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
