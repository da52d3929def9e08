"""GET /write/PATH writes its own name there, /read/PATH reads it; answers JSON, a fault as text."""

import http.server
import json
import os


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        what, _, path = self.path.lstrip("/").partition("/")
        try:
            if what == "write":
                with open("/" + path, "w", encoding="utf-8") as file:
                    file.write(os.path.basename(path))
                answer = ""
            else:
                with open("/" + path, encoding="utf-8") as file:
                    answer = file.read()
        except OSError as fault:
            answer = str(fault)
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
