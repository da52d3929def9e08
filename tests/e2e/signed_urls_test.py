"""Signed URLs by clients that we did not write, with key files that the platform made."""

import base64
import json
import os
import pathlib
import shutil
import stat
import subprocess
import tempfile
import unittest

import harness
import npm_modules

ACCOUNT = "uploader@thaw.iam.gserviceaccount.com"


class SignedUrls(harness.PlatformTest):
    def setUp(self):
        super().setUp()
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="thaw-signed-"))
        self.addCleanup(shutil.rmtree, self.work, ignore_errors=True)
        self.thaw.cli("service-accounts", "create", "uploader", "--display-name", "Uploads")
        self.key = self.work / "key.json"
        self.thaw.cli("service-accounts", "keys", "create", self.key, "--account", ACCOUNT)

    def gcloud_env(self):
        text = self.thaw.cli("env").stdout
        given = dict(line.removeprefix("export ").split("=", 1) for line in text.splitlines())
        return {**os.environ, **given, "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
                "CLOUDSDK_CORE_CHECK_GCE_METADATA": "false",
                "CLOUDSDK_CONFIG": str(self.work / "config")}

    def gcloud(self, *words):
        run = subprocess.run(["gcloud", *words], env=self.gcloud_env(), capture_output=True,
                             text=True, timeout=harness.HANG_SECONDS, check=False)
        self.assertEqual(run.returncode, 0, f"{words}\n{run.stdout}{run.stderr}")
        return run.stdout

    def test_the_key_file_is_the_owners_alone_and_never_overwritten(self):
        self.assertEqual(stat.S_IMODE(self.key.stat().st_mode), 0o600)
        run = self.thaw.cli("service-accounts", "keys", "create", self.key, "--account", ACCOUNT,
                            check=False)
        self.assertEqual(run.returncode, 2, run.stderr)
        self.assertIn("never overwritten", run.stderr)
        keys = self.thaw.json("service-accounts", "keys", "list", "--account", ACCOUNT)
        self.assertEqual(len(keys), 1)
        secret = json.loads(self.key.read_text())["private_key"].split("\n")[1]
        self.assertNotIn(secret, self.thaw.log())
        for path in pathlib.Path(self.thaw.data_dir).rglob("*"):
            if path.is_file():
                self.assertNotIn(secret.encode(), path.read_bytes(), path)
        self.thaw.cli("service-accounts", "delete", ACCOUNT)
        self.assertEqual(self.thaw.json("service-accounts", "list"), [])

    def test_the_node_librarys_urls_hold_and_changed_ones_do_not(self):
        run = subprocess.run(
            ["node", str(harness.PROGRAMS / "signed_url_client.mjs"),
             str(npm_modules.installed()), f"http://{self.thaw.api}", str(self.key)],
            capture_output=True, text=True, timeout=harness.HANG_SECONDS, check=False)
        self.assertEqual(run.returncode, 0, run.stderr + self.thaw.log()[-2000:])
        told = json.loads(run.stdout)
        self.assertEqual(told["statuses"], dict.fromkeys(
            ("v4", "v2"), [403, 200, 200, 201, 200, 204, 404]))
        wrong = "403 SignatureDoesNotMatch"
        malformed = "400 MalformedSecurityHeader"
        self.assertEqual(told["refusals"], {
            "host": wrong, "path": wrong, "method": wrong, "query": wrong, "signature": wrong,
            "longer": wrong, "tooLong": malformed, "header": malformed,
            "expired": "400 ExpiredToken"})

    def test_the_node_library_exchanges_a_key_file_for_tokens(self):
        self.deploy(self.service_file("web", "echo.py", harness.AT_ZERO))
        policy = {"policy": {"bindings": [{"role": "roles/run.invoker",
                                           "members": [f"serviceAccount:{ACCOUNT}"]}]}}
        subprocess.run(
            ["curl", "-sf", "-d", json.dumps(policy), "-H", "Content-Type: application/json",
             f"http://{self.thaw.api}/v1/projects/p/locations/local/services/web:setIamPolicy"],
            capture_output=True, check=True)
        url = f"http://web.localhost:{self.thaw.gateway.rpartition(':')[2]}"
        run = subprocess.run(
            ["node", str(harness.PROGRAMS / "token_client.mjs"), str(npm_modules.installed()),
             str(self.key), url],
            capture_output=True, text=True, timeout=harness.HANG_SECONDS, check=False)
        self.assertEqual(run.returncode, 0, run.stderr + self.thaw.log()[-2000:])
        told = json.loads(run.stdout)
        self.assertIn("invalid_grant", told["refused"])
        self.assertGreater(told["lasts"], 3000_000)

        def body(token):
            return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        self.assertEqual(body(told["idToken"])["aud"], url)
        for token, status in ((told["idToken"], 200), (told["accessToken"], 401)):
            self.assertEqual(
                self.thaw.curl("web", "/", "-H", f"Authorization: Bearer {token}")[0], status)
            self.assertEqual(body(token)["email"], ACCOUNT)
            self.assertNotIn(token, self.thaw.log())

    def test_gcloud_takes_a_key_file_for_its_account(self):
        if not shutil.which("gcloud"):
            self.skipTest("gcloud is not installed")
        env = self.gcloud_env()
        for name in [name for name in env if name.startswith(("CLOUDSDK_PROXY", "CLOUDSDK_AUTH"))]:
            del env[name]
        for words in (["activate-service-account", f"--key-file={self.key}"],
                      ["print-access-token", ACCOUNT],
                      ["print-identity-token", ACCOUNT, "--audiences=http://svc"]):
            run = subprocess.run(["gcloud", "auth", *words], env=env, capture_output=True,
                                 text=True, timeout=harness.HANG_SECONDS, check=False)
            self.assertEqual(run.returncode, 0, f"{words}\n{run.stdout}{run.stderr}")
        self.assertEqual(run.stdout.count("."), 2, run.stdout)

    def test_a_deleted_keys_urls_are_refused_after_a_restart_too(self):
        if not shutil.which("gcloud"):
            self.skipTest("gcloud is not installed")
        self.thaw.cli("buckets", "create", "gs://bkt")
        (self.work / "file").write_text("content")
        self.thaw.cli("cp", self.work / "file", "gs://bkt/file")
        sign = lambda *words: json.loads(self.gcloud(
            "storage", "sign-url", f"--private-key-file={self.key}", "--format=json",
            *words))[0]["signed_url"]
        url = sign("gs://bkt/file", "--duration=1h")
        put = sign("gs://bkt/other", "--http-verb=PUT", "--headers=content-type=text/x")
        self.assertEqual(self.thaw.fetch(url), (200, "content"))
        upload = ("-X", "PUT", "-H", "Content-Type: text/x", "--data-binary", "more")
        self.assertEqual(self.thaw.fetch(put, *upload)[0], 200)
        self.assertEqual(self.thaw.cli("cat", "gs://bkt/other").stdout, "more")
        # Restarted on the same port: the URL names it.
        self.thaw.stop()
        self.thaw.api_address = self.thaw.api
        self.thaw.start()
        self.assertEqual(self.thaw.fetch(url), (200, "content"))
        key = self.thaw.json("service-accounts", "keys", "list", "--account", ACCOUNT)[0]["name"]
        self.thaw.cli("service-accounts", "keys", "delete", key.rsplit("/", 1)[1],
                      "--account", ACCOUNT)
        status, body = self.thaw.fetch(url)
        self.assertEqual(status, 403)
        self.assertIn("No key of the account is known", body)

    def test_gcloud_manages_accounts_and_keys(self):
        if not shutil.which("gcloud"):
            self.skipTest("gcloud is not installed")
        self.gcloud("iam", "service-accounts", "create", "by-gcloud", "--display-name=G")
        email = "by-gcloud@thaw.iam.gserviceaccount.com"
        listed = json.loads(self.gcloud("iam", "service-accounts", "list", "--format=json"))
        self.assertEqual({each["email"] for each in listed}, {email, ACCOUNT})
        key = self.work / "gcloud.json"
        self.gcloud("iam", "service-accounts", "keys", "create", str(key),
                    f"--iam-account={email}")
        self.assertEqual(json.loads(key.read_text())["client_email"], email)
        keys = json.loads(self.gcloud("iam", "service-accounts", "keys", "list",
                                      f"--iam-account={email}", "--format=json"))
        self.gcloud("iam", "service-accounts", "keys", "delete", keys[0]["name"].split("/")[-1],
                    f"--iam-account={email}")
        self.gcloud("iam", "service-accounts", "delete", email)
        self.thaw.cli("buckets", "create", "gs://bkt")

    def test_gsutils_urls_hold(self):
        if not shutil.which("gsutil"):
            self.skipTest("gsutil is not installed")
        self.thaw.cli("buckets", "create", "gs://bkt")
        (self.work / "file").write_text("content")
        self.thaw.cli("cp", self.work / "file", "gs://bkt/file")
        run = subprocess.run(
            ["gsutil", "-o", "GSUtil:use_gcloud_storage=True", "signurl", "-d", "10m",
             str(self.key), "gs://bkt/file"],
            env=self.gcloud_env(), capture_output=True, text=True,
            timeout=harness.HANG_SECONDS, check=False)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        url = next(word for word in run.stdout.split() if word.startswith("http:"))
        self.assertEqual(self.thaw.fetch(url), (200, "content"))


if __name__ == "__main__":
    unittest.main()
