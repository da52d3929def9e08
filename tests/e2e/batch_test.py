"""The batch pipeline on the real platform: a file lands in a bucket, its forecast in another."""

import datetime
import http.client
import json
import os
import subprocess
import threading
import unittest
import urllib.error
import urllib.request

from harness import HANG_SECONDS, ROOT, THAW, PlatformTest, wait_until

SERIES = ROOT / "examples/forecaster/hyndsight.csv"


class Pipeline(PlatformTest):
    options = ["--scale-to-zero-after", "1s"]

    def setUp(self):
        super().setUp()
        self.deploy(json.dumps({
            "apiVersion": "serving.knative.dev/v1", "kind": "Service",
            "metadata": {"name": "forecaster"},
            "spec": {"template": {
                "metadata": {"annotations": {"autoscaling.knative.dev/maxScale": "3",
                                             "run.googleapis.com/health-check-disabled": "true"}},
                "spec": {"containerConcurrency": 2, "containers": [{
                    "image": "thaw.local/serve",
                    "args": ["--task", "forecast", "--output-bucket", "forecasts"],
                    "resources": {"limits": {"memory": "256Mi"}}}]}}}}))
        for bucket in ("series", "forecasts"):
            self.call("POST", "/storage/v1/b?project=p", {"name": bucket})
        for topic in ("landed", "poisoned"):
            self.call("PUT", f"/v1/projects/p/topics/{topic}")
        self.call("PUT", "/v1/projects/p/subscriptions/poisoned",
                  {"topic": "projects/p/topics/poisoned"})
        port = self.thaw.gateway.rsplit(":", 1)[1]
        self.call("PUT", "/v1/projects/p/subscriptions/forecast", {
            "topic": "projects/p/topics/landed",
            "pushConfig": {"pushEndpoint": f"http://forecaster.localhost:{port}/?periods=7"},
            "retryPolicy": {"minimumBackoff": "0.1s", "maximumBackoff": "1s"},
            "deadLetterPolicy": {"deadLetterTopic": "projects/p/topics/poisoned",
                                 "maxDeliveryAttempts": 5}})
        self.call("POST", "/storage/v1/b/series/notificationConfigs",
                  {"topic": "projects/p/topics/landed", "payload_format": "JSON_API_V1",
                   "event_types": ["OBJECT_FINALIZE"]})

    def curl(self, *words):
        done = subprocess.run(["curl", "-s", *words], capture_output=True, text=True, check=True)
        return done.stdout

    def call(self, method, path, body=None):
        answer = json.loads(self.curl("-X", method, "-H", "Content-Type: application/json", "-d",
                                      json.dumps(body or {}), f"http://{self.thaw.api}{path}"))
        self.assertNotIn("error", answer, path)
        return answer

    def upload(self, name, file):
        self.curl("-f", "--data-binary", f"@{file}", "-H", "Content-Type: text/csv",
                  f"http://{self.thaw.api}/upload/storage/v1/b/series/o?uploadType=media"
                  f"&name={name}")

    def poison(self):
        file = self.thaw.data_dir / "poison.csv"
        file.write_text("this,is\nno,series\n")
        return file

    def names(self):
        answer = json.loads(self.curl(f"http://{self.thaw.api}/storage/v1/b/forecasts/o"))
        return {item["name"]: item for item in answer.get("items", [])}

    def test_a_file_becomes_a_forecast_and_the_service_is_at_zero_again(self):
        self.upload("hyndsight.csv", SERIES)
        made = wait_until("the forecast", lambda: self.names().get("hyndsight.csv"))
        self.assertEqual(made["metadata"]["input"], "gs://series/hyndsight.csv")
        rows = self.curl(f"http://{self.thaw.api}/storage/v1/b/forecasts/o/hyndsight.csv"
                         "?alt=media").splitlines()
        self.assertEqual(len(rows), 8, "a heading and seven days")
        self.assertTrue(rows[1].startswith("2015-04-30,"), rows[1])
        self.wait_for_zero("forecaster")

    def test_a_burst_is_worked_off_and_the_poisoned_file_ends_with_its_reason(self):
        for i in range(20):
            self.upload(f"s{i}.csv", SERIES)
        self.upload("poison.csv", self.poison())
        names = wait_until("all of them", lambda: (
            lambda found: found if len(found) == 21 else None)(self.names()))
        self.assertEqual({f"s{i}.csv" for i in range(20)} | {"poison.csv.error.json"}, set(names))
        dead = wait_until("the dead letter", lambda: self.call(
            "POST", "/v1/projects/p/subscriptions/poisoned:pull",
            {"maxMessages": 5, "returnImmediately": True}).get("receivedMessages"))
        self.assertEqual(len(dead), 1)
        attributes = dead[0]["message"]["attributes"]
        self.assertEqual((attributes["objectId"],
                          attributes["CloudPubSubDeadLetterSourceDeliveryCount"]),
                         ("poison.csv", "5"))
        reason = self.curl(f"http://{self.thaw.api}/storage/v1/b/forecasts/o/"
                           "poison.csv.error.json?alt=media")
        self.assertIn("INVALID_ARGUMENT", reason)

    def test_a_mended_file_takes_the_reason_of_its_failure_away(self):
        self.upload("mended.csv", self.poison())
        wait_until("the reason", lambda: self.names().get("mended.csv.error.json"))
        self.upload("mended.csv", SERIES)
        wait_until("the forecast alone", lambda: set(self.names()) == {"mended.csv"})

    def read(self, name):
        """A status in the output bucket, or {} where it is not there."""
        status = json.loads(self.curl(
            f"http://{self.thaw.api}/storage/v1/b/forecasts/o/{name}?alt=media"))
        return status if "state" in status else {}

    def order(self, text):
        file = self.thaw.data_dir / "order.json"
        file.write_text(text)
        self.upload("night.manifest.json", file)

    def test_a_manifest_that_names_an_older_input_makes_its_forecast_anew(self):
        for name in ("old.csv", "new.csv"):
            self.upload(name, SERIES)
        for name in ("new.csv", "old.csv"):
            self.order(json.dumps([{"id": "a", "input": f"gs://series/{name}",
                                    "output": "gs://forecasts/f.csv"}]))
            wait_until(f"the forecast of {name}", lambda wanted=f"gs://series/{name}": (
                self.names().get("f.csv", {}).get("metadata", {}).get("input") == wanted))
        wait_until("its last word",
                   lambda: self.read("night.manifest.status.json").get("state") == "SUCCEEDED")
        self.assertEqual(self.read("a.status.json")["input"], "gs://series/old.csv")

    def test_a_manifest_that_is_none_says_so_till_it_is_one(self):
        self.order('[{"id": "a", "imput": "gs://series/x.csv"}]')
        failed = wait_until("its status", lambda: self.read("night.manifest.status.json"))
        self.assertEqual((failed["state"], failed["error"]["code"]), ("FAILED", 400))
        self.assertIn("did you mean 'input'", failed["error"]["message"])
        self.assertIn("night.manifest.json.error.json", self.names())
        self.upload("x.csv", SERIES)
        self.order('[{"id": "a", "input": "gs://series/x.csv", "output": "gs://forecasts/f.csv"}]')
        wait_until("that it is done",
                   lambda: self.read("night.manifest.status.json").get("state") == "SUCCEEDED")
        self.assertNotIn("night.manifest.json.error.json", self.names())

    def test_a_file_of_over_32_mib_is_forecast_in_pieces_with_its_progress_told(self):
        large = self.thaw.data_dir / "large.csv"
        start, count, days = datetime.datetime(2015, 1, 1), 800, 2000
        dates = [(start + datetime.timedelta(days=i)).isoformat(" ") for i in range(days)]
        with open(large, "w", encoding="ascii") as out:
            out.write("unique_id,ds,y\n")
            for number in range(count):
                name = f"series-{number:06}"
                if number == 300:
                    out.write(f"{name},{dates[0]},no number\n")
                    continue
                out.writelines(f"{name},{date},{1000 + number + day % 7}\n"
                               for day, date in enumerate(dates))
        self.assertGreater(large.stat().st_size, 40 << 20)
        self.upload("large.csv", large)
        made = wait_until("the forecast", lambda: self.names().get("large.csv"))
        self.assertIn("input-generation", made["metadata"])
        rows = self.curl(f"http://{self.thaw.api}/storage/v1/b/forecasts/o/large.csv"
                         "?alt=media").splitlines()
        self.assertEqual(len(rows), 1 + 7 * (count - 1))
        self.assertEqual({row.split(",")[0] for row in rows[1:]},
                         {f"series-{number:06}" for number in range(count) if number != 300})
        read = lambda: json.loads(self.curl(
            f"http://{self.thaw.api}/storage/v1/b/forecasts/o/large.csv.status.json?alt=media"))
        wait_until("the last word on it", lambda: read()["state"] == "SUCCEEDED")
        self.assertEqual((read()["seriesDone"], read()["seriesFailed"]), (count - 1, 1))
        self.assertEqual(read()["readBytes"], large.stat().st_size)

    def test_an_instance_reaches_buckets_and_nothing_else_of_the_api(self):
        program = "import os, urllib.request as u\n"
        self.deploy(json.dumps({
            "apiVersion": "serving.knative.dev/v1", "kind": "Service",
            "metadata": {"name": "curious"},
            "spec": {"template": {
                "metadata": {"annotations": {"run.googleapis.com/health-check-disabled": "true"}},
                "spec": {"containers": [{
                    "image": "thaw.local/host", "command": ["python3", "-c", program + CURIOUS],
                    "resources": {"limits": {"memory": "256Mi"}}}]}}}}))
        status, body = self.thaw.curl("curious")
        self.assertEqual(status, 200, body)
        self.assertEqual(json.loads(body), {
            "/storage/v1/b?project=p": 200, "/thaw/v1/instances": 404,
            "/apis/serving.knative.dev/v1/namespaces/p/services": 404})


class KilledServer(PlatformTest):
    """A server of its own, so that it can be killed in the middle of a file."""

    def serve(self):
        process = subprocess.Popen(
            [THAW, "serve", "--task", "forecast", "--host", "127.0.0.1", "--port", "0",
             "--output-bucket", "forecasts"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, env={**os.environ, "STORAGE_EMULATOR_HOST": f"http://{self.thaw.api}"})
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        address = process.stderr.readline().split()[-1]
        return process, address

    def call(self, method, path, body=b""):
        request = urllib.request.Request(f"http://{self.thaw.api}{path}", body or None,
                                         {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=HANG_SECONDS) as answer:
            text = answer.read()
        return json.loads(text) if text else {}

    def upload(self, text):
        return self.call("POST", "/upload/storage/v1/b/series/o?uploadType=media&name=large.csv",
                         text.encode())["generation"]

    def push(self, address, generation):
        body = json.dumps({"message": {"attributes": {
            "eventType": "OBJECT_FINALIZE", "bucketId": "series", "objectId": "large.csv",
            "objectGeneration": generation}}}).encode()
        try:
            with urllib.request.urlopen(f"http://{address}/", body, timeout=HANG_SECONDS) as answer:
                return answer.status
        except (OSError, http.client.HTTPException):
            return None

    def status(self):
        try:
            return self.call("GET", "/storage/v1/b/forecasts/o/large.csv.status.json?alt=media")
        except urllib.error.HTTPError as error:
            error.close()
            return {}

    def test_a_status_does_not_say_running_for_ever(self):
        for bucket in ("series", "forecasts"):
            self.call("POST", "/storage/v1/b?project=p", json.dumps({"name": bucket}).encode())
        start = datetime.datetime(2015, 1, 1)
        dates = [(start + datetime.timedelta(days=i)).isoformat(" ") for i in range(2000)]
        generation = self.upload("unique_id,ds,y\n" + "".join(
            f"series-{number:06},{date},{1000 + number + day % 7}\n"
            for number in range(900) for day, date in enumerate(dates)))
        process, address = self.serve()
        delivery = threading.Thread(target=self.push, args=(address, generation))
        delivery.start()
        wait_until("it runs", lambda: self.status().get("state") == "RUNNING")
        process.kill()
        delivery.join()
        self.assertEqual(self.status()["state"], "RUNNING", "nobody could take it back")
        self.call("DELETE", "/storage/v1/b/series/o/large.csv")
        _, address = self.serve()
        self.assertEqual(self.push(address, generation), 200)
        self.assertEqual(self.status()["state"], "FAILED", "the input is gone")
        generation = self.upload("ds,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,1\n")
        self.assertEqual(self.push(address, generation), 200)
        self.assertEqual(self.status(), {
            "state": "SUCCEEDED", "input": "gs://series/large.csv",
            "output": "gs://forecasts/large.csv"}, "though it was small enough to be held")
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=HANG_SECONDS) as answer:
            self.assertIn('inference_requests_total{path="/",code="200"} 2\n',
                          answer.read().decode())


CURIOUS = '''
import http.server, json, urllib.error
store = os.environ["STORAGE_EMULATOR_HOST"]
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        seen = {}
        for path in ("/storage/v1/b?project=p", "/thaw/v1/instances",
                     "/apis/serving.knative.dev/v1/namespaces/p/services"):
            try:
                seen[path] = u.urlopen(store + path, timeout=20).status
            except urllib.error.HTTPError as error:
                seen[path] = error.code
        body = json.dumps(seen).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body)))
        self.end_headers(); self.wfile.write(body)
http.server.HTTPServer(("0.0.0.0", int(os.environ["PORT"])), H).serve_forever()
'''


if __name__ == "__main__":
    unittest.main()
