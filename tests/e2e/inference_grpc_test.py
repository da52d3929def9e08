"""The Open Inference Protocol over gRPC: Google's client, and our text of the protocol."""

import base64
import concurrent.futures
import json
import shutil
import struct
import subprocess
import sys
import unittest

import npm_modules
from harness import HANG_SECONDS, PROGRAMS, ROOT, THAW

MODEL = ROOT / "examples/question-answering/model"
CONTEXT = "The harbour of Lindow was opened in 1874 by the engineer Marta Oswin."
QUESTIONS = ["Who opened the harbour of Lindow?", "When was the harbour of Lindow opened?"]
ANSWERS = ["Marta Oswin", "1874"]
INVALID_ARGUMENT, NOT_FOUND, RESOURCE_EXHAUSTED = 3, 5, 8


def packed(content):
    return {"base64": base64.b64encode(content).decode()}


def unpacked(value):
    return base64.b64decode(value["base64"])


def raw(texts):
    return packed(b"".join(struct.pack("<I", len(each)) + each.encode() for each in texts))


def tensor(name, texts, contents=True, datatype="BYTES"):
    made = {"name": name, "datatype": datatype, "shape": [len(texts)]}
    if contents:
        made["contents"] = {"bytes_contents": [packed(each.encode()) for each in texts]}
    return made


def request(questions=QUESTIONS, **more):
    inputs = [tensor("question", questions), tensor("context", [CONTEXT] * len(questions))]
    return {"model_name": "qa", "id": "42", "inputs": inputs} | more


@unittest.skipUnless(shutil.which("node") and shutil.which("npm"), "node is not installed")
class InferenceOverGrpc(unittest.TestCase):
    def setUp(self):
        self.process = subprocess.Popen(
            [THAW, "serve", "--model", f"qa={MODEL}", "--host", "127.0.0.1", "--port", "0"],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end)
        self.address = self.process.stderr.readline().split()[-1]

    def end(self):
        self.process.terminate()
        self.assertEqual(self.process.wait(timeout=HANG_SECONDS), 0)
        self.process.stderr.close()

    def ask(self, *calls):
        run = subprocess.run(
            ["node", PROGRAMS / "inference_client.mjs", npm_modules.installed(),
             ROOT / "docs/formats/open_inference.proto", self.address],
            input=json.dumps(calls), capture_output=True, text=True, check=False,
            timeout=HANG_SECONDS)
        self.assertEqual(run.returncode, 0, run.stderr)
        return json.loads(run.stdout)

    def test_the_server_and_its_model_are_described(self):
        infer, live, ready, model, server, about = self.ask(
            ["ModelInfer", request()],  # answered when the model is loaded
            ["ServerLive", {}], ["ServerReady", {}], ["ModelReady", {"name": "qa"}],
            ["ServerMetadata", {}], ["ModelMetadata", {"name": "qa"}])
        self.assertEqual(infer["model_name"], "qa")
        self.assertEqual(live, {"live": True})
        self.assertIn(ready, ({"ready": True}, {}))
        self.assertIn(model, ({"ready": True}, {}))
        self.assertEqual(self.ask(["ServerReady", {}], ["ModelReady", {"name": "qa"}]),
                         [{"ready": True}, {"ready": True}])
        self.assertEqual(server["name"], "thaw")
        self.assertEqual([each["name"] for each in about["inputs"]], ["question", "context"])
        self.assertEqual(about["outputs"][1],
                         {"name": "score", "datatype": "FP64", "shape": [-1]})

    def test_a_name_may_be_left_out_and_outputs_chosen(self):
        infer, ready, about, other = self.ask(
            ["ModelInfer", request(model_name="", model_version="1",
                                   outputs=[{"name": "end"}, {"name": "answer"}])],
            ["ModelReady", {}], ["ModelMetadata", {"version": "1"}],
            ["ModelReady", {"name": "qa", "version": "2"}])
        self.assertEqual(infer["model_name"], "qa")
        self.assertEqual([each["name"] for each in infer["outputs"]], ["end", "answer"])
        self.assertEqual(ready, {"ready": True})
        self.assertEqual(about["name"], "qa")
        self.assertEqual(other["code"], NOT_FOUND)

    def test_tensors_in_contents_are_answered_in_contents(self):
        answer = self.ask(["ModelInfer", request()])[0]
        self.assertEqual(answer["id"], "42")
        columns = {each["name"]: each["contents"] for each in answer["outputs"]}
        texts = [unpacked(each).decode() for each in columns["answer"]["bytes_contents"]]
        self.assertEqual(texts, ANSWERS)
        starts = columns["start"]["int64_contents"]
        self.assertEqual([CONTEXT[at:at + len(text)] for at, text in zip(starts, texts)], texts)
        self.assertTrue(all(0 < score <= 1 for score in columns["score"]["fp64_contents"]))

    def test_raw_tensors_are_answered_raw(self):
        inputs = [tensor("question", QUESTIONS, contents=False),
                  tensor("context", QUESTIONS, contents=False)]
        answer = self.ask(["ModelInfer", request(inputs=inputs, raw_input_contents=[
            raw(QUESTIONS), raw([CONTEXT] * 2)])])[0]
        columns = dict(zip((each["name"] for each in answer["outputs"]),
                           map(unpacked, answer["raw_output_contents"])))
        self.assertEqual(columns["answer"], unpacked(raw(ANSWERS)))
        starts = struct.unpack("<2q", columns["start"])
        self.assertEqual([CONTEXT[at:at + len(text)] for at, text in zip(starts, ANSWERS)],
                         ANSWERS)
        self.assertEqual(len(columns["score"]), 16)

    def test_what_is_wrong_has_a_code_and_words(self):
        wrong = [
            (request(model_name="none"), NOT_FOUND, "no model 'none'; there are qa"),
            (request(inputs=[]), INVALID_ARGUMENT, "'question' is missing"),
            (request(inputs=[tensor("query", ["a"])]), INVALID_ARGUMENT, "no input 'query'"),
            (request(inputs=[tensor("question", ["a"], datatype="FP32")]), INVALID_ARGUMENT,
             "inputs[0].datatype: must be BYTES"),
            (request(raw_input_contents=[packed(b"abc")]), INVALID_ARGUMENT,
             "raw_input_contents: has 1 tensors, inputs has 2"),
            (request(parameters={"top_k": {"int64_param": 2}}), INVALID_ARGUMENT, "top_k"),
            (request(parameters={"topk": {"int64_param": 1}}), INVALID_ARGUMENT,
             "did you mean 'top_k'?"),
            (request(model_version="99"), NOT_FOUND, "model 'qa' has no version '99'; there is 1"),
            (request(outputs=[{"name": "nope"}]), INVALID_ARGUMENT, "no output 'nope'"),
            (request(parameters={str(each): {"bool_param": True} for each in range(65)}),
             INVALID_ARGUMENT, "more than 64 parameters"),
        ]
        answers = self.ask(*(["ModelInfer", each] for each, _, _ in wrong),
                           ["ModelMetadata", {"name": "none"}], ["ModelReady", {"name": "none"}])
        for answer, (_, code, words) in zip(answers, wrong):
            self.assertEqual(answer["code"], code, answer)
            self.assertIn(words, answer["details"])
        self.assertEqual([each["code"] for each in answers[-2:]], [NOT_FOUND] * 2)

    def test_more_than_can_wait_is_told_to_come_again(self):
        # Long contexts: a call costs the server far more than its client, so that calls come faster
        # than they are answered on any machine. Several clients, since one holds 10 MB of calls.
        long = [tensor("question", ["Who came?"] * 16), tensor("context", [CONTEXT * 60] * 16)]
        calls = [["ModelInfer", request(inputs=long)]] * 120
        with concurrent.futures.ThreadPoolExecutor() as clients:
            answers = sum(clients.map(lambda _: self.ask(*calls), range(4)), [])
        refused = [each for each in answers if "code" in each]
        self.assertTrue(refused)
        self.assertGreater(len(answers), len(refused))
        for each in refused:
            self.assertEqual(each["code"], RESOURCE_EXHAUSTED, each)
            self.assertTrue(1 <= int(each["retryAfter"]) <= 60)


if __name__ == "__main__":
    if not (shutil.which("node") and shutil.which("npm")):
        sys.exit(77)
    unittest.main()
