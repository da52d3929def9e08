"""The page on which a model is tried, in a browser, through the gateway."""

import json
import os
import pathlib
import shutil
import tempfile
import unittest

import browser
from harness import ROOT, PlatformTest

EXAMPLE = ROOT / "examples/question-answering"


@browser.WANTED
class DocsPage(PlatformTest):
    options = ["--scale-to-zero-after", "60s", "--stop-grace", "1s"]

    def setUp(self):
        super().setUp()
        folder = tempfile.mkdtemp(prefix="thaw-e2e-model-", dir=pathlib.Path.home())
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.model = shutil.copytree(EXAMPLE / "model", f"{folder}/model")
        self.deploy((EXAMPLE / "service.yaml").read_text().replace("/path/to/model", self.model))

    def test_a_question_that_is_typed_in_is_answered_on_the_page(self):
        port = self.thaw.gateway.rpartition(":")[2]
        question = {"context": "The harbour of Lindow was opened in 1874 by Marta Oswin.",
                    "question": "Who opened the harbour of Lindow?"}
        wrong = ["fill", "#body", "{"]
        picture = os.environ.get("THAW_E2E_SCREENSHOT")
        seen, faults = browser.run(
            ["goto", f"http://answers.localhost:{port}/docs"],
            ["until", "#path", "/predict"],
            ["text", "#path option"],
            ["fill", "#body", json.dumps(question)],
            ["click", "#send"],
            ["until", "#status", "200 OK"],
            ["text", "#answer"],
            ["text", "#curl"],
            *([["screenshot", picture]] if picture else []),
            wrong, ["click", "#send"],
            ["until", "#status", "400"],
            ["text", "#answer"])
        _, first, _, answer, curl, _, fault = seen
        self.assertIn("/predict", first)
        self.assertEqual(json.loads(answer)["answer"], "Marta Oswin")
        self.assertIn(f"http://answers.localhost:{port}/predict", curl)
        self.assertIn("Marta Oswin", curl)
        self.assertIn("JSON", fault)
        # The browser itself tells of the 400 that was provoked, and of nothing else.
        self.assertEqual([line for line in faults if "400" not in line and "404" not in line], [])


if __name__ == "__main__":
    unittest.main()
