"""The real gcloud against the real platform: what a Cloud Run user types works unchanged."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

from harness import PROGRAMS, PlatformTest


@unittest.skipUnless(shutil.which("gcloud"), "gcloud is not installed")
class Gcloud(PlatformTest):
    options = ["--scale-to-zero-after", "1s"]

    def setUp(self):
        super().setUp()
        self.config = tempfile.mkdtemp(prefix="thaw-gcloud-")
        self.addCleanup(shutil.rmtree, self.config, ignore_errors=True)
        self.env = {**os.environ, "CLOUDSDK_CONFIG": self.config,
                    "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
                    "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true", "NO_COLOR": "1",
                    **self.thaw.json("env")}

    def run_gcloud(self, *words, stdin=None, code=0):
        done = subprocess.run(["gcloud", *words], env=self.env, input=stdin, text=True,
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr

    def gcloud(self, *words):
        return json.loads(self.run_gcloud(*words, "--format=json"))

    def deploy_echo(self, *flags):
        return self.gcloud("run", "deploy", "echo", "--image=thaw.local/host",
                           f"--command=python3,{PROGRAMS / 'echo.py'}", "--memory=128Mi",
                           "--allow-unauthenticated", *flags)

    def revisions(self):
        return [r["metadata"]["name"] for r in self.gcloud("run", "revisions", "list",
                                                           "--service=echo")]

    def test_a_service_is_deployed_changed_split_and_deleted(self):
        made = self.deploy_echo("--concurrency=7", "--max-instances=2", "--timeout=30")
        spec = made["spec"]["template"]["spec"]
        self.assertEqual((spec["containerConcurrency"], spec["timeoutSeconds"]), (7, 30))
        self.assertEqual(made["status"]["url"], f"http://echo.localhost:{self.port()}")
        self.assertEqual(self.thaw.curl("echo")[0], 200)

        changed = self.gcloud("run", "services", "update", "echo", "--update-env-vars=COLOUR=blue")
        self.assertIn({"name": "COLOUR", "value": "blue"},
                      changed["spec"]["template"]["spec"]["containers"][0]["env"])
        second, first = self.revisions()
        self.assertNotEqual(first, second)

        self.gcloud("run", "services", "update-traffic", "echo",
                    f"--to-revisions={first}=40,{second}=60")
        self.gcloud("run", "services", "update-traffic", "echo", f"--set-tags=old={first}")
        traffic = self.gcloud("run", "services", "describe", "echo")["status"]["traffic"]
        self.assertEqual({t["revisionName"]: t["percent"] for t in traffic if t.get("percent")},
                         {first: 40, second: 60})
        self.assertEqual([t["url"] for t in traffic if t.get("tag") == "old"],
                         [f"http://old---echo.localhost:{self.port()}"])
        self.assertEqual(self.thaw.curl("old---echo")[0], 200)

        self.gcloud("run", "services", "update-traffic", "echo", "--to-latest")
        self.run_gcloud("run", "revisions", "delete", first, code=1)  # a tag leads to it
        self.gcloud("run", "services", "update-traffic", "echo", "--clear-tags")
        self.run_gcloud("run", "revisions", "delete", first)
        self.assertEqual(self.revisions(), [second])
        self.run_gcloud("run", "services", "delete", "echo")
        self.assertEqual(self.gcloud("run", "services", "list"), [])

    def test_what_it_exports_it_takes_back_without_a_new_revision(self):
        self.deploy_echo()
        exported = self.run_gcloud("run", "services", "describe", "echo", "--format=export")
        before = self.revisions()
        self.run_gcloud("run", "services", "replace", "-", stdin=exported)
        self.assertEqual(self.revisions(), before)

    def test_a_new_service_is_private_unless_all_are_allowed(self):
        deploy = ["run", "deploy", "echo", "--image=thaw.local/host",
                  f"--command=python3,{PROGRAMS / 'echo.py'}", "--memory=128Mi"]
        self.gcloud(*deploy, "--no-allow-unauthenticated")
        self.assertEqual(self.thaw.curl("echo")[0], 403)
        self.assertEqual(self.thaw.curl("echo", "/", "-H", "Authorization: Bearer x")[0], 401)
        policy = self.gcloud("run", "services", "get-iam-policy", "echo")
        self.assertEqual(policy.get("bindings", []), [])
        self.gcloud(*deploy, "--allow-unauthenticated")
        self.assertEqual(self.thaw.curl("echo")[0], 200)
        self.gcloud(*deploy)  # says nothing, changes nothing
        self.assertEqual(self.thaw.curl("echo")[0], 200)
        self.gcloud(*deploy, "--no-allow-unauthenticated")
        self.assertEqual(self.thaw.curl("echo")[0], 403)
        # Deleted and deployed again it is as a new one.
        self.run_gcloud("run", "services", "delete", "echo")
        self.gcloud(*deploy)
        self.assertEqual(self.thaw.curl("echo")[0], 403)

    def test_what_gcloud_exported_is_open_when_thaw_creates_it(self):
        self.gcloud("run", "deploy", "echo", "--image=thaw.local/host",
                    f"--command=python3,{PROGRAMS / 'echo.py'}", "--memory=128Mi")
        exported = self.run_gcloud("run", "services", "describe", "echo", "--format=export")
        self.run_gcloud("run", "services", "delete", "echo")
        self.thaw.cli("deploy", "-", stdin=exported)
        self.assertEqual(self.thaw.curl("echo")[0], 200)

    def test_a_fault_is_told_with_its_field_and_nothing_is_kept(self):
        text = self.run_gcloud(
            "run", "deploy", "bad", "--image=thaw.local/host", "--command=true", "--memory=1Mi",
            "--no-allow-unauthenticated", code=1)
        self.assertIn("memory", text)
        self.assertEqual(self.gcloud("run", "services", "list"), [])

    def test_a_start_that_fails_is_told_by_gcloud(self):
        text = self.run_gcloud(
            "run", "deploy", "dies", "--image=thaw.local/host", "--command=false",
            "--allow-unauthenticated", code=1)
        self.assertIn("exit", text)

    def test_projects_and_regions_are_answered(self):
        (region,) = self.gcloud("run", "regions", "list")
        self.assertEqual(region["locationId"], "local")
        project = self.gcloud("projects", "describe", "any")
        self.assertRegex(project["projectNumber"], "^[1-9][0-9]{11}$")

    def port(self):
        return self.thaw.gateway.rsplit(":", 1)[1]


if __name__ == "__main__":
    unittest.main()
