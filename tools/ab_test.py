#!/usr/bin/env python3
"""ab.py takes turns, reports medians and spread, and refuses what it cannot measure."""

import json
import subprocess
import sys
import unittest
from pathlib import Path

import ab

AB = str(Path(__file__).with_name("ab.py"))


class Compare(unittest.TestCase):
    def test_sides_take_turns_in_going_first_and_warmups_do_not_count(self):
        order = []

        def side(name: str, value: float):
            return lambda: order.append(name) or value

        result = ab.compare(side("a", 1.0), side("b", 2.0), runs=3, warmup=1)
        self.assertEqual("".join(order), "ba" + "ab" + "ba" + "ab")
        self.assertEqual(len(result.ours.values), 3)

    def test_ratio_is_of_the_medians_and_spread_of_the_pairs(self):
        ours, peer = iter([1.0, 9.0, 3.0]), iter([2.0, 2.0, 2.0])
        result = ab.compare(lambda: next(ours), lambda: next(peer), runs=3, warmup=0)
        self.assertEqual(result.ratio, 1.5)
        self.assertEqual(result.pair_ratios, [0.5, 4.5, 1.5])

    def test_json_line_has_the_fields_of_bench_run(self):
        result = ab.Comparison(ab.Side([2.0]), ab.Side([4.0]))
        line = json.loads(result.as_json("fit", "s", "lower", 0.05))
        wanted = {"name": "fit", "unit": "s", "ours": 2.0, "peer": 4.0, "ratio": 0.5}
        self.assertEqual(line, wanted | {"min": 0.5, "max": 0.5, "goal": 0.05, "better": "lower"})

    def test_a_peer_of_zero_is_no_crash(self):
        self.assertEqual(ab.Comparison(ab.Side([1.0]), ab.Side([0.0])).ratio, float("inf"))

    def test_no_runs_is_refused(self):
        with self.assertRaises(ValueError):
            ab.compare(lambda: 1.0, lambda: 1.0, runs=0)


class CommandLine(unittest.TestCase):
    def run_ab(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, AB, *words], capture_output=True, text=True)

    def test_a_number_is_taken_from_the_output(self):
        words = ["--runs", "2", "--measure", r"rate (\d+)", "--name", "x", "--better", "higher"]
        done = self.run_ab(*words, "echo rate 30", "echo rate 10")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["ratio"], 3.0)
        self.assertIn("ratio 3.000", done.stderr)

    def test_memory_is_measured(self):
        done = self.run_ab("--runs", "1", "--measure", "rss", "true", "true")
        self.assertRegex(done.stdout, r"ours  median [\d.]+ MiB")

    def test_a_failing_command_is_shown(self):
        done = self.run_ab("--runs", "1", "echo broken; exit 3", "true")
        self.assertEqual(done.returncode, 1)
        self.assertIn("exit code 3 from: echo broken", done.stderr)
        self.assertIn("broken", done.stderr)

    def test_missing_number_is_an_error(self):
        done = self.run_ab("--runs", "1", "--measure", "rate (.*)", "true", "true")
        self.assertEqual(done.returncode, 1)
        self.assertIn("nothing matches", done.stderr)


if __name__ == "__main__":
    unittest.main()
