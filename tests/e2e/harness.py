"""Starts the real `thaw` on a temporary data directory and talks to it with curl and its own CLI.

Every test gets a platform of its own on ports that the kernel chose. At the end the harness stops
it and insists that nothing is left: no process, no cgroup, no mount, no network namespace.
"""

import atexit
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(__file__).resolve().parent / "programs"
if os.geteuid() == 0 and str(PROGRAMS).startswith(("/tmp/", "/var/tmp/", "/run/")):
    # Instances have folders of their own there: such a clone's programs go where they are seen.
    seen = pathlib.Path(tempfile.mkdtemp(prefix="thaw-e2e-programs-", dir="/var/lib"))
    atexit.register(shutil.rmtree, seen, ignore_errors=True)
    seen.chmod(0o755)
    PROGRAMS = pathlib.Path(shutil.copytree(PROGRAMS, seen / "programs"))
THAW = os.environ.get("THAW", str(ROOT / "build/dev/apps/thaw/thaw"))
HANG_SECONDS = 180  # only turns a hang into a failure; nothing is measured against it


def wait_until(what, check):
    """Polls check() until it returns something true, and returns that."""
    deadline = time.monotonic() + HANG_SECONDS
    while time.monotonic() < deadline:
        value = check()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"never came: {what}")


def leftovers(data_dir):
    """Processes, cgroups and mounts that carry the data directory's name or marker."""
    found = []
    marker = str(data_dir)
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            text = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
            text += pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if int(pid) != os.getpid() and marker.encode() in text:
            found.append(f"process {pid}: {text[-200:]!r}")
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        if marker in line:
            found.append(f"mount {line}")
    return found


def programs_of(data_dir):
    """Pids of the instances of a data directory that run PROGRAMS."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        ours = any(word.startswith(str(PROGRAMS).encode()) for word in words)
        if ours and str(data_dir).encode() in words:
            found.add(int(pid))
    return found


def fnv1a(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) % (1 << 64)
    return value


def cgroups_of(data_dir):
    """The groups in which the instances of a data directory run, in every hierarchy."""
    name = f"thaw-{fnv1a(str(data_dir)) >> 16:012x}"
    root = pathlib.Path("/sys/fs/cgroup")
    return [str(path) for path in [*root.glob(name), *root.glob(f"*/{name}")]]


class Platform:
    def __init__(self, options=(), data_dir=None, prefix=()):
        """`prefix`: words before `thaw`, such as those that change the user."""
        self.prefix = list(prefix)
        self.data_dir = pathlib.Path(data_dir or tempfile.mkdtemp(prefix="thaw-e2e-"))
        if self.prefix:
            self.data_dir.chmod(0o777)
        self.options = list(options)
        self.api_address = "127.0.0.1:0"
        self.log_path = self.data_dir.with_suffix(".log")
        self.process = None
        self.start()

    def start(self):
        endpoints = self.data_dir / "endpoints.json"
        endpoints.unlink(missing_ok=True)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, THAW, "up", "--data-dir", str(self.data_dir),
                 "--gateway-address", "127.0.0.1:0", "--api-address", self.api_address,
                 *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def ready():
            if self.process.poll() is not None:
                raise AssertionError("thaw up ended: " + self.log())
            return endpoints.exists() and json.loads(endpoints.read_text())

        addresses = wait_until("endpoints.json", ready)
        self.gateway = addresses["gateway"]
        self.api = addresses["api"]

    def log(self):
        return self.log_path.read_text(errors="replace")

    def cli(self, *words, stdin=None, check=True):
        run = subprocess.run(
            [THAW, *map(str, words)], input=stdin, capture_output=True, text=True,
            timeout=HANG_SECONDS, check=False,
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "THAW_API_ADDRESS": self.api})
        if check and run.returncode != 0:
            raise AssertionError(f"thaw {words}: rc {run.returncode}\n{run.stdout}{run.stderr}"
                                 f"\n--- platform ---\n{self.log()[-4000:]}")
        return run

    def json(self, *words):
        return json.loads(self.cli(*words, "--json").stdout)

    def instances(self, service=None):
        rows = self.json("instances", "list")
        return [row for row in rows if service in (None, row["service"])]

    def curl(self, service, path="/", *options):
        """(status, body) of one request to a service through the gateway."""
        return self.fetch(f"http://{self.gateway}{path}", "-H", f"Host: {service}.localhost",
                          *options)

    def curl_api(self, path, *options):
        return self.fetch(f"http://{self.api}{path}", *options)

    def fetch(self, url, *options):
        run = subprocess.run(
            ["curl", "-sS", "-o", "-", "-w", "\n%{http_code}", *options, url],
            capture_output=True, text=True, timeout=HANG_SECONDS, check=False)
        body, _, status = run.stdout.rpartition("\n")
        return int(status), body

    def stop(self, number=signal.SIGTERM):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=HANG_SECONDS)
        self.process = None
        return code


class PlatformTest(unittest.TestCase):
    """One platform per test; `options` are given to `thaw up`."""

    options = ["--scale-to-zero-after", "1s", "--stop-grace", "1s"]
    prefix = []
    data_below = None  # the folder in which the data directory is made: the usual one

    def setUp(self):
        data_dir = tempfile.mkdtemp(prefix="thaw-e2e-", dir=self.data_below)
        self.thaw = Platform(self.options, data_dir, prefix=self.prefix)
        self.addCleanup(self.finish)

    def finish(self):
        try:
            code = self.thaw.stop()
            self.assertIn(code, (0, None), self.thaw.log())
            self.assert_nothing_left()
        finally:
            shutil.rmtree(self.thaw.data_dir, ignore_errors=True)
            self.thaw.log_path.unlink(missing_ok=True)

    def assert_nothing_left(self):
        self.assertEqual(leftovers(self.thaw.data_dir), [])
        self.assertEqual(cgroups_of(self.thaw.data_dir), [])

    def service_file(self, name, program, annotations=(), env=(), memory="256Mi", cpu="1",
                     concurrency=80, probe=None, timeout=60, arguments=()):
        """The text of a service file that runs tests/e2e/programs/PROGRAM."""
        container = {
            "image": "thaw.local/host",
            # The last word only marks whose instance it is, for programs_of().
            "command": ["/usr/bin/python3", "-u", str(PROGRAMS / program), *arguments,
                        str(self.thaw.data_dir)],
            "resources": {"limits": {"cpu": cpu, "memory": memory}},
            "env": [{"name": key, "value": value} for key, value in dict(env).items()],
        }
        if probe:
            container["startupProbe"] = probe
        return json.dumps({
            "apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"template": {
                "metadata": {"annotations": dict(annotations)},
                "spec": {"containerConcurrency": concurrency, "timeoutSeconds": timeout,
                         "containers": [container]}}}})

    def deploy(self, text, check=True, *options):
        return self.thaw.cli("deploy", "-", *options, stdin=text, check=check)

    def wait_for_zero(self, service=None):
        wait_until("zero instances", lambda: not self.thaw.instances(service))


AT_ZERO = {"run.googleapis.com/health-check-disabled": "true"}
