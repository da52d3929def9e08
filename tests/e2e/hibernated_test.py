"""Below frozen: memory goes to swap and comes back, and each rung has a price that is kept."""

import fcntl
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from harness import AT_ZERO, THAW, PlatformTest, wait_until

SWAP_MIB = 128


class Swap:
    """A swap file of our own while it lives; `why_not` tells when it could not be made.

    One at a time on the machine, as src/sandbox/swap_testing.h says."""

    def __init__(self):
        self.turn = os.open("/var/lib", os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self.turn, fcntl.LOCK_EX)
        handle, self.path = tempfile.mkstemp(prefix="thaw-e2e-swap-", dir="/var/lib")
        os.close(handle)
        self.why_not = ""
        for command in (["dd", "if=/dev/zero", f"of={self.path}", "bs=1M", f"count={SWAP_MIB}"],
                        ["mkswap", self.path], ["swapon", self.path]):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                self.why_not = done.stderr.strip() or f"{command[0]} fails"
                return

    def off(self):
        subprocess.run(["swapoff", self.path], capture_output=True)
        pathlib.Path(self.path).unlink(missing_ok=True)
        os.close(self.turn)


class Hibernated(PlatformTest):
    options = ["--scale-to-zero-after", "5m", "--freeze-after", "20ms"]

    @classmethod
    def setUpClass(cls):
        cls.swap = Swap()
        cls.addClassCleanup(cls.swap.off)
        if cls.swap.why_not:
            raise unittest.SkipTest(f"no swap can be made here: {cls.swap.why_not}")

    def only(self):
        (row,) = self.thaw.instances("echo")
        return row

    def test_memory_is_given_back_the_next_request_is_answered_and_prices_are_kept(self):
        at_once = {**AT_ZERO, "thaw.local/idle-rung": "hibernated"}
        self.deploy(self.service_file("echo", "echo.py", at_once))
        self.assertEqual(self.thaw.curl("echo")[0], 200)
        hot = self.only()["memoryBytes"]
        told = wait_until("hibernated", lambda: [
            line for line in self.thaw.cli("logs", "echo").stdout.splitlines()
            if "Hibernated:" in line])
        self.assertNotIn("broken off", told[0])
        row = self.only()
        self.assertEqual(row["temperature"], "hibernated")
        self.assertLess(row["memoryBytes"], hot / 2)
        self.assertGreater(row["swappedBytes"], 0)
        status, body = self.thaw.curl("echo")
        self.assertEqual((status, json.loads(body)["env"]["K_SERVICE"]), (200, "echo"))
        self.assertEqual(self.only()["name"], row["name"], "the same instance")

        details = self.thaw.json("services", "describe", "echo", "--details")
        (prices,) = details["prices"]
        rungs = {rung["rung"]: rung for rung in prices["rungs"]}
        self.assertEqual(rungs["hibernated"]["wakes"], 1)
        self.assertGreater(rungs["hibernated"]["p50Ms"], 0)
        self.assertIn("hibernated", {start["from"] for start in details["starts"]})
        self.assertRegex(self.thaw.cli("services", "describe", "echo").stdout,
                         "hibernated +[0-9]")

        self.thaw.stop()
        self.thaw.start()
        (kept,) = self.thaw.json("services", "describe", "echo", "--details")["prices"]
        again = {rung["rung"]: rung["wakes"] for rung in kept["rungs"]}
        self.assertEqual(again["hibernated"], 1)
        self.assertEqual(again["cold"], 1)

    def test_watching_shows_it_go_down_and_up(self):
        self.deploy(self.service_file("echo", "echo.py",
                                      {**AT_ZERO, "thaw.local/idle-rung": "hibernated"}))
        with tempfile.TemporaryFile("w+") as out:
            program = subprocess.Popen(
                [THAW, "instances", "list", "--watch", "--json"], stdin=subprocess.DEVNULL,
                stdout=out, env={"PATH": os.environ["PATH"], "THAW_API_ADDRESS": self.thaw.api})
            self.addCleanup(program.wait)
            self.addCleanup(program.kill)
            self.assertEqual(self.thaw.curl("echo")[0], 200)

            def seen():
                out.seek(0)
                return [json.loads(line)["temperature"] for line in out if line.endswith("\n")]

            wait_until("hibernated", lambda: "hibernated" in seen())


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("skipped: swap and hibernation need root", file=sys.stderr)
        sys.exit(77)
    unittest.main()
