"""Worker pools: instances without requests, kept by number or by a stream's backlog."""

import json
import os
import pathlib
import shutil
import signal
import tempfile
import unittest

from harness import PlatformTest, programs_of, wait_until
from redis_server import Redis, need_redis


class WorkerPools(PlatformTest):
    def pool_file(self, name, program, notes=(), env=(), pool_notes=()):
        file = json.loads(self.service_file(name, program, notes, env))
        file["apiVersion"], file["kind"] = "run.googleapis.com/v1", "WorkerPool"
        file["metadata"]["annotations"] = dict(pool_notes)
        spec = file["spec"]["template"]["spec"]
        del spec["containerConcurrency"], spec["timeoutSeconds"]
        return json.dumps(file)

    def running(self, name):
        return [row["name"] for row in self.thaw.instances(name) if row["state"] == "ready"]

    def until_running(self, name, count):
        wait_until(f"{count} instances", lambda: (
            len(self.running(name)) == count and len(self.thaw.instances(name)) == count))

    def test_it_runs_as_many_as_asked_and_comes_back_after_kill_9(self):
        self.thaw.cli("worker-pools", "deploy", "-", stdin=self.pool_file("pool", "idler.py"))
        self.until_running("pool", 1)
        lines = self.thaw.cli("logs", "pool").stdout
        self.assertIn('"CLOUD_RUN_WORKER_POOL": "pool"', lines)
        self.assertIn('"CLOUD_RUN_WORKER_POOL_REVISION": "pool-00001', lines)
        self.assertNotIn("PORT", lines)
        self.thaw.cli("worker-pools", "update", "pool", "--instances", "3")
        self.until_running("pool", 3)
        (row,) = self.thaw.json("worker-pools", "list")
        self.assertEqual((row["kind"], row["metadata"]["name"]), ("WorkerPool", "pool"))
        self.assertEqual(self.thaw.json("services", "list"), [])
        self.assertNotEqual(self.thaw.curl("pool")[0], 200)

        self.thaw.process.send_signal(signal.SIGKILL)
        self.thaw.process.wait()
        self.thaw.start()
        self.until_running("pool", 3)
        self.thaw.cli("worker-pools", "update", "pool", "--instances", "0")
        self.until_running("pool", 0)
        self.thaw.cli("worker-pools", "delete", "pool")
        self.assertEqual(self.thaw.json("worker-pools", "list"), [])

    def test_a_killed_worker_is_replaced(self):
        self.thaw.cli("worker-pools", "deploy", "-", stdin=self.pool_file("pool", "idler.py"))
        self.until_running("pool", 1)
        before = self.running("pool")
        for pid in programs_of(self.thaw.data_dir):
            os.kill(pid, signal.SIGKILL)
        wait_until("another", lambda: self.running("pool") and self.running("pool") != before)

    def test_one_that_ends_at_once_is_not_ready_and_says_why(self):
        run = self.thaw.cli("worker-pools", "deploy", "-", check=False,
                            stdin=self.pool_file("bad", "absent.py"))
        self.assertEqual(run.returncode, 6, run.stderr)
        self.assertIn("absent.py", run.stderr + self.thaw.cli("logs", "bad").stdout)

    def test_a_streams_backlog_says_how_many_run_from_zero_and_back(self):
        need_redis()
        redis = Redis()
        self.addCleanup(redis.stop)
        notes = {"thaw.local/stream-address": redis.address, "thaw.local/stream": "jobs",
                 "thaw.local/stream-group": "g", "thaw.local/stream-entries-per-instance": "10",
                 "thaw.local/stream-window-seconds": "1", "autoscaling.knative.dev/maxScale": "3"}
        self.thaw.cli("worker-pools", "deploy", "-",
                      stdin=self.pool_file("pool", "idler.py", notes))
        self.until_running("pool", 0)
        redis("XGROUP", "CREATE", "jobs", "g", "0", "MKSTREAM")
        redis(stdin="XADD jobs * a 1\n" * 15)
        self.until_running("pool", 2)
        redis(stdin="XADD jobs * a 1\n" * 50)
        self.until_running("pool", 3)
        redis("XREADGROUP", "GROUP", "g", "me", "COUNT", "60", "STREAMS", "jobs", ">")
        ids = redis("XPENDING", "jobs", "g", "-", "+", "60").splitlines()[::4]
        redis.kill()
        wait_until("a word", lambda: "cannot be read" in self.thaw.cli("logs", "pool").stdout)
        self.assertEqual(len(self.running("pool")), 3, "the last number stays")
        redis.start()
        redis("XACK", "jobs", "g", *ids)
        self.until_running("pool", 1)
        redis("XGROUP", "SETID", "jobs", "g", "$")
        self.until_running("pool", 0)

    def post(self, path, body, method="POST"):
        status, answer = self.thaw.curl_api(
            path, "-X", method, "-H", "Content-Type: application/json", "-d", json.dumps(body))
        self.assertEqual(status, 200, answer)
        return json.loads(answer)

    def test_a_subscriptions_backlog_says_how_many_run_from_zero_and_back(self):
        topic, subscription = "projects/local/topics/jobs", "projects/local/subscriptions/jobs"
        notes = {"thaw.local/subscription": subscription, "thaw.local/scale-window-seconds": "1",
                 "thaw.local/subscription-messages-per-instance": "10",
                 "autoscaling.knative.dev/maxScale": "3"}
        self.thaw.cli("worker-pools", "deploy", "-",
                      stdin=self.pool_file("pool", "idler.py", notes))
        wait_until("a word", lambda: "subscription cannot be read; 0 instances" in
                   self.thaw.cli("logs", "pool").stdout)
        self.post(f"/v1/{topic}", {}, "PUT")
        self.post(f"/v1/{subscription}", {"topic": topic, "ackDeadlineSeconds": 600}, "PUT")
        self.until_running("pool", 0)

        def publish(count):
            self.post(f"/v1/{topic}:publish", {"messages": [{"data": "YQ=="}] * count})

        publish(15)
        self.until_running("pool", 2)
        publish(50)
        self.until_running("pool", 3)
        # What is being worked on counts, until it is acknowledged.
        ids = []
        while len(ids) < 65:
            pulled = self.post(f"/v1/{subscription}:pull", {"maxMessages": 65})
            ids += [each["ackId"] for each in pulled["receivedMessages"]]
        self.assertEqual(len(self.running("pool")), 3)
        self.post(f"/v1/{subscription}:acknowledge", {"ackIds": ids[:58]})
        self.until_running("pool", 1)
        self.post(f"/v1/{subscription}:acknowledge", {"ackIds": ids[58:]})
        self.until_running("pool", 0)
        self.assertIn("messages are not acknowledged: 3 instances",
                      self.thaw.cli("logs", "pool").stdout)

    def test_cpu_time_says_how_many_run_and_one_stays(self):
        # Not below /tmp: instances have a folder of their own there.
        folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-e2e-burn-", dir="/var/lib"))
        self.addCleanup(shutil.rmtree, folder)
        notes = {"thaw.local/cpu-percent": "50", "thaw.local/scale-window-seconds": "1",
                 "thaw.local/folders": str(folder), "autoscaling.knative.dev/maxScale": "3"}
        file = json.loads(self.pool_file("pool", "burner.py", notes, {"FOLDER": str(folder)}))
        file["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] = "0.2"
        self.thaw.cli("worker-pools", "deploy", "-", stdin=json.dumps(file))
        self.until_running("pool", 1)
        (folder / "burn").touch()
        self.until_running("pool", 3)
        (folder / "burn").unlink()
        self.until_running("pool", 1)
        self.assertIn("of one's CPU limit: 1 instances", self.thaw.cli("logs", "pool").stdout)

    def test_a_trigger_that_is_misspelt_is_refused_by_name(self):
        run = self.thaw.cli("worker-pools", "deploy", "-", check=False, stdin=self.pool_file(
            "pool", "idler.py", {"thaw.local/subscription": "jobs"}))
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("thaw.local/subscription", run.stderr)
        self.assertIn("projects/local/subscriptions/jobs", run.stderr)
        self.assertEqual(self.thaw.json("worker-pools", "list"), [])


if __name__ == "__main__":
    unittest.main()
