"""Nothing but the standard library."""
import sys

AHEAD = sorted(name for name in ("flask", "numpy", "http.server") if name in sys.modules)

import http.server
import json
import os
import random
import ssl
import tempfile
import uuid


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        name = os.path.basename(tempfile.mktemp())
        body = json.dumps({"ahead": AHEAD, "random": random.random(), "sum": sum(range(10)),
                           "uuid": str(uuid.uuid4()), "ssl": ssl.RAND_bytes(8).hex(),
                           "name": name}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET


http.server.HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
