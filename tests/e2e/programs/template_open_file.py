"""A program whose own module keeps a file open, which a snapshot cannot hold."""
import http.server
import os

import template_open_file_part


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = template_open_file_part.FILE.name.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
