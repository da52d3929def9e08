"""Ours: the work behind HTTP, a batch of CloudEvents a request. Each entry's lag, from the entry's
`sent` to its end, goes into the file $LAGS."""

import json
import os
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from work import work  # noqa: E402


def read_request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(1 << 20)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    head = head.lower()
    length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(1 << 20)
    return head, body


server = socket.create_server(("0.0.0.0", int(os.environ["PORT"])), backlog=128)
lags = open(os.environ["LAGS"], "a", buffering=1, encoding="ascii")
while True:
    connection, _ = server.accept()
    request = read_request(connection)
    if request is not None:
        head, body = request
        events = json.loads(body)
        rows = [event["data"] for event in events] if b"batch+json" in head else [events]
        for row in rows:
            work(row["text"])
        now = time.time()
        lags.write("".join(f"{now - float(row['sent'])}\n" for row in rows))
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    connection.close()
