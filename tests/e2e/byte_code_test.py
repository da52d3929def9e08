"""A Python service whose modules lack byte code: its second start finds it compiled ahead."""

import json
import os
import pathlib
import shutil
import tempfile
import unittest

from harness import AT_ZERO, PlatformTest, wait_until

PART = """import traceback


def word():
    return "%s"


def trace():
    try:
        raise ValueError("shown")
    except ValueError:
        return traceback.format_exc()
"""
WORDS = "byte code of"


@unittest.skipIf(os.geteuid() != 0, "instances are plain processes without root")
class ByteCode(PlatformTest):
    def setUp(self):
        super().setUp()
        # Where an instance sees it: not below /tmp.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-byte-code-", dir="/var/lib"))
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "part.py").write_text(PART % "first")

    def ask(self):
        status, body = self.thaw.curl("app")
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def log(self):
        return self.thaw.cli("logs", "app", check=False).stdout

    def deploy_app(self, **annotations):
        self.deploy(self.service_file("app", "byte_code.py", {**AT_ZERO, **annotations},
                                      arguments=[str(self.folder)]))

    def again(self):
        self.wait_for_zero("app")
        return self.ask()

    def test_the_second_start_uses_it_and_answers_the_same(self):
        self.deploy_app()
        first = self.ask()
        second = wait_until("a start with byte code",
                            lambda: (answer := self.again()) and WORDS in self.log() and answer)
        self.assertEqual(first, second)
        self.assertIn(WORDS, self.thaw.cli("services", "describe", "app").stdout)
        (self.folder / "part.py").write_text(PART % "other")
        self.assertEqual(self.again()["word"], "other")
        self.assertTrue(list((self.thaw.data_dir / "byte_code").glob("*/code")))
        self.thaw.cli("services", "delete", "app")
        wait_until("the cache is gone",
                   lambda: not list((self.thaw.data_dir / "byte_code").glob("*/code")))

    def test_it_can_be_turned_off(self):
        self.deploy_app(**{"thaw.local/bytecode": "off"})
        for _ in range(3):
            self.assertEqual(self.ask()["word"], "first")
            self.wait_for_zero("app")
        self.assertNotIn(WORDS, self.log())
        self.assertFalse((self.thaw.data_dir / "byte_code").exists())

    def test_a_setting_that_is_none_is_refused(self):
        text = self.service_file("app", "byte_code.py", {"thaw.local/bytecode": "yes"})
        refused = self.deploy(text, False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("thaw.local/bytecode", refused.stderr)


if __name__ == "__main__":
    unittest.main()
