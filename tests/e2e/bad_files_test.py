"""Wrong service files: a clear error with its place, exit code not 0, and nothing is stored."""

import json
import os
import unittest

from harness import AT_ZERO, PlatformTest


class BadFiles(PlatformTest):
    def assert_refused(self, text, *parts):
        run = self.deploy(text, check=False)
        self.assertNotEqual(run.returncode, 0)
        for part in parts:
            self.assertIn(part, run.stderr)
        self.assertEqual(self.thaw.json("services", "list"), [])

    def yaml(self, extra="", spec="", limits="memory: 256Mi"):
        return f"""apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: bad
spec:
  template:
    spec:
      {spec}
      containers:
        - image: thaw.local/host
          command: [/bin/true]
          {extra}
          resources:
            limits:
              {limits}
"""

    def test_unknown_field_names_line_and_nearest(self):
        self.assert_refused(self.yaml().replace("containers:", "contaners:"), "contaners",
                            "containers", ":9")

    def test_wrong_type(self):
        self.assert_refused(self.yaml(spec="timeoutSeconds: soon"), "timeoutSeconds", "soon")

    def test_negative_limit(self):
        self.assert_refused(self.yaml(limits="memory: -256Mi"), "memory", "-256Mi")

    def test_garbage(self):
        self.assert_refused("".join(chr(33 + b % 90) for b in os.urandom(1 << 20)))

    def test_empty(self):
        self.assert_refused("")

    def test_the_api_refuses_the_same(self):
        body = json.loads(self.service_file("bad", "echo.py", AT_ZERO))
        body["spec"]["template"]["spec"]["timeoutSeconds"] = -1
        status, answer = self.thaw.curl_api(
            "/apis/serving.knative.dev/v1/namespaces/default/services",
            "-H", "Content-Type: application/json", "-d", json.dumps(body))
        self.assertEqual(status, 400, answer)
        self.assertIn("timeoutSeconds", answer)
        self.assertEqual(self.thaw.json("services", "list"), [])


if __name__ == "__main__":
    unittest.main()
