#!/usr/bin/env python3
"""Holds the tree to the house rules; runs as the test `tidy` and by `make tidy`.

    tools/tidy.py [--root DIR] [--quiet]

Prints "file:line: rule: what is wrong; what to do", warnings with "warning:" before the rule, and
exits 1 when a rule is broken. The rules, each with a sample that breaks it in tidy_test.py:

    layers    includes between rooms follow layers.txt, and layers.txt has no circle
    size      lines of a file and of a function
    policy    rooms with policy name no clock, sleep, random device, thread, socket, file, getenv
    sleep     tests do not sleep
    text      100 columns, no tab, no trailing space, a newline at the end
    header    #pragma once, an opening comment that says **Thread**, no heavy include
    todo      no unfinished business in the source
    links     relative links of *.md lead to a file
"""

import argparse
import os
import re
import sys
from pathlib import Path
from typing import Iterator, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
import cpp_text  # noqa: E402

SKIPPED_FOLDERS = {".git", ".cache", "build", "node_modules", "__pycache__", "corpus"}
CODE_FOLDERS = {"src", "apps", "sim", "tests", "bench", "fuzz", "runtimes"}
TEXT_SUFFIXES = (".h", ".cc", ".py", ".md", ".cmake", ".sh")
TEXT_NAMES = {"CMakeLists.txt", "layers.txt", "Makefile", "setup", "run", "demo"}
POLICY_ROOMS = {"scaling", "messaging", "serving", "billing", "control"}
# What a room's tests (x_test.cc, x_testing.h) may include besides what the room may: the ports.
TEST_ROOMS = {"io", "io_linux"}
LINE_LENGTH = 100
FILE_LIMITS = {".cc": (400, 600), ".h": (200, 300), ".py": (400, 600)}  # warn, fail
FUNCTION_LIMITS = (70, 100)
HEAVY_INCLUDES = (
    ("nlohmann/", "yaml-cpp/", "CLI/", "Eigen/", "unsupported/Eigen/", "sqlite3.h", "llhttp.h")
    + ("regex>", "openssl/", "google/protobuf/", "boost/", "asio")
)
SLEEP = r"\bsleep_(?:for|until)\b|\b(?:u|nano)?sleep\s*\("
POLICY_WORDS = [  # what it is, how it looks, what to do instead
    (
        "a clock",
        r"\b(?:steady|system|high_resolution|utc|file)_clock\b|\bclock_gettime\b"
        r"|\bgettimeofday\b|\btime\s*\(\s*(?:nullptr|NULL|0|&)",
        "take `now` as an argument, or use io/clock.h",
    ),
    ("a sleep", SLEEP, "set a timer through the loop's port"),
    (
        "randomness",
        r"\brandom_device\b|\bgetrandom\b|\bs?rand\s*\(|\barc4random",
        "use io/entropy.h",
    ),
    (
        "a thread",
        r"\bstd::(?:jthread|thread|async|mutex|shared_mutex|condition_variable)\b|\bpthread_"
        r"|#\s*include\s*<(?:thread|mutex|future|condition_variable)>",
        "stay on one loop and post to it",
    ),
    (
        "a socket",
        r"#\s*include\s*<(?:sys/socket|sys/epoll|netinet/\w+|arpa/inet|netdb)\.h>|::socket\s*\(",
        "use io/net.h",
    ),
    (
        "a file",
        r"#\s*include\s*<(?:fstream|filesystem|cstdio)>"
        r"|#\s*include\s*<(?:fcntl|unistd|stdio|sys/stat|sys/mman)\.h>"
        r"|\bstd::[io]?fstream\b|\bfopen\s*\(|(?<![\w)])::open\s*\(",
        "use io/disk.h",
    ),
    ("the environment", r"\b(?:secure_)?getenv\b|\benviron\b", "let app/ read and pass the value"),
]
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b")


class Finding(NamedTuple):
    path: str
    line: int
    rule: str
    message: str
    is_warning: bool = False

    def __str__(self) -> str:
        kind = "warning: " if self.is_warning else ""
        return f"{self.path}:{self.line}: {kind}{self.rule}: {self.message}"


class Source:
    """One file of the tree: its path from the root, its text, and for C++ its blanked text."""

    def __init__(self, root: Path, path: str):
        self.path = path
        self.suffix = Path(path).suffix
        self.parts = Path(path).parts
        self.text = (root / path).read_text(encoding="utf-8", errors="replace")
        self.lines = self.text.split("\n")
        self.is_cpp = self.suffix in (".cc", ".h")
        self.is_test = path.endswith(("_test.cc", "_testing.h"))
        self.code = cpp_text.blank(self.text) if self.is_cpp else self.text
        self.room = self.parts[1] if self.parts[0] == "src" and len(self.parts) > 2 else None

    def code_lines(self) -> Iterator[tuple[int, str]]:
        return enumerate(self.code.split("\n"), 1)

    def broken(self, line: int, rule: str, message: str) -> Finding:
        return Finding(self.path, line, rule, message)


def read_tree(root: Path) -> list[Source]:
    found = []
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in SKIPPED_FOLDERS)
        for name in sorted(files):
            path = Path(folder) / name
            if (name.endswith(TEXT_SUFFIXES) or name in TEXT_NAMES) and not path.is_symlink():
                found.append(Source(root, str(path.relative_to(root))))
    return found


def read_layers(root: Path) -> tuple[dict[str, set[str]], list[Finding]]:
    """What each room may include, base and itself left out; and what is wrong with the file."""
    allowed, wildcard, findings, where = {}, set(), [], {}

    def broken(line: int, message: str) -> None:
        findings.append(Finding("layers.txt", line, "layers", message))

    for number, line in enumerate((root / "layers.txt").read_text().split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"([a-z_]+):\s*((?:[a-z_]+\s*)*|\*)\s*", line)
        if not match:
            broken(number, f"cannot read '{line}'; write 'room: room room'")
            continue
        room, uses = match.group(1), match.group(2).split()
        if room in allowed:
            broken(number, f"{room} has two lines; keep one")
        allowed[room], where[room] = set(uses) - {"*"}, number
        if "*" in uses:
            wildcard.add(room)
    for room in wildcard:
        allowed[room] = set(allowed) - {room}
    for room, uses in allowed.items():
        for unknown in sorted(uses - set(allowed)):
            broken(where[room], f"{room} may use {unknown}, which has no line; add one or drop it")
    circle = find_circle(allowed)
    if circle:
        broken(where[circle[0]], f"a circle: {' -> '.join(circle)}; take one arrow out")
    return allowed, findings


def find_circle(arrows: dict[str, set[str]]) -> list[str] | None:
    done: set[str] = set()

    def walk(room: str, way: list[str]) -> list[str] | None:
        if room in way:
            return way[way.index(room) :] + [room]
        if room in done:
            return None
        for next_room in sorted(arrows.get(room, ())):
            circle = walk(next_room, way + [room])
            if circle:
                return circle
        done.add(room)
        return None

    circles = (walk(start, []) for start in sorted(arrows))
    return next((circle for circle in circles if circle), None)


def check_layers(source: Source, allowed: dict[str, set[str]], root: Path) -> Iterator[Finding]:
    if source.room is None or not source.is_cpp:
        return
    own = source.room
    if own not in allowed:
        yield source.broken(1, "layers", f"room {own} has no line in layers.txt; add one")
        return
    may = allowed[own] | {own, "base"} | (TEST_ROOMS if source.is_test else set())
    for number, line in source.code_lines():
        match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
        if not match:
            continue
        target = match.group(1)
        room = target.split("/")[0]
        wrong = ""
        if "/" not in target or target.startswith("."):
            wrong = 'names no room; write "room/file.h"'
        elif room not in allowed:
            wrong = f"there is no room {room} in layers.txt; see its list"
        elif room not in may:
            names = ", ".join(sorted(may - {own}))
            wrong = (
                f"{own} may not include {room}, only {names} (layers.txt); declare the small "
                f"interface it needs in {own} and let app connect it, or move the code"
            )
        elif not (root / "src" / target).exists():
            wrong = "does not exist under src/; correct the name"
        if wrong:
            yield source.broken(number, "layers", f'"{target}": {wrong}')


def check_size(source: Source) -> Iterator[Finding]:
    def finding(line: int, what: str, count: int, limits: tuple[int, int], advice: str):
        limit = limits[1] if count > limits[1] else limits[0]
        message = f"{what} has {count} lines, more than {limit}; {advice}"
        return Finding(source.path, line, "size", message, count <= limits[1])

    if source.suffix in FILE_LIMITS:
        count, limits = len(source.text.splitlines()), FILE_LIMITS[source.suffix]
        if count > limits[0]:
            yield finding(1, "the file", count, limits, "split it by idea")
    for function in cpp_text.functions(source.code) if source.is_cpp else []:
        if function.lines > FUNCTION_LIMITS[0]:
            advice = "take a step out into a function"
            name, line = function.name, function.first_line
            yield finding(line, name, function.lines, FUNCTION_LIMITS, advice)


def check_policy(source: Source) -> Iterator[Finding]:
    if not source.is_cpp or not source.room:
        return
    for number, line in source.code_lines():
        if source.is_test:
            if re.search(SLEEP, line):
                advice = "a test sleeps; wait for the event or use the fake clock"
                yield source.broken(number, "sleep", advice)
        elif source.room in POLICY_ROOMS:
            for what, pattern, instead in POLICY_WORDS:
                if re.search(pattern, line):
                    message = f"{source.room} decides, so it may not name {what}; {instead}"
                    yield source.broken(number, "policy", message)


def check_text(source: Source) -> Iterator[Finding]:
    for number, line in enumerate(source.lines, 1):
        if source.suffix != ".md":
            # A room's arrows stand in one line, however many they are.
            may_be_long = "://" in line or source.parts[-1] == "layers.txt"
            if len(line) > LINE_LENGTH and not may_be_long:
                message = f"{len(line)} columns, more than {LINE_LENGTH}; break the line"
                yield source.broken(number, "text", message)
            if "\t" in line and source.parts[-1] != "Makefile":
                yield source.broken(number, "text", "a tab; use spaces")
        if line != line.rstrip():
            yield source.broken(number, "text", "spaces at the end of the line; remove them")
        if UNFINISHED.search(line):
            yield source.broken(number, "todo", "unfinished business; do it, or file it and go")
    if source.text and not source.text.endswith("\n"):
        yield source.broken(len(source.lines), "text", "no newline at the end of the file; add it")


def check_header(source: Source) -> Iterator[Finding]:
    if source.suffix != ".h":
        return
    if not re.search(r"(?m)^#pragma once$", source.text):
        yield source.broken(1, "header", "no #pragma once; add it after the opening comment")
    opening = re.match(r"(?://[^\n]*\n)+", source.text)
    if not opening:
        advice = "say what it is for, what it is not for, and **Thread**, **Owner**, **Limits**"
        yield source.broken(1, "header", f"does not open with a comment; {advice}")
    elif not source.is_test and not re.search(r"\bThreads?\b(?:\*\*)?:", opening.group(0)):
        message = "the opening comment names no thread; add '**Thread**: ...'"
        yield source.broken(1, "header", message)
    for number, line in source.code_lines():
        match = re.match(r'\s*#\s*include\s*[<"]([^>"]+[>"])', line)
        if match and match.group(1).startswith(HEAVY_INCLUDES):
            name = match.group(1)[:-1]
            message = f"{name} is heavy; include it in one .cc behind a small interface"
            yield source.broken(number, "header", message)


def check_links(source: Source, root: Path) -> Iterator[Finding]:
    if source.suffix != ".md":
        return
    in_fence = False
    for number, line in enumerate(source.lines, 1):
        if line.lstrip().startswith("```"):
            in_fence = not in_fence
        line = "" if in_fence else re.sub(r"`[^`]*`", "", line)
        targets = re.findall(r"\]\(\s*<?([^)\s>]+)", line)
        targets += re.findall(r"^\s*\[[^\]]+\]:\s*(\S+)", line)
        for target in targets:
            if re.match(r"[a-z][a-z0-9+.-]*:", target) or target.startswith("#"):
                continue
            name = target.split("#")[0]
            if name.startswith("/") or not (root / source.path).parent.joinpath(name).exists():
                message = f"'{target}' leads nowhere; correct or drop the link"
                yield source.broken(number, "links", message)


def check_tree(root: Path) -> tuple[int, list[Finding]]:
    """How many files were read, and all that was found, in the order of the files."""
    sources = read_tree(root)
    allowed, findings = read_layers(root)
    for source in sources:
        findings += check_text(source)
        findings += check_links(source, root)
        if source.parts[0] in CODE_FOLDERS or source.suffix == ".py":
            findings += check_layers(source, allowed, root)
            findings += check_size(source)
            findings += check_policy(source)
            findings += check_header(source)
    return len(sources), findings


def main() -> int:
    parser = argparse.ArgumentParser(description="Holds the tree to the house rules.")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--quiet", action="store_true", help="no warnings")
    options = parser.parse_args()
    count, findings = check_tree(options.root)
    broken = [f for f in findings if not f.is_warning]
    for finding in findings:
        if not finding.is_warning or not options.quiet:
            print(finding)
    warnings = len(findings) - len(broken)
    print(f"tidy: {count} files, {len(broken)} broken rules, {warnings} warnings")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
