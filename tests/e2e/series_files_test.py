"""Series files as people have them: each is forecast, or refused with an exit code, a status and
the same words that say where and what to do."""

import datetime
import json
import os
import pathlib
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from harness import HANG_SECONDS, THAW

DAYS = [f"2024-{month:02}-{day:02}" for month in (1, 2, 3) for day in range(1, 29)]
ROWS = [(day, str(100 + number % 7)) for number, day in enumerate(DAYS)]


def table(rows, separator=",", header="ds,y", end="\n"):
    lines = [header.replace(",", separator)] + [separator.join(row) for row in rows]
    return end.join(lines) + end


def with_dates(change):
    return table([(change(day), y) for day, y in ROWS])


def with_values(change):
    return table([(day, change(number, y)) for number, (day, y) in enumerate(ROWS)])


def day_month_year(day):
    return datetime.date.fromisoformat(day).strftime("%d/%m/%Y")


PLAIN = table(ROWS)
FORECAST = {
    "plain": PLAIN,
    "a UTF-8 byte-order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "Windows' line ends": table(ROWS, end="\r\n"),
    "old Macs' line ends": table(ROWS, end="\r"),
    "a Latin-1 text in a column": table(
        [(*row, "é") for row in ROWS], header="ds,y,note").encode("latin-1"),
    "quoted values": table([(f'"{day}"', f'"{y}"') for day, y in ROWS]),
    "dates with a T": with_dates(lambda day: day + "T00:00"),
    "dates with midnight": with_dates(lambda day: day + " 00:00:00"),
    "missing values": with_values(lambda number, y: "" if number % 5 == 0 else y),
    "missing values by name": with_values(lambda number, y: "NaN" if number % 5 == 0 else y),
    "missing values as pandas and R have them": with_values(
        lambda number, y: ("None", "#N/A", "n/a", "<NA>")[number % 4] if number % 5 == 0 else y),
    "row numbers without a name": table(
        [(str(number), *row) for number, row in enumerate(ROWS)], header=",ds,y"),
    "small changes of large values": with_values(lambda number, y: str(623031970 + 9 * number)),
    "missing days": table(ROWS[:20] + ROWS[35:]),
    "rows in any order": table(ROWS[40:] + ROWS[:40]),
    "a date twice": table(ROWS + ROWS[:1]),
    "numbers with exponents": with_values(lambda number, y: y + "e0"),
    "two rows": table(ROWS[:2]),
}
UTF16 = "UTF-16: save it as UTF-8"
REFUSED = {
    "nothing": ("", "the file is empty: it needs the columns ds,y"),
    "blank lines": ("\n\n \n", "no column 'ds' or 'date'"),
    "a header alone": ("ds,y\n", "at least 2 are needed"),
    "one row": (table(ROWS[:1]), "1 rows with a value of y: at least 2 are needed"),
    "one date": (table(ROWS[:1] * 9), "all 9 rows are of one date"),
    "no value at all": (with_values(lambda number, y: ""), "0 rows with a value of y"),
    "UTF-16 with its mark": (PLAIN.encode("utf-16"), UTF16),
    "UTF-16, the other way round": (b"\xfe\xff" + PLAIN.encode("utf-16-be"), UTF16),
    "UTF-16 without its mark": (PLAIN.encode("utf-16-le"), UTF16),
    "UTF-16 big-endian without it": (PLAIN.encode("utf-16-be"), UTF16),
    "a Latin-1 name of a column": (
        table([(*row, "1") for row in ROWS], header="ds,y,Größe").encode("latin-1"),
        "of column 3 is no UTF-8: save the file as UTF-8"),
    "a Latin-1 name of a series": (
        table([(*row, "Köln") for row in ROWS], header="ds,y,unique_id").encode("latin-1"),
        "line 2: column 'unique_id': 'K\\xf6ln' is no UTF-8"),
    "zeros": (bytes(4000), "no column 'ds' or 'date'"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "is no UTF-8"),
    "semicolons": (table(ROWS, ";"), "separate the columns by commas"),
    "tabs": (table(ROWS, "\t"), "separate the columns by commas"),
    "bars": (table(ROWS, "|"), "separate the columns by commas"),
    "no header": (PLAIN[len("ds,y\n"):], "put a line 'ds,y' before it"),
    "other names": (table(ROWS, header="time,value"), "the header names 'time', 'value'"),
    "day, month and year": (
        with_dates(day_month_year),
        "line 2: column 'ds': '01/01/2024' is no date: write YYYY-MM-DD"),
    "a date that is none": (table([*ROWS[:9], ("2024-02-30", "1")]),
                            "'2024-02-30' is a date that no calendar has"),
    "an hour that is none": (table([*ROWS[:9], ("2024-02-03 25:00", "1")]), "a time of day past"),
    "dates in UTC": (with_dates(lambda day: day + "T00:00:00Z"), "has a timezone"),
    "dates in a zone": (with_dates(lambda day: day + " 00:00:00+02:00"), "has a timezone"),
    "dates in a named zone": (with_dates(lambda day: day + " 00:00 Europe/Rome"), "has a timezone"),
    "halves of days": (with_dates(lambda day: day + " 10:00 PM"), "write hours from 00 to 23"),
    "seconds since 1970": (table([("1704067200", "1")] + ROWS), "'1704067200' is no date"),
    "an empty date": (table([*ROWS[:9], ("", "1")]), "line 11: column 'ds': "),
    "text in numbers": (with_values(lambda number, y: "many" if number == 30 else y),
                        "line 32: column 'y': 'many' is no number"),
    "decimal commas": (with_values(lambda number, y: f'"{y},5"'), "write it with a decimal point"),
    "thousands marks": (with_values(lambda number, y: f'"1,{y}"'), "without thousands marks"),
    "currency": (with_values(lambda number, y: "$" + y), "'$100' is no number"),
    "infinity": (with_values(lambda number, y: "inf" if number == 4 else y), "is not finite"),
    "a row too short": (PLAIN + "2024-05-01\n", "1 values where the header has 2 columns"),
    "a row too long": (PLAIN + "2024-05-01,1,2\n", "3 values where the header has 2 columns"),
    "an open quote": (PLAIN + '"2024-05-01,1\n', "a quoted value has no closing quote"),
    "an endless line": ("ds,y\n" + "x" * (1 << 20), "the line is longer than 64 KiB"),
    "more columns than are read": (",".join(map(str, range(9999))), "more than 256 values"),
}
MANY = "more than 200000 rows: aggregate the series or cut its beginning"


class SeriesFiles(unittest.TestCase):
    def setUp(self):
        self.process = subprocess.Popen(
            [THAW, "serve", "--task", "forecast", "--host", "127.0.0.1", "--port", "0"],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end)
        line = self.process.stderr.readline()
        self.address = "http://" + line.split()[-1]
        handle, self.path = tempfile.mkstemp(suffix=".csv")
        os.close(handle)
        self.addCleanup(os.unlink, self.path)

    def end(self):
        self.process.terminate()
        self.assertEqual(self.process.wait(timeout=HANG_SECONDS), 0)
        self.process.stderr.close()

    def forecast(self, content, *options):
        """(exit code, output, what it said) of `thaw forecast FILE`."""
        pathlib.Path(self.path).write_bytes(content)
        run = subprocess.run([THAW, "forecast", self.path, "--output", "csv", "--no-draw",
                              "--periods", "7", *options], capture_output=True, text=True,
                             check=False, timeout=HANG_SECONDS)
        return run.returncode, run.stdout, run.stderr

    def post(self, content, query="periods=7"):
        request = urllib.request.Request(f"{self.address}/predict?{query}", content,
                                         {"Content-Type": "text/csv"})
        try:
            with urllib.request.urlopen(request, timeout=HANG_SECONDS) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def refused(self, content, words):
        code, output, said = self.forecast(content)
        self.assertEqual((code, output), (1, ""), said)
        self.assertIn(words, said)
        self.assertIn(self.path, said)
        status, body = self.post(content)
        self.assertEqual(status, 400, body)
        error = json.loads(body)["error"]
        self.assertEqual((error["code"], error["status"]), (400, "INVALID_ARGUMENT"))
        self.assertIn(words, error["message"])

    def test_what_can_be_read_is_forecast_the_same_by_both(self):
        for name, content in FORECAST.items():
            with self.subTest(name):
                content = content if isinstance(content, bytes) else content.encode()
                code, output, said = self.forecast(content)
                self.assertEqual(code, 0, said)
                self.assertEqual(len(output.splitlines()), 8)
                status, body = self.post(content)
                self.assertEqual(status, 200, body)
                self.assertEqual(body, output)

    def test_what_cannot_be_read_is_refused_with_the_same_words(self):
        for name, (content, words) in REFUSED.items():
            with self.subTest(name):
                self.refused(content if isinstance(content, bytes) else content.encode(), words)

    def test_errors_and_notes_are_told_as_all_commands_tell_them(self):
        content = b"ds,y,shop\n2024-01-01,1,a\n2024-01-02,2,b\n2024-01-03,2,b\n"
        self.assertIn("note: columns not used: shop", self.forecast(content)[2])
        self.assertEqual(self.forecast(content, "--quiet")[2], "")
        code, _, said = self.forecast(b"this,is\nno,series\n", "--quiet")
        self.assertEqual(code, 1)
        self.assertTrue(said.startswith(f"thaw: {self.path}: line 1: no column 'ds'"), said)
        code, output, said = self.forecast(b"this,is\nno,series\n", "--json")
        error = json.loads(said)["error"]
        self.assertEqual((code, output, error["exitCode"]), (1, "", 1))
        self.assertIn("no column 'ds'", error["message"])
        some = b"unique_id,ds,y\na,2024-01-01,1\nb,2024-01-01,1\nb,2024-01-02,2\nb,2024-01-03,1\n"
        code, output, said = self.forecast(some, "--quiet")
        self.assertEqual((code, len(output.splitlines())), (1, 8))
        self.assertIn("1 of 2 series failed\nunique_id 'a': the history has 1 rows", said)

    def test_a_million_rows_of_one_series_are_refused(self):
        self.refused(b"ds,y\n" + b"2024-01-01 00:00:00,1\n" * 1_000_000, MANY)

    def test_a_million_rows_of_a_thousand_series_are_forecast(self):
        first = datetime.date(2021, 1, 1)
        days = [(first + datetime.timedelta(days=day)).isoformat() for day in range(1000)]
        text = "unique_id,ds,y\n" + "".join(
            f"s{series},{day},{series + number % 7 + number % 3}\n"
            for series in range(1000) for number, day in enumerate(days))
        fast = ["--n-changepoints", "3", "--yearly-seasonality", "false",
                "--uncertainty-samples", "0"]
        code, output, said = self.forecast(text.encode(), *fast)
        self.assertEqual(code, 0, said)
        self.assertEqual(len(output.splitlines()), 1 + 7000)
        query = "periods=7&n_changepoints=3&yearly_seasonality=false&uncertainty_samples=0"
        status, body = self.post(text.encode(), query)
        self.assertEqual(status, 200, body[:500])
        self.assertEqual(body, output)


if __name__ == "__main__":
    unittest.main()
