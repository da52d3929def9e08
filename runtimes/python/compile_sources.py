"""Compiles the modules that a program had to compile at its start, for its next starts.

    python3 -S -B compile_sources.py SOURCES OLD NEW

SOURCES has a path a line, as bytecode.py notes them; OLD is the cache so far, if there is one; NEW
is written, in the form that bytecode.py describes. Nothing of the program is run. Says how it went
in one line: "thaw-template: ready MODULES LEFT-OUT BYTES", or "none WHY".

Left out are modules that have usable byte code beside them, that lie where an instance may write,
that do not compile, or whose compilation warns: the program would show that warning.
"""

import importlib.machinery
import importlib.util
import marshal
import os
import sys
import warnings

MARK = b"thaw-bytecode 1\n"
MOST = 64 * 1024 * 1024
OWN = ("/tmp/", "/var/tmp/", "/run/", "/dev/", "/proc/", "/sys/")


def paths_of(sources, old):
    """Of both, each once, the new ones first: they are what the last start lacked."""
    with open(sources, "rb") as file:
        found = [os.fsdecode(line) for line in file.read().split(b"\n") if line]
    try:
        with open(old, "rb") as file:
            head = file.read(32)
            if head[:16] == MARK and head[24:28] == importlib.util.MAGIC_NUMBER:
                file.seek(int.from_bytes(head[16:24], "little"))
                found += marshal.loads(file.read())
    except (OSError, EOFError, ValueError, TypeError):
        pass
    return [path for path in dict.fromkeys(found) if path.startswith("/")
            and path.endswith(".py") and not path.startswith(OWN)]


def has_code(path, facts):
    """True when the interpreter would use the byte code beside the source."""
    try:
        with open(importlib.util.cache_from_source(path), "rb") as file:
            head = file.read(16)
    except (OSError, NotImplementedError):
        return False
    if head[:4] != importlib.util.MAGIC_NUMBER or len(head) < 16:
        return False
    flags = int.from_bytes(head[4:8], "little")
    if flags:
        return flags == 1  # by a checksum, never compared; one that is compared costs as much
    return (int.from_bytes(head[8:12], "little") == int(facts.st_mtime) & 0xFFFFFFFF
            and int.from_bytes(head[12:16], "little") == facts.st_size & 0xFFFFFFFF)


def code_of(path):
    """(facts, byte code), or nothing."""
    try:
        with open(path, "rb") as file:
            facts = os.fstat(file.fileno())
            if has_code(path, facts):
                return None
            text = file.read()
        loader = importlib.machinery.SourceFileLoader("module", path)
        return facts, marshal.dumps(loader.source_to_code(text, path))
    except Exception:  # the program will meet it too, and say so
        return None


def main(sources, old, new):
    os.nice(19)
    if sys.warnoptions:
        warnings.simplefilter("error")
    else:
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", category=SyntaxWarning)
    index, left_out = {}, 0
    paths = paths_of(sources, old)
    with open(new, "wb") as file:
        file.write(bytes(32))
        for path in paths:
            made = code_of(path)
            if made is None or file.tell() + len(made[1]) > MOST:
                left_out += 1
                continue
            facts, code = made
            index[path] = (facts.st_mtime_ns, facts.st_size, file.tell(), len(code))
            file.write(code)
        start = file.tell()
        file.write(marshal.dumps(index))
        size = file.tell()
        file.seek(0)
        file.write(MARK + start.to_bytes(8, "little") + importlib.util.MAGIC_NUMBER
                   + bytes([sys.flags.optimize, 0, 0, 0]))
    if index:
        print(f"thaw-template: ready {len(index)} {left_out} {size}", flush=True)
    else:
        print(f"thaw-template: none of {len(paths)} modules can be compiled ahead", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
