"""A model whose file is edited under the server: it ends, and says why."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from harness import HANG_SECONDS, ROOT, THAW


class EditedModel(unittest.TestCase):
    def test_weights_cut_short_under_the_server_end_it_with_a_line(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-edited-")) / "model"
        self.addCleanup(shutil.rmtree, folder.parent)
        shutil.copytree(ROOT / "tests/data/encoders/distilbert-qa", folder)
        weights = folder / "model.safetensors"
        weights.chmod(0o644)
        process = subprocess.Popen(
            [THAW, "serve", "--model", str(folder), "--host", "127.0.0.1", "--port", "0"],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "HOME": str(folder.parent)})
        self.addCleanup(process.stderr.close)
        said = []
        while not said or not said[-1].startswith("ready after"):
            said.append(process.stderr.readline())
            self.assertTrue(said[-1], said)
        address = next(line.split()[-1] for line in said if line.startswith("serving "))
        os.truncate(weights, 0)
        request = urllib.request.Request(
            f"http://{address}/predict", b'{"question": "Who came?", "context": "Ada came."}',
            {"Content-Type": "application/json"})
        with self.assertRaises((urllib.error.URLError, ConnectionError)):
            urllib.request.urlopen(request, timeout=HANG_SECONDS)
        self.assertEqual(process.wait(timeout=HANG_SECONDS), -signal.SIGBUS)
        self.assertIn("error: a file of the model was cut short while it was in use",
                      process.stderr.read())


if __name__ == "__main__":
    unittest.main()
