"""Writes down the ids of the CloudEvents it gets, one line each, in the file $OUT; 500 for an entry
with the field poison. Answers after the line is on the disk."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Sink(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if "batch" in self.headers["content-type"]:
            events = [(event["id"], event["data"]) for event in body]
        else:
            events = [(self.headers["ce-id"], body)]
        if any("poison" in data for _, data in events):
            self.send_response(500)
            text = b"poisoned\n"
        else:
            out = os.open(os.environ["OUT"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            os.write(out, "".join(f"{data['n']} {data.get('key', '')}\n"
                                  for _, data in events).encode())
            os.close(out)
            self.send_response(200)
            text = b"ok\n"
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Sink).serve_forever()
