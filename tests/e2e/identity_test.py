"""A private service: who may call it, and pushes that carry an identity token."""

import base64
import json
import os
import subprocess
import unittest

from harness import AT_ZERO, PlatformTest, wait_until

ACCOUNT = "pusher@thaw.local"


class Private(PlatformTest):
    def call(self, method, path, body=None):
        done = subprocess.run(
            ["curl", "-s", "-X", method, "-H", "Content-Type: application/json", "-d",
             json.dumps(body or {}), f"http://{self.thaw.api}{path}"],
            capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def set_members(self, *members):
        bindings = [{"role": "roles/run.invoker", "members": members}] if members else []
        answer = self.call("POST", "/v1/projects/p/locations/local/services/echo:setIamPolicy",
                           {"policy": {"bindings": bindings}})
        self.assertNotIn("error", answer)

    def token(self, audience, account=ACCOUNT):
        return self.call("POST", f"/v1/projects/-/serviceAccounts/{account}:generateIdToken",
                         {"audience": audience})["token"]

    def status(self, *headers):
        options = [word for header in headers for word in ("-H", header)]
        return self.thaw.curl("echo", "/", *options)[0]

    def url(self):
        port = self.thaw.gateway.rsplit(":", 1)[1]
        return f"http://echo.localhost:{port}"

    def test_only_its_invokers_pass_and_only_with_a_good_token(self):
        self.deploy(self.service_file("echo", "echo.py", AT_ZERO))
        self.assertEqual(self.status(), 200)
        self.set_members(f"serviceAccount:{ACCOUNT}")
        self.assertEqual(self.status(), 403)
        good = self.token(self.url())
        self.assertEqual(self.status(f"Authorization: Bearer {good}"), 200)
        self.assertEqual(self.status(f"X-Serverless-Authorization: bearer {good}",
                                     "Authorization: Basic dTpw"), 200)
        head, body, signature = good.split(".")
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        claims["exp"] = claims["iat"] - 1
        expired = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
        for bad in [f"{head}.{body}.{flipped}", f"{head}.{expired}.{signature}", f"{head}.{body}.",
                    self.token("http://other.localhost"), "x", "a.b.c"]:
            self.assertEqual(self.status(f"Authorization: Bearer {bad}"), 401, bad)
        stranger = self.token(self.url(), "stranger@thaw.local")
        self.assertEqual(self.status(f"Authorization: Bearer {stranger}"), 403)
        self.thaw.stop()
        self.thaw.start()
        self.assertEqual(self.status(), 403)
        again = self.token(self.url())
        self.assertEqual(self.status(f"Authorization: Bearer {again}"), 200)
        self.set_members("allUsers")
        self.assertEqual(self.status(), 200)

    def test_a_token_for_the_services_url_is_good_at_its_tags_and_domains(self):
        self.deploy(self.service_file("echo", "echo.py", AT_ZERO))
        (revision,) = self.thaw.json("revisions", "list")
        self.thaw.cli("services", "update-traffic", "echo", "--set-tags",
                      f"next={revision['metadata']['name']}")
        mapped = self.call(
            "POST", "/apis/domains.cloudrun.com/v1/namespaces/p/domainmappings",
            {"apiVersion": "domains.cloudrun.com/v1", "kind": "DomainMapping",
             "metadata": {"name": "echo.example.org"}, "spec": {"routeName": "echo"}})
        self.assertNotIn("error", mapped)
        self.set_members(f"serviceAccount:{ACCOUNT}")
        own, other = self.token(self.url()), self.token("http://other.localhost")
        for host in ("echo.localhost", "next---echo.localhost", "echo.example.org"):
            def status(token, host=host):
                return self.thaw.fetch(f"http://{self.thaw.gateway}/", "-H", f"Host: {host}",
                                       "-H", f"Authorization: Bearer {token}")[0]
            self.assertEqual(status(own), 200, host)
            self.assertEqual(status(self.token(f"http://{host}")), 200, host)
            self.assertEqual(status(other), 401, host)

    def test_the_service_sees_no_signature(self):
        self.deploy(self.service_file("echo", "echo.py", AT_ZERO))
        self.set_members("allAuthenticatedUsers")
        good = self.token(self.url())
        status, body = self.thaw.curl("echo", "/", "-H", f"Authorization: Bearer {good}")
        self.assertEqual(status, 200)
        seen = json.loads(body)["headers"]["Authorization"]
        self.assertTrue(seen.startswith("Bearer " + good.rsplit(".", 1)[0] + "."), seen)
        self.assertNotIn(good.rsplit(".", 1)[1], seen)

    def test_a_push_reaches_it_with_the_subscriptions_token_only(self):
        self.deploy(self.service_file("echo", "echo.py", AT_ZERO))
        self.set_members(f"serviceAccount:{ACCOUNT}")
        self.call("PUT", "/v1/projects/p/topics/news")
        push = {"pushEndpoint": self.url() + "/push"}
        made = self.call("PUT", "/v1/projects/p/subscriptions/bare",
                         {"topic": "projects/p/topics/news", "pushConfig": push})
        self.assertNotIn("error", made)
        push = {**push, "oidcToken": {"serviceAccountEmail": ACCOUNT}}
        self.call("PUT", "/v1/projects/p/subscriptions/signed",
                  {"topic": "projects/p/topics/news", "pushConfig": push})
        self.call("POST", "/v1/projects/p/topics/news:publish",
                  {"messages": [{"data": base64.b64encode(b"x").decode()}]})

        def left(name):
            # Detached from pushes, what was not acknowledged can be pulled.
            self.call("POST", f"/v1/projects/p/subscriptions/{name}:modifyPushConfig",
                      {"pushConfig": {}})
            got = self.call("POST", f"/v1/projects/p/subscriptions/{name}:pull",
                            {"maxMessages": 10, "returnImmediately": True})
            return len(got.get("receivedMessages", []))

        def refused_and_passed():
            metrics = subprocess.run(["curl", "-s", f"http://{self.thaw.api}/metrics"],
                                     capture_output=True, text=True, check=True).stdout
            requests = [line for line in metrics.splitlines()
                        if line.startswith("thaw_requests_total") and 'service="echo"' in line]
            return all(any(f'"{kind}"' in line and not line.endswith(" 0") for line in requests)
                       for kind in ("2xx", "4xx"))

        wait_until("one push answered, one refused", refused_and_passed)
        self.assertEqual(left("signed"), 0)
        wait_until("the refused one to be free again", lambda: left("bare") == 1)

    def test_no_word_of_a_token_is_logged(self):
        self.deploy(self.service_file("echo", "echo.py", AT_ZERO))
        self.set_members(f"serviceAccount:{ACCOUNT}")
        good = self.token(self.url())
        self.status(f"Authorization: Bearer {good}")
        self.status(f"Authorization: Bearer {good}x")
        signature = good.rsplit(".", 1)[1]
        self.assertNotIn(signature, self.thaw.log())
        for folder, _, names in os.walk(self.thaw.data_dir):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(signature.encode(), file.read(), name)
        key = os.path.join(self.thaw.data_dir, "identity-key.pem")
        self.assertEqual(os.stat(key).st_mode & 0o777, 0o600)


if __name__ == "__main__":
    unittest.main()
