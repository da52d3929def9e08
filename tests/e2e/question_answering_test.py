"""Question answering on the platform: a model's folder, woken from zero by the first question."""

import json
import pathlib
import shutil
import tempfile
import unittest

from harness import ROOT, PlatformTest

EXAMPLE = ROOT / "examples/question-answering"


class QuestionAnswering(PlatformTest):
    def setUp(self):
        super().setUp()
        # Instances have a /tmp of their own: a clone's model there goes where it is seen.
        folder = tempfile.mkdtemp(prefix="thaw-e2e-model-", dir=pathlib.Path.home())
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.model = shutil.copytree(EXAMPLE / "model", f"{folder}/model")
        self.deploy((EXAMPLE / "service.yaml").read_text().replace("/path/to/model", self.model))

    def ask(self, context, question):
        status, body = self.thaw.curl(
            "answers", "/predict", "-X", "POST", "-H", "Content-Type: application/json",
            "-d", json.dumps({"context": context, "question": question}))
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def test_the_first_question_wakes_it_and_is_answered_with_a_span(self):
        self.assertEqual(self.thaw.instances("answers"), [])
        context = "The harbour of Lindow was opened in 1874 by the engineer Marta Oswin."
        answer = self.ask(context, "Who opened the harbour of Lindow?")
        self.assertEqual(answer["answer"], "Marta Oswin")
        self.assertEqual(context[answer["start"]:answer["end"]], "Marta Oswin")
        self.assertEqual(self.ask(context, "When was the harbour of Lindow opened?")["answer"],
                         "1874")
        starts = self.thaw.json("services", "describe", "answers", "--details")["starts"]
        self.assertEqual(len(starts), 1)
        self.wait_for_zero("answers")

    def test_most_questions_that_it_was_not_trained_on_are_answered_right(self):
        held_out = json.loads((EXAMPLE / "model/held_out.json").read_text())
        right = sum(self.ask(each["context"], each["question"])["answer"] == each["answer"]
                    for each in held_out)
        self.assertGreaterEqual(right, 80, f"of {len(held_out)}")


if __name__ == "__main__":
    unittest.main()
