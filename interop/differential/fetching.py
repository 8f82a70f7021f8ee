"""What agents ask a server for when tasks have URIs, with and without the fetcher's cache."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mesos_proto.v0 import mesos_pb2 as mesos

from differential.client import Client, Site
from differential.tasks import launch_on, task

_CONTENT = b"content"


class _Server(ThreadingHTTPServer):
    """Serves one file, at `/data`, and knows what was asked for; a size that is not `told` is not."""

    def __init__(self, told: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told = told
        self.requests: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def _answer(self) -> None:
        self.server.requests.append(f"{self.command} {self.path}")
        found = self.path == "/data"
        self.send_response(200 if found else 404)
        if self.server.told:
            self.send_header("Content-Length", str(len(_CONTENT) if found else 0))
        self.end_headers()
        if found and self.command == "GET":
            self.wfile.write(_CONTENT)

    do_GET = do_HEAD = _answer

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _fetched(
    name: str, *, cache: bool, path: str = "/data", told: bool = True, times: int = 1
) -> Callable[[Site], None]:
    """Launch two tasks, one after the other, that fetch the same."""

    def script(site: Site) -> None:
        with site.client() as client, _Server(told) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                client.register()
                _launch(client, f"http://127.0.0.1:{server.server_address[1]}{path}", cache, times)
            finally:
                server.shutdown()
                thread.join()
            site.note(server.requests)

    script.__name__ = name
    return script


def _launch(client: Client, address: str, cache: bool, times: int) -> None:
    agent: mesos.SlaveID | None = None
    for name in ("one", "two"):
        info = task(name, "true")
        for number in range(times):
            info.command.uris.add(value=address, cache=cache, output_file=f"file-{number}")
        agent = launch_on(client, agent, info)
        while client.status(name).state not in (mesos.TASK_FINISHED, mesos.TASK_FAILED):
            pass


SCRIPTS = (
    _fetched("uri", cache=False),
    _fetched("uri_cached", cache=True),
    _fetched("uri_cached_twice_in_a_task", cache=True, times=2),
    _fetched("uri_cached_of_unknown_size", cache=True, told=False),
    _fetched("uri_that_is_not_there", cache=False, path="/other"),
    _fetched("uri_cached_that_is_not_there", cache=True, path="/other"),
)
