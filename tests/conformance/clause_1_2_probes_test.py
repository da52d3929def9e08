"""1.2 Probes."""

import json
import unittest

from contract import AT_ZERO, ContractTest


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


if __name__ == "__main__":
    unittest.main()
