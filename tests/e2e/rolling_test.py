"""Deploys and traffic shifts under constant load: not one request fails.

ROLLING_SECONDS=60 is the whole of it; by default it is shorter. A new revision comes every
ROLLING_EVERY seconds (5), and in between revisions that fail, and shares that move.
"""

import json
import os
import pathlib
import shutil
import subprocess
import time
import unittest

from harness import HANG_SECONDS, PROGRAMS, PlatformTest

SECONDS = int(os.environ.get("ROLLING_SECONDS", "15"))
EVERY = float(os.environ.get("ROLLING_EVERY", "5"))
TALLY = pathlib.Path(PROGRAMS) / "tally.lua"


@unittest.skipUnless(shutil.which("wrk"), "wrk is not installed")
class Rolling(PlatformTest):
    options = ["--scale-to-zero-after", "2s", "--stop-grace", "2s"]

    def deploy_version(self, number):
        self.deploy(self.service_file("web", "echo.py", env={"K_VERSION": str(number)}))

        self.good.append(
            self.thaw.json("services", "describe", "web")["status"]["latestReadyRevisionName"])

    def shift(self, shares):
        self.thaw.cli("services", "update-traffic", "web", "--to-revisions",
                      ",".join(f"{name}={share}" for name, share in shares))

    def fail_to_deploy(self, program):
        run = self.deploy(self.service_file("web", program, probe={
            "tcpSocket": {"port": 8080}, "periodSeconds": 1, "timeoutSeconds": 1,
            "failureThreshold": 1}), check=False)
        self.assertEqual(run.returncode, 6, run.stdout + run.stderr)

    def test_no_request_fails_while_revisions_come_and_go(self):
        self.good = []
        self.deploy_version(0)
        with subprocess.Popen(
                ["wrk", "-t1", "-c16", f"-d{SECONDS}s", "--timeout", "30s", "-s", str(TALLY),
                 "-H", "Host: web.localhost", f"http://{self.thaw.gateway}/"],
                stdout=subprocess.PIPE, text=True) as load:
            began = time.monotonic()
            version = 0
            while load.poll() is None and time.monotonic() - began < SECONDS - EVERY / 2:
                version += 1
                self.deploy_version(version)
                if version % 3 == 1:
                    self.shift([(self.good[-1], 50), (self.good[-2], 50)])
                    self.thaw.cli("services", "update-traffic", "web", "--to-latest")
                if version % 3 == 2:
                    self.fail_to_deploy("exits.py")
                    self.fail_to_deploy("never.py")
                    # What failed is not the latest that is ready.
                    self.thaw.cli("services", "update-traffic", "web", "--to-latest")
                time.sleep(max(0, began + version * EVERY - time.monotonic()))
            out, _ = load.communicate(timeout=SECONDS + HANG_SECONDS)
        tally = json.loads(out.splitlines()[-1])
        requests = tally.pop("requests")
        print(f"\n{version} revisions, {requests} requests, {tally}")
        self.assertGreater(requests, 100)
        self.assertGreaterEqual(version, 2)
        self.assertEqual(set(tally.values()), {0}, f"{tally}\n{self.thaw.log()[-3000:]}")
        # The gateway counted none either.
        lines = map(json.loads, self.thaw.cli(
            "logs", "web", "--json", "--tail", "100000", "--severity", "WARNING")
            .stdout.splitlines())
        refused = [line["httpRequest"] for line in lines
                   if "httpRequest" in line and line["httpRequest"]["status"] != 499]
        self.assertEqual(refused, [])
        status, body = self.thaw.curl("web")
        self.assertEqual((status, json.loads(body)["env"]["K_VERSION"]), (200, str(version)))


if __name__ == "__main__":
    unittest.main()
