"""1.2 Probes."""

import json
import shutil
import threading
import time
import unittest

from contract import AT_ZERO, PROGRAMS, ContractTest, npm_modules, wait_until

ALWAYS = {"run.googleapis.com/cpu-throttling": "false", **AT_ZERO}
ONCE_A_SECOND = {"periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": 2}


class Startup(ContractTest):
    def test_without_one_a_tcp_probe_waits_for_the_port(self):
        self.deploy_at_zero("late", "late.py", env={"LATE": "1"})
        self.assertEqual(self.thaw.curl("late")[0], 200)

    def test_an_http_probe_passes_with_2xx_and_sends_its_headers(self):
        self.deploy_at_zero("echo", "echo.py", probe={
            "httpGet": {"path": "/ready", "httpHeaders": [{"name": "X-Probe", "value": "yes"}]},
            "periodSeconds": 1, "failureThreshold": 5})
        self.assertEqual(self.thaw.curl("echo")[0], 200)

    def test_one_that_never_passes_fails_the_deploy_and_says_why(self):
        run = self.deploy(self.service_file("never", "never.py", probe={
            "tcpSocket": {}, "periodSeconds": 1, "failureThreshold": 1}), check=False)
        self.assertEqual(run.returncode, 6)
        self.assertIn("HealthCheckContainerError", json.dumps(
            self.thaw.json("services", "describe", "never")))

    def test_ranges_are_held(self):
        rows = [({"initialDelaySeconds": 601}, "initialDelaySeconds"),
                ({"periodSeconds": 601}, "periodSeconds"),
                ({"timeoutSeconds": 11, "periodSeconds": 10}, "timeoutSeconds"),
                ({"failureThreshold": 61, "periodSeconds": 10}, "failureThreshold"),
                ({"failureThreshold": 0}, "failureThreshold"),
                ({"successThreshold": 2}, "successThreshold"),
                ({"httpGet": {"path": "/"}, "tcpSocket": {}}, "startupProbe")]
        for probe, field in rows:
            probe = {"tcpSocket": {}, **probe} if "httpGet" not in probe else probe
            run = self.deploy(self.service_file("echo", "echo.py", probe=probe), check=False)
            self.assertNotEqual(run.returncode, 0, probe)
            self.assertIn(field, run.stderr)

    def test_a_liveness_probe_over_tcp_is_refused(self):
        text = json.loads(self.service_file("echo", "echo.py", AT_ZERO))
        container = text["spec"]["template"]["spec"]["containers"][0]
        container["livenessProbe"] = {"tcpSocket": {}}
        run = self.deploy(json.dumps(text), check=False)
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("livenessProbe", run.stderr)

    def grpc(self, service, **settings):
        """A service file whose program answers gRPC's health checks."""
        text = json.loads(self.service_file("calls", "health.py", AT_ZERO, memory="512Mi"))
        container = text["spec"]["template"]["spec"]["containers"][0]
        container["command"] = [shutil.which("node"), str(PROGRAMS / "grpc_health.mjs"),
                                str(npm_modules.installed()), str(self.thaw.data_dir)]
        container["ports"] = [{"name": "h2c", "containerPort": 8080}]
        container["startupProbe"] = {"grpc": {"service": service}, "periodSeconds": 1, **settings}
        return text

    def test_a_grpc_probe_waits_until_the_service_named_says_serving(self):
        text = self.grpc("late", failureThreshold=30)
        del text["spec"]["template"]["metadata"]["annotations"]
        self.deploy(json.dumps(text))
        self.assertIn("Ready after", self.thaw.cli("logs", "calls").stdout)

    def test_a_grpc_probe_that_is_answered_otherwise_says_so(self):
        text = self.grpc("ill", failureThreshold=1)
        del text["spec"]["template"]["metadata"]["annotations"]
        self.assertEqual(self.deploy(json.dumps(text), check=False).returncode, 6)
        told = json.dumps(self.thaw.json("services", "describe", "calls"))
        self.assertIn("HealthCheckContainerError", told)
        self.assertIn("Health/Check on port 8080 was answered with NOT_SERVING", told)


class Watched(ContractTest):
    """Services whose instances are asked once a second."""

    options = ["--scale-to-zero-after", "60s", "--stop-grace", "1s"]

    def deploy_watched(self, annotations=ALWAYS, env=(), concurrency=80, maximum=3, **probes):
        text = json.loads(self.service_file("well", "health.py", {
            **annotations, "autoscaling.knative.dev/maxScale": str(maximum)}, env=env,
            concurrency=concurrency))
        text["metadata"]["annotations"] = {"run.googleapis.com/launch-stage": "BETA"}
        container = text["spec"]["template"]["spec"]["containers"][0]
        for name, probe in probes.items():
            container[name] = {**ONCE_A_SECOND, **probe}
        self.deploy(json.dumps(text))

    def told(self, words):
        lines = self.thaw.cli("logs", "well").stdout.splitlines()
        return [line for line in lines if words in line]


class Liveness(Watched):
    def test_one_that_fails_is_killed_without_sigterm_and_replaced_by_the_next_request(self):
        self.deploy_watched(env={"IGNORE_SIGTERM": "1"}, livenessProbe={"httpGet": {
            "path": "/live", "httpHeaders": [{"name": "X-Probe", "value": "yes"}]}})
        first = self.seen("well")
        wait_until("some tries", lambda: self.seen("well")["asked"]["/live"] >= 2)
        self.assertEqual(self.seen("well")["seen"]["/live"]["X-Probe"], "yes")
        self.assertEqual(self.seen("well")["instance"], first["instance"])
        self.seen("well", "/say/live/500")
        self.wait_for_zero("well")
        self.assertTrue(self.told("failed its liveness probe 2 times in a row and was killed: "
                                  "GET /live on port 8080 was answered with 500"))
        self.assertFalse(self.told("got SIGTERM"))
        self.assertNotEqual(self.seen("well")["instance"], first["instance"])

    def test_requests_in_it_end_with_503_that_says_why(self):
        self.deploy_watched(livenessProbe={"httpGet": {"path": "/live"}})
        self.seen("well")
        answers = []
        caller = threading.Thread(
            target=lambda: answers.append(self.thaw.curl("well", "/sleep/100")))
        caller.start()
        wait_until("the request is in it",
                   lambda: any(row.get("inFlight") for row in self.thaw.instances("well")))
        self.seen("well", "/say/live/hang")
        caller.join()
        self.assertEqual(answers[0][0], 503)
        self.assertIn("failed its liveness probe", answers[0][1])
        self.assertIn("no answer on port 8080 within", answers[0][1])

    def test_before_the_threshold_it_lives(self):
        self.deploy_watched(livenessProbe={"httpGet": {"path": "/live"}, "failureThreshold": 1000},
                            env={"LIVE": "500"})
        first = self.seen("well")
        wait_until("some tries", lambda: self.seen("well")["asked"]["/live"] >= 3)
        self.assertEqual(self.seen("well")["instance"], first["instance"])

    def test_one_that_fails_from_the_start_is_started_more_and_more_slowly(self):
        self.deploy_watched(
            {**ALWAYS, "autoscaling.knative.dev/minScale": "1"}, env={"LIVE": "500"},
            livenessProbe={"httpGet": {"path": "/live"}, "failureThreshold": 1})
        wait_until("three ends", lambda: len(self.told("failed its liveness probe")) >= 3)
        # While it pauses, callers hear the reason at once.
        refused = wait_until("a refusal", lambda: [answer for answer in [self.thaw.curl("well")]
                                                   if answer[0] == 503])
        self.assertIn("failed its liveness probe", refused[0][1])

    def test_a_frozen_instance_is_not_asked_until_it_runs(self):
        self.deploy_watched(AT_ZERO, livenessProbe={"httpGet": {"path": "/live"}})
        self.seen("well")

        def is_frozen():
            return [row for row in self.thaw.instances("well") if row["temperature"] == "frozen"]

        wait_until("frozen", is_frozen)
        before = self.seen("well")["asked"]["/live"]
        wait_until("frozen again", is_frozen)
        time.sleep(3.5)  # more than three periods; it may be asked once before and once after
        self.assertTrue(is_frozen())
        self.assertLessEqual(self.seen("well")["asked"]["/live"], before + 2)
        wait_until("asked after the wake",
                   lambda: self.seen("well")["asked"]["/live"] > before)

    def test_over_grpc(self):
        text = json.loads(self.service_file("calls", "health.py", ALWAYS, memory="512Mi"))
        container = text["spec"]["template"]["spec"]["containers"][0]
        container["command"] = [shutil.which("node"), str(PROGRAMS / "grpc_health.mjs"),
                                str(npm_modules.installed()), str(self.thaw.data_dir)]
        container["ports"] = [{"name": "h2c", "containerPort": 8080}]
        container["livenessProbe"] = {"grpc": {"service": "ill"}, **ONCE_A_SECOND}
        self.deploy(json.dumps(text))
        self.thaw.curl("calls", "/")  # whatever it answers, it runs now
        self.wait_for_zero("calls")
        self.assertIn("was answered with NOT_SERVING", self.thaw.cli("logs", "calls").stdout)


class Readiness(Watched):
    def test_one_that_fails_gets_no_new_requests_lives_and_comes_back(self):
        self.deploy_watched(readinessProbe={"httpGet": {"path": "/ready"}, "successThreshold": 2})
        first = self.seen("well")["instance"]
        self.seen("well", "/say/ready/500")
        wait_until("unready", lambda: self.thaw.instances("well")[0]["state"] == "unready")
        second = self.seen("well")["instance"]  # a new one, since the first takes none
        self.assertNotEqual(second, first)
        for _ in range(10):
            self.assertEqual(self.seen("well")["instance"], second)
        states = {row["state"] for row in self.thaw.instances("well")}
        self.assertEqual(states, {"ready", "unready"})
        self.assertTrue(self.told("failed its readiness probe 2 times in a row"))

    def test_with_none_ready_requests_wait_until_one_is(self):
        self.deploy_watched(maximum=1, env={"READY": "503"},
                            readinessProbe={"httpGet": {"path": "/ready"}})
        first = self.seen("well")["instance"]  # before it was found out
        wait_until("unready", lambda: self.thaw.instances("well")[0]["state"] == "unready")
        answers = []
        caller = threading.Thread(target=lambda: answers.append(self.thaw.curl("well")))
        caller.start()
        caller.join()  # at most 10 s, contract 1.6
        self.assertEqual(answers[0][0], 429, answers)
        self.assertEqual(len(self.thaw.instances("well")), 1, first)

    def test_it_is_a_preview(self):
        text = json.loads(self.service_file("well", "health.py", AT_ZERO))
        container = text["spec"]["template"]["spec"]["containers"][0]
        container["readinessProbe"] = {"httpGet": {"path": "/ready"}}
        run = self.deploy(json.dumps(text), check=False)
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("launch-stage: BETA", run.stderr)


if __name__ == "__main__":
    unittest.main()
