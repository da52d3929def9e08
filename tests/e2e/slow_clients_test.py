"""`thaw serve` beside clients that send large bodies and do not finish them: they give way."""

import http.client
import json
import socket
import subprocess
import unittest

from harness import HANG_SECONDS, ROOT, THAW

MODEL = ROOT / "examples/question-answering/model"
BODY = 32 << 20  # the largest; four of them may come in together


class SlowClients(unittest.TestCase):
    def setUp(self):
        process = subprocess.Popen(
            [THAW, "serve", "--host", "127.0.0.1", "--port", "0", "--model", str(MODEL)],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end, process)
        for line in process.stderr:
            if " on 127.0.0.1:" in line:
                self.port = int(line.rpartition(":")[2])
                return
        raise AssertionError("the server ended")

    def end(self, process):
        process.terminate()
        self.assertEqual(process.wait(timeout=HANG_SECONDS), 0)
        process.stderr.close()

    def begin(self):
        """A client that sends all but the last byte."""
        client = socket.create_connection(("127.0.0.1", self.port), timeout=HANG_SECONDS)
        self.addCleanup(client.close)
        client.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % BODY)
        client.sendall(b" " * (BODY - 1))
        return client

    def post(self, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HANG_SECONDS)
        connection.request("POST", "/predict", body)
        answer = connection.getresponse()
        status, content = answer.status, answer.read()
        connection.close()
        return status, json.loads(content)

    def test_those_who_do_not_finish_keep_nobody_out(self):
        slow = [self.begin() for _ in range(4)]
        context = "The harbour of Lindow was opened in 1874 by the engineer Marta Oswin."
        question = {"question": "When was the harbour of Lindow opened?",
                    "context": context + " " * (3 << 20)}
        status, answer = self.post(json.dumps(question))
        self.assertEqual((status, answer["answer"]), (200, "1874"))
        fifth = self.begin()  # too much with the others: the first was slowest
        answer = slow[0].recv(4096)
        self.assertTrue(answer.startswith(b"HTTP/1.1 503 "), answer)
        self.assertIn(b"\r\nretry-after: 1\r\n", answer)
        self.assertIn(b'"status":"UNAVAILABLE"', answer)
        fifth.sendall(b" ")
        self.assertTrue(fifth.recv(4096).startswith(b"HTTP/1.1 400 "), "it is no JSON")


if __name__ == "__main__":
    unittest.main()
