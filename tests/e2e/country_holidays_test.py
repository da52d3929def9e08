"""Holidays of countries: tables made from the kept package, read by the command and the server."""

import csv
import datetime
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.parse
import urllib.request

from harness import HANG_SECONDS, ROOT, THAW

PACKAGED = subprocess.run(["/usr/bin/python3", "-c", "import holidays"], capture_output=True,
                          check=False).returncode == 0


def history():
    """Four years of days with a jump at Christmas and on the fourth of July."""
    lines = ["ds,y"]
    for number in range(4 * 365):
        day = datetime.date(2019, 1, 1) + datetime.timedelta(days=number)
        jump = {(12, 25): 30, (7, 4): -20}.get((day.month, day.day), 0)
        lines.append(f"{day},{100 + 3 * math.sin(number / 7 * 2 * math.pi) + jump:.3f}")
    return "\n".join(lines) + "\n"


@unittest.skipUnless(PACKAGED, "python3-holidays is not installed")
class CountryHolidays(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="thaw-holidays-"))
        self.addCleanup(shutil.rmtree, self.work)
        self.tables = self.work / "tables"
        self.make("--years", "2018-2025", "US", "DE")
        self.file = self.work / "history.csv"
        self.file.write_text(history())
        self.environment = os.environ | {"THAW_COUNTRY_HOLIDAYS": str(self.tables)}

    def make(self, *words):
        run = subprocess.run([ROOT / "tools/country-holidays", self.tables, *words],
                             capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)

    def forecast(self, *options):
        return subprocess.run(
            [THAW, "forecast", self.file, "--periods", "365", "--output", "csv", "--no-draw",
             *options], capture_output=True, text=True, check=False, env=self.environment,
            timeout=HANG_SECONDS)

    def rows(self, text):
        return {row["ds"]: row for row in csv.DictReader(text.splitlines())}

    def test_a_countrys_days_are_learnt_and_forecast(self):
        run = self.forecast("--country-holidays", "US")
        self.assertEqual(run.returncode, 0, run.stderr)
        rows = self.rows(run.stdout)
        self.assertAlmostEqual(float(rows["2023-12-25"]["Christmas Day"]), 30, delta=3)
        self.assertAlmostEqual(float(rows["2023-07-04"]["holidays"]), -20, delta=3)
        self.assertEqual(float(rows["2023-07-05"]["holidays"]), 0)

    def test_a_table_of_ones_own_goes_before(self):
        own = self.work / "own.csv"
        own.write_text("holiday,ds,country\n" + "".join(
            f"{name},{day},US\n" for name, day in
            [("Jump", f"{year}-07-04") for year in range(2019, 2025)]))
        run = self.forecast("--country-holidays", "US", "--holidays", str(own))
        self.assertEqual(run.returncode, 0, run.stderr)
        rows = self.rows(run.stdout)
        self.assertIn("Jump", rows["2023-07-04"])
        self.assertNotIn("Christmas Day", rows["2023-07-04"])

    def test_what_is_not_there_is_told(self):
        for country, words in (("XX", "there is no table of XX"), ("../US", "no country's name")):
            run = self.forecast("--country-holidays", country)
            self.assertEqual(run.returncode, 2, run.stderr)
            self.assertIn(words, run.stderr)
        run = subprocess.run([ROOT / "tools/country-holidays", self.tables, "XX"],
                             capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 1)
        self.assertIn("not known: XX", run.stderr)

    def test_the_server_takes_them_too(self):
        process = subprocess.Popen(
            [THAW, "serve", "--task", "forecast", "--host", "127.0.0.1", "--port", "0"],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=self.environment)
        try:
            address = "http://" + process.stderr.readline().split()[-1]
            wanted = self.forecast("--country-holidays", "DE").stdout

            def post(query):
                url = f"{address}/predict?{urllib.parse.urlencode(query)}"
                request = urllib.request.Request(url, history().encode(),
                                                 {"Content-Type": "text/csv"})
                try:
                    with urllib.request.urlopen(request, timeout=HANG_SECONDS) as answer:
                        return answer.status, answer.read().decode()
                except urllib.error.HTTPError as error:
                    with error:
                        return error.code, error.read().decode()

            status, got = post({"periods": 365, "country_holidays": "DE"})
            self.assertEqual((status, got), (200, wanted))
            status, got = post({"country_holidays": "XX"})
            self.assertEqual(status, 400)
            self.assertIn("there is no table of XX", json.loads(got)["error"]["message"])
        finally:
            process.terminate()
            process.wait(timeout=HANG_SECONDS)
            process.stderr.close()


if __name__ == "__main__":
    if not PACKAGED:
        sys.exit(77)
    unittest.main()
