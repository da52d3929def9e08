"""Limits are kept exactly, as seen by the instances themselves."""

import concurrent.futures
import json
import threading
import unittest

from harness import AT_ZERO, PlatformTest, wait_until


class Concurrency(PlatformTest):
    def test_200_parallel_requests_one_at_a_time_in_at_most_three_instances(self):
        annotations = {**AT_ZERO, "autoscaling.knative.dev/maxScale": "3"}
        self.deploy(self.service_file("one", "echo.py", annotations, {"DELAY": "0.01"},
                                      concurrency=1))
        most, done = 0, threading.Event()

        def watch():
            nonlocal most
            while not done.is_set():
                most = max(most, len(self.thaw.instances("one")))

        watcher = threading.Thread(target=watch)
        watcher.start()
        with concurrent.futures.ThreadPoolExecutor(200) as pool:
            answers = list(pool.map(lambda n: self.thaw.curl("one", f"/{n}"), range(200)))
        done.set()
        watcher.join()

        self.assertEqual([status for status, _ in answers], [200] * 200)
        told = [json.loads(body) for _, body in answers]
        self.assertEqual(sorted(int(a["path"][1:]) for a in told), list(range(200)))
        self.assertEqual(max(a["most_inside"] for a in told), 1)
        self.assertLessEqual(len({a["instance"] for a in told}), 3)
        self.assertGreaterEqual(most, 1)
        self.assertLessEqual(most, 3)

    def test_a_greedy_caller_does_not_make_another_one_wait_for_all_its_requests(self):
        annotations = {**AT_ZERO, "autoscaling.knative.dev/maxScale": "1"}
        self.deploy(self.service_file("fair", "echo.py", annotations, {"DELAY": "0.1"},
                                      concurrency=1))

        def number(client):
            status, body = self.thaw.curl("fair", "/", "--interface", client)
            self.assertEqual(status, 200, body)
            return json.loads(body)["number"]

        def many_wait():
            _, page = self.thaw.curl_api("/metrics")
            lengths = [line.split()[-1] for line in page.splitlines()
                       if line.startswith("thaw_queue_length{")]
            return int(float(lengths[0])) >= 50 if lengths else False

        with concurrent.futures.ThreadPoolExecutor(60) as pool:
            greedy = [pool.submit(number, "127.0.0.1") for _ in range(60)]
            wait_until("50 requests wait", many_wait)
            modest = [number("127.0.0.2") for _ in range(3)]
        # Who came first of all would be the last but for its turn.
        self.assertLess(max(modest), max(future.result() for future in greedy))
        self.assertLess(modest[0], 60)

    def test_timeout_is_504_and_the_instance_lives_on(self):
        self.deploy(self.service_file("slow", "echo.py", AT_ZERO, {"DELAY": "3"}, timeout=1))
        # The first request pays the start within its second as well: 504 either way.
        status, body = self.thaw.curl("slow")
        self.assertEqual(status, 504, body)
        self.assertIn("timeout", body)

    def test_bodies_stream_through_whole(self):
        self.deploy(self.service_file("echo", "echo.py", AT_ZERO))
        with open(self.thaw.data_dir / "body", "wb") as file:
            file.truncate(20 << 20)
        path = f"@{self.thaw.data_dir}/body"
        status, body = self.thaw.curl("echo", "/", "--data-binary", path)
        self.assertEqual((status, json.loads(body)["body_bytes"]), (200, 20 << 20))
        status, body = self.thaw.curl("echo", "/", "-H", "Transfer-Encoding: chunked",
                                      "--data-binary", path)
        self.assertEqual(status, 200)

    def test_a_body_over_32_mib_is_413(self):
        self.deploy(self.service_file("echo", "echo.py", AT_ZERO))
        with open(self.thaw.data_dir / "body", "wb") as file:
            file.truncate((32 << 20) + 1)
        self.assertEqual(self.thaw.curl("echo", "/", "--data-binary",
                                        f"@{self.thaw.data_dir}/body")[0], 413)


if __name__ == "__main__":
    unittest.main()
