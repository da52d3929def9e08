"""1.5 The metadata server."""

import base64
import json
import os
import shutil
import unittest

from contract import AT_ZERO, PROGRAMS, ContractTest, npm_modules, wait_until

FLAVOR = {"Metadata-Flavor": "Google"}
V1 = "http://metadata.google.internal/computeMetadata/v1/"

# Bash asks within a millisecond of its start, then the program that it was given goes on.
ASK_FIRST = r"""
exec 3<>/dev/tcp/169.254.169.254/80 &&
printf '%s\r\n' 'GET /computeMetadata/v1/project/project-id HTTP/1.1' 'Host: metadata' \
    'Metadata-Flavor: Google' 'Connection: close' '' >&3 &&
answer=$(cat <&3)
echo "answered: ${answer##*$'\n'}"
exec "$@"
"""


@unittest.skipUnless(os.geteuid() == 0, "plain processes share the host's network")
class Metadata(ContractTest):
    options = ["--scale-to-zero-after", "60s", "--stop-grace", "1s"]

    def file_of(self, name, program, account=""):
        text = json.loads(self.service_file(name, program, AT_ZERO, memory="512Mi"))
        if account:
            text["spec"]["template"]["spec"]["serviceAccountName"] = account
        return text

    def ask(self, url, headers=None, name="asker"):
        status, body = self.thaw.curl(name, "/", "-d", json.dumps([url, headers or FLAVOR]))
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def text(self, path, name="asker"):
        answer = self.ask(V1 + path, name=name)
        self.assertEqual(answer["status"], 200, answer)
        headers = {key.lower(): value for key, value in answer["headers"].items()}
        self.assertEqual(headers["metadata-flavor"], "Google")
        return answer["body"]

    def make_private(self, service, account):
        policy = {"policy": {"bindings": [
            {"role": "roles/run.invoker", "members": [f"serviceAccount:{account}"]}]}}
        status, body = self.thaw.curl_api(
            f"/v1/projects/p/locations/local/services/{service}:setIamPolicy",
            "-H", "Content-Type: application/json", "-d", json.dumps(policy))
        self.assertEqual(status, 200, body)

    def url_of(self, service):
        return f"http://{service}.localhost:{self.thaw.gateway.rsplit(':', 1)[1]}"

    def deploy_google_auth(self, name):
        text = self.file_of(name, "echo.py", name)
        text["spec"]["template"]["spec"]["containers"][0]["command"] = [
            shutil.which("node"), str(PROGRAMS / "google_auth.mjs"),
            str(npm_modules.installed()), str(self.thaw.data_dir)]
        self.deploy(json.dumps(text))

    def test_it_tells_of_project_region_and_instance_by_name_and_by_number(self):
        self.deploy(json.dumps(self.file_of("asker", "asks.py")))
        number = self.text("project/numeric-project-id")
        self.assertRegex(number, r"^\d{12}$")
        self.assertEqual(self.text("project/project-id"), "thaw")
        self.assertEqual(self.text("instance/region"), f"projects/{number}/regions/local")
        self.assertEqual(self.text("instance/zone"), f"projects/{number}/zones/local-1")
        self.assertEqual(self.text("instance/id"), self.thaw.instances("asker")[0]["name"])
        by_number = self.ask("http://169.254.169.254/computeMetadata/v1/project/project-id")
        self.assertEqual(by_number["body"], "thaw")

    def test_its_header_is_needed(self):
        self.deploy(json.dumps(self.file_of("asker", "asks.py")))
        for headers in ({"X-Other": "1"}, {"Metadata-Flavor": "Thaw"},
                        {**FLAVOR, "X-Forwarded-For": "1.2.3.4"}):
            self.assertEqual(self.ask(V1 + "project/project-id", headers)["status"], 403, headers)

    def test_each_instance_gets_tokens_of_its_own_account_only(self):
        self.deploy(json.dumps(self.file_of("asker", "asks.py", "reader")))
        self.deploy(json.dumps(self.file_of("other", "asks.py", "writer@example.org")))
        self.deploy(json.dumps(self.file_of("nobody", "asks.py")))
        path = "instance/service-accounts/default/"
        for name, account in [("asker", "reader@thaw.iam.gserviceaccount.com"),
                              ("other", "writer@example.org")]:
            self.assertEqual(self.text(path + "email", name), account)
            token = self.text(path + "identity?audience=http://x.example", name)
            body = token.split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
            self.assertEqual((claims["email"], claims["aud"]), (account, "http://x.example"))
        self.assertRegex(self.text(path + "email", "nobody"),
                         r"^\d{12}-compute@developer.gserviceaccount.com$")
        stolen = "instance/service-accounts/writer@example.org/identity?audience=http://x"
        self.assertEqual(self.ask(V1 + stolen)["status"], 404)
        self.assertEqual(self.ask(V1 + path + "identity")["status"], 400)
        access = json.loads(self.text(path + "token"))
        self.assertEqual(access["token_type"], "Bearer")
        self.assertGreater(access["expires_in"], 300)
        self.assertLessEqual(access["expires_in"], 3600)

    def test_what_a_program_asks_first_is_answered(self):
        starts = 20
        text = self.file_of("hasty", "echo.py")
        template = text["spec"]["template"]
        template["metadata"]["annotations"].update({
            "autoscaling.knative.dev/minScale": str(starts),
            "autoscaling.knative.dev/maxScale": str(starts)})
        (container,) = template["spec"]["containers"]
        container["resources"]["limits"]["memory"] = "128Mi"
        container["command"] = ["/bin/bash", "-c", ASK_FIRST, "first", *container["command"]]
        self.deploy(json.dumps(text))

        def answers():
            logs = self.thaw.cli("logs", "hasty", "--json", "--tail", "10000").stdout
            texts = [json.loads(line).get("message", "") for line in logs.splitlines()]
            found = [text for text in texts if text.startswith("answered: ")]
            return found if len(found) >= starts else None
        self.assertEqual(set(wait_until("an answer in each instance", answers)),
                         {"answered: thaw"})

    def test_googles_library_gets_a_token_that_opens_a_private_service(self):
        self.deploy(json.dumps(self.file_of("private", "echo.py")))
        self.deploy_google_auth("caller")
        account = "caller@thaw.iam.gserviceaccount.com"
        self.make_private("private", account)
        self.assertEqual(self.thaw.curl("private")[0], 403)
        url = self.url_of("private")
        status, body = self.thaw.curl("caller", f"/?audience={url}")
        self.assertEqual(status, 200, body)
        said = json.loads(body)
        self.assertEqual((said["project"], said["account"]), ("thaw", account))
        # Instances have no network of their own yet, so the call itself is made from here.
        opened = self.thaw.curl("private", "/", "-H", f"Authorization: {said['authorization']}")
        self.assertEqual(opened[0], 200, opened[1])
        self.make_private("private", "stranger@thaw.iam.gserviceaccount.com")
        self.assertEqual(self.thaw.curl(
            "private", "/", "-H", f"Authorization: {said['authorization']}")[0], 403)

    def test_googles_library_keeps_its_access_token(self):
        self.deploy_google_auth("caller")
        status, body = self.thaw.curl("caller", "/?times=20")
        self.assertEqual(status, 200, body)
        self.assertEqual(json.loads(body), {"fetches": 1, "tokens": 1})


if __name__ == "__main__":
    unittest.main()
