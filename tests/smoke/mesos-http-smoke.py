"""mesos-http alone: an answer streamed over a real socket, with threads and under asyncio."""

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from mesos_http import JSON, Client, encode
from mesos_http.aio import AsyncClient
from mesos_proto.v1 import scheduler_pb2 as scheduler

CALL = scheduler.Call(type=scheduler.Call.SUBSCRIBE)


class Master(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(encode(b'{"type":"HEARTBEAT"}') * 2)

    def log_message(self, *arguments):
        pass


async def read_async(url):
    async with AsyncClient(url, codec=JSON) as client:
        return [event async for event in await client.stream(CALL, scheduler.Event)]


with HTTPServer(("127.0.0.1", 0), Master) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/api/v1/scheduler"
    with Client(url, codec=JSON) as client:
        events = list(client.stream(CALL, scheduler.Event))
    events += asyncio.run(read_async(url))
    server.shutdown()
assert [event.type for event in events] == [scheduler.Event.HEARTBEAT] * 4
print("mesos-http: works")
