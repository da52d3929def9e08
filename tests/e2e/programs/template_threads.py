"""A program whose own module starts a thread at import; the libraries it needs do not."""
import sys

AHEAD = sorted(name for name in ("flask", "numpy", "http.server") if name in sys.modules)

import http.server
import json
import os
import random
import ssl
import uuid

import template_threads_part


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.dumps({"ahead": AHEAD, "random": random.random(), "sum": sum(range(10)),
                           "uuid": str(uuid.uuid4()), "ssl": ssl.RAND_bytes(8).hex(),
                           "thread": template_threads_part.thread.is_alive()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET


http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
