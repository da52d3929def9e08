"""1.6 Request path: concurrency, waiting, refusing, timeouts, status codes."""

import json
import re
import socket
import unittest

from contract import AT_ZERO, ContractTest, wait_until


class Waiting(ContractTest):
    def test_an_instance_never_has_more_requests_than_its_concurrency(self):
        self.deploy_at_zero("echo", "echo.py", concurrency=3, env={"DELAY": "0.05"})
        answers = self.load("echo", threads=12, count=5)
        self.assertEqual({status for status, _, _ in answers}, {200})
        self.assertLessEqual(max(json.loads(body)["most_inside"] for _, body, _ in answers), 3)

    def test_never_more_instances_than_the_maximum(self):
        self.deploy_at_zero("echo", "echo.py", concurrency=1, env={"DELAY": "0.05"},
                            annotations={"autoscaling.knative.dev/maxScale": "2"})
        answers = self.load("echo", threads=10, count=4)
        self.assertEqual({status for status, _, _ in answers}, {200})
        self.assertLessEqual(len({json.loads(body)["instance"] for _, body, _ in answers}), 2)

    def test_those_in_time_are_answered_the_rest_get_429_with_retry_after(self):
        self.deploy_at_zero("echo", "echo.py", concurrency=1, env={"DELAY": "0.1"},
                            annotations={"autoscaling.knative.dev/maxScale": "1"})
        answers = self.load("echo", threads=300, count=1)
        self.assertEqual(len(answers), 300)
        self.assertLessEqual({status for status, _, _ in answers}, {200, 429})
        served = [body for status, body, _ in answers if status == 200]
        refused = [(body, after) for status, body, after in answers if status == 429]
        # Ten seconds of waiting, a tenth of one each: about a hundred.
        self.assertGreater(len(served), 40)
        self.assertGreater(len(refused), 100)
        # Each that was answered was run once, and no other.
        self.assertEqual(sorted(json.loads(body)["number"] for body in served),
                         list(range(1, len(served) + 1)))
        for body, after in refused:
            self.assertGreaterEqual(int(after), 1)
            self.assertIn(b"no available instance", body)


class Order(ContractTest):
    """One place, and callers who come one by one: each is known to wait before the next comes."""

    def setUp(self):
        super().setUp()
        self.deploy_at_zero("echo", "echo.py", concurrency=1, env={"DELAY": "2"},
                            annotations={"autoscaling.knative.dev/maxScale": "1"})
        self.assertEqual(self.thaw.curl("echo")[0], 200)
        self.callers = []
        self.addCleanup(lambda: [caller.close() for caller in self.callers])

    def arrived(self):
        """Requests that the gateway knows of: answered, inside, waiting."""
        _, page = self.thaw.curl_api("/metrics")
        return sum(map(int, re.findall(
            r'^thaw_(?:requests_in_flight|queue_length|requests_total)'
            r'{service="echo"(?:,response_code_class="2xx")?} (\d+)$', page, re.MULTILINE)))

    def call(self):
        caller = socket.create_connection(self.address(), timeout=120)
        self.callers.append(caller)
        caller.sendall(b"GET / HTTP/1.1\r\nHost: echo.localhost\r\nConnection: close\r\n\r\n")

    def answer(self, caller):
        text = b""
        while piece := caller.recv(65536):
            text += piece
        head, _, body = text.partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 200"), head)
        return json.loads(body)["number"]

    def test_who_waits_is_answered_in_order_of_arrival(self):
        for number in range(2, 7):
            self.call()
            wait_until("it arrived", lambda: self.arrived() == number)  # pylint: disable=W0640
        self.assertEqual([self.answer(caller) for caller in self.callers], list(range(2, 7)))

    def test_a_caller_that_goes_away_is_not_run(self):
        for number in range(2, 7):
            self.call()
            wait_until("it arrived", lambda: self.arrived() == number)  # pylint: disable=W0640
        for caller in self.callers[2:4]:
            caller.close()
        numbers = [self.answer(self.callers[at]) for at in (0, 1, 4)]
        self.assertEqual(numbers, [2, 3, 4])
        # Nobody else was run: the next is the fifth.
        self.assertEqual(json.loads(self.thaw.curl("echo")[1])["number"], 5)


class Timeouts(ContractTest):
    def test_over_its_time_a_request_gets_504_and_the_instance_lives_on(self):
        self.deploy_at_zero("echo", "echo.py", env={"DELAY": "2"}, timeout=1)
        status, body = self.thaw.curl("echo")
        self.assertEqual(status, 504)
        self.assertIn("maximum request timeout", body)
        self.assertEqual(len(self.thaw.instances("echo")), 1)

    def test_timeouts_are_from_1_to_3600_seconds(self):
        for timeout in (0, -1, 3601):
            run = self.deploy(self.service_file("echo", "echo.py", AT_ZERO, timeout=timeout),
                              check=False)
            if timeout != 0:  # 0 is the default, as Kubernetes writes it
                self.assertNotEqual(run.returncode, 0, timeout)
                self.assertIn("timeoutSeconds", run.stderr)


class Statuses(ContractTest):
    def test_an_unknown_name_is_404(self):
        self.assertEqual(self.thaw.curl("nobody")[0], 404)

    def test_one_that_cannot_start_is_503_and_says_why(self):
        self.deploy_at_zero("exits", "exits.py")
        status, body = self.thaw.curl("exits")
        self.assertEqual(status, 503)
        self.assertIn("exit", body)

    def test_one_that_dies_with_a_request_in_it_is_503(self):
        self.deploy_at_zero("dies", "dies.py")
        status, body = self.thaw.curl("dies", "/die")
        self.assertEqual(status, 503, body)
        self.assertEqual(self.thaw.curl("dies", "/")[0], 200)


if __name__ == "__main__":
    unittest.main()
