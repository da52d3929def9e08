"""Imports the modules of a folder, argv[1], and tells what is to be seen of them."""
import http.server
import importlib
import json
import os
import sys

sys.path.append(sys.argv[1])
part = importlib.import_module("part")
SEEN = {"word": part.word(), "file": part.__file__, "cached": part.__cached__,
        "path": sys.path, "environment": sorted(name for name in os.environ),
        "prefix": sys.pycache_prefix, "writes": sys.dont_write_bytecode,
        "folder": sorted(os.listdir(sys.argv[1])), "trace": part.trace()}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(SEEN).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
