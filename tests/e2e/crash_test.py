"""kill -9 of the platform under load: services come back, and nothing is left behind."""

import concurrent.futures
import json
import os
import shutil
import signal
import unittest

from harness import AT_ZERO, Platform, PlatformTest, cgroups_of, programs_of, wait_until


class Crash(PlatformTest):
    def test_kill_9_under_load_and_restart(self):
        for name in ("a", "b"):
            self.deploy(self.service_file(name, "echo.py", AT_ZERO, {"DELAY": "0.05"}))
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            requests = [pool.submit(self.thaw.curl, name) for name in ("a", "b") * 40]
            wait_until("answers", lambda: any(r.done() for r in requests))
            self.thaw.process.send_signal(signal.SIGKILL)
            self.thaw.process.wait()
            concurrent.futures.wait(requests)
        orphans = programs_of(self.thaw.data_dir)
        if os.geteuid() == 0 and shutil.which("crun"):  # plain processes die with their parent
            self.assertTrue(orphans, "the test needs instances that outlive the platform")
            self.assertTrue(cgroups_of(self.thaw.data_dir), "the last check looks elsewhere")

        self.thaw.start()
        self.assertEqual(programs_of(self.thaw.data_dir) & orphans, set())
        self.assertEqual({row["metadata"]["name"] for row in self.thaw.json("services", "list")},
                         {"a", "b"})
        for name in ("a", "b"):
            status, body = self.thaw.curl(name)
            self.assertEqual(status, 200, body)
            self.assertEqual(json.loads(body)["env"]["K_SERVICE"], name)

    def test_what_was_deployed_survives_kill_9_at_once(self):
        self.deploy(self.service_file("kept", "echo.py", AT_ZERO))
        self.thaw.process.send_signal(signal.SIGKILL)
        self.thaw.process.wait()
        self.thaw.start()
        self.assertEqual(self.thaw.curl("kept")[0], 200)

    def test_a_second_process_on_the_same_data_directory_is_refused(self):
        with self.assertRaisesRegex(AssertionError, "already|another|in use|lock"):
            Platform(self.options, data_dir=self.thaw.data_dir)

    def test_sigterm_lets_the_request_in_flight_finish(self):
        self.deploy(self.service_file("slow", "echo.py", AT_ZERO, {"DELAY": "1"}))
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            request = pool.submit(self.thaw.curl, "slow")
            wait_until("a request in flight", lambda: any(
                row.get("inFlight", 0) for row in self.thaw.instances("slow")))
            self.thaw.process.send_signal(signal.SIGTERM)
            self.assertEqual(request.result()[0], 200)
        self.assertEqual(self.thaw.process.wait(timeout=60), 0)
        self.assert_nothing_left()
        self.thaw.process = None


if __name__ == "__main__":
    unittest.main()
