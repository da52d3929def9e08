"""What the benchmarks of the gateway share: programs beside each other, and what they cost."""

import os
import pathlib
import shutil
import socket
import statistics
import subprocess


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def program(*words, **more):
    """A child that prints its port first."""
    argv = [str(word) for word in words]
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, **more)
    return child, int(child.stdout.readline())


def cpu_us(pids):
    """Time on a CPU of all threads, user and system: finer than the ticks of /proc/PID/stat."""
    total = 0
    for pid in pids:
        for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
            total += int(path.read_text().split()[0])
    return total / 1e3


def children(pid):
    return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def find(name):
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")


def spread(values):
    return f"{statistics.median(values):9.1f} ({min(values):.1f}-{max(values):.1f})"
