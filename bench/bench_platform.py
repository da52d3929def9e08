"""A platform for benchmarks: `thaw up` on a temporary data directory and free ports."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
THAW = os.environ.get("THAW", str(ROOT / "build/release/apps/thaw/thaw"))
BOUND_SECONDS = 120  # against hanging only


def say(text):
    print(text, file=sys.stderr, flush=True)


def until(what, check):
    end = time.monotonic() + BOUND_SECONDS
    while time.monotonic() < end:
        value = check()
        if value:
            return value
        time.sleep(0.01)
    raise TimeoutError(what)


class Platform:
    def __init__(self, *options):
        self.data_dir = pathlib.Path(tempfile.mkdtemp(prefix="thaw-bench-"))
        self.log = open(self.data_dir.with_suffix(".log"), "wb")
        self.process = subprocess.Popen(
            [THAW, "up", "--data-dir", str(self.data_dir), "--gateway-address", "127.0.0.1:0",
             "--api-address", "127.0.0.1:0", "--log-level", "warning", *options],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        endpoints = self.data_dir / "endpoints.json"

        def ready():
            if self.process.poll() is not None:
                raise RuntimeError(self.data_dir.with_suffix(".log").read_text())
            with contextlib.suppress(OSError, ValueError):
                return json.loads(endpoints.read_text())

        addresses = until("endpoints.json", ready)
        host, port = addresses["gateway"].rsplit(":", 1)
        self.gateway = (host, int(port))
        self.api = addresses["api"]

    def cli(self, *words, stdin=None):
        return subprocess.run([THAW, *words], input=stdin, text=True, check=True,
                              capture_output=True,
                              env={**os.environ, "THAW_API_ADDRESS": self.api}).stdout

    def instances(self):
        return json.loads(self.cli("instances", "list", "--json"))

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(BOUND_SECONDS)
        self.log.close()
        shutil.rmtree(self.data_dir, ignore_errors=True)
        self.data_dir.with_suffix(".log").unlink(missing_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def ask(address, request):
    """Seconds from connect() to the first byte, then reads to the end; (seconds, whole answer)."""
    start = time.perf_counter()
    with socket.create_connection(address) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(request)
        answer = connection.recv(65536)
        first = time.perf_counter()
        while chunk := connection.recv(65536):
            answer += chunk
    return first - start, answer


def post(host, path, body, content_type):
    return (f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {content_type}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n").encode() + body


def result(name, unit, ours, peer, ratios, goal, better):
    """Prints one result as bench/run reads it. `ratios`: ours/peer of each round, or empty."""
    ratios = sorted(ratios)
    print(json.dumps({
        "name": name, "unit": unit, "ours": ours, "peer": peer,
        "ratio": statistics.median(ratios) if ratios else None,
        "min": ratios[0] if ratios else None, "max": ratios[-1] if ratios else None,
        "goal": goal, "better": better}), flush=True)
