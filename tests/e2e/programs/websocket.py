"""Echoes the messages of a WebSocket (RFC 6455); a plain request learns its process id.

"ticks" is answered with the count of a background thread.
"""

import base64
import hashlib
import http.server
import os
import threading
import time

ticks = 0


def count():
    global ticks
    while True:
        ticks += 1
        time.sleep(0.001)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.switch()
            return
        body = str(os.getpid()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def switch(self):
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept",
                         base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.close_connection = True
        while True:
            head = self.rfile.read(2)
            if len(head) < 2:
                return
            code, size = head[0] & 15, head[1] & 127  # short, masked, unfragmented ones only
            mask = self.rfile.read(4)
            text = bytes(byte ^ mask[at % 4] for at, byte in enumerate(self.rfile.read(size)))
            if text == b"ticks":
                text = str(ticks).encode()
            self.wfile.write(bytes([0x80 | code, len(text)]) + text)
            if code == 8:
                return

    def log_message(self, *_):
        pass


threading.Thread(target=count, daemon=True).start()
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
