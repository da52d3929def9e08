"""`thaw serve` asked more than it can answer: right answers, 429 with Retry-After, nothing else."""

import json
import subprocess
import sys
import unittest

from harness import HANG_SECONDS, ROOT, THAW

sys.path.insert(0, str(ROOT / "bench/serve_load"))
import load  # noqa: E402

CALLERS = 64
SECONDS = 2.5
MODEL = ROOT / "examples/question-answering/model"
MOST_KIB = 128 * 1024  # private; what the queue may hold is 64 MiB


class Overload(unittest.TestCase):
    def serve(self, *words):
        process = subprocess.Popen(
            [THAW, "serve", "--host", "127.0.0.1", "--port", "0", *words],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end, process)
        for line in process.stderr:
            if " on 127.0.0.1:" in line:
                return process.pid, int(line.rpartition(":")[2])
        raise AssertionError("the server ended")

    def end(self, process):
        process.terminate()
        self.assertEqual(process.wait(timeout=HANG_SECONDS), 0)
        process.stderr.close()

    def overload(self, server, least):
        peak = load.closed(server, CALLERS, SECONDS)
        self.assertEqual(peak.faults(), {})
        self.assertGreater(peak.counts["200"], 0)
        # More than can wait, however fast this machine is.
        rate = max(2 * peak.rate(), least / SECONDS)
        over = load.steady(server, CALLERS, SECONDS, rate)
        self.assertEqual(over.faults(), {})
        self.assertGreater(over.counts["200"], 0)
        self.assertGreater(over.counts["429"], 0, over.counts)
        self.assertLess(server.memory_kib(), MOST_KIB)

    def test_questions(self):
        pid, port = self.serve("--model", str(MODEL))
        held_out = json.loads((MODEL / "held_out.json").read_text())[:8]
        context = " ".join(each["context"] for each in held_out[:2])
        asked = [{"question": each["question"], "context": context} for each in held_out]
        request = ("/predict", "application/json", json.dumps({"inputs": asked}).encode())
        spans = set()

        def is_right(_, body):
            answers = json.loads(body)
            spans.add(tuple((each["start"], each["end"]) for each in answers))
            return all(context[each["start"]:each["end"]] == each["answer"] for each in answers)

        self.overload(load.Server(port, pid, [request], is_right), 1200)
        self.assertEqual(len(spans), 1, "the same at any load")

    def test_forecasts(self):
        pid, port = self.serve("--task", "forecast")
        history = (ROOT / "examples/forecaster/hyndsight.csv").read_bytes()
        answers = set()

        def is_right(_, body):
            answers.add(body)
            return body.startswith(b"ds,yhat")

        request = ("/predict?periods=7", "text/csv", history)
        self.overload(load.Server(port, pid, [request], is_right), 300)
        self.assertEqual(len(answers), 1, "the same at any load")


if __name__ == "__main__":
    unittest.main()
