"""Writes down which modules a program imports, for the template of its next start.

Put first in PYTHONPATH by the platform, so that the interpreter runs it before the program. It
takes itself out of the program's sight (os.environ, sys.path, sys.modules) and then runs the
sitecustomize that would have run without it. What it leaves is one finder, first in sys.meta_path,
that finds nothing.

A line a module, written at once, because servers are killed rather than ended: its name, a mark of
the environment and a mark of sys.path at that time. A mark is a checksum and tells no value. Forked
workers go on writing to the same file; it is never longer than MOST bytes.
"""

import os
import sys
import zlib

RECORD = "/run/thaw-imports"
MOST = 256 * 1024
# Set by servers between their start and the import of the program; no library reads them at import.
SERVERS_OWN = {"SERVER_SOFTWARE", "GUNICORN_PID", "GUNICORN_FD", "FLASK_APP", "FLASK_DEBUG",
               "FLASK_RUN_FROM_CLI", "WERKZEUG_SERVER_FD", "WERKZEUG_RUN_MAIN"}


def mark(now):
    """A checksum of a list of strings, the same in every process."""
    return zlib.crc32("\0".join(now).encode("utf-8", "surrogateescape"))


def environment_mark():
    rows = (f"{name}={value}" for name, value in os.environ.items() if name not in SERVERS_OWN)
    return mark(sorted(rows))


def path_mark(own):
    """`own`: the program's folders. Servers such as gunicorn put them in front once more; the
    template looks into them by itself."""
    return mark([str(entry) for entry in sys.path if entry not in own])


def is_name(name):
    return name.isascii() and len(name) < 200 and name.replace(".", "_").isidentifier()


class Recorder:
    """A finder that finds nothing and notes what was looked for."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.seen = set()
        self.before = set(sys.path)
        self.own = {"", ".", os.getcwd()}
        self.has_folder = False

    def find_spec(self, name, path=None, target=None):
        if name in self.seen:
            return None
        self.seen.add(name)
        if not self.has_folder and sys.path and sys.path[0] not in self.before:
            self.has_folder = True  # the interpreter has just put the script's there
            self.own.add(sys.path[0])
        try:
            # The offset is shared with forked workers.
            if is_name(name) and os.lseek(self.descriptor, 0, os.SEEK_CUR) < MOST:
                line = f"{name} {environment_mark()} {path_mark(self.own)}\n"
                os.write(self.descriptor, line.encode())
        except OSError:
            pass  # the program has closed it, or its memory is full
        return None


def _step_aside():
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if entry != here]
    sys.path_importer_cache.pop(here, None)
    rest = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry != here]
    if os.environ.pop("THAW_TEMPLATE_PYTHONPATH", "") == "none":
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = os.pathsep.join(rest)
    return sys.modules.pop("sitecustomize")


def _run_the_other(this):
    try:
        import sitecustomize  # noqa: F401  the one that this one hid
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
        sys.modules["sitecustomize"] = this  # the import system insists on finding something


def _use_bytecode(here):
    """What was compiled ahead: see bytecode.py. The file name hides it from tracebacks."""
    try:
        with open(here + "/bytecode.py", "rb") as file:
            code = compile(file.read(), "<frozen importlib._bootstrap_external>", "exec", 0, True)
        exec(code, {"__name__": "thaw"})
    except Exception:  # noqa: BLE001  an interpreter that is built in another way goes without
        pass


def _begin():
    this = _step_aside()
    if os.environ.pop("THAW_BYTECODE", "") == "1":
        _use_bytecode(os.path.dirname(os.path.abspath(__file__)))
    if os.environ.pop("THAW_TEMPLATE_RECORD", "") != "1":
        return _run_the_other(this)
    try:
        descriptor = os.open(RECORD, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError:  # a second interpreter of the same instance
        return _run_the_other(this)
    # Out of the way of programs that count on the next free number.
    import fcntl

    high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 200)
    os.close(descriptor)
    _run_the_other(this)
    sys.meta_path.insert(0, Recorder(high))


if __name__ == "sitecustomize":
    _begin()
