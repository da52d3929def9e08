"""/length/N: N bytes with their length; /chunked/N: in chunks; /events: server-sent events, each
after /came told that the one before came."""

import http.server
import os
import threading

came = threading.Semaphore(0)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        what, _, size = self.path.lstrip("/").partition("/")
        if what == "events":
            self.events()
        elif what == "chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            left = int(size)
            while left > 0:
                self.chunk(bytes(min(left, 1 << 20)))
                left -= 1 << 20
            self.chunk(b"")
        else:
            count = int(size or 0)
            if what == "came":
                came.release()
            self.send_response(200)
            self.send_header("Content-Length", str(count))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(bytes(count))

    do_HEAD = do_GET

    def events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(3):
            self.chunk(f"data: {number}\n\n".encode())
            came.acquire()
        self.chunk(b"")

    def chunk(self, content):
        self.wfile.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        self.wfile.flush()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
