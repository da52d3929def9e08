"""Listens on 127.0.0.1 only, which nobody outside of its container reaches."""

import http.server
import os

http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])),
                       http.server.SimpleHTTPRequestHandler).serve_forever()
