"""A Python program whose imports are done before it is wanted.

    python3 template.py PRELOAD STATUS LEVEL script FILE [ARGUMENT...]
    python3 template.py PRELOAD STATUS LEVEL module NAME [ARGUMENT...]

Imports the modules listed in PRELOAD (lines as sitecustomize.py writes them), writes STATUS and
waits for SIGUSR1, frozen by the platform meanwhile. Then it becomes the program: sys.argv, sys.path
and __main__ as `python3 FILE` or `python3 -m NAME` would have them. It runs in the sandbox that the
instance will have, with the instance's rights and environment, and serves one instance.

A module is left out when its import fails, opens a socket or starts a thread (OpenBLAS's are known
to survive a fork), when it belongs to the program itself and LEVEL is not `module`, or when the
program had changed its environment or sys.path before. What cannot be undone is undone by executing
this file anew without the module, at most ROUNDS times.
"""

import importlib
import importlib.machinery
import importlib.util
import os
import signal
import sys
import types
import zlib

ROUNDS = 12
# Set by servers between their start and the import of the program; no library reads them at import.
SERVERS_OWN = {"SERVER_SOFTWARE", "GUNICORN_PID", "GUNICORN_FD", "FLASK_APP", "FLASK_DEBUG",
               "FLASK_RUN_FROM_CLI", "WERKZEUG_SERVER_FD", "WERKZEUG_RUN_MAIN"}
GO = signal.SIGUSR1
# These replace parts of the library when the program starts; what was imported before stays.
PATCHERS = ("gevent.monkey", "eventlet.patcher", "coverage.control", "ddtrace.bootstrap")
NEVER = {"__main__", "sitecustomize", "usercustomize", "site", "this", "antigravity"}


def mark(words):
    return zlib.crc32("\0".join(words).encode("utf-8", "surrogateescape"))


def environment_mark():
    rows = (f"{name}={value}" for name, value in os.environ.items() if name not in SERVERS_OWN)
    return mark(sorted(rows))


def path_mark(own):
    return mark([str(entry) for entry in sys.path if entry not in own])


def read_preload(path):
    """[(name, environment mark, path mark)], each name once."""
    rows, seen = [], set()
    with open(path, encoding="ascii", errors="replace") as file:
        for line in file:
            words = line.split()
            if len(words) == 3 and words[0] not in seen and words[1].isdigit():
                if words[2].isdigit() and words[0] not in NEVER:
                    seen.add(words[0])
                    rows.append((words[0], int(words[1]), int(words[2])))
    return rows


def sockets():
    found = 0
    for number in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink(f"/proc/self/fd/{number}").startswith(("socket:", "anon_inode:["))
        except OSError:
            pass
    return found


def threads():
    """Threads of this process beside the first and OpenBLAS's, as (all, those of Python)."""
    threading = sys.modules.get("threading")
    python = threading.active_count() - 1 if threading else 0
    return len(os.listdir("/proc/self/task")) - 1, python


def has_openblas():
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        return any("openblas" in line or "libblas" in line for line in maps)


class Program:
    """What the instance's own command runs."""

    def __init__(self, kind, target, arguments):
        self.kind = kind
        self.target = target
        self.arguments = arguments
        if kind == "script":
            self.folder = os.path.dirname(os.path.realpath(target))
        else:
            self.folder = os.getcwd()
        self.folders = {"", ".", os.getcwd(), self.folder}

    def hides(self, name):
        """True when the working directory, which the program may put in front, has a `name`."""
        top = os.path.join(os.getcwd(), name.partition(".")[0])
        return os.path.isdir(top) or os.path.isfile(top + ".py")

    def owns(self, origin):
        """True for a file of the program, not of a library, wherever the library lies."""
        libraries = (os.path.dirname(os.__file__), "/usr/lib/python3")
        if origin is None or origin.startswith(libraries):
            return False
        if "site-packages/" in origin or "dist-packages/" in origin:
            return False
        folders = {self.folder, os.getcwd()}
        return any(origin.startswith(folder.rstrip("/") + "/") for folder in folders)

    def run(self):
        main = types.ModuleType("__main__")
        main.__builtins__ = sys.modules["builtins"]
        sys.modules["__main__"] = main
        if self.kind == "module":
            import runpy

            sys.argv[:] = ["-m", *self.arguments]
            runpy._run_module_as_main(self.target)
            return
        sys.argv[:] = [self.target, *self.arguments]
        path = os.path.abspath(self.target)  # as the interpreter shows it since 3.9
        loader = importlib.machinery.SourceFileLoader("__main__", path)
        main.__file__ = path
        main.__loader__ = loader
        main.__cached__ = None
        main.__annotations__ = {}
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec", dont_inherit=True)
        exec(code, main.__dict__)


class Preload:
    def __init__(self, program, rows, left_out, level):
        self.program = program
        self.rows = rows
        self.left_out = left_out  # {name: why}
        self.level = level
        self.files = {}  # of modules: path -> (mtime, size)

    def refusal(self, name, environment, path):
        """Why `name` is not to be imported; "" when it is; None when it cannot be found."""
        if name in self.left_out:
            return self.left_out[name]
        try:
            spec = importlib.util.find_spec(name)
        except BaseException:  # a parent that was left out
            return None
        if spec is None:
            return None
        if environment != environment_mark():
            return "the program changes its environment before it imports it"
        if path != path_mark(self.program.folders):
            return "the program changes sys.path before it imports it"
        origin = spec.origin or next(iter(spec.submodule_search_locations or ()), None)
        owns = self.program.owns(origin)
        if self.level != "module" and owns:
            return "it belongs to the program"
        if not owns and self.program.hides(name):
            return "the program's folder has something of that name"
        return ""

    def go_through(self):
        """Returns (name, why) of a module whose import has to be undone, or None."""
        before = (sockets(), threads())
        for name, environment, path in self.rows:
            if name in sys.modules:
                continue
            parent = name.rpartition(".")[0]
            if parent and parent not in sys.modules:
                continue  # it was left out, or is found by other means
            why = self.refusal(name, environment, path)
            if why:
                self.left_out[name] = why
            if why != "":
                continue
            try:
                importlib.import_module(name)
            except (KeyboardInterrupt, GeneratorExit):
                raise
            except BaseException as error:
                self.left_out[name] = f"its import fails: {type(error).__name__}"
            now = (sockets(), threads())
            if now[0] > before[0]:
                return name, "its import opens a socket or an event loop"
            if now[1][1] > before[1][1] or (now[1][0] > before[1][0] and not has_openblas()):
                return name, "its import starts a thread"
            before = now
        return None

    def note_files(self):
        for module in list(sys.modules.values()):
            path = getattr(module, "__file__", None)
            if isinstance(path, str):
                self.files[path] = stamp(path)

    def changed_file(self):
        return next((path for path, seen in self.files.items() if stamp(path) != seen), None)


def stamp(path):
    try:
        facts = os.stat(path)
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size


def write_status(path, word, modules=0, left_out=None):
    lines = [f"{word} {modules}" if word == "ready" else word]
    lines += [f"left-out {name} {why}" for name, why in (left_out or {}).items()]
    with open(path + ".new", "w", encoding="utf-8", errors="replace") as file:
        file.write("\n".join(lines) + "\n")
    os.rename(path + ".new", path)


def start_cold(program):
    """The program as if there had been no template, in the same sandbox."""
    flags = [sys.executable, *interpreter_flags()]
    words = ["-m", program.target] if program.kind == "module" else [program.target]
    os.execv(sys.executable, [*flags, *words, *program.arguments])


def interpreter_flags():
    """The flags between the interpreter and this file."""
    words = sys.orig_argv[1:]
    return words[: next(at for at, word in enumerate(words) if word == __file__)]


def start_again(left_out, rounds):
    words = [sys.executable, *interpreter_flags(), __file__, *sys.argv[1:]]
    text = "\n".join(f"{name} {why}" for name, why in left_out.items())
    # Not in the environment, which is the program's. The number stays over exec.
    descriptor = os.memfd_create("thaw-left-out", 0)
    os.write(descriptor, f"{rounds}\n{text}".encode("utf-8", "replace"))
    os.dup2(descriptor, 199, inheritable=True)
    os.execv(sys.executable, words)


def earlier_rounds():
    """(rounds, left out so far) as start_again() has left them."""
    try:
        text = os.pread(199, 1 << 20, 0).decode("utf-8", "replace")
        os.close(199)
    except OSError:
        return 0, {}
    first, _, rest = text.partition("\n")
    pairs = (line.partition(" ") for line in rest.splitlines())
    return int(first), {name: why for name, _, why in pairs}


def wait_for_go(status_path, word, modules, left_out):
    """The signal is blocked, so that it waits for us however early it comes."""
    write_status(status_path, word, modules, left_out)
    signal.sigwait({GO})
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {GO})
    for path in (status_path, status_path + ".new"):
        try:
            os.unlink(path)
        except OSError:
            pass


def run(program):
    try:
        program.run()
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        # The frames of this file are none of the program's.
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        sys.exit(1)


def main():
    signal.pthread_sigmask(signal.SIG_BLOCK, {GO})
    preload_path, status_path, level, kind, target, *arguments = sys.argv[1:]
    program = Program(kind, target, arguments)
    sys.path[0] = program.folder
    rounds, left_out = earlier_rounds()
    rows = read_preload(preload_path)
    patcher = next((name for name, *_ in rows if name in PATCHERS), None)
    preload = Preload(program, rows, left_out, level)
    word = "ready"
    if patcher is not None:
        word = f"none {patcher} replaces parts of modules when the program starts"
    else:
        undo = preload.go_through()
        if undo is not None and rounds < ROUNDS:
            left_out[undo[0]] = undo[1]
            start_again(left_out, rounds + 1)
        if undo is not None:
            word = f"none too many modules cannot be imported ahead; the last is {undo[0]}"
    preload.note_files()
    loaded = sum(name in sys.modules for name, *_ in rows)
    wait_for_go(status_path, word, loaded, left_out)
    if word != "ready" or preload.changed_file() is not None:
        start_cold(program)
    return program


if __name__ == "__main__":
    run(main())
