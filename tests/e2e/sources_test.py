"""Redis-stream sources against a real Redis: delivered, acknowledged after, never lost."""

import os
import pathlib
import shutil
import signal
import tempfile
import unittest

from harness import AT_ZERO, PlatformTest, programs_of, wait_until
from redis_server import Redis, need_redis

GROUP = "thaw"


class Sources(PlatformTest):
    def setUp(self):
        super().setUp()
        self.redis = Redis()
        self.addCleanup(self.redis.stop)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-e2e-sink-"))
        self.folder.chmod(0o777)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def deploy_sink(self, concurrency=80):
        notes = {**AT_ZERO, "thaw.local/folders": str(self.folder)}
        self.deploy(self.service_file("sink", "sink.py", notes, {"OUT": str(self.folder / "got")},
                                      concurrency=concurrency))

    def create(self, *flags):
        self.thaw.cli("sources", "create", "papers", "--service", "sink", "--stream", "papers",
                      "--redis-address", self.redis.address, "--min-backoff", "20ms", *flags)

    def add(self, numbers, more=""):
        added = self.redis(stdin="".join(f"XADD papers * n {n} {more}\n" for n in numbers))
        self.assertEqual(len(added.splitlines()), len(numbers), added)

    def got(self):
        path = self.folder / "got"
        return [int(line.split()[0]) for line in path.read_text().splitlines()] \
            if path.exists() else []

    def until_done(self):
        wait_until("an empty group", lambda: self.redis.pending("papers", GROUP) == 0)

    def test_entries_wake_the_service_and_are_acknowledged_after_it_answered(self):
        self.deploy_sink()
        self.create("--batch", "7")
        self.assertEqual(self.thaw.instances("sink"), [])
        self.add(range(100))
        self.until_done()
        self.assertEqual(sorted(self.got()), list(range(100)))
        status = self.thaw.json("sources", "describe", "papers")["status"]
        self.assertEqual((status["state"], status["delivered"]), ("reading", 100))
        self.thaw.cli("sources", "delete", "papers")
        self.assertEqual(self.thaw.json("sources", "list"), [])

    def test_nothing_is_lost_when_service_redis_and_thaw_are_killed(self):
        self.deploy_sink()
        self.create("--batch", "3", "--max-in-flight", "4")
        self.add(range(100))
        wait_until("some", self.got)
        for pid in programs_of(self.thaw.data_dir):
            os.kill(pid, signal.SIGKILL)
        self.add(range(100, 200))
        self.redis.kill()
        self.redis.start()
        self.add(range(200, 300))
        wait_until("more", lambda: len(set(self.got())) > 150)
        self.thaw.process.send_signal(signal.SIGKILL)
        self.thaw.process.wait()
        self.thaw.start()
        self.until_done()
        self.assertEqual(sorted(set(self.got())), list(range(300)))

    def test_what_fails_too_often_goes_to_the_dead_letter_stream_once_with_the_reason(self):
        self.deploy_sink()
        self.create("--batch", "5", "--max-attempts", "3", "--dead-letter-stream", "dead")
        self.add(range(10))
        self.add([666], "poison yes")
        self.add(range(10, 20))
        self.until_done()
        self.assertEqual(sorted(set(self.got())), list(range(20)))
        self.assertEqual(self.redis("XLEN", "dead"), "1")
        buried = self.redis("XRANGE", "dead", "-", "+")
        for part in ("666", "thaw-reason", "the service answered 500: poisoned",
                     "thaw-attempts\n3"):
            self.assertIn(part, buried)

    def test_entries_of_a_key_come_in_order_with_one_place_to_take_them(self):
        self.deploy_sink(concurrency=1)
        self.create("--ordering-field", "key")
        for n in range(40):
            self.redis("XADD", "papers", "*", "n", n, "key", f"k{n % 2}")
        self.until_done()
        lines = [line.split() for line in (self.folder / "got").read_text().splitlines()]
        for key in ("k0", "k1"):
            numbers = [int(n) for n, k in lines if k == key]
            self.assertEqual(numbers, sorted(numbers))

    def test_entries_of_a_dead_consumer_are_taken_over(self):
        self.deploy_sink()
        self.redis("XGROUP", "CREATE", "papers", GROUP, "0", "MKSTREAM")
        self.add(range(3))
        self.redis("XREADGROUP", "GROUP", GROUP, "somebody", "STREAMS", "papers", ">")
        self.create("--timeout", "1s", "--claim-after", "2s")
        self.until_done()
        self.assertEqual(sorted(self.got()), [0, 1, 2])


class WithPassword(PlatformTest):
    def test_the_password_is_read_from_a_file_and_stands_nowhere_else(self):
        redis = Redis(password="open-sesame")
        self.addCleanup(redis.stop)
        folder = pathlib.Path(redis.dir)
        secret = folder / "password"
        self.deploy(self.service_file("sink", "sink.py", AT_ZERO, {"OUT": "/tmp/got"}))
        secret.write_text("wrong\n")
        self.thaw.cli("sources", "create", "s", "--service", "sink", "--stream", "x",
                      "--redis-address", redis.address, "--redis-password-file", secret)
        describe = lambda: self.thaw.json("sources", "describe", "s")
        wait_until("the refusal", lambda: "WRONGPASS" in describe()["status"]["trouble"])
        secret.write_text("open-sesame\n")
        redis("XADD", "x", "*", "n", "1")
        wait_until("delivered", lambda: describe()["status"]["delivered"] == 1)
        for text in (self.thaw.log(), str(describe()), self.thaw.cli("logs", "sink").stdout):
            self.assertNotIn("open-sesame", text)


if __name__ == "__main__":
    need_redis()
    unittest.main()
