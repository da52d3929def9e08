"""The paper processor's demo, in short: 200 papers, three kills, none lost, none twice."""

import os
import pathlib
import re
import subprocess
import sys
import unittest

from harness import ROOT, THAW
from redis_server import need_redis


class Papers(unittest.TestCase):
    def test_all_papers_are_in_the_store_once_although_everything_was_killed(self):
        run = subprocess.run([sys.executable, str(pathlib.Path(ROOT) / "tools/demo_papers"), "200"],
                             capture_output=True, text=True, check=False, timeout=900,
                             env={**os.environ, "THAW": THAW})
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        facts = dict(re.findall(r"^ +([a-z (]+[a-z)]) {2,}(\d+)$", run.stdout, re.M))
        self.assertEqual((facts["in the store"], facts["lost"], facts["twice in the store"]),
                         ("200", "0", "0"), run.stdout)
        self.assertIn("nothing is left running", run.stdout)


if __name__ == "__main__":
    need_redis()
    # The worker runs on the system's Python, whichever runs this test.
    if subprocess.run(["/usr/bin/python3", "-c", "import redis"], capture_output=True,
                      check=False).returncode != 0:
        print("skipped: python3-redis is not installed", file=sys.stderr)
        sys.exit(77)
    unittest.main()
