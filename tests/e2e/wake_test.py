"""The main job: a service at zero is woken by a request, answers, and is at zero again."""

import json
import unittest

from harness import AT_ZERO, ROOT, PlatformTest, wait_until

SERIES = ROOT / "examples/forecaster/hyndsight.csv"
REFERENCE = ROOT / "tests/data/prophet/hyndsight_default/exact_forecast.csv"


class Wake(PlatformTest):
    def test_forecaster_wakes_answers_as_the_reference_and_returns_to_zero(self):
        self.thaw.cli("deploy", ROOT / "examples/forecaster/service.yaml")
        self.assertEqual(self.thaw.instances(), [])

        status, body = self.thaw.curl("forecaster", "/predict?periods=28", "-H",
                                      "Content-Type: text/csv", "--data-binary", f"@{SERIES}")
        self.assertEqual(status, 200, body)
        rows = [line.split(",") for line in body.strip().splitlines()]
        column = rows[0].index("yhat")
        forecast = {row[0]: float(row[column]) for row in rows[1:]}
        self.assertEqual(len(forecast), 28)

        reference, history = {}, []
        for line in REFERENCE.read_text().splitlines()[1:]:
            reference[line.split(",")[0]] = float(line.split(",")[1])
        for line in SERIES.read_text().splitlines()[1:]:
            history.append(float(line.split(",")[1]))
        error = sum(abs(forecast[day] - reference[day]) for day in forecast) / len(forecast)
        self.assertLess(error / (sum(history) / len(history)), 0.01)

        self.assertEqual(len(self.thaw.instances("forecaster")), 1)
        self.wait_for_zero()
        usage = wait_until("usage", lambda: (
            lambda u: u if u.get("vcpuSeconds", 0) > 0 else None)(self.usage("forecaster")))
        self.assertEqual(usage["requests"], 1)

    def usage(self, service):
        _, body = self.thaw.curl_api(f"/thaw/v1/services/{service}/usage")
        return json.loads(body)

    def test_the_instance_sees_the_contract_and_no_forged_header(self):
        self.deploy(self.service_file("echo", "echo.py", AT_ZERO, {"COLOUR": "blue"}))
        status, body = self.thaw.curl("echo", "/a?b=c", "-H", "X-Google-Secret: forged",
                                      "-H", "Connection: X-Hop", "-H", "X-Hop: 1")
        self.assertEqual(status, 200, body)
        answer = json.loads(body)
        self.assertEqual(answer["path"], "/a?b=c")
        self.assertEqual(answer["env"]["PORT"], answer["env"]["PORT"])
        self.assertEqual(answer["env"]["K_SERVICE"], "echo")
        self.assertEqual(answer["env"]["K_CONFIGURATION"], "echo")
        self.assertRegex(answer["env"]["K_REVISION"], r"^echo-00001-[a-z0-9]{3}$")
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        self.assertIn("x-forwarded-for", headers)
        self.assertEqual(headers["x-forwarded-proto"], "http")
        self.assertIn("traceparent", headers)
        self.assertEqual(headers["host"], "echo.localhost")
        for gone in ("x-google-secret", "x-hop"):
            self.assertNotIn(gone, headers)

    def test_logs_carry_both_streams(self):
        self.deploy(self.service_file("echo", "echo.py", AT_ZERO))
        self.thaw.curl("echo")
        wait_until("log lines", lambda: "a line on standard error"
                   in self.thaw.cli("logs", "echo").stdout)
        self.assertIn("listening on", self.thaw.cli("logs", "echo").stdout)

    def test_unknown_host_is_404(self):
        self.assertEqual(self.thaw.curl("nobody")[0], 404)


if __name__ == "__main__":
    unittest.main()
