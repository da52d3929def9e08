"""Makes the snapshot that a Python program's starts are restored from.

    python3 template.py PRELOAD IMAGE LEVEL CPUS script FILE [ARGUMENT...]
    python3 template.py PRELOAD IMAGE LEVEL CPUS module NAME [ARGUMENT...]

Imports the modules listed in PRELOAD (lines as sitecustomize.py writes them), forks, and writes the
child, which is single and has run what libraries do after a fork, to IMAGE (snapshot.py). A process
restored from it becomes the program: sys.argv, sys.path and __main__ as `python3 FILE` or `python3
-m NAME` would have them, its environment and output those of its own start, its random numbers its
own. It runs in a sandbox of the service, with an instance's rights and environment.

A module is left out when its import fails, opens a socket or starts a thread (OpenBLAS's are known
to survive a fork), when it belongs to the program itself and LEVEL is not `module`, or when the
program had changed its environment or sys.path before. What cannot be undone is undone by executing
this file anew without the module, at most ROUNDS times.

What became of it is told on stdout, in lines that begin with "thaw-template: ".
"""

import importlib
import importlib.machinery
import importlib.util
import math
import os
import sys
import types
import zlib

ROUNDS = 12
# Set by servers between their start and the import of the program; no library reads them at import.
SERVERS_OWN = {"SERVER_SOFTWARE", "GUNICORN_PID", "GUNICORN_FD", "FLASK_APP", "FLASK_DEBUG",
               "FLASK_RUN_FROM_CLI", "WERKZEUG_SERVER_FD", "WERKZEUG_RUN_MAIN"}
MANY = 500  # processes; see in_another_process()
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


def say(*words):
    os.write(1, f"thaw-template: {' '.join(map(str, words))}\n".encode("utf-8", "replace"))


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


def files_of_modules():
    """What makes the snapshot stale when it changes; the files beside this one never do."""
    found = {}
    here = os.path.dirname(os.path.abspath(__file__)) + "/"
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str) and os.path.isfile(path) and not path.startswith(here):
            found[os.path.abspath(path)] = None
    return list(found)


def interpreter_flags():
    """The flags between the interpreter and this file."""
    words = sys.orig_argv[1:]
    return words[: next(at for at, word in enumerate(words) if word == __file__)]


def start_again(left_out, rounds):
    words = [sys.executable, *interpreter_flags(), __file__, *sys.argv[1:]]
    text = "\n".join(f"{name} {why}" for name, why in left_out.items())
    # Not in the environment, which is the program's. Only the number 199 stays over exec.
    descriptor = os.memfd_create("thaw-left-out", os.MFD_CLOEXEC)
    os.write(descriptor, f"{rounds}\n{text}".encode("utf-8", "replace"))
    os.dup2(descriptor, 199, inheritable=True)
    os.execve(sys.executable, words, os.environ)  # without what one_thread() has set


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


def in_another_process():
    """Continues in a child and answers for it. Libraries notice by its id that a process is not
    the one that they were initialized in, and an instance's ids are 1 and the next ones: this
    child's is none of them."""
    for _ in range(MANY):
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
    child = os.fork()
    if child != 0:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os._exit(status if status >= 0 else 128 - status)


class Life:
    """What differs from instance to instance, made ready while there is time."""

    def __init__(self, cpus):
        self.cpus = cpus
        self.threads = []  # functions that set how many threads a library uses
        self.before = dict(os.environb)

    def one_thread(self):
        """Thread pools do not survive a snapshot. Libraries read it as they are loaded. Not in
        os.environ, whose marks are compared and which the program may look at."""
        os.putenv("OMP_NUM_THREADS", "1")

    def prepare(self):
        import ctypes

        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
            paths = {line.split(maxsplit=5)[5].rstrip("\n") for line in maps if ".so" in line}
        for path in sorted(paths):
            name = os.path.basename(path)
            if not name.startswith(("libgomp", "libomp", "libiomp")) and "openblas" not in path:
                continue
            try:
                library = ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
            except OSError:
                continue
            for function in ("omp_set_num_threads", "openblas_set_num_threads",
                             "openblas_set_num_threads64_", "scipy_openblas_set_num_threads64_"):
                if hasattr(library, function):
                    self.threads.append(getattr(library, function))
        # The most random state there is: whoever uses it next does so with another process id.
        if "ssl" in sys.modules:
            sys.modules["ssl"].RAND_bytes(1)

    def begin(self):
        """In a restored process, before anything of the program."""
        import ctypes

        ctypes.pythonapi.PyOS_BeforeFork()  # what Python and libraries do in a new process
        ctypes.pythonapi.PyOS_AfterFork_Child()
        self.take_environment()
        self.reseed()
        count = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
        count = int(count) if count.isdigit() and int(count) > 0 else self.cpus
        if count > 1:
            for function in self.threads:
                function(count)
            torch = sys.modules.get("torch")
            if hasattr(torch, "set_num_threads"):
                torch.set_num_threads(count)

    def take_environment(self):
        with open("/proc/self/environ", "rb") as file:
            rows = [row.partition(b"=") for row in file.read().split(b"\0") if b"=" in row]
        ours = {name: value for name, _, value in rows}
        # What modules have set at their import stays, and what the interpreter has set: LC_CTYPE.
        for name in self.before:
            if name not in ours and name != b"LC_CTYPE":
                os.environb.pop(name, None)
        for name, value in ours.items():
            if self.before.get(name) != value:
                os.environb[name] = value
        if b"OMP_NUM_THREADS" in ours:
            os.putenv(b"OMP_NUM_THREADS", ours[b"OMP_NUM_THREADS"])
        else:
            os.unsetenv("OMP_NUM_THREADS")

    def reseed(self):
        """The same in every instance otherwise. What a program seeds by itself stays as it is."""
        modules = sys.modules
        if "random" in modules:
            modules["random"].seed()
        if "numpy.random" in modules:
            modules["numpy.random"].seed()
        if hasattr(modules.get("torch"), "default_generator"):
            modules["torch"].default_generator.seed()
        if "ssl" in modules:
            modules["ssl"].RAND_add(os.urandom(64), 64.0)
        if "tempfile" in modules:
            modules["tempfile"]._name_sequence = None
        if "uuid" in modules:
            modules["uuid"]._node = None
        if "multiprocessing.process" in modules:
            process = modules["multiprocessing.process"]
            process._current_process._config["authkey"] = process.AuthenticationString(
                os.urandom(32))


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


def take(image, life):
    """True in a process that was restored; here the snapshot is written and the process ends."""
    import gc

    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, here)
    import snapshot

    sys.path.remove(here)
    point = snapshot.Point(here + "/thaw-point.so")
    life.prepare()
    sys.stdout.flush()
    sys.stderr.flush()
    read_files = files_of_modules()
    gc.collect()
    gc.freeze()  # or the next collection would write to all there is
    child = os.fork()
    if child == 0:
        try:
            if point.enter():
                return True
        except snapshot.Refused as error:
            say("none", error)
        os._exit(0)
    stopped = os.WIFSTOPPED(os.waitpid(child, os.WUNTRACED)[1])
    try:
        if stopped:
            return snapshot.write(child, point.address, image, here, read_files)
    except snapshot.Refused as error:
        say("none", error)
    finally:
        if stopped:
            os.kill(child, 9)
    os._exit(0)


def main():
    preload_path, image, level, cpus, kind, target, *arguments = sys.argv[1:]
    program = Program(kind, target, arguments)
    sys.path[0] = program.folder
    life = Life(max(1, math.ceil(int(cpus) / 1000)))
    rounds, left_out = earlier_rounds()
    if rounds == 0:
        in_another_process()
    life.one_thread()
    rows = read_preload(preload_path)
    patcher = next((name for name, *_ in rows if name in PATCHERS), None)
    preload = Preload(program, rows, left_out, level)
    if patcher is not None:
        say("none", patcher, "replaces parts of modules when the program starts")
        os._exit(0)
    undo = preload.go_through()
    if undo is not None and rounds < ROUNDS:
        left_out[undo[0]] = undo[1]
        start_again(left_out, rounds + 1)
    if undo is not None:
        say("none too many modules cannot be imported ahead; the last is", undo[0])
        os._exit(0)
    made = take(image, life)
    if made is not True:
        for name, why in left_out.items():
            say("left-out", name, why)
        loaded = sum(name in sys.modules for name, *_ in rows)
        say("ready", loaded, len(left_out), made)
        os._exit(0)
    life.begin()
    sys.orig_argv[:] = [sys.orig_argv[0], *interpreter_flags(),
                        *(["-m"] if kind == "module" else []), target, *arguments]
    return program


if __name__ == "__main__":
    run(main())
