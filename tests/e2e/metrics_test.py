"""The page for Prometheus, read by Prometheus' own checker after a life with every event in it."""

import json
import re
import shutil
import subprocess
import threading
import unittest

from harness import AT_ZERO, ROOT, PlatformTest, wait_until


class Metrics(PlatformTest):
    options = ["--scale-to-zero-after", "60s", "--stop-grace", "1s", "--freeze-after", "0"]

    def page(self):
        status, text = self.thaw.curl_api("/metrics")
        self.assertEqual(status, 200)
        return text

    def value(self, name, **labels):
        """Of the one sample with these labels among its own; 0 where there is none."""
        for line in self.page().splitlines():
            found = re.match(rf"{name}(?:{{(.*)}})? (\S+)$", line)
            if found and labels.items() <= dict(re.findall(r'(\w+)="([^"]*)"',
                                                           found[1] or "")).items():
                return float(found[2])
        return 0.0

    def live(self):
        """A start, wakes, a queue, refusals of three kinds, another service."""
        self.deploy(self.service_file(
            "one", "echo.py", {**AT_ZERO, "autoscaling.knative.dev/maxScale": "1"},
            concurrency=1, env={"DELAY": "0.2"}))
        callers = [threading.Thread(target=self.thaw.curl, args=("one",)) for _ in range(8)]
        for caller in callers:
            caller.start()
        wait_until("a queue", lambda: self.value("thaw_queue_length", service="one") >= 1)
        wait_until("a request inside",
                   lambda: self.value("thaw_requests_in_flight", service="one") == 1)
        for caller in callers:
            caller.join()
        wait_until("frozen", lambda: self.thaw.instances("one")[0]["temperature"] == "frozen")
        self.assertEqual(self.thaw.curl("one")[0], 200)
        self.deploy(self.service_file("exits", "exits.py", AT_ZERO))
        self.assertEqual(self.thaw.curl("exits")[0], 503)
        self.assertEqual(self.thaw.curl("nobody")[0], 404)

    def test_counts_what_happened(self):
        self.live()
        self.assertEqual(self.value("thaw_requests_total", service="one",
                                    response_code_class="2xx"), 9)
        self.assertEqual(self.value("thaw_requests_total", service="exits",
                                    response_code_class="5xx"), 1)
        self.assertEqual(self.value("thaw_request_duration_seconds_count", service="one"), 9)
        self.assertGreater(self.value("thaw_request_queue_duration_seconds_sum", service="one"), 1)
        self.assertEqual(self.value("thaw_refused_requests_total", service="exits",
                                    reason="start_failed"), 1)
        self.assertEqual(self.value("thaw_unrouted_requests_total"), 1)
        self.assertEqual(self.value("thaw_wake_duration_seconds_count", service="one",
                                    rung="cold"), 1)
        self.assertGreaterEqual(self.value("thaw_wake_duration_seconds_count", service="one",
                                           rung="frozen"), 1)
        self.assertEqual(self.value("thaw_instances", service="one", state="ready"), 1)
        self.assertEqual(self.value("thaw_request_log_dropped_total"), 0)

    def test_a_deleted_service_has_none_even_if_a_request_of_it_ends_later(self):
        self.live()
        self.deploy(self.service_file("slow", "echo.py", AT_ZERO, {"DELAY": "2"}))
        late = []
        caller = threading.Thread(target=lambda: late.append(self.thaw.curl("slow")[0]))
        caller.start()
        wait_until("a request inside",
                   lambda: self.value("thaw_requests_in_flight", service="slow") == 1)
        for service in ("slow", "one", "exits"):
            self.thaw.cli("services", "delete", service, "--quiet")
        caller.join()
        self.assertEqual(late, [200])
        wait_until("no series", lambda: "service=" not in self.page())
        self.assertEqual(self.value("thaw_services"), 0)

    @unittest.skipUnless(shutil.which("promtool"), "promtool (Debian: prometheus) is not installed")
    def test_prometheus_has_nothing_to_say_about_it(self):
        self.live()
        run = subprocess.run(["promtool", "check", "metrics"], input=self.page(), text=True,
                             capture_output=True, check=False, timeout=60)
        self.assertEqual((run.returncode, run.stdout + run.stderr), (0, ""))

    def test_every_name_is_explained_in_the_reference(self):
        self.live()
        page = (ROOT / "docs/reference/metrics.md").read_text()
        names = set(re.findall(r"^# TYPE (\S+)", self.page(), re.MULTILINE))
        self.assertGreater(len(names), 10, json.dumps(sorted(names)))
        self.assertEqual({name for name in names if f"`{name}`" not in page}, set())


if __name__ == "__main__":
    unittest.main()
