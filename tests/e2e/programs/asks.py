"""Asks its metadata server what it is told to: POST a JSON list [url, headers], get
{"status", "headers", "body"} of the answer."""

import http.client
import http.server
import json
import os
import urllib.parse


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        url, headers = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=10)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        text = json.dumps({"status": answer.status, "headers": dict(answer.headers.items()),
                           "body": answer.read().decode()}).encode()
        connection.close()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
