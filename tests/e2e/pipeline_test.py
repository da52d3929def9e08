"""`thaw apply` and `thaw destroy` on the real platform: once, again, after drift, and back."""

import json
import unittest

from harness import AT_ZERO, ROOT, PlatformTest, wait_until

EXAMPLE = (ROOT / "examples/batch-forecast/pipeline.yaml").read_text()
SERIES = ROOT / "examples/forecaster/hyndsight.csv"
REFUSED, NOT_FOUND, USAGE, CHANGES = 5, 4, 2, 7


class Apply(PlatformTest):
    def apply(self, text, *words, command="apply", check=True):
        return self.thaw.cli(command, "-f", "-", *words, stdin=text, check=check)

    def counts(self, text, command="apply"):
        plan = json.loads(self.apply(text, "--dry-run", "--json", command=command).stdout)
        return plan["add"], plan["change"], plan["destroy"]

    def api(self, method, path, body=None):
        status, text = self.thaw.curl_api(path, "-X", method, "-H",
                                          "Content-Type: application/json", "-d",
                                          json.dumps(body or {}))
        return status, json.loads(text or "{}")

    def test_one_file_sets_the_example_up_and_takes_it_back(self):
        self.assertEqual(self.counts(EXAMPLE), (8, 0, 0))
        self.assertEqual(self.api("GET", "/storage/v1/b/series")[0], 404)  # a plan changes nothing
        refused = self.apply(EXAMPLE, check=False)
        self.assertEqual(refused.returncode, USAGE)
        self.assertIn("--yes", refused.stderr)

        done = self.apply(EXAMPLE, "--yes")
        self.assertIn("Done: 8 added, 0 changed, 0 destroyed.", done.stdout)
        self.assertEqual(self.counts(EXAMPLE), (0, 0, 0))
        self.assertEqual(self.apply(EXAMPLE, "--dry-run", "--exit-code").returncode, 0)
        self.assertIn("everything is as the file says", self.apply(EXAMPLE, "--yes").stdout)
        self.assertIn("batch-forecast", self.thaw.cli("pipelines", "list").stdout)

        self.thaw.cli("cp", SERIES, "gs://series/one.csv")
        wait_until("the forecast", lambda: self.api(
            "GET", "/storage/v1/b/forecasts/o/one.csv")[0] == 200)

        full = self.apply(EXAMPLE, "--yes", command="destroy", check=False)
        self.assertEqual(full.returncode, REFUSED)
        self.assertIn("--with-objects", full.stderr)
        self.assertEqual(self.api("GET", "/v1/projects/thaw/topics/landed")[0], 200)
        gone = self.apply(EXAMPLE, "--yes", "--with-objects", command="destroy")
        self.assertIn("0 added, 0 changed, 8 destroyed", gone.stdout)
        for path in ("/storage/v1/b/series", "/v1/projects/thaw/topics/landed",
                     "/v1/projects/thaw/subscriptions/forecast"):
            self.assertEqual(self.api("GET", path)[0], 404, path)
        self.assertEqual(self.thaw.json("services", "list"), [])
        self.assertEqual(self.thaw.cli("pipelines", "list").stdout, "No pipelines.\n")

    def test_drift_is_shown_and_put_right_and_others_things_are_left_alone(self):
        self.apply(EXAMPLE, "--yes")
        name = "projects/thaw/subscriptions/forecast"
        status, _ = self.api("PATCH", f"/v1/{name}", {
            "subscription": {"name": name, "ackDeadlineSeconds": 20},
            "updateMask": "ackDeadlineSeconds"})
        self.assertEqual(status, 200)
        self.api("DELETE", "/v1/projects/thaw/subscriptions/poisoned")
        self.thaw.cli("deploy", "batch-forecaster", "--max-instances", "9")
        self.api("POST", "/storage/v1/b?project=p", {"name": "others"})
        shown = self.apply(EXAMPLE, "--dry-run", "--exit-code", check=False)
        self.assertEqual(shown.returncode, CHANGES, shown.stderr)
        self.assertIn("ackDeadlineSeconds: 20 -> 60  (drift", shown.stdout)
        self.assertIn("+ subscription poisoned", shown.stdout)
        self.assertIn("~ service batch-forecaster", shown.stdout)
        self.assertNotIn("others", shown.stdout)
        self.apply(EXAMPLE, "--yes")
        self.assertEqual(self.counts(EXAMPLE), (0, 0, 0))
        self.assertEqual(self.api("GET", f"/v1/{name}")[1]["ackDeadlineSeconds"], 60)
        self.assertEqual(self.counts(EXAMPLE, "destroy"), (0, 0, 8))

    def test_a_changed_file_changes_adds_and_destroys(self):
        self.apply(EXAMPLE, "--yes")
        changed = (EXAMPLE.replace("  - name: forecasts\n", "  - name: forecasts\n"
                                   "    labels: {team: a}\n", 1)
                   .replace("  - name: poisoned\n    topic: poisoned\n", "")
                   .replace("minimumBackoff: 0.2s", "minimumBackoff: 0.5s"))
        self.assertEqual(self.counts(changed), (0, 2, 1))
        self.apply(changed, "--yes")
        self.assertEqual(self.counts(changed), (0, 0, 0))
        self.assertEqual(self.api("GET", "/storage/v1/b/forecasts")[1]["labels"], {"team": "a"})
        self.apply(EXAMPLE, "--yes")  # back again: the label goes
        self.assertNotIn("labels", self.api("GET", "/storage/v1/b/forecasts")[1])

    def test_what_is_there_already_is_not_taken_unasked(self):
        self.api("PUT", "/v1/projects/thaw/topics/landed", {"labels": {"owner": "me"}})
        text = ("apiVersion: thaw.local/v1\nkind: Pipeline\nmetadata: {name: small}\n"
                "topics:\n  - name: landed\n    labels: {owner: you}\n")
        refused = self.apply(text, "--yes", check=False)
        self.assertEqual(refused.returncode, REFUSED)
        self.assertIn("topic landed is there already", refused.stderr)
        self.apply(text, "--yes", "--adopt")
        self.assertEqual(self.api("GET", "/v1/projects/thaw/topics/landed")[1]["labels"],
                         {"owner": "you"})

    def test_a_wrong_file_changes_nothing_and_says_where(self):
        bad = EXAMPLE.replace("ackDeadlineSeconds", "ackDeadlineSecond")
        refused = self.apply(bad, "--yes", check=False)
        self.assertEqual(refused.returncode, REFUSED)
        self.assertIn("standard input:19:5", refused.stderr)
        self.assertIn("did you mean 'ackDeadlineSeconds'?", refused.stderr)
        self.assertEqual(self.api("GET", "/storage/v1/b/series")[0], 404)

    def test_identities_are_a_part_of_the_file(self):
        text = """
apiVersion: thaw.local/v1
kind: Pipeline
metadata: {name: closed, project: shop}
topics:
  - name: news
serviceAccounts:
  - {name: pusher, displayName: Pushes the news}
invokers:
  - service: echo
    members: [serviceAccount:pusher]
subscriptions:
  - name: news
    topic: news
    pushConfig: {service: echo, oidcToken: {serviceAccountEmail: pusher}}
---
""" + self.service_file("echo", "echo.py", AT_ZERO)
        email = "pusher@shop.iam.gserviceaccount.com"
        policy = "/v1/projects/p/locations/local/services/echo:getIamPolicy"
        members = lambda: self.api("GET", policy)[1]["bindings"][0]["members"]
        self.assertEqual(self.counts(text), (5, 0, 0))
        self.apply(text, "--yes")
        self.assertEqual(self.counts(text), (0, 0, 0))
        self.assertEqual(members(), [f"serviceAccount:{email}"])
        self.assertEqual(self.thaw.curl("echo")[0], 403)
        self.api("POST", "/v1/projects/shop/topics/news:publish", {"messages": [{"data": "eA=="}]})
        backlog = "/v1/projects/shop/subscriptions/news"
        self.assertEqual(self.api("GET", backlog)[1]["pushConfig"]["oidcToken"],
                         {"serviceAccountEmail": email})
        wait_until("the push that its token lets in", lambda: 'class="2xx"} 1' in
                   self.thaw.curl_api("/metrics")[1])

        # Somebody lets more in and renames the account: drift, which is put right.
        self.api("POST", policy.replace("get", "set"), {"policy": {"bindings": [
            {"role": "roles/run.invoker", "members": [f"serviceAccount:{email}", "user:me@x"]}]}})
        self.api("PATCH", f"/v1/projects/-/serviceAccounts/{email}",
                 {"serviceAccount": {"displayName": "Other"}})
        shown = self.apply(text, "--dry-run").stdout
        self.assertIn("~ invokers echo", shown)
        self.assertIn('displayName: "Other" -> "Pushes the news"  (drift', shown)
        self.apply(text, "--yes")
        self.assertEqual(members(), [f"serviceAccount:{email}"])
        self.assertEqual(self.counts(text), (0, 0, 0))

        # Without its entry a service is open again, as it was before.
        opened = text.replace("invokers:\n  - service: echo\n    members: "
                              "[serviceAccount:pusher]\n", "")
        self.assertEqual(self.counts(opened), (0, 0, 1))
        self.apply(opened, "--yes")
        self.assertEqual(self.thaw.curl("echo")[0], 200)
        self.apply(opened, "--yes", command="destroy")
        self.assertEqual(self.api("GET", f"/v1/projects/-/serviceAccounts/{email}")[0], 404)

    def test_what_was_applied_survives_kill_9(self):
        self.apply(EXAMPLE, "--yes")
        self.thaw.stop(9)
        self.thaw.start()
        plan = json.loads(self.apply(EXAMPLE, "--dry-run", "--json").stdout)
        # The gateway has another port now: the push endpoint follows it.
        touched = [step for step in plan["steps"] if step["action"] != "keep"]
        self.assertEqual([step["name"] for step in touched], ["forecast"], plan)
        self.apply(EXAMPLE, "--yes")
        self.assertEqual(self.counts(EXAMPLE, "destroy"), (0, 0, 8))


if __name__ == "__main__":
    unittest.main()
