"""Without root: instances are plain child processes, and what is not isolated is said."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import unittest

from harness import AT_ZERO, THAW, PlatformTest, programs_of, wait_until

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def why_not_as_nobody():
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            return "setpriv (util-linux) is not installed"
        if subprocess.run([*NOBODY, THAW, "version"], capture_output=True, check=False).returncode:
            return f"another user may not run {THAW}"
    return None


@unittest.skipIf(why_not_as_nobody(), why_not_as_nobody())
class AsNobody(PlatformTest):
    prefix = NOBODY if os.geteuid() == 0 else []

    def test_the_notice_says_what_is_not_isolated(self):
        self.assertIn("plain processes", self.thaw.log())
        version = json.loads(self.thaw.curl_api("/thaw/v1/version")[1])
        self.assertIn("plain processes", version["isolationNotice"])
        self.assertIn("hibernated and templated need containers", self.thaw.log())

    def test_two_services_wake_answer_and_return_to_zero(self):
        for name in ("a", "b"):
            self.deploy(self.service_file(name, "echo.py", AT_ZERO))
        for name in ("a", "b"):
            status, body = self.thaw.curl(name)
            self.assertEqual(status, 200, body)
            self.assertEqual(json.loads(body)["env"]["K_SERVICE"], name)
        self.wait_for_zero()

    def test_hot_frozen_and_cold_are_possible_and_what_a_template_needs_is_said(self):
        self.deploy(self.service_file("a", "ticker.py", {
            **AT_ZERO, "thaw.local/template": "libraries"}))
        for round_ in ("cold", "cold again"):
            self.assertEqual(self.thaw.curl("a")[0], 200, round_)
            wait_until("frozen",
                       lambda: self.thaw.instances("a")[0]["temperature"] == "frozen")
            (pid,) = programs_of(self.thaw.data_dir)
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
            self.assertEqual(stat.rpartition(")")[2].split()[0], "T", "stopped by a signal")
            self.assertEqual(self.thaw.curl("a")[0], 200, "thawed")
            self.assertEqual(programs_of(self.thaw.data_dir), {pid})
            self.wait_for_zero()
        self.assertEqual(self.thaw.cli("logs", "a").stdout.count("without a template"), 2)

    def test_failures_are_told_apart_here_too(self):
        self.deploy(self.service_file("exits", "exits.py", AT_ZERO))
        self.assertEqual(self.thaw.curl("exits")[0], 503)
        self.assertIn("code 3", self.thaw.cli("services", "describe", "exits").stdout)
        self.deploy(self.service_file("hungry", "hungry.py", AT_ZERO, memory="128Mi"))
        self.assertEqual(self.thaw.curl("hungry", "/eat", "-X", "POST")[0], 500)
        self.assertIn("memory limit of 128 MiB",
                      self.thaw.cli("services", "describe", "hungry").stdout)

    def test_kill_9_leaves_nothing_after_a_restart(self):
        self.deploy(self.service_file("a", "echo.py", AT_ZERO))
        self.assertEqual(self.thaw.curl("a")[0], 200)
        ran = programs_of(self.thaw.data_dir)
        self.assertTrue(ran)
        self.thaw.process.send_signal(signal.SIGKILL)
        self.thaw.process.wait()
        self.thaw.start()
        wait_until("no orphan", lambda: not programs_of(self.thaw.data_dir) & ran)
        self.assertEqual(self.thaw.curl("a")[0], 200)


if __name__ == "__main__":
    unittest.main()
