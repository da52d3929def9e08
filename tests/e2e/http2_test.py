"""HTTP/2 and gRPC through the real platform, with clients and servers that we did not write."""

import json
import re
import shutil
import subprocess
import unittest

import harness
import npm_modules


class Http2(harness.PlatformTest):
    def test_curl_speaks_it_by_preface_and_by_upgrade_to_both_doors(self):
        self.deploy(self.service_file("web", "echo.py", harness.AT_ZERO))
        for option in ("--http2-prior-knowledge", "--http2"):
            run = subprocess.run(
                ["curl", "-sS", option, "-w", "\n%{http_version} %{http_code}", "-H",
                 "Host: web.localhost", f"http://{self.thaw.gateway}/hello"],
                capture_output=True, text=True, timeout=harness.HANG_SECONDS, check=True)
            self.assertEqual(run.stdout.splitlines()[-1], "2 200", run.stdout)
            run = subprocess.run(
                ["curl", "-sS", option, "-w", "\n%{http_version} %{http_code}",
                 f"http://{self.thaw.api}/thaw/v1/version"],
                capture_output=True, text=True, timeout=harness.HANG_SECONDS, check=True)
            self.assertEqual(run.stdout.splitlines()[-1], "2 200", run.stdout)

    @unittest.skipUnless(shutil.which("h2load"), "h2load (nghttp2-client) is not installed")
    def test_h2load_loses_no_request(self):
        self.deploy(self.service_file("web", "echo.py", harness.AT_ZERO))
        run = subprocess.run(
            ["h2load", "-n", "500", "-c", "4", "-m", "20", "-H", ":authority: web.localhost",
             f"http://{self.thaw.gateway}/x"],
            capture_output=True, text=True, timeout=harness.HANG_SECONDS, check=True)
        self.assertIn("500 succeeded, 0 failed, 0 errored, 0 timeout", run.stdout)
        self.assertTrue(re.search(r"status codes: 500 2xx", run.stdout), run.stdout)


class Grpc(harness.PlatformTest):
    def test_every_kind_of_call_passes(self):
        modules = npm_modules.installed()
        text = json.loads(self.service_file("calls", "echo.py", memory="512Mi"))
        container = text["spec"]["template"]["spec"]["containers"][0]
        container["command"] = [shutil.which("node"), str(harness.PROGRAMS / "grpc_echo.mjs"),
                                str(modules), str(self.thaw.data_dir)]
        container["ports"] = [{"name": "h2c", "containerPort": 8080}]
        self.deploy(json.dumps(text))
        run = subprocess.run(
            [shutil.which("node"), str(harness.PROGRAMS / "grpc_echo_client.mjs"), str(modules),
             self.thaw.gateway, "calls.localhost"],
            capture_output=True, text=True, timeout=harness.HANG_SECONDS, check=False)
        self.assertEqual(run.returncode, 0, run.stderr + self.thaw.log()[-3000:])
        self.assertEqual(json.loads(run.stdout), {
            "unary": {"answer": "<hi>", "seen": "yes"},
            "large": 3000002,
            "fail": {"code": 5, "details": 'no "thing" é'},
            "missing": 12,
            "gather": "a+b+c",
            "scatter": ["one", "two", "three"],
            "talk": ["FIRST", "SECOND", "THIRD"],
            "cancelled": 1,
            "late": 4,
            "lates": "[true]",
            "together": [f"<{i}>" for i in range(50)]})


if __name__ == "__main__":
    unittest.main()
