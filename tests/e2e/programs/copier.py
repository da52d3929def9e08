"""Takes a bucket's events, as pushes or as CloudEvents, and writes an object for each.

Usage: copier.py BUCKET [MARK]: what it got (headers and body, as JSON) goes into BUCKET, under the
event's own name with an x behind it.
"""

import base64
import http.server
import json
import os
import sys
import urllib.parse
import urllib.request


def name_of(headers, body):
    if "ce-subject" in headers:
        return urllib.parse.unquote(headers["ce-subject"]).removeprefix("objects/")
    if "ce-type" in headers:
        return base64.b64decode(json.loads(body)["message"]["data"]).decode()
    return json.loads(body)["message"]["attributes"]["objectId"]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        headers = {key.lower(): value for key, value in self.headers.items()}
        name = urllib.parse.quote(name_of(headers, body) + "x", "")
        urllib.request.urlopen(urllib.request.Request(
            f"{os.environ['STORAGE_EMULATOR_HOST']}/upload/storage/v1/b/{sys.argv[1]}/o"
            f"?uploadType=media&name={name}", method="POST",
            data=json.dumps({"path": self.path, "headers": headers, "body": body}).encode()))
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
