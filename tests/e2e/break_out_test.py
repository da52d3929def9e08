"""A hostile program as a service reaches nothing but itself, and nobody suffers from it."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import unittest

from harness import AT_ZERO, PlatformTest, cgroups_of, programs_of, wait_until

PROCESSES = 1024  # the most that an instance may have, threads counted


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("crun"),
                     "containers need root and crun; plain processes are not held back")
class BreakOut(PlatformTest):
    options = ["--scale-to-zero-after", "60s", "--stop-grace", "1s"]
    data_below = "/var/lib"  # /tmp is each instance's own: there is nothing to be found there

    def deploy_at(self, port, name):
        text = json.loads(self.service_file(name, "echo.py", AT_ZERO))
        (container,) = text["spec"]["template"]["spec"]["containers"]
        container["ports"] = [{"containerPort": port}]
        self.deploy(json.dumps(text))
        status, body = self.thaw.curl(name)
        self.assertEqual((status, json.loads(body)["env"]["PORT"]), (200, str(port)))

    def assert_all_is_well(self):
        """A service that ran before answers, one that is new starts, and so does the platform."""
        self.assertEqual(self.thaw.curl("neighbour")[0], 200)
        self.deploy(self.service_file("newcomer", "echo.py", AT_ZERO))
        self.assertEqual(self.thaw.curl("newcomer")[0], 200)
        self.assertEqual(self.thaw.curl_api("/thaw/v1/version")[0], 200)

    def test_every_attempt_fails(self):
        self.deploy_at(8099, "neighbour")
        (neighbour,) = programs_of(self.thaw.data_dir)
        self.deploy(self.service_file("hostile", "hostile.py", AT_ZERO))
        ports = [address.rsplit(":", 1)[1] for address in (self.thaw.api, self.thaw.gateway)]
        status, body = self.thaw.curl("hostile", f"/{'/'.join(ports)}/8099?{neighbour}")
        self.assertEqual(status, 200, body)
        answer = json.loads(body)
        self.assertEqual(answer["worked"], {})
        self.assertGreater(answer["tried"], 40)
        self.assert_all_is_well()

    def test_the_only_ports_it_reaches_are_its_own_and_its_door_to_the_buckets(self):
        self.deploy_at(8099, "neighbour")
        self.deploy(self.service_file("hostile", "hostile.py", AT_ZERO))
        status, body = self.thaw.curl("hostile", "/ports")
        self.assertEqual(status, 200, body)
        # It listens on every IPv4 address of its loopback.
        own = [f"{ip}:8080" for ip in ("127.0.0.1", "127.0.8.81", "127.0.8.82")]
        self.assertEqual(sorted(json.loads(body)), sorted([*own, "127.0.8.81:48081"]))

    def test_a_fork_bomb_stops_at_the_limit_and_nobody_else_feels_it(self):
        self.deploy_at(8099, "neighbour")
        self.deploy(self.service_file("hostile", "hostile.py", AT_ZERO, memory="2Gi"))
        bomb = subprocess.Popen(
            ["curl", "-sSN", f"http://{self.thaw.gateway}/bomb", "-H", "Host: hostile.localhost"],
            stdout=subprocess.PIPE, text=True)
        try:
            self.assertEqual(bomb.stdout.readline(), "EAGAIN\n")
            self.assert_all_is_well()
            self.assertEqual(self.pids_of_the_fullest(), PROCESSES)
        finally:
            bomb.kill()
            bomb.communicate()
        # Nobody asks for it any more: its thousand processes stand still, and go with it.
        wait_until("frozen", lambda: self.thaw.instances("hostile")[0]["temperature"] == "frozen")
        self.thaw.cli("services", "delete", "hostile", "--quiet")
        self.wait_for_zero("hostile")
        self.assertLess(self.pids_of_the_fullest(), 10)
        self.assert_all_is_well()

    def pids_of_the_fullest(self):
        counts = []
        for group in cgroups_of(self.thaw.data_dir):
            for path in pathlib.Path(group).glob("*/pids.current"):
                with contextlib.suppress(FileNotFoundError):  # its instance has just ended
                    counts.append(int(path.read_text()))
        return max(counts)

    def test_filling_tmp_ends_only_the_one_that_fills_it(self):
        self.deploy(self.service_file("neighbour", "echo.py", AT_ZERO))
        self.assertEqual(self.thaw.curl("neighbour")[0], 200)
        before = programs_of(self.thaw.data_dir)
        self.deploy(self.service_file("hostile", "hostile.py", AT_ZERO))
        status, body = self.thaw.curl("hostile", "/fill")
        self.assertEqual(status, 500)
        self.assertIn("memory limit of 256 MiB", body)
        self.assertEqual(programs_of(self.thaw.data_dir), before)
        self.assert_all_is_well()
        # Right after a crash a start may have to wait, which is said by 503.
        wait_until("another one", lambda: self.thaw.curl("hostile", "/tmp")[0] == 200)
        self.assertEqual(json.loads(self.thaw.curl("hostile", "/tmp")[1]), [])


if __name__ == "__main__":
    unittest.main()
