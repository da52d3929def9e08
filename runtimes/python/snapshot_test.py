#!/usr/bin/env python3
"""Snapshots of processes outside of containers: taken, restored, refused, damaged.

    THAW_RESTORE=... THAW_POINT=... runtimes/python/snapshot_test.py
"""

import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import snapshot  # noqa: E402

RESTORE = os.environ.get("THAW_RESTORE", "")
POINT = os.environ.get("THAW_POINT", "")
# BEFORE and AFTER: what the process does until its snapshot is taken, and what a restored one does.
TAKE = """
import os, sys
sys.path.insert(0, HERE)
import snapshot
os.closerange(3, 1000)
BEFORE
point = snapshot.Point(POINT)
child = os.fork()
if child == 0:
    if point.enter():
        AFTER
        sys.stdout.flush()
    os._exit(0)
os.waitpid(child, os.WUNTRACED)
try:
    print(snapshot.write(child, point.address, IMAGE, os.path.dirname(POINT), READ))
except snapshot.Refused as error:
    print("refused:", error)
finally:
    os.kill(child, 9)
    os.waitpid(child, 0)
"""
COLD = ["/bin/sh", "-c", "echo went cold"]


class SnapshotTest(unittest.TestCase):
    def setUp(self):
        if not RESTORE or not os.path.getsize(RESTORE):
            self.skipTest("snapshots are for x86-64, and THAW_RESTORE names what restores them")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.image = self.folder / "image"

    def take(self, before="pass", after="pass", read=()):
        names = {"HERE": str(HERE), "POINT": POINT, "IMAGE": str(self.image), "READ": list(read)}
        text = TAKE.replace("BEFORE", before).replace("AFTER", after.replace("\n", "\n        "))
        text = "".join(f"{name} = {value!r}\n" for name, value in names.items()) + text
        run = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True,
                             check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout.strip()

    def restore(self, **options):
        return subprocess.run([RESTORE, self.image, "0", *COLD], capture_output=True, text=True,
                              check=False, **options)

    def check_cold(self, why):
        run = self.restore()
        self.assertEqual((run.returncode, run.stdout), (0, "went cold\n"), run.stderr)
        self.assertIn(f"thaw-restore: cold: {why}", run.stderr)

    def change(self, offset, data, sealed=True):
        """Writes into the image; `sealed`: the checksum is made right again."""
        image = bytearray(self.image.read_bytes())
        image[offset:offset + len(data)] = data
        if sealed:
            image[12:16] = bytes(4)
            tables, = struct.unpack_from("<Q", image, 24)
            head = zlib.crc32(image[:snapshot.HEADER.size])
            struct.pack_into("<I", image, 12, zlib.crc32(image[tables:], head))
        self.image.write_bytes(image)

    def test_a_restored_process_goes_on_with_its_memory(self):
        self.take("import random, signal, threading, zlib\n"
                  "rows = [random.random() for _ in range(50000)]\n"
                  "total = sum(rows)\n"
                  "signal.signal(signal.SIGUSR1, lambda *_: print('handled'))",
                  "print(sum(rows) == total, len(rows))\n"
                  "os.kill(os.getpid(), signal.SIGUSR1)\n"
                  "thread = threading.Thread(target=print, args=('in a thread',))\n"
                  "thread.start(); thread.join()\n"
                  "big = [bytes(1000) for _ in range(100000)]; del big\n"
                  "big = [bytes(50) for _ in range(500000)]; del big\n"
                  "print(os.popen('echo a child').read().strip())\n"
                  "print(zlib.crc32(b'x'), __import__('json').dumps([1]))\n"
                  "def deep(n): return n and deep(n - 1)\n"
                  "sys.setrecursionlimit(9000); print(deep(8000))")
        for _ in range(3):
            run = self.restore()
            self.assertEqual(run.stdout.split("\n")[:-1],
                             ["True 50000", "handled", "in a thread", "a child",
                              "2363233923 [1]", "0"])
            self.assertEqual((run.returncode, run.stderr), (0, "thaw-restore: restored\n"))

    def test_it_shows_the_command_and_environment_of_its_own_start(self):
        self.take(after="print(open('/proc/self/cmdline').read().split('\\0')[:-1])\n"
                        "print('MARK=new' in open('/proc/self/environ').read(), os.getcwd())\n"
                        "print(open('/proc/self/comm').read().strip())")
        lines = self.restore(env={"MARK": "new"}, cwd="/").stdout.split("\n")
        self.assertEqual(lines[0], repr(COLD))
        self.assertEqual(lines[1], "True /")
        self.assertTrue(lines[2].startswith("python"))

    def test_its_id_is_its_own_and_forks_and_locks_work(self):
        self.take("import threading\nlock = threading.Lock()",
                  "with lock: print(os.getpid() == threading.get_native_id())\n"
                  "child = os.fork()\n"
                  "if child == 0: print('child'); sys.stdout.flush(); os._exit(3)\n"
                  "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))")
        self.assertEqual(sorted(self.restore().stdout.split()), ["3", "True", "child"])

    def test_what_was_random_before_is_the_same_and_what_comes_from_the_system_is_not(self):
        self.take("import random, ssl", "print(random.random(), ssl.RAND_bytes(8).hex())")
        first, second = self.restore().stdout.split(), self.restore().stdout.split()
        self.assertEqual(first[0], second[0])
        self.assertNotEqual(first[1], second[1])

    def test_many_are_restored_at_once(self):
        self.take("rows = list(range(100000))", "print(sum(rows), sys.stdin.readline().strip())")
        runs = [subprocess.Popen([RESTORE, self.image, "0", *COLD], text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL) for _ in range(20)]
        answers = [run.communicate(f"{number}\n")[0] for number, run in enumerate(runs)]
        self.assertEqual(answers, [f"4999950000 {number}\n" for number in range(20)])

    def test_a_file_that_has_changed_makes_it_stale(self):
        file = self.folder / "read.txt"
        file.write_text("old")
        self.take(read=[str(file)])
        self.assertEqual(self.restore().stderr, "thaw-restore: restored\n")
        file.write_text("newer")
        self.check_cold(f"stale: this file has changed: {file}")
        file.unlink()
        self.check_cold(f"stale: this file is gone: {file}")

    def test_what_cannot_be_saved_is_refused_with_the_reason(self):
        for before, why in (
                ("import mmap\nshared = mmap.mmap(-1, 4096)", "it shares memory"),
                ("file = open('/etc/hostname')", "it has /etc/hostname open"),
                ("import socket\nserver = socket.socket()", "it has socket:")):
            self.assertIn(f"refused: {why}", self.take(before), before)

    def test_a_damaged_header_is_noticed_whatever_byte_it_is(self):
        self.take()
        whole = self.image.read_bytes()
        for offset in [*range(0, 160), *range(160, snapshot.HEADER.size, 37)]:
            damaged = bytes([whole[offset] ^ 0x55])
            with open(self.image, "r+b") as file:
                file.seek(offset)
                file.write(damaged)
            self.check_cold("")
            with open(self.image, "r+b") as file:
                file.seek(offset)
                file.write(whole[offset:offset + 1])
        self.assertEqual(self.restore().returncode, 0)

    def test_a_shortened_file_is_noticed(self):
        self.take()
        whole = self.image.read_bytes()
        for size in (0, 1, 100, snapshot.HEADER.size - 1, snapshot.HEADER.size, 8192,
                     len(whole) // 2, len(whole) - 1):
            self.image.write_bytes(whole[:size])
            self.check_cold("")
        self.image.unlink()
        self.check_cold("the snapshot cannot be opened")

    def test_what_the_tables_say_is_checked_beyond_the_checksum(self):
        self.take()
        whole = self.image.read_bytes()
        fields = snapshot.HEADER.unpack_from(whole)
        tables, regions, files = fields[4], fields[5], fields[6]
        region, span = tables, tables + 40 * regions + 48 * files
        vdso = snapshot.HEADER.size - snapshot.POINT_SIZE - 8 * 9
        point = snapshot.HEADER.size - snapshot.POINT_SIZE
        for offset, value, why in (
                (8, struct.pack("<I", 7), "the snapshot has another version"),
                (48, b"5.0.0", "the kernel is another"),
                (point + 184, b"\xff" * 4, "the processor is another"),
                (vdso - 8, b"\xff" * 4, "the kernel's code for the clock is another"),
                (vdso, struct.pack("<Q", 4096), ""),
                (region, struct.pack("<Q", 0), "the snapshot's regions are damaged"),
                (region, struct.pack("<Q", 0x600000000000), "the snapshot's regions are damaged"),
                (region + 8, struct.pack("<Q", 2**63), "the snapshot's regions are damaged"),
                (region + 16, b"\xff" * 4, "the snapshot's regions are damaged"),
                (region + 20, b"\xff" * 4, "the snapshot's regions are damaged"),
                (region + 24, struct.pack("<i", 9999), "the snapshot's regions are damaged"),
                (region + 40 * regions + 40, b"\xff" * 4, "the snapshot's files are damaged"),
                (span, struct.pack("<Q", 4096), "the snapshot's spans are damaged"),
                (span + 16, struct.pack("<Q", 2**40), "the snapshot's spans are damaged"),
                (span + 24, b"\xff" * 4, "the snapshot's spans are damaged"),
                (point + 56, struct.pack("<Q", 12), "the snapshot's registers are damaged"),
                (point + 48, struct.pack("<Q", 12), "the snapshot's registers are damaged"),
                (point + 88, struct.pack("<Q", 12), "the snapshot's registers are damaged")):
            self.image.write_bytes(whole)
            self.change(offset, value)
            self.check_cold(why)


if __name__ == "__main__":
    unittest.main()
