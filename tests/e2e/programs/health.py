"""Answers its probes as it is told: GET /say/live/500 makes /live answer 500 from then on, or hang
with /say/live/hang. GET / tells who it is and how often each was asked; /sleep/SECONDS waits.
"""

import http.server
import json
import os
import signal
import socketserver
import sys
import threading
import time

answers = {"/live": os.environ.get("LIVE", "200"), "/ready": os.environ.get("READY", "200")}
asked = {path: 0 for path in answers}
seen = {}
lock = threading.Lock()
START = f"{os.getpid()}-{time.monotonic_ns()}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        if self.path in answers:
            with lock:
                asked[self.path] += 1
                seen[self.path] = dict(self.headers.items())
                said = answers[self.path]
            if said == "hang":
                time.sleep(3600)
            return self.send(int(said), b"")
        words = self.path.split("/")
        if words[1] == "say":
            with lock:
                answers["/" + words[2]] = words[3]
        if words[1] == "sleep":
            time.sleep(float(words[2]))
        with lock:
            self.send(200, json.dumps({"instance": START, "asked": asked, "seen": seen,
                                       "answers": answers}).encode())

    def send(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *args):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128


if os.environ.get("IGNORE_SIGTERM"):
    signal.signal(signal.SIGTERM, lambda *_: print("got SIGTERM"))
else:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
Server(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
