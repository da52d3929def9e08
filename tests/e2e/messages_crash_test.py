"""Pushes to a service that fails at random, while Thaw is killed by -9 again and again.

Counted outside of Thaw and of its instances: every published message is delivered at least once,
dead letters are exactly those that failed as often as the limit says, and the order of each key is
kept. MESSAGES=100000 KILLS=20 is the long form; what CI runs is shorter.
"""

import asyncio
import base64
import collections
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import tempfile
import threading
import time
import unittest

import harness

MESSAGES = int(os.environ.get("MESSAGES", "5000"))
KILLS = int(os.environ.get("KILLS", "5"))
KEYS = 200
LIMIT = 5  # deliveries before a message is a dead letter
SEED = int(os.environ.get("SEED", "1"))
PLAN = f"{MESSAGES} messages, {KILLS} kills, seed {SEED}"


def is_poison(number):
    return number % 397 == 13


class Witness:
    """The other end of the service: decides how each delivery ends, and remembers all of them."""

    def __init__(self, path):
        self.path = path
        self.chance = random.Random(SEED)
        self.delivered = [0] * MESSAGES
        self.failed = [0] * MESSAGES
        self.times = 0
        self.first = collections.defaultdict(list)  # by key: numbers as they first succeeded
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        self.ready.wait()

    def run(self):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_unix_server(self.serve, self.path))
        os.chmod(self.path, 0o777)  # instances are other users
        self.ready.set()
        self.loop.run_forever()
        server.close()
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                size = int(head.split("content-length:")[1].split("\r\n")[0])
                body = await reader.readexactly(size)
                status = self.judge(json.loads(body))
                writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass
        finally:
            writer.close()

    def judge(self, push):
        number = int(base64.b64decode(push["message"]["data"]))
        self.times += 1
        if is_poison(number) or self.chance.random() < 0.05:
            self.failed[number] += 1
            return 503
        if self.delivered[number] == 0 and "orderingKey" in push["message"]:
            self.first[push["message"]["orderingKey"]].append(number)
        self.delivered[number] += 1
        return 200

    def done(self):
        return sum(1 for count in self.delivered if count)


class Killed(harness.PlatformTest):
    options = ["--scale-to-zero-after", "60s", "--stop-grace", "1s"]

    def setUp(self):
        super().setUp()
        folder = tempfile.mkdtemp(prefix="thaw-e2e-witness-", dir="/var/lib")
        os.chmod(folder, 0o755)
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.witness = Witness(str(pathlib.Path(folder) / "socket"))
        self.addCleanup(self.witness.stop)
        self.published = [False] * MESSAGES

    def call(self, method, path, body=None):
        """The answer's JSON, or None when Thaw was killed meanwhile."""
        try:
            host, port = self.thaw.api.rsplit(":", 1)
            connection = http.client.HTTPConnection(host, int(port), timeout=60)
            connection.request(method, path, json.dumps(body or {}))
            answer = connection.getresponse()
            text = answer.read()
            connection.close()
        except (OSError, http.client.HTTPException):
            return None
        self.assertEqual(answer.status, 200, text[:500])
        return json.loads(text)

    def persist(self, method, path, body=None):
        def answered():
            answer = self.call(method, path, body)
            return None if answer is None else (answer,)
        return harness.wait_until(path, answered)[0]

    def publish_all(self):
        """Two thirds have a key. A batch without an answer is sent again, as clients do."""
        step = 50
        for start in range(0, MESSAGES, step):
            batch = []
            for number in range(start, min(start + step, MESSAGES)):
                message = {"data": base64.b64encode(str(number).encode()).decode()}
                if number % 3:
                    message["orderingKey"] = f"k{number % KEYS}"
                batch.append(message)
            self.persist("POST", "/v1/projects/p/topics/work:publish", {"messages": batch})
            for number in range(start, start + len(batch)):
                self.published[number] = True

    def push_to(self):
        return {"pushEndpoint": f"http://pipe.localhost:{self.thaw.gateway.rsplit(':', 1)[1]}/"}

    def restart(self):
        self.thaw.stop(signal.SIGKILL)
        self.thaw.start()
        # The gateway's port is another one now; its name leads to the service whatever the port.

    def drain_dead(self):
        numbers = set()
        while True:
            got = self.persist("POST", "/v1/projects/p/subscriptions/dead:pull",
                               {"maxMessages": 1000, "returnImmediately": True})
            received = got.get("receivedMessages", [])
            if not received:
                return numbers
            numbers |= {int(base64.b64decode(each["message"]["data"])) for each in received}
            self.persist("POST", "/v1/projects/p/subscriptions/dead:acknowledge",
                         {"ackIds": [each["ackId"] for each in received]})

    def test_no_message_is_lost_and_none_is_dead_without_reason(self):
        self.deploy(self.service_file(
            "pipe", "pipe.py", {"autoscaling.knative.dev/maxScale": "1", **harness.AT_ZERO},
            concurrency=50, arguments=[self.witness.path]))
        for topic in ("work", "dead"):
            self.call("PUT", f"/v1/projects/p/topics/{topic}")
        self.call("PUT", "/v1/projects/p/subscriptions/dead",
                  {"topic": "projects/p/topics/dead", "ackDeadlineSeconds": 600})
        self.call("PUT", "/v1/projects/p/subscriptions/work", {
            "topic": "projects/p/topics/work", "pushConfig": self.push_to(),
            "enableMessageOrdering": True, "ackDeadlineSeconds": 60,
            "retryPolicy": {"minimumBackoff": "0.05s", "maximumBackoff": "0.5s"},
            "deadLetterPolicy": {"deadLetterTopic": "projects/p/topics/dead",
                                 "maxDeliveryAttempts": LIMIT}})
        began = time.monotonic()
        publisher = threading.Thread(target=self.publish_all)
        publisher.start()
        for kill in range(1, KILLS + 1):
            mark = MESSAGES * kill // (KILLS + 2)
            self.wait_progress(mark)
            self.restart()
        publisher.join()
        self.assertTrue(all(self.published))
        dead = set()

        def settled():
            dead.update(self.drain_dead())
            return all(self.witness.delivered[n] or n in dead for n in range(MESSAGES))

        self.wait_for(settled)
        self.check(dead, time.monotonic() - began)

    def wait_progress(self, mark):
        self.wait_for(lambda: self.witness.done() >= mark)

    def wait_for(self, check):
        """As long as something moves it goes on; standing still is the failure."""
        last, since = -1, time.monotonic()
        while not check():
            if self.witness.times != last:
                last, since = self.witness.times, time.monotonic()
            self.assertLess(time.monotonic() - since, 60,
                            f"{PLAN}: stands still at {self.witness.done()} of {MESSAGES}\n"
                            + self.thaw.log()[-3000:])
            time.sleep(0.05)

    def check(self, dead, took):
        poison = {number for number in range(MESSAGES) if is_poison(number)}
        lost = [n for n in range(MESSAGES) if not self.witness.delivered[n] and n not in dead]
        self.assertEqual(lost, [], PLAN)
        self.assertEqual(poison - dead, set(), "failed each time, and is no dead letter: " + PLAN)
        for number in dead:
            self.assertGreaterEqual(self.witness.failed[number], LIMIT,
                                    f"dead before its limit: {number}; {PLAN}")
        for key, numbers in self.witness.first.items():
            self.assertEqual(numbers, sorted(numbers), f"{key} out of order; {PLAN}")
        print(f"{PLAN}: {self.witness.times} deliveries in {took:.1f} s, "
              f"{self.witness.times - self.witness.done() - sum(self.witness.failed)} repeated, "
              f"{sum(self.witness.failed)} failed, {len(dead)} dead letters")


if __name__ == "__main__":
    unittest.main()
