"""Triggers send CloudEvents; what feeds itself is refused beforehand, and stopped when it runs."""

import json
import unittest

from harness import AT_ZERO, PlatformTest, wait_until

REFUSED = 5

TRIGGERS = """
triggers:
  - name: on-file
    eventFilters:
      - {attribute: type, value: google.cloud.storage.object.v1.finalized}
      - {attribute: bucket, value: inbox}
    destination: {cloudRun: {service: copier, path: /files}}
  - name: on-news
    eventFilters: [{attribute: type, value: google.cloud.pubsub.topic.v1.messagePublished}]
    transport: {pubsub: {topic: news}}
    destination: {cloudRun: {service: copier}}
"""


class Triggers(PlatformTest):
    options = ["--scale-to-zero-after", "5s"]

    def pipeline(self, to, more="", env=None):
        service = self.service_file("copier", "copier.py", AT_ZERO, env or {}, arguments=[to])
        return ("apiVersion: thaw.local/v1\nkind: Pipeline\nmetadata: {name: t}\n"
                "buckets: [{name: inbox}, {name: outbox}]\ntopics: [{name: news}]\n"
                + more + "---\n" + service + "\n")

    def apply(self, text, *words, check=True):
        return self.thaw.cli("apply", "-f", "-", "--yes", *words, stdin=text, check=check)

    def upload(self, bucket, name):
        status, text = self.thaw.curl_api(
            f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={name}", "--data-binary", "hi")
        self.assertEqual(status, 200, text)

    def content(self, bucket, name):
        def there():
            status, text = self.thaw.curl_api(f"/storage/v1/b/{bucket}/o/{name}?alt=media")
            return json.loads(text) if status == 200 else None
        return wait_until(f"gs://{bucket}/{name}", there)

    def names(self, bucket):
        _, text = self.thaw.curl_api(f"/storage/v1/b/{bucket}/o")
        return sorted(item["name"] for item in json.loads(text).get("items", []))

    def test_a_file_and_a_message_come_as_cloud_events(self):
        self.apply(self.pipeline("outbox", TRIGGERS))
        self.upload("inbox", "a.csv")
        seen = self.content("outbox", "a.csvx")
        headers = seen["headers"]
        self.assertEqual(seen["path"], "/files")
        self.assertEqual(headers["ce-type"], "google.cloud.storage.object.v1.finalized")
        self.assertEqual(headers["ce-source"], "//storage.googleapis.com/projects/_/buckets/inbox")
        self.assertEqual(headers["ce-subject"], "objects/a.csv")
        self.assertEqual(headers["ce-specversion"], "1.0")
        self.assertEqual(json.loads(seen["body"])["name"], "a.csv")

        self.thaw.cli("publish", "news", "extra")
        seen = self.content("outbox", "extrax")
        self.assertEqual(seen["headers"]["ce-type"],
                         "google.cloud.pubsub.topic.v1.messagePublished")
        self.assertEqual(self.thaw.json("alerts"), [])
        self.assertIn("everything is as the file says",
                      self.apply(self.pipeline("outbox", TRIGGERS)).stdout)

    def test_a_private_service_takes_the_events_of_its_triggers_account(self):
        account = "caller@thaw.iam.gserviceaccount.com"
        text = TRIGGERS.replace("  - name: on-file\n",
                                f"  - name: on-file\n    serviceAccount: {account}\n")
        self.apply(self.pipeline("outbox", text))
        status, body = self.thaw.curl_api(
            "/v1/projects/thaw/locations/local/services/copier:setIamPolicy",
            "-H", "Content-Type: application/json", "-d", json.dumps({"policy": {"bindings": [
                {"role": "roles/run.invoker", "members": [f"serviceAccount:{account}"]}]}}))
        self.assertEqual(status, 200, body)
        self.assertEqual(self.thaw.curl("copier")[0], 403)
        self.thaw.cli("publish", "news", "nobody")  # the other trigger has no account
        self.upload("inbox", "a.csv")
        seen = self.content("outbox", "a.csvx")
        # The service sees whose call it is, and no signature that it could use (contract 1.6).
        self.assertTrue(seen["headers"]["authorization"].endswith("."), seen["headers"])
        self.assertNotIn("nobodyx", self.names("outbox"))
        self.assertIn("everything is as the file says",
                      self.apply(self.pipeline("outbox", text)).stdout)
        wrong = text.replace(account, "caller@")
        self.assertIn("is no account: NAME or NAME@DOMAIN",
                      self.apply(self.pipeline("outbox", wrong), check=False).stderr)

    def test_a_loop_that_the_file_shows_is_refused(self):
        text = self.pipeline("inbox", TRIGGERS, {"OUTPUT_BUCKET": "inbox"})
        refused = self.apply(text, check=False)
        self.assertEqual(refused.returncode, REFUSED)
        self.assertIn("service copier -> bucket inbox", refused.stderr)
        self.assertEqual(self.thaw.curl_api("/storage/v1/b/inbox")[0], 404)

    def test_a_loop_that_nobody_could_see_is_stopped_and_told(self):
        self.apply(self.pipeline("inbox", TRIGGERS))
        self.upload("inbox", "a")
        alert = wait_until("the alert", lambda: self.thaw.json("alerts"))[0]
        self.assertEqual(alert["kind"], "endless-loop")
        self.assertIn("eventarc-on-file", alert["subject"])
        self.assertEqual(self.names("inbox"), ["a" + "x" * rounds for rounds in range(11)])
        self.assertIn("endless loop stopped", self.thaw.log())
        self.assertIn("endless loop stopped", self.thaw.cli("logs", "copier").stdout)
        self.assertIn("endless-loop", self.thaw.cli("alerts").stdout)
        self.upload("inbox", "b")  # and a new file is served as before
        self.content("inbox", "bx")


if __name__ == "__main__":
    unittest.main()
