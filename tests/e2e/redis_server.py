"""A real redis-server on a port that the kernel chose, with everything it acknowledges on disk."""

import shutil
import signal
import socket
import subprocess
import sys
import tempfile

from harness import wait_until


def need_redis():
    """Skips the whole file, with a word, where there is no Redis."""
    for program in ("redis-server", "redis-cli"):
        if shutil.which(program) is None:
            print(f"skipped: {program} is not installed", file=sys.stderr)
            raise SystemExit(77)


class Redis:
    def __init__(self, password=None):
        self.dir = tempfile.mkdtemp(prefix="thaw-e2e-redis-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.password = password
        self.process = None
        self.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        words = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--appendonly",
                 "yes", "--appendfsync", "always", "--save", "", "--dir", self.dir,
                 "--logfile", self.dir + "/log"]
        if self.password:
            words += ["--requirepass", self.password]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL)
        wait_until("Redis", lambda: self("PING") == "PONG")

    def __call__(self, *words, stdin=None):
        secret = ["-a", self.password, "--no-auth-warning"] if self.password else []
        return subprocess.run(["redis-cli", "-p", str(self.port), *secret, *map(str, words)],
                              input=stdin, capture_output=True, text=True, check=False,
                              timeout=60).stdout.strip()

    def pending(self, stream, group):
        """Entries that wait or are pending."""
        lines = self("XINFO", "GROUPS", stream).splitlines()
        rows = [dict(zip(lines[i:i + 12:2], lines[i + 1:i + 12:2]))
                for i in range(0, len(lines), 12)]
        (row,) = [each for each in rows if each.get("name") == group] or [{"lag": -1}]
        return int(row.get("lag") or 0) + int(row.get("pending") or 0)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=60)
        shutil.rmtree(self.dir, ignore_errors=True)
