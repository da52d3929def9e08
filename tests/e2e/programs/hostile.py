"""Tries to break out, once per request, and answers which attempts worked: {"name": "how"}.

The path is "/API_PORT/GATEWAY_PORT", the platform's own ports; the last argument is its data
directory.
"""

import ctypes
import http.server
import json
import os
import socket
import stat
import sys

libc = ctypes.CDLL(None, use_errno=True)
DATA_DIR = sys.argv[-1]


def call(result):
    if result == -1:
        raise OSError(ctypes.get_errno(), "refused")
    return result


def write(path):
    with open(path, "w", encoding="ascii") as file:
        file.write("x")


def read(path):
    with open(path, "rb") as file:
        return len(file.read(16))


def connect(port):
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        return port


def device():
    os.mknod("/tmp/disk", stat.S_IFBLK | 0o600, os.makedev(8, 0))


def others():
    pids = [pid for pid in filter(str.isdigit, os.listdir("/proc")) if int(pid) != os.getpid()]
    if not pids:
        raise OSError("it is alone")
    return pids


def trace_any():
    for pid in range(2, 5000):
        if libc.ptrace(16, pid, None, None) == 0:  # PTRACE_ATTACH
            return pid
    raise OSError("none could be")


def fill_tmp():
    """More than the instance's memory limit of 256 MiB, as a sparse file cannot be."""
    with open("/tmp/full", "wb") as file:
        for _ in range(512):
            file.write(bytes(1 << 20))


def attempts(api, gateway):
    yield "mount", lambda: call(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))
    yield "unshare", lambda: call(libc.unshare(0x10000000 | 0x00020000))
    yield "ptrace", trace_any
    yield "processes of others", others
    yield "device node", device
    yield "disk", lambda: read("/dev/sda")
    yield "kernel memory", lambda: read("/dev/mem")
    yield "raw socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    yield "outside address", lambda: socket.create_connection(("192.0.2.1", 80), timeout=5)
    yield "API", lambda: connect(api)
    yield "gateway", lambda: connect(gateway)
    yield "data directory", lambda: os.listdir(DATA_DIR)
    yield "password hashes", lambda: read("/etc/shadow")
    yield "kernel switch", lambda: write("/proc/sys/kernel/core_pattern")
    yield "sysrq", lambda: write("/proc/sysrq-trigger")
    for path in ("/etc/x", "/usr/x", "/var/x", "/root/x", "/x", "/sys/fs/cgroup/x"):
        yield f"write {path}", lambda path=path: write(path)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/fill":
            fill_tmp()
        worked, tried = {}, 0
        api, gateway = map(int, self.path.strip("/").split("/"))
        for name, attempt in attempts(api, gateway):
            tried += 1
            try:
                worked[name] = repr(attempt())
            except OSError:
                pass
        body = json.dumps({"tried": tried, "worked": worked}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
