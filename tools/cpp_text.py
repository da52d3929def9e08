"""Reads C++ source as text for tidy.py: blanks comments and literals, measures functions.

Not a parser: it knows brackets, comments, literals and what stands before an opening brace. Line
numbers stay those of the file.
"""

import re
from typing import NamedTuple

_TOKENS = re.compile(
    r'(?P<raw>\b(?:u8|[uUL])?R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)")'
    r"|(?P<line>//[^\n]*)"
    r"|(?P<block>/\*.*?\*/)"
    r'|(?P<string>"(?:\\.|[^"\\\n])*")'
    r"|(?P<number>\b\d[\w.']*)"
    r"|(?P<char>'(?:\\.|[^'\\\n])+')",
    re.DOTALL,
)


def blank(text: str) -> str:
    """The text with comments and the insides of literals as spaces; include lines stay whole."""

    def spaces(piece: str) -> str:
        return re.sub(r"[^\n]", " ", piece)

    def replace(match: re.Match) -> str:
        piece = match.group(0)
        if match.lastgroup == "number":
            return piece
        if match.lastgroup == "string":
            line_start = text.rfind("\n", 0, match.start()) + 1
            if re.match(r"\s*#\s*include\b", text[line_start : match.start()]):
                return piece
        return spaces(piece) if match.group("line") or match.group("block") else _hollow(piece)

    return _TOKENS.sub(replace, text)


def _hollow(literal: str) -> str:
    """Keeps the quotes, so that a literal still stands where a value is expected."""
    quote = literal[-1]
    return quote + re.sub(r"[^\n]", " ", literal[1:-1]) + quote


class Function(NamedTuple):
    name: str
    first_line: int
    lines: int


_TYPE_HEAD = re.compile(
    r"^(?:template\s*<.*>\s*)?(?:inline\s+)?(?:namespace|class|struct|union|enum|extern)\b",
    re.DOTALL,
)
_MEMBER_INIT = re.compile(r"\)\s*(?:noexcept\s*)?:[^:].*[\w>]$", re.DOTALL)


def functions(code: str) -> list[Function]:
    """Every function defined at namespace or class scope of blanked code, with its length."""
    found = []
    scopes: list[tuple[str, int, str]] = []  # kind, first line, name
    head, head_line, line, parens = "", 1, 1, 0
    for text_line in re.sub(r"(?m)^[ \t]*#(?:.*\\\n)*.*$", _keep_newlines, code).split("\n"):
        for char in text_line + "\n":
            if char in "([":
                parens += 1
            elif char in ")]":
                parens -= 1
            if char == "{":
                kind = _kind_of(head, parens, [scope[0] for scope in scopes])
                scopes.append((kind, head_line, _name_of(head)))
                head = head if kind == "value" else ""
            elif char == "}" and scopes:
                kind, start, name = scopes.pop()
                if kind == "function":
                    found.append(Function(name, start, line - start + 1))
                head = head if kind == "value" else ""
            elif char == ":" and head.strip() in ("public", "private", "protected"):
                head = ""
            elif char == ";" and parens == 0:
                head = ""
            elif not (char.isspace() and not head):
                if not head:
                    head_line = line
                head += " " if char == "\n" else char
        line += 1
    return found


def _keep_newlines(match: re.Match) -> str:
    return "\n" * match.group(0).count("\n")


def _kind_of(head: str, parens: int, outer: list[str]) -> str:
    """'scope' holds declarations, 'function' and 'block' statements, 'value' is {a, b}."""
    head = head.strip()
    if any(kind in ("function", "block") for kind in outer):
        return "block"
    if parens > 0 or "value" in outer:
        return "value"
    if "(" not in head or _TYPE_HEAD.match(head):
        return "scope" if _TYPE_HEAD.match(head) else "value"
    if head.endswith("=") or (_MEMBER_INIT.search(head) and not head.endswith(")")):
        return "value"
    return "function"


def _name_of(head: str) -> str:
    test = re.search(r"\b(?:TEST|TEST_F|TEST_P|TYPED_TEST)\s*\(([^)]*)\)", head)
    if test:
        return re.sub(r"\s*,\s*", ".", test.group(1).strip())
    match = re.search(r"([~\w:]+|operator\s*\S+?)\s*\(", head)
    return match.group(1) if match else head.strip()[:40]
