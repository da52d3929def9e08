"""A page with an EventSource, and its events: two a connection, then the connection ends.

Each connection goes on behind the Last-Event-ID that it came with.
"""

import http.server
import os

PAGE = b"""<!doctype html><meta charset="utf-8"><title>events</title><p id="seen"></p>
<script>
const seen = [];
const source = new EventSource('/events');
source.onopen = () => { seen.push('open'); };
source.addEventListener('tick', event => {
  seen.push(event.lastEventId + '=' + event.data);
  if (event.lastEventId === '5') source.close();
  document.getElementById('seen').textContent = seen.join(' ');
});
</script>"""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/":
            self.answer(200, "text/html", PAGE)
        elif self.path == "/events":
            self.events(int(self.headers.get("Last-Event-ID") or 0))
        else:
            self.answer(404, "text/plain", b"no\n")

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def events(self, last):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"retry: 20\n\n")
        for number in range(last + 1, last + 3):
            self.wfile.write(f"event: tick\nid: {number}\ndata: after {last}\n\n".encode())
            self.wfile.flush()
        self.close_connection = True

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
