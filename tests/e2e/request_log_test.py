"""The request log, as `thaw logs` shows it."""

import json
import subprocess
import threading
import unittest

from harness import AT_ZERO, HANG_SECONDS, THAW, PlatformTest, wait_until


class RequestLog(PlatformTest):
    options = ["--scale-to-zero-after", "60s", "--stop-grace", "1s"]

    def setUp(self):
        super().setUp()
        self.deploy(self.service_file("web", "echo.py", AT_ZERO))

    def requests(self, *flags):
        lines = self.thaw.cli("logs", "web", "--json", *flags).stdout.splitlines()
        return [line for line in map(json.loads, lines) if "httpRequest" in line]

    def test_a_request_is_one_entry_with_cloud_loggings_names(self):
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        status, body = self.thaw.curl(
            "web", "/a/b?q=1", "-A", "tester/1", "-e", "http://from.example/", "-d", "12345",
            "-H", f"traceparent: 00-{trace}-00f067aa0ba902b7-01",
            "-H", "Authorization: Bearer SECRET", "-H", "Cookie: session=SECRET")
        self.assertEqual(status, 200)
        text = self.thaw.cli("logs", "web", "--json").stdout
        self.assertNotIn("SECRET", text)
        (line,) = self.requests()
        request = line["httpRequest"]
        self.assertGreater(int(request.pop("requestSize")), 100)
        self.assertGreater(int(request.pop("responseSize")), len(body))
        self.assertRegex(request.pop("latency"), r"^\d+\.(\d{3}|\d{6})s$")
        self.assertEqual(request, {
            "requestMethod": "POST", "requestUrl": "http://web.localhost/a/b?q=1", "status": 200,
            "userAgent": "tester/1", "referer": "http://from.example/", "remoteIp": "127.0.0.1",
            "serverIp": "127.0.0.1", "protocol": "HTTP/1.1"})
        self.assertEqual(line["severity"], "INFO")
        self.assertEqual(line["logName"], "projects/thaw/logs/run.googleapis.com%2Frequests")
        labels = line["resource"]["labels"]
        self.assertEqual((line["resource"]["type"], labels["service_name"], labels["location"]),
                         ("cloud_run_revision", "web", "local"))
        self.assertRegex(labels["revision_name"], "^web-")
        self.assertTrue(line["labels"]["instanceId"].startswith(labels["revision_name"]))
        self.assertEqual(line["trace"], f"projects/thaw/traces/{trace}")
        self.assertTrue(line["traceSampled"])
        # The instance was told the same trace and span.
        seen = json.loads(body)["headers"]["traceparent"]
        self.assertEqual(seen, f"00-{trace}-{line['spanId']}-01")

    def test_a_person_reads_one_short_line_among_the_services_own(self):
        self.assertEqual(self.thaw.curl("web", "/first?x=y")[0], 200)
        lines = self.thaw.cli("logs", "web").stdout.splitlines()
        (line,) = [line for line in lines if "/first" in line]
        self.assertRegex(line, r"^\S+Z INFO +\S+ GET 200 \d\S+s \d\S* [KM]?i?B "
                               r"http://web\.localhost/first\?x=y$")
        # The request arrived before what its start printed.
        printed = [at for at, each in enumerate(lines) if "listening on" in each]
        self.assertLess(lines.index(line), printed[0])

    def test_http2_is_logged_as_such_and_refusals_have_their_severity(self):
        subprocess.run(["curl", "-sS", "--http2-prior-knowledge", "-H", "Host: web.localhost",
                        f"http://{self.thaw.gateway}/two"], capture_output=True, check=True,
                       timeout=HANG_SECONDS)
        self.deploy(self.service_file("exits", "exits.py", AT_ZERO))
        self.assertEqual(self.thaw.curl("exits")[0], 503)
        (two,) = self.requests()
        self.assertEqual(two["httpRequest"]["protocol"], "HTTP/2")
        lines = map(json.loads, self.thaw.cli("logs", "exits", "--json").stdout.splitlines())
        (refused,) = [line for line in lines if "httpRequest" in line]
        self.assertEqual((refused["severity"], refused["httpRequest"]["status"]), ("ERROR", 503))
        self.assertEqual(self.requests("--severity", "WARNING"), [])

    def test_following_shows_a_request_when_it_is_over(self):
        with subprocess.Popen([THAW, "logs", "web", "-f", "--json", "--api-address", self.thaw.api],
                              stdout=subprocess.PIPE, text=True) as follower:
            self.addCleanup(follower.kill)
            seen = []
            reader = threading.Thread(target=lambda: seen.extend(follower.stdout), daemon=True)
            reader.start()
            self.thaw.curl("web", "/once")
            wait_until("the request", lambda: any("/once" in line for line in seen))
            self.thaw.curl("web", "/twice")
            wait_until("the next", lambda: any("/twice" in line for line in seen))
            follower.kill()
        self.assertEqual(sum("/once" in line for line in seen), 1)


class Unlogged(PlatformTest):
    options = ["--scale-to-zero-after", "60s", "--stop-grace", "1s", "--request-log", "off"]

    def test_it_can_be_turned_off(self):
        self.deploy(self.service_file("web", "echo.py", AT_ZERO))
        self.assertEqual(self.thaw.curl("web", "/quiet")[0], 200)
        self.assertNotIn("/quiet", self.thaw.cli("logs", "web", "--json").stdout)


if __name__ == "__main__":
    unittest.main()
