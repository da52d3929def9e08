"""Spans of requests, sent to a collector that decodes them with OpenTelemetry's own definitions."""

import base64
import json
import os
import shutil
import subprocess
import threading
import unittest

import npm_modules
from harness import AT_ZERO, PROGRAMS, THAW, PlatformTest, wait_until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


class Collector:
    def __init__(self, *statuses):
        self.process = subprocess.Popen(
            [shutil.which("node"), str(PROGRAMS / "otlp_receiver.mjs"),
             str(npm_modules.installed()), *statuses], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.messages = []
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.messages.append(json.loads(line))

    def spans(self):
        """All that were taken, by name."""
        return [span for message in self.messages if message["status"] == 200
                for resource in message["body"]["resourceSpans"]
                for scope in resource["scopeSpans"] for span in scope["spans"]]

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def hex_of(text):
    return base64.b64decode(text).hex()


def attributes(span):
    return {each["key"]: next(iter(each["value"].values())) for each in span["attributes"]}


@unittest.skipUnless(shutil.which("node"), "node is not installed")
class Traces(PlatformTest):
    statuses = ()
    environment = {}

    def setUp(self):
        self.collector = Collector(*self.statuses)
        self.addCleanup(self.collector.stop)
        self.options = ["--scale-to-zero-after", "60s", "--stop-grace", "1s",
                        "--otlp-endpoint", f"http://localhost:{self.collector.port}"]
        os.environ.update(OTEL_BSP_SCHEDULE_DELAY="50", **self.environment)
        self.addCleanup(lambda: [os.environ.pop(name) for name in
                                 ("OTEL_BSP_SCHEDULE_DELAY", *self.environment)])
        super().setUp()

    def counter(self, name):
        _, text = self.thaw.curl_api("/metrics")
        return next(float(line.split()[-1]) for line in text.splitlines()
                    if line.startswith(name + " "))


class OneTrace(Traces):
    environment = {"OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b"}

    def test_the_callers_trace_goes_on_through_queue_start_and_instance(self):
        self.deploy(self.service_file("web", "echo.py", AT_ZERO))
        sent = f"traceparent: 00-{TRACE}-{PARENT}-01"
        self.assertEqual(self.thaw.curl("web", "/a?token=SECRET", "-H", sent)[0], 200)
        wait_until("spans", lambda: len(self.collector.spans()) >= 4)
        message = self.collector.messages[0]
        self.assertIsNone(message["fault"])
        self.assertEqual(message["path"], "/v1/traces")
        self.assertEqual(message["headers"]["content-type"], "application/x-protobuf")
        self.assertEqual(message["headers"]["api-key"], "a b")
        self.assertNotIn("SECRET", json.dumps(message))
        resource = message["body"]["resourceSpans"][0]["resource"]
        self.assertEqual(attributes(resource)["service.name"], "thaw")

        spans = {span["name"]: span for span in self.collector.spans()}
        self.assertEqual(set(spans), {"gateway", "queue", "wake", "instance"})
        self.assertEqual({hex_of(span["traceId"]) for span in spans.values()}, {TRACE})
        gateway = spans["gateway"]
        self.assertEqual(hex_of(gateway["parentSpanId"]), PARENT)
        self.assertEqual(gateway["kind"], 2)
        for name in ("queue", "wake", "instance"):
            span = spans[name]
            self.assertEqual(span["parentSpanId"], gateway["spanId"])
            self.assertLessEqual(int(gateway["startTimeUnixNano"]), int(span["startTimeUnixNano"]))
            self.assertLessEqual(int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"]))
            self.assertLessEqual(int(span["endTimeUnixNano"]), int(gateway["endTimeUnixNano"]))
        self.assertEqual(len({span["spanId"] for span in spans.values()}), 4)
        self.assertLessEqual(int(spans["queue"]["endTimeUnixNano"]),
                             int(spans["instance"]["startTimeUnixNano"]))
        seen = attributes(gateway)
        self.assertEqual((seen["http.request.method"], seen["url.path"], seen["faas.name"],
                          int(seen["http.response.status_code"])), ("GET", "/a", "web", 200))
        self.assertEqual(attributes(spans["wake"])["thaw.rung"], "cold")
        # The instance's own spans hang below the gateway's.
        (line,) = [line for line in map(json.loads, self.thaw.cli(
            "logs", "web", "--json").stdout.splitlines()) if "httpRequest" in line]
        self.assertEqual(line["spanId"], hex_of(gateway["spanId"]))

    def test_a_caller_that_does_not_sample_is_not_sampled(self):
        self.deploy(self.service_file("web", "echo.py", AT_ZERO))
        self.thaw.curl("web", "/unseen", "-H", f"traceparent: 00-{TRACE}-{PARENT}-00")
        self.thaw.curl("web", "/seen")
        wait_until("a span", self.collector.spans)
        paths = {attributes(span)["url.path"] for span in self.collector.spans()
                 if span["name"] == "gateway"}
        self.assertEqual(paths, {"/seen"})


class Busy(Traces):
    statuses = ("503", "429")

    def test_a_busy_collector_is_asked_again_and_nothing_is_lost(self):
        self.deploy(self.service_file("web", "echo.py", AT_ZERO))
        self.assertEqual(self.thaw.curl("web", "/again")[0], 200)
        wait_until("spans", self.collector.spans)
        self.assertEqual([message["status"] for message in self.collector.messages[:3]],
                         [503, 429, 200])
        wait_until("the count", lambda: self.counter("thaw_spans_exported_total") >= 2)
        self.assertEqual(self.counter("thaw_spans_rejected_total"), 0)


class Gone(Traces):
    def test_without_its_collector_requests_are_answered_and_losses_counted(self):
        self.deploy(self.service_file("web", "echo.py", AT_ZERO))
        self.collector.stop()
        run = subprocess.run(
            ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}\n", "-H",
             "Host: web.localhost", f"http://{self.thaw.gateway}/[1-100]"],
            capture_output=True, text=True, check=True, timeout=180)
        self.assertEqual(run.stdout.split(), ["200"] * 100)
        # Each is two spans at least; they are given up once the tries are used up.
        wait_until("losses", lambda: self.counter("thaw_spans_rejected_total") >= 200)
        self.assertEqual(self.counter("thaw_spans_exported_total"), 0)


class Options(unittest.TestCase):
    def test_what_cannot_be_used_is_named(self):
        for value in ("grpc://x.example", "127.0.0.1:4318", "https://a collector:4318",
                      "https://x.example:0"):
            run = subprocess.run([THAW, "up", "--otlp-endpoint", value], capture_output=True,
                                 text=True, check=False, timeout=60)
            self.assertNotEqual(run.returncode, 0)
            self.assertRegex(run.stderr, "--otlp-endpoint: .*must be http://")


if __name__ == "__main__":
    unittest.main()
