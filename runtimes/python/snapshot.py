"""Writes a snapshot of a process that has stopped in thaw_point() (runtimes/snapshot/point.cc).

The file is described in docs/formats/snapshot.md and mapped by runtimes/snapshot/restore.cc. The
writer needs to be allowed to trace the process: it is its parent, and of the same user.

Nothing is written that could not be restored: what has no place in a snapshot (memory shared with
others, devices, open files beside 0, 1 and 2, threads) raises Refused with the reason.
"""

import ctypes
import os
import re
import struct
import zlib

PAGE = 4096
MAGIC = b"ThwSnap\n"
VERSION = 1
POINT = struct.Struct("<8Q Q 2I Q Q 2Q 3Q 3Q 12I")
POINT_SIZE = POINT.size + 64 * 32
HEADER = struct.Struct(f"<8s 2I 2Q 4I 65s 16s 15s 2I 2Q 7Q {POINT_SIZE}s")
REGION = struct.Struct("<2Q 2I i I Q")
FILE = struct.Struct("<5Q 2I")
SPAN = struct.Struct("<3Q 2I")
SHARED, PRIVATE = 1, 2  # mmap(2)'s
DONT_FORK, WIPE_ON_FORK, DONT_DUMP = 1, 2, 4
PRESENT, SWAPPED, OF_FILE = 1 << 63, 1 << 62, 1 << 61  # of /proc/PID/pagemap
NEAR = 8  # pages; stretches of memory that lie nearer are written as one
MOST_SPANS = 50_000  # the kernel lets a process have 65,530 mappings
CHUNK = 256  # pages read at a time
LOOK = 1 << 16  # pages looked up at a time
LIBRARY_SAYS = {-1: "the C library keeps the thread's id elsewhere",
                -2: "the kernel is built without CONFIG_CHECKPOINT_RESTORE",
                -3: "the mask of signals cannot be read"}


class Refused(Exception):
    """Why there can be no snapshot, in words for the service's owner."""


class Mapping:
    LINE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (....) ([0-9a-f]+) \S+ (\d+) *(.*)")

    def __init__(self, found):
        self.start, self.end = int(found[1], 16), int(found[2], 16)
        mode = found[3]
        self.protection = ("r" in mode) + 2 * ("w" in mode) + 4 * ("x" in mode)
        self.is_shared = mode[3] == "s"
        self.offset = int(found[4], 16)
        self.has_file = found[5] != "0"
        self.name = found[6].rstrip("\n")
        self.flags = ()

    def advice(self):
        return (DONT_FORK * ("dc" in self.flags) + WIPE_ON_FORK * ("wf" in self.flags) +
                DONT_DUMP * ("dd" in self.flags))


def read_mappings(pid):
    rows = []
    with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            found = Mapping.LINE.match(line)
            if found:
                rows.append(Mapping(found))
            elif line.startswith("VmFlags:"):
                rows[-1].flags = tuple(line.split()[1:])
    return rows


def check_process(pid):
    if len(os.listdir(f"/proc/{pid}/task")) != 1:
        raise Refused("it has threads")
    for name in os.listdir(f"/proc/{pid}/fd"):
        if int(name) > 2:
            raise Refused(f"it has {os.readlink(f'/proc/{pid}/fd/{name}')} open")
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
        if any(line.startswith("x86_Thread_features:") and "shstk" in line for line in file):
            raise Refused("it has a shadow stack")


class Writer:
    def __init__(self, pid, path, own_folder):
        self.pid = pid
        self.own = own_folder.rstrip("/") + "/"  # files from here are copied, not mapped again
        self.memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        self.pages = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY | os.O_CLOEXEC)
        self.out = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self.at = PAGE * (-(-HEADER.size // PAGE))  # the next page of contents goes here
        self.regions, self.spans = [], []
        self.files = {}  # path -> [number, is mapped, facts]
        self.heap_end = 0
        self.vdso = self.vvar = self.vdso_bytes = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for descriptor in (self.memory, self.pages, self.out):
            os.close(descriptor)

    def file(self, path, is_mapped):
        row = self.files.get(path)
        if row is None:
            row = self.files[path] = [len(self.files), False, os.stat(path)]
        row[1] = row[1] or is_mapped
        return row[0]

    def add(self, mapping, stack_limit):
        if mapping.name.startswith("[vvar"):
            self.vvar = mapping.start if self.vvar is None else self.vvar
            return
        if mapping.name == "[vdso]":
            self.vdso = mapping.start
            self.vdso_bytes = os.pread(self.memory, mapping.end - mapping.start, mapping.start)
            return
        if mapping.name == "[vsyscall]":
            return
        if {"ht", "pf", "io"} & set(mapping.flags):
            raise Refused(f"it has memory of a device or huge pages: {mapping.name}")
        copied = mapping.name.startswith(self.own) or mapping.name.endswith(" (deleted)")
        maps_file = mapping.has_file and not copied
        if mapping.is_shared and (not maps_file or mapping.protection & 2 or "mw" in mapping.flags):
            raise Refused(f"it shares memory: {mapping.name or 'without a name'}")
        start = mapping.start
        if mapping.name == "[heap]":
            self.heap_end = mapping.end
        if mapping.name == "[stack]":
            start = mapping.end - max(stack_limit, mapping.end - start)
            if self.regions and start < self.regions[-1][0] + self.regions[-1][1]:
                start = mapping.start
        number = -1
        if maps_file:
            number = self.file(mapping.name, True)
        self.regions.append((start, mapping.end - start, mapping.protection,
                             SHARED if mapping.is_shared else PRIVATE, number, mapping.advice(),
                             mapping.offset if maps_file else 0))
        if not mapping.is_shared:
            self.add_contents(mapping, maps_file, copied and mapping.has_file)

    def add_contents(self, mapping, maps_file, whole):
        """What the process has written there; `whole`: everything, its file is not mapped again."""
        region = len(self.regions) - 1
        for start in range(mapping.start, mapping.end, LOOK * PAGE):
            count = (min(mapping.end, start + LOOK * PAGE) - start) // PAGE
            table = memoryview(os.pread(self.pages, count * 8, start // PAGE * 8)).cast("Q")
            wanted = [at for at in range(count) if whole or
                      (table[at] & (PRESENT | SWAPPED) and not table[at] & OF_FILE)]
            at = 0
            while at < len(wanted):
                first = last = wanted[at]
                while at < len(wanted) and wanted[at] - last <= NEAR and wanted[at] - first < CHUNK:
                    last = wanted[at]
                    at += 1
                self.add_stretch(region, start + first * PAGE, last - first + 1, maps_file)

    def add_stretch(self, region, start, count, maps_file):
        data = os.pread(self.memory, count * PAGE, start)
        if len(data) != count * PAGE:
            raise Refused(f"its memory at {start:x} cannot be read")
        if not maps_file:  # zeros at the ends need no file
            front = (len(data) - len(data.lstrip(b"\0"))) // PAGE
            data = data[front * PAGE:]
            start += front * PAGE
            data = data[:-(-len(data.rstrip(b"\0")) // PAGE) * PAGE]
        if not data:
            return
        os.pwrite(self.out, data, self.at)
        last = self.spans[-1] if self.spans else None
        if last and last[3] == region and last[0] + last[1] == start:
            self.spans[-1] = (last[0], last[1] + len(data), last[2], region, 0)
        else:
            self.spans.append((start, len(data), self.at, region, 0))
        self.at += len(data)

    def tables(self):
        names, rows = bytearray(), []
        for path, (_, is_mapped, facts) in self.files.items():
            rows.append(FILE.pack(facts.st_dev, facts.st_ino, facts.st_size,
                                  facts.st_mtime_ns // 10**9, facts.st_mtime_ns % 10**9,
                                  len(names), is_mapped))
            names += os.fsencode(path) + b"\0"
        names += b"\0"
        return (b"".join([*(REGION.pack(*row) for row in self.regions), *rows,
                          *(SPAN.pack(*row) for row in self.spans)]) + names, len(names))

    def finish(self, point):
        if self.vdso is None or self.vvar is None:
            raise Refused("the kernel's code for the clock is not there")
        if len(self.spans) + len(self.regions) > MOST_SPANS:
            raise Refused("its memory is in too many pieces")
        tables, names = self.tables()
        with open(f"/proc/{self.pid}/stat", encoding="utf-8", errors="replace") as file:
            words = file.read().rpartition(")")[2].split()
        stat = [int(words[field - 3]) for field in (26, 27, 45, 46, 47, 28)]
        with open(f"/proc/{self.pid}/comm", "rb") as file:
            comm = file.read().rstrip(b"\n")
        places = (*stat[:5], max(self.heap_end, stat[4]), stat[5])

        def header(checksum):
            return HEADER.pack(MAGIC, VERSION, checksum, self.at + len(tables), self.at,
                               len(self.regions), len(self.files), len(self.spans), names,
                               os.uname().release.encode(), comm[:15], b"",
                               zlib.crc32(self.vdso_bytes), len(self.vdso_bytes), self.vdso,
                               self.vvar, *places, point)

        os.pwrite(self.out, tables, self.at)
        os.pwrite(self.out, header(zlib.crc32(tables, zlib.crc32(header(0)))), 0)
        os.fsync(self.out)
        return self.at + len(tables)


def write(pid, point_address, path, own_folder, read_files=()):
    """Writes the snapshot of the stopped child `pid`; returns its size in bytes. `read_files`: what
    it has read and does not map; when one of them changes the snapshot is stale."""
    try:
        check_process(pid)
        with Writer(pid, path, own_folder) as writer:
            with open(f"/proc/{pid}/limits", encoding="ascii") as file:
                soft = next(line.split()[3] for line in file if line.startswith("Max stack size"))
            stack_limit = min(int(soft), 64 << 20) if soft.isdigit() else 64 << 20
            for mapping in read_mappings(pid):
                writer.add(mapping, stack_limit // PAGE * PAGE)
            for name in read_files:
                writer.file(name, False)
            return writer.finish(os.pread(writer.memory, POINT_SIZE, point_address))
    except OSError as error:
        raise Refused(f"it cannot be read or written: {error}") from error


class Point:
    """Loads the library and holds what it fills; the same object in the process and its child."""

    def __init__(self, library):
        self.enter_library = ctypes.PyDLL(library).thaw_point
        self.buffer = ctypes.create_string_buffer(POINT_SIZE)
        self.address = ctypes.addressof(self.buffer)

    def enter(self):
        """Stops until the process is ended; True in a process that was restored."""
        outcome = self.enter_library(self.buffer)
        if outcome < 0:
            raise Refused(LIBRARY_SAYS.get(outcome, "the library failed"))
        return outcome == 1
