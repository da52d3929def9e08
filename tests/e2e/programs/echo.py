"""A well-behaved service. It tells who it is, which of its requests this is in the order in which
they came, and how many it ever had at once."""

import http.server
import json
import os
import signal
import socketserver
import sys
import threading
import time

DELAY = float(os.environ.get("DELAY", "0"))
lock = threading.Lock()
now_inside = 0
most_inside = 0
begun = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        global now_inside, most_inside, begun
        with lock:
            begun += 1
            number = begun
            now_inside += 1
            most_inside = max(most_inside, now_inside)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        time.sleep(DELAY)
        answer = json.dumps({
            "instance": f"{os.environ['K_REVISION']}/{START}", "most_inside": most_inside,
            "number": number,
            "path": self.path, "method": self.command, "body_bytes": len(body),
            "headers": dict(self.headers.items()),
            "env": {k: v for k, v in os.environ.items() if k.startswith("K_") or k == "PORT"},
        }).encode()
        with lock:
            now_inside -= 1
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *args):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128


START = f"{os.getpid()}-{time.monotonic_ns()}"
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print(f"listening on {os.environ['PORT']}")
print("a line on standard error", file=sys.stderr)
Server(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
