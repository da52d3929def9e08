"""The forecast server on its own: what it refuses, whom it forgets, what it tells of itself."""

import json
import re
import socket
import subprocess
import unittest
import urllib.error
import urllib.request

from harness import HANG_SECONDS, THAW, wait_until


def panel(series, rows=3):
    return ("unique_id,ds,y\n" + "".join(
        f"s{number},2024-01-{day + 1:02},{day % 3 + 1}\n"
        for number in range(series) for day in range(rows))).encode()


class ForecastServer(unittest.TestCase):
    def setUp(self):
        self.process = subprocess.Popen(
            [THAW, "serve", "--task", "forecast", "--host", "127.0.0.1", "--port", "0"],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end)
        self.address = self.process.stderr.readline().split()[-1]
        self.assertRegex(self.process.stderr.readline(), r"^ready after ")

    def end(self):
        self.process.terminate()
        self.assertEqual(self.process.wait(timeout=HANG_SECONDS), 0)
        self.process.stderr.close()

    def ask(self, path, body=None, method=None):
        request = urllib.request.Request(f"http://{self.address}{path}", body,
                                         {"Content-Type": "text/csv"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=HANG_SECONDS) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read().decode()

    def test_series_that_would_draw_for_minutes_are_refused_together(self):
        status, _, body = self.ask("/predict?periods=2000&uncertainty_samples=10000", panel(40))
        self.assertEqual(status, 413, body)
        self.assertIn("80000 rows to forecast of 40 series", json.loads(body)["error"]["message"])
        status, _, body = self.ask("/predict?periods=2000&uncertainty_samples=0", panel(40))
        self.assertEqual((status, len(body.splitlines())), (200, 1 + 40 * 2000))

    def test_series_that_would_be_fitted_for_minutes_are_refused_together(self):
        season = "seasonalities=wild,period=365.25,fourier_order=250"
        status, _, body = self.ask(f"/predict?uncertainty_samples=0&{season}", panel(150))
        self.assertEqual(status, 413, body)
        self.assertIn("the fits of 150 series are ", json.loads(body)["error"]["message"])
        status, _, body = self.ask("/predict?seasonalities=wild,period=365.25,fourier_order=700",
                                   b"ds,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,2\n")
        self.assertEqual(status, 400, body)
        self.assertIn("are more than can be fitted", json.loads(body)["error"]["message"])

    def test_a_caller_that_left_is_forgotten_and_counted_as_gone(self):
        host, port = self.address.rsplit(":", 1)
        body = panel(50)
        with socket.create_connection((host, int(port))) as left:
            left.sendall(b"POST /predict?periods=2000&uncertainty_samples=1000 HTTP/1.1\r\n"
                         b"Host: x\r\nContent-Type: text/csv\r\n"
                         b"Content-Length: %d\r\n\r\n" % len(body) + body)
            wait_until("it runs", lambda: "inference_queue_length 1\n" in self.ask("/metrics")[2])
        self.assertEqual(self.ask("/predict", panel(1, 9))[0], 200)
        self.assertIn('inference_requests_total{path="/predict",code="499"} 1\n',
                      self.ask("/metrics")[2])

    def test_metrics_are_read_by_get_and_head_and_tell_of_the_start(self):
        status, headers, body = self.ask("/metrics", method="HEAD")
        self.assertEqual((status, body), (200, ""))
        status, headers, body = self.ask("/metrics", b"", method="POST")
        self.assertEqual((status, headers.get("Allow")), (405, "GET, HEAD"), body)
        self.ask("/predict", panel(1, 9))
        steps = dict(re.findall(r'inference_start_seconds\{step="([^"]*)"\} (\S+)',
                                self.ask("/metrics")[2]))
        self.assertEqual(set(steps), {"exec", "load", "listen", "first answer"})
        times = [float(steps[name]) for name in ("exec", "load", "listen", "first answer")]
        self.assertEqual(times, sorted(times))


if __name__ == "__main__":
    unittest.main()
