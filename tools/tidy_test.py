#!/usr/bin/env python3
"""Each rule of tidy.py catches a sample that breaks it, and leaves good code alone."""

import tempfile
import unittest
from pathlib import Path

import cpp_text
import tidy

LAYERS = "# rooms\nbase:\nio:\nscaling:\nserving: scaling io\napp: *\n"
HEADER = "// What it is for.\n// **Thread**: any.\n#pragma once\n"


class TidyTest(unittest.TestCase):
    def findings(self, files: dict[str, str], layers: str = LAYERS) -> list[tidy.Finding]:
        """What tidy says about a tree of these files."""
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "layers.txt").write_text(layers)
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            return tidy.check_tree(root)[1]

    def assert_broken(self, rule: str, line: int, words: str, files: dict[str, str], **options):
        found = self.findings(files, **options)
        self.assertEqual([(f.rule, f.line) for f in found], [(rule, line)], [str(f) for f in found])
        self.assertIn(words, found[0].message)
        self.assertFalse(found[0].is_warning)

    def assert_clean(self, files: dict[str, str], **options):
        self.assertEqual([str(f) for f in self.findings(files, **options)], [])


class Layers(TidyTest):
    def test_allowed_arrows_pass(self):
        text = '#include "serving/a.h"\n#include "scaling/b.h"\n#include "base/c.h"\n'
        names = ["serving/a.h", "scaling/b.h", "base/c.h"]
        self.assert_clean({"src/serving/a.cc": text} | {f"src/{n}": HEADER for n in names})

    def test_arrow_against_the_order_is_named_with_the_allowed_ones(self):
        files = {"src/scaling/a.cc": '\n#include "io/b.h"\n', "src/io/b.h": HEADER}
        self.assert_broken("layers", 2, "only base", files)

    def test_star_allows_every_room(self):
        self.assert_clean({"src/app/a.cc": '#include "io/b.h"\n', "src/io/b.h": HEADER})

    def test_tests_may_use_the_ports(self):
        for name in ("a_test.cc", "a_testing.h"):
            text = HEADER + '#include "io/b.h"\n'
            self.assert_clean({f"src/scaling/{name}": text, "src/io/b.h": HEADER})

    def test_commented_include_is_ignored(self):
        self.assert_clean({"src/scaling/a.cc": '// #include "io/b.h"\n/*\n#include "io/b.h"\n*/\n'})

    def test_include_without_room(self):
        self.assert_broken("layers", 1, "names no room", {"src/io/a.cc": '#include "b.h"\n'})

    def test_unknown_room(self):
        self.assert_broken("layers", 1, "no room oi", {"src/io/a.cc": '#include "oi/b.h"\n'})

    def test_missing_file(self):
        self.assert_broken("layers", 1, "does not exist", {"src/io/a.cc": '#include "io/no.h"\n'})

    def test_room_without_a_line(self):
        self.assert_broken("layers", 1, "no line in layers.txt", {"src/attic/a.cc": "int a;\n"})

    def test_circle_is_named(self):
        layers = "base:\nio: net\nnet: disk\ndisk: io\n"
        self.assert_broken("layers", 4, "disk -> io -> net -> disk", {}, layers=layers)

    def test_arrow_to_nowhere(self):
        self.assert_broken("layers", 2, "which has no line", {}, layers="base:\nio: net\n")

    def test_unreadable_line(self):
        self.assert_broken("layers", 2, "cannot read", {}, layers="base:\nio -> base\n")

    def test_double_line(self):
        self.assert_broken("layers", 2, "two lines", {}, layers="base:\nbase:\n")


class Size(TidyTest):
    def limits(self, name: str, warn: int, fail: int, opening: str = ""):
        room_left = warn - opening.count("\n")
        self.assert_clean({name: opening + "int a;\n" * room_left})
        warned = self.findings({name: opening + "int a;\n" * (room_left + 1)})
        self.assertEqual([(f.rule, f.is_warning) for f in warned], [("size", True)])
        too_long = opening + "int a;\n" * (fail - opening.count("\n") + 1)
        self.assert_broken("size", 1, f"more than {fail}", {name: too_long})

    def test_source_file(self):
        self.limits("src/io/a.cc", 400, 600)

    def test_header_file(self):
        self.limits("src/io/a.h", 200, 300, opening=HEADER)

    def test_function(self):
        def body(lines: int) -> dict[str, str]:
            return {"src/io/a.cc": "\nvoid Loop::run() {\n" + "  step();\n" * (lines - 2) + "}\n"}

        self.assert_clean(body(70))
        self.assertTrue(self.findings(body(71))[0].is_warning)
        self.assert_broken("size", 2, "Loop::run has 101 lines, more than 100", body(101))


class Functions(unittest.TestCase):
    def names(self, text: str) -> list[tuple[str, int]]:
        return [(f.name, f.lines) for f in cpp_text.functions(cpp_text.blank(text))]

    def test_free_function_with_inner_blocks_and_lambda(self):
        text = "int f(int a) {\n  if (a) {\n  }\n  auto g = [] { return 1; };\n  return a;\n}\n"
        self.assertEqual(self.names(text), [("f", 6)])

    def test_members_of_a_class_in_a_namespace(self):
        text = "namespace x {\nclass A {\n public:\n  int get() const { return 1; }\n};\n}\n"
        self.assertEqual(self.names(text), [("get", 1)])

    def test_constructor_with_brace_initializers(self):
        text = "A::A(int b)\n    : a_{b}, c_(b) {\n  run();\n}\nint g() { return 1; }\n"
        self.assertEqual(self.names(text), [("A::A", 4), ("g", 1)])

    def test_tables_and_initializers_are_no_functions(self):
        text = "const int k[] = {\n1,\n2,\n};\nstruct P {\n  int x{f(1)};\n};\nP p{1};\n"
        self.assertEqual(self.names(text), [])

    def test_brackets_in_literals_and_comments_do_not_count(self):
        text = "void f() {\n  a(\"}\");  // }\n  b('}');\n  c(R\"x(})\" })x\");\n  d(1'000);\n}\n"
        self.assertEqual(self.names(text), [("f", 6)])

    def test_preprocessor_lines_do_not_count(self):
        text = "#define OPEN() { \\\n  {\nvoid f() {\n}\n"
        self.assertEqual(self.names(text), [("f", 2)])

    def test_test_cases_have_their_names(self):
        self.assertEqual(self.names("TEST(Queue, Bounded) {\n}\n"), [("Queue.Bounded", 2)])

    def test_default_argument_in_braces(self):
        text = "void f(P p = {}, int a = 1) {\n}\nvoid g() {\n}\n"
        self.assertEqual(self.names(text), [("f", 2), ("g", 2)])


class Policy(TidyTest):
    def refused(self, what: str, line: str):
        self.assert_broken("policy", 2, what, {"src/scaling/a.cc": f"\n{line}\n"})
        self.assert_clean({"src/app/a.cc": f"\n{line}\n"})

    def test_clock(self):
        self.refused("a clock", "auto now = std::chrono::steady_clock::now();")
        self.refused("a clock", "auto now = time(nullptr);")

    def test_sleep(self):
        self.refused("a sleep", "std::this_thread::sleep_for(delay);")

    def test_randomness(self):
        self.refused("randomness", "std::random_device device;")

    def test_thread(self):
        self.refused("a thread", "std::thread worker(run);")
        self.refused("a thread", "#include <mutex>")

    def test_socket(self):
        self.refused("a socket", "#include <sys/socket.h>")

    def test_file(self):
        self.refused("a file", "std::ifstream in(path);")
        self.refused("a file", "#include <unistd.h>")

    def test_environment(self):
        self.refused("the environment", 'auto* home = getenv("HOME");')

    def test_words_in_comments_and_strings_pass(self):
        text = '// no steady_clock here\nauto a = "getenv";\n'
        self.assert_clean({"src/scaling/a.cc": text})

    def test_a_test_does_not_sleep_in_any_room(self):
        files = {"src/io/a_test.cc": "\nsleep_for(delay);\n"}
        self.assert_broken("sleep", 2, "a test sleeps", files)


class Text(TidyTest):
    def test_line_length(self):
        self.assert_clean({"src/io/a.cc": "a" * 100 + "\n"})
        self.assert_broken("text", 1, "101 columns", {"src/io/a.cc": "a" * 101 + "\n"})

    def test_length_is_counted_in_characters(self):
        self.assert_clean({"src/io/a.cc": "é" * 100 + "\n"})

    def test_tab(self):
        self.assert_broken("text", 1, "a tab", {"src/io/a.cc": "\tint a;\n"})
        self.assert_clean({"Makefile": "all:\n\ttrue\n"})

    def test_trailing_space(self):
        self.assert_broken("text", 1, "spaces at the end", {"README.md": "text  \n"})

    def test_final_newline(self):
        self.assert_broken("text", 1, "no newline", {"src/io/a.cc": "int a;"})

    def test_unfinished_business(self):
        self.assert_broken("todo", 1, "unfinished", {"src/io/a.cc": "// TO" "DO: later\n"})
        self.assert_broken("todo", 1, "unfinished", {"docs/a.md": "FIX" "ME\n"})


class Headers(TidyTest):
    def test_pragma_once(self):
        self.assert_broken("header", 1, "#pragma once", {"src/io/a.h": "// A. Thread: any.\n"})

    def test_opening_comment(self):
        self.assert_broken("header", 1, "does not open", {"src/io/a.h": "#pragma once\n"})

    def test_thread(self):
        text = "// A small thing.\n#pragma once\n"
        self.assert_broken("header", 1, "names no thread", {"src/io/a.h": text})
        self.assert_clean({"src/io/a_testing.h": text})

    def test_heavy_include(self):
        for name in ("<nlohmann/json.hpp>", "<yaml-cpp/yaml.h>", "<CLI/CLI.hpp>", "<Eigen/Dense>"):
            files = {"src/io/a.h": HEADER + f"#include {name}\n"}
            self.assert_broken("header", 4, "is heavy", files)
        for name in ("<sqlite3.h>", "<regex>", '"llhttp.h"'):
            files = {"apps/a.h": HEADER + f"#include {name}\n"}
            self.assert_broken("header", 4, "is heavy", files)
        self.assert_clean({"src/io/a.cc": "#include <Eigen/Dense>\n"})


class Links(TidyTest):
    def test_relative_links_lead_to_files(self):
        files = {"docs/a.md": "[b](b.md#part), [c](../c.txt), [web](https://a.example/x), [d](#d)\n"}
        self.assert_clean(files | {"docs/b.md": "b\n", "c.txt": "c\n"})

    def test_broken_link(self):
        self.assert_broken("links", 2, "'no.md#x' leads nowhere", {"a.md": "\n[b](no.md#x)\n"})
        self.assert_broken("links", 1, "leads nowhere", {"a.md": "[b]: no.md\n"})
        self.assert_broken("links", 1, "leads nowhere", {"a.md": "![picture](no.png)\n"})

    def test_code_is_not_read(self):
        self.assert_clean({"a.md": "`[b](no.md)`\n\n```\n[b](no.md)\n```\n"})


class Tree(TidyTest):
    def test_build_folders_are_not_read(self):
        self.assert_clean({"build/a.cc": "\t\n", "node_modules/a.md": "a  \n"})

    def test_an_error_line_names_file_line_and_rule(self):
        found = self.findings({"src/io/a.cc": "int a;\n\tint b;\n"})
        self.assertEqual(str(found[0]), "src/io/a.cc:2: text: a tab; use spaces")


if __name__ == "__main__":
    unittest.main()
