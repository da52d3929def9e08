"""Counts in a background thread without a pause, and closes connections that are idle for 0.3 s."""

import http.server
import os
import threading
import time

ticks = 0


def count():
    global ticks
    while True:
        ticks += 1
        time.sleep(0.001)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 0.3

    def do_GET(self):
        body = str(ticks).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


threading.Thread(target=count, daemon=True).start()
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
