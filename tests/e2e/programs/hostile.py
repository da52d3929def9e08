"""Tries to break out, once per request, and answers which attempts worked: {"name": "how"}.

The path is "/PORT/PORT/...", ports of the host and of a neighbour that must not be reached; the
query is the neighbour's process, as the host numbers it. The last argument is the platform's data
directory. "/ports" answers every TCP port that can be reached from here, "/tmp" the names in /tmp,
"/fill" fills it, and "/bomb" forks without end: it answers a line when a fork is refused, and goes
on until its caller leaves.
"""

import ctypes
import errno
import http.client
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


def any_of(pids, attempt):
    for pid in pids:
        if attempt(pid) != -1:
            return pid
    raise OSError("none could be")


def memory_of(pid):
    """One byte of the lowest address that programs are linked to."""
    class Span(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
    here, there = ctypes.create_string_buffer(1), Span(0x400000, 1)
    return libc.process_vm_readv(pid, ctypes.byref(Span(ctypes.addressof(here), 1)), 1,
                                 ctypes.byref(there), 1, 0)


def deploy_through_the_door():
    """The one address of the platform that is reached: buckets, and no services."""
    door = http.client.HTTPConnection("127.0.8.81", 48081, timeout=5)
    for path in ("/apis/serving.knative.dev/v1/namespaces/default/services",
                 "/thaw/v1/version", "/thaw/v1/instances"):
        for method in ("GET", "POST"):
            door.request(method, path, body="{}" if method == "POST" else None)
            answer = door.getresponse()
            answer.read()
            if answer.status != 404:
                return method, path, answer.status
    raise OSError("it serves none")


def reached_ports():
    """Every TCP port that answers on an address of this machine or of the platform's doors."""
    found = []
    for family, ip, ports in ((socket.AF_INET, "127.0.0.1", range(1, 65536)),
                              (socket.AF_INET6, "::1", range(1, 65536)),
                              (socket.AF_INET, "127.0.8.81", range(1, 65536)),
                              (socket.AF_INET, "127.0.8.82", (8080, 48081))):
        for port in ports:
            with socket.socket(family) as link:
                if link.connect_ex((ip, port)) == 0 and link.getsockname()[:2] != (ip, port):
                    found.append(f"{ip}:{port}")
    return found


def bomb():
    """Every process forks for ever; the first refusal ends this call in the one that began it."""
    first = os.getpid()
    while True:
        try:
            os.fork()
        except OSError as refused:
            if os.getpid() == first:
                return errno.errorcode[refused.errno]


def fill_tmp():
    """More than the instance's memory limit of 256 MiB, as a sparse file cannot be."""
    with open("/tmp/full", "wb") as file:
        for _ in range(512):
            file.write(bytes(1 << 20))


def attempts(ports, neighbour):
    yield "mount", lambda: call(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))
    yield "unshare", lambda: call(libc.unshare(0x10000000 | 0x00020000))
    yield "ptrace", lambda: any_of(range(2, 5000), lambda pid: libc.ptrace(16, pid, None, None))
    yield "ptrace a neighbour", lambda: call(libc.ptrace(16, neighbour, None, None))
    yield "memory of others", lambda: any_of([*range(2, 5000), neighbour], memory_of)
    yield "end a neighbour", lambda: os.kill(neighbour, 9)
    yield "environment of a neighbour", lambda: read(f"/proc/{neighbour}/environ")
    yield "files of a neighbour", lambda: os.listdir(f"/proc/{neighbour}/root")
    yield "processes of others", others
    yield "device node", device
    yield "character device", lambda: os.mknod("/tmp/mem", stat.S_IFCHR | 0o600, os.makedev(1, 1))
    yield "disk", lambda: read("/dev/sda")
    yield "kernel memory", lambda: read("/dev/mem")
    yield "raw socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    yield "raw packets of IP", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
    yield "raw packets of IPv6", lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, 58)
    yield "outside address", lambda: socket.create_connection(("192.0.2.1", 80), timeout=5)
    for port in ports:
        yield f"port {port}", lambda port=port: connect(port)
    yield "deploy through the door", deploy_through_the_door
    for name in ("", "/state.db", "/endpoints.json", "/run", "/logs", "/objects"):
        yield f"data directory{name}", lambda name=name: os.stat(DATA_DIR + name + "/.")
        yield f"data file{name}", lambda name=name: read(DATA_DIR + name)
    yield "data directory's names", lambda: os.listdir(DATA_DIR)
    yield "password hashes", lambda: read("/etc/shadow")
    yield "kernel switch", lambda: write("/proc/sys/kernel/core_pattern")
    yield "sysrq", lambda: write("/proc/sysrq-trigger")
    for path in ("/etc/x", "/usr/x", "/var/x", "/root/x", "/x", "/sys/fs/cgroup/x"):
        yield f"write {path}", lambda path=path: write(path)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/fill":
            fill_tmp()
        elif self.path == "/bomb":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"{bomb()}\n".encode())
            self.rfile.read()
        elif self.path == "/tmp":
            self.answer(os.listdir("/tmp"))
        elif self.path == "/ports":
            self.answer(reached_ports())
        else:
            self.break_out()

    def break_out(self):
        path, _, neighbour = self.path.partition("?")
        worked, tried = {}, 0
        for name, attempt in attempts(map(int, path.strip("/").split("/")), int(neighbour)):
            tried += 1
            try:
                worked[name] = repr(attempt())
            except OSError:
                pass
        self.answer({"tried": tried, "worked": worked})

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
