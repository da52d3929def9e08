"""Lets a Python program use byte code that was compiled ahead, and notes what has none.

Run by sitecustomize.py, never imported. It is compiled under the import system's own file name, so
that tracebacks leave its frames out as they do the import system's. Nothing else is to be seen of
it: `__file__`, `__cached__`, loaders, sys.dont_write_bytecode and sys.pycache_prefix stay, and what
is not in the cache goes the ordinary way, with its __pycache__ and all.

The cache is one file, made by compile_sources.py: MARK, the index's offset (8 bytes, little end
first), the interpreter's magic number (4), its level of optimization (4), the code objects, and the
index {path: (mtime in ns, size, offset, length)}, all as the module `marshal` writes them.
"""

import marshal
import posix
import sys

MARK = b"thaw-bytecode 1\n"
CACHE = "/run/thaw-bytecode"
WANTED = "/run/thaw-sources"
MOST = 1024 * 1024  # bytes of paths noted


def read_cache(path, magic, optimize):
    """The index; empty where there is none for this interpreter."""
    try:
        descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return {}
    try:
        head = posix.pread(descriptor, 32, 0)
        if head[:16] != MARK or head[24:28] != magic or head[28] != optimize:
            return {}
        start = int.from_bytes(head[16:24], "little")
        length = posix.fstat(descriptor).st_size - start
        return marshal.loads(posix.pread(descriptor, length, start))
    finally:
        posix.close(descriptor)


def install(cache=CACHE, wanted=WANTED):
    external = sys.modules["_frozen_importlib_external"]
    loader = external.SourceFileLoader
    ordinary = loader.get_code
    cache_from_source, to_code = external.cache_from_source, loader.source_to_code
    get_data = loader.get_data
    index = read_cache(cache, external.MAGIC_NUMBER, sys.flags.optimize)
    room = MOST

    def note(path):
        nonlocal room
        source = posix.stat(path)
        try:
            if posix.stat(cache_from_source(path)).st_mtime >= source.st_mtime:
                return
        except OSError:
            pass
        line = path.encode("utf-8", "surrogateescape") + b"\n"
        room -= len(line)
        if b"\n" in line[:-1] or room < 0:
            return
        descriptor = posix.open(wanted, posix.O_WRONLY | posix.O_APPEND | posix.O_CREAT
                                | posix.O_CLOEXEC | posix.O_NOFOLLOW, 0o600)
        try:
            posix.write(descriptor, line)
        finally:
            posix.close(descriptor)

    def kept(path):
        entry = index.get(path)
        if entry is None:
            return None
        facts = posix.stat(path)
        if facts.st_mtime_ns != entry[0] or facts.st_size != entry[1]:
            return None
        descriptor = posix.open(cache, posix.O_RDONLY | posix.O_CLOEXEC)
        try:
            return marshal.loads(posix.pread(descriptor, entry[3], entry[2]))
        finally:
            posix.close(descriptor)

    def get_code(self, fullname):
        # Who has changed how sources become code goes the ordinary way.
        if (type(self) is loader and self.name == fullname and loader.source_to_code is to_code
                and loader.get_data is get_data and not sys.flags.verbose
                and external.cache_from_source is cache_from_source):
            try:
                code = kept(self.path)
                if code is not None:
                    return code
                note(self.path)
            except (OSError, EOFError, TypeError, ValueError):
                pass
        return ordinary(self, fullname)

    get_code.__doc__ = ordinary.__doc__
    get_code.__qualname__ = ordinary.__qualname__
    loader.get_code = get_code


if __name__ == "thaw":
    install()
