"""The real gcloud's Pub/Sub commands against the real platform, and what survives kill -9."""

import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

from harness import AT_ZERO, PlatformTest, wait_until


class Caller(PlatformTest):
    def call(self, method, path, body=None):
        done = subprocess.run(
            ["curl", "-s", "-X", method, "-H", "Content-Type: application/json", "-d",
             json.dumps(body or {}), f"http://{self.thaw.api}/v1/projects/p/{path}"],
            capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def publish(self, topic, texts):
        messages = [{"data": base64.b64encode(t.encode()).decode()} for t in texts]
        return self.call("POST", f"topics/{topic}:publish", {"messages": messages})["messageIds"]

    def pull(self, subscription, most=1000):
        got = self.call("POST", f"subscriptions/{subscription}:pull",
                        {"maxMessages": most, "returnImmediately": True})
        return got.get("receivedMessages", [])


class Rest(Caller):
    def test_what_was_answered_survives_kill_9(self):
        self.call("PUT", "topics/news")
        self.call("PUT", "subscriptions/reader", {"topic": "projects/p/topics/news"})
        published = [i for n in range(20)
                     for i in self.publish("news", [f"{n}-{k}" for k in range(10)])]
        got = self.pull("reader", 50)
        acked = {m["message"]["messageId"] for m in got[:20]}
        self.assertEqual(self.call("POST", "subscriptions/reader:acknowledge",
                                   {"ackIds": [m["ackId"] for m in got[:20]]}), {})
        self.thaw.process.send_signal(signal.SIGKILL)
        self.thaw.process.wait()
        self.thaw.start()
        left = {m["message"]["messageId"] for m in self.pull("reader")}
        self.assertEqual(left, set(published) - acked)
        self.assertEqual(len(acked), 20)

    def test_schemas_are_refused_with_a_word_and_topics_that_want_one_too(self):
        self.assertEqual(self.call("GET", "schemas"), {})
        schema = {"type": "AVRO", "definition": "{}"}
        for method, path, body in [
                ("POST", "schemas?schemaId=s", schema), ("GET", "schemas/s", None),
                ("DELETE", "schemas/s", None), ("GET", "schemas/s?view=FULL", None),
                ("POST", "schemas:validate", {"schema": schema}),
                ("POST", "schemas:validateMessage", {"name": "projects/p/schemas/s"}),
                ("POST", "schemas/s:commit", {"schema": schema}),
                ("POST", "schemas/s:rollback", {"revisionId": "1"}),
                ("GET", "schemas/s:listRevisions", None),
                ("DELETE", "schemas/s@1:deleteRevision?revisionId=1", None)]:
            error = self.call(method, path, body)["error"]
            self.assertEqual((error["code"], error["status"]), (501, "UNIMPLEMENTED"), path)
            self.assertIn("schemas: Thaw keeps none", error["message"])
        error = self.call("PUT", "topics/checked", {
            "schemaSettings": {"schema": "projects/p/schemas/s", "encoding": "JSON"}})["error"]
        self.assertEqual(error["status"], "UNIMPLEMENTED")
        self.assertIn("schemaSettings", error["message"])
        self.assertEqual(self.call("GET", "topics/checked")["error"]["status"], "NOT_FOUND")

    def test_faults_name_the_field(self):
        self.call("PUT", "topics/news")
        for body, word in [({"messages": [{"data": "%%"}]}, "messages[0].data"),
                           ({"messages": [{}]}, "must have data or an attribute"),
                           ({"message": []}, "did you mean 'messages'"),
                           ({"messages": []}, "0 messages")]:
            error = self.call("POST", "topics/news:publish", body)["error"]
            self.assertEqual(error["code"], 400)
            self.assertIn(word, error["message"])
        self.assertEqual(self.call("GET", "topics/none")["error"]["status"], "NOT_FOUND")
        self.assertEqual(self.call("PUT", "topics/news")["error"]["status"], "ALREADY_EXISTS")
        bad = self.call("PUT", "subscriptions/reader",
                        {"topic": "projects/p/topics/news", "filter": "attributes.a = b"})
        self.assertIn("at character 16", bad["error"]["message"])
        self.assertEqual(self.call("GET", "subscriptions/reader")["error"]["code"], 404)


class Push(Caller):
    options = ["--scale-to-zero-after", "1s"]

    def test_a_push_wakes_a_service_from_zero_and_each_message_arrives(self):
        self.deploy(self.service_file("echo", "echo.py", AT_ZERO))
        self.call("PUT", "topics/news")
        port = self.thaw.gateway.rsplit(":", 1)[1]
        self.call("PUT", "subscriptions/pusher", {
            "topic": "projects/p/topics/news",
            "pushConfig": {"pushEndpoint": f"http://echo.localhost:{port}/in"}})
        self.assertEqual(self.thaw.instances("echo"), [])
        self.publish("news", ["hello"] * 30)
        wait_until("all acknowledged", lambda: self.requests("echo") >= 30)
        self.wait_for_zero("echo")
        self.assertEqual(self.requests("echo"), 30)

    def requests(self, service):
        return self.thaw.json("services", "usage", service)["requests"]


@unittest.skipUnless(shutil.which("gcloud"), "gcloud is not installed")
class Gcloud(PlatformTest):
    def setUp(self):
        super().setUp()
        config = tempfile.mkdtemp(prefix="thaw-gcloud-")
        self.addCleanup(shutil.rmtree, config, ignore_errors=True)
        self.env = {**os.environ, "CLOUDSDK_CONFIG": config, "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
                    "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true", **self.thaw.json("env")}

    def gcloud(self, *words):
        done = subprocess.run(["gcloud", "pubsub", *words, "--format=json"], env=self.env,
                              text=True, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout or "null")

    def test_topics_subscriptions_snapshots_and_seek(self):
        self.gcloud("topics", "create", "news")
        self.gcloud("topics", "create", "dead")
        self.gcloud("subscriptions", "create", "reader", "--topic=news", "--ack-deadline=20",
                    "--dead-letter-topic=dead", "--max-delivery-attempts=7",
                    "--message-filter=attributes.kind = \"csv\"", "--min-retry-delay=2s",
                    "--retain-acked-messages")
        self.gcloud("topics", "publish", "news", "--message=wanted", "--attribute=kind=csv")
        self.gcloud("topics", "publish", "news", "--message=other", "--attribute=kind=pdf")
        self.gcloud("snapshots", "create", "before", "--subscription=reader")

        def pull():
            return [base64.b64decode(m["message"]["data"]).decode() for m in
                    self.gcloud("subscriptions", "pull", "reader", "--auto-ack", "--limit=5")]

        self.assertEqual(pull(), ["wanted"])
        self.gcloud("subscriptions", "seek", "reader", "--snapshot=before")
        self.assertEqual(pull(), ["wanted"])
        self.gcloud("subscriptions", "seek", "reader", "--time=2001-01-01T00:00:00Z")
        self.assertEqual(pull(), ["wanted"])
        self.gcloud("subscriptions", "update", "reader", "--ack-deadline=30")
        (sub,) = self.gcloud("subscriptions", "list")
        self.assertEqual((sub["ackDeadlineSeconds"], sub["retryPolicy"]["minimumBackoff"],
                          sub["deadLetterPolicy"]["maxDeliveryAttempts"]), (30, "2s", 7))
        self.gcloud("subscriptions", "update", "reader", "--update-labels=a=b")
        self.assertEqual(self.gcloud("subscriptions", "describe", "reader")["labels"], {"a": "b"})
        self.gcloud("topics", "publish", "news", "--message=kept", "--attribute=kind=csv")
        (kept,) = self.gcloud("subscriptions", "pull", "reader")
        self.gcloud("subscriptions", "modify-message-ack-deadline", "reader",
                    f"--ack-ids={kept['ackId']}", "--ack-deadline=60")
        self.gcloud("subscriptions", "ack", "reader", f"--ack-ids={kept['ackId']}")
        self.assertEqual(pull(), [])
        endpoint = "http://127.0.0.1:9/"
        self.gcloud("subscriptions", "modify-push-config", "reader", f"--push-endpoint={endpoint}")
        described = self.gcloud("subscriptions", "describe", "reader")
        self.assertEqual(described["pushConfig"]["pushEndpoint"], endpoint)
        listed = self.gcloud("topics", "list-subscriptions", "news")
        self.assertEqual(listed, ["projects/thaw/subscriptions/reader"])
        self.gcloud("topics", "update", "news", "--update-labels=c=d")
        self.assertEqual(self.gcloud("topics", "describe", "news")["labels"], {"c": "d"})
        self.assertEqual(self.gcloud("snapshots", "describe", "before")["topic"],
                         "projects/thaw/topics/news")
        self.assertEqual(len(self.gcloud("snapshots", "list")), 1)
        self.gcloud("topics", "detach-subscription", "reader")
        self.assertTrue(self.gcloud("subscriptions", "describe", "reader")["detached"])
        self.gcloud("subscriptions", "delete", "reader")
        self.gcloud("snapshots", "delete", "before")
        self.gcloud("topics", "delete", "news")
        left = [topic["name"].split("/")[-1] for topic in self.gcloud("topics", "list")]
        self.assertEqual(left, ["dead"])


if __name__ == "__main__":
    unittest.main()
