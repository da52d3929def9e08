#!/usr/bin/env python3
"""Compares two things side by side: runs them in turns; prints medians, spread and ratio.

    tools/ab.py [--runs N] [--measure seconds|cpu|rss|REGEX] [--name NAME] OURS PEER

OURS and PEER are shell commands. They are run in turns (A B, B A, A B, ...), so that a machine
that grows slow or fast hits both. --measure is the wall time, the CPU time of the command with its
children, its largest resident memory in MiB, or a regular expression whose first group is taken
from its output. With --name, a JSON line for bench/run goes to standard output.

From Python: ab.compare(ours, peer, runs=7) with two functions that return a number.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Callable, NamedTuple


class Side(NamedTuple):
    values: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.values)


class Comparison(NamedTuple):
    """The ratio is ours / peer: of the medians; its spread is over the pairs of runs."""

    ours: Side
    peer: Side

    @property
    def ratio(self) -> float:
        return divide(self.ours.median, self.peer.median)

    @property
    def pair_ratios(self) -> list[float]:
        return [divide(a, b) for a, b in zip(self.ours.values, self.peer.values)]

    def as_json(self, name: str, unit: str, better: str, goal: float | None = None) -> str:
        """The line that bench/run reads; `goal` is the ratio that is asked for."""
        pairs = self.pair_ratios
        numbers = {"ours": self.ours.median, "peer": self.peer.median, "ratio": self.ratio}
        numbers |= {"min": min(pairs), "max": max(pairs)}
        rounded = {key: float(f"{value:.6g}") for key, value in numbers.items()}
        return json.dumps({"name": name, "unit": unit} | rounded | {"goal": goal, "better": better})


def divide(a: float, b: float) -> float:
    return a / b if b else float("inf")


def compare(
    ours: Callable[[], float], peer: Callable[[], float], runs: int = 7, warmup: int = 1
) -> Comparison:
    """Runs both `warmup` times unmeasured, then `runs` times each, alternating who goes first."""
    if runs < 1:
        raise ValueError(f"runs is {runs}; at least one run of each is needed")
    values: dict[Callable, list[float]] = {ours: [], peer: []}
    if ours is peer:
        raise ValueError("ours and peer are the same function")
    for turn in range(-warmup, runs):
        for side in (ours, peer) if turn % 2 == 0 else (peer, ours):
            value = side()
            if turn >= 0:
                values[side].append(value)
    return Comparison(Side(values[ours]), Side(values[peer]))


def run_command(command: str, measure: str) -> float:
    """One measured run; a command that fails ends the comparison with its output."""
    with tempfile.TemporaryFile() as output:
        start = time.monotonic()
        child = subprocess.Popen(
            command, shell=True, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if child.returncode != 0:
        sys.exit(f"ab: exit code {child.returncode} from: {command}\n{text}")
    if measure == "seconds":
        return wall
    if measure == "cpu":
        return usage.ru_utime + usage.ru_stime
    if measure == "rss":
        return usage.ru_maxrss / 1024
    match = re.search(measure, text)
    if not match:
        sys.exit(f"ab: nothing matches {measure} in the output of: {command}\n{text}")
    return float(match.group(1))


def report(result: Comparison, unit: str) -> str:
    lines = []
    for name, side in (("ours", result.ours), ("peer", result.peer)):
        low, high = min(side.values), max(side.values)
        lines.append(f"{name}  median {side.median:.4g} {unit}  min {low:.4g}  max {high:.4g}")
    low, high = min(result.pair_ratios), max(result.pair_ratios)
    lines.append(f"ratio {result.ratio:.3f} (ours / peer), pairs {low:.3f} to {high:.3f}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs two commands in turns and compares them.")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--measure", default="seconds")
    parser.add_argument("--unit", default="")
    parser.add_argument("--name", help="print a JSON line for bench/run under this name")
    parser.add_argument("--better", choices=["higher", "lower"], default="lower")
    parser.add_argument("--goal", type=float, help="the ratio that is asked for")
    parser.add_argument("ours")
    parser.add_argument("peer")
    options = parser.parse_args()
    units = {"seconds": "s", "cpu": "s", "rss": "MiB"}
    unit = options.unit or units.get(options.measure, "")
    result = compare(
        lambda: run_command(options.ours, options.measure),
        lambda: run_command(options.peer, options.measure),
        options.runs,
        options.warmup,
    )
    print(report(result, unit), file=sys.stderr if options.name else sys.stdout)
    if options.name:
        print(result.as_json(options.name, unit, options.better, options.goal))
    return 0


if __name__ == "__main__":
    sys.exit(main())
