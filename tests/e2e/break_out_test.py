"""A hostile program as a service reaches nothing but itself."""

import json
import os
import shutil
import unittest

from harness import AT_ZERO, PlatformTest


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("crun"),
                     "containers need root and crun; plain processes are not held back")
class BreakOut(PlatformTest):
    def test_every_attempt_fails(self):
        self.deploy(self.service_file("hostile", "hostile.py", AT_ZERO))
        ports = [address.rsplit(":", 1)[1] for address in (self.thaw.api, self.thaw.gateway)]
        status, body = self.thaw.curl("hostile", "/" + "/".join(ports))
        self.assertEqual(status, 200, body)
        answer = json.loads(body)
        self.assertEqual(answer["worked"], {})
        self.assertGreater(answer["tried"], 20)

    def test_filling_tmp_ends_only_the_one_that_fills_it(self):
        self.deploy(self.service_file("neighbour", "echo.py", AT_ZERO))
        self.deploy(self.service_file("hostile", "hostile.py", AT_ZERO))
        status, body = self.thaw.curl("hostile", "/fill")
        self.assertEqual(status, 500)
        self.assertIn("emory", body)
        self.assertEqual(self.thaw.curl("neighbour")[0], 200)


if __name__ == "__main__":
    unittest.main()
