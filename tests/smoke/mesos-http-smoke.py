"""mesos-http alone: an answer streamed over a real socket."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from mesos_http import JSON, Client, encode
from mesos_proto.v1 import scheduler_pb2 as scheduler


class Master(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(encode(b'{"type":"HEARTBEAT"}') * 2)

    def log_message(self, *arguments):
        pass


with HTTPServer(("127.0.0.1", 0), Master) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with Client(f"http://127.0.0.1:{server.server_port}/api/v1/scheduler", codec=JSON) as client:
        call = scheduler.Call(type=scheduler.Call.SUBSCRIBE)
        events = list(client.stream(call, scheduler.Event))
    server.shutdown()
assert [event.type for event in events] == [scheduler.Event.HEARTBEAT] * 2
print("mesos-http: works")
