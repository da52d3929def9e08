"""Debian's Chromium without a window, driven by programs/browser.mjs."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import harness
import npm_modules

WANTED = unittest.skipUnless(pathlib.Path("/usr/bin/chromium").exists() and shutil.which("node"),
                             "chromium or node is not installed")


def run(*steps):
    """The texts that the steps asked for, and what the page complained of."""
    profile = tempfile.mkdtemp(prefix="thaw-e2e-browser-")
    try:
        done = subprocess.run(
            [shutil.which("node"), str(harness.PROGRAMS / "browser.mjs"),
             str(npm_modules.installed()), profile, json.dumps(steps)],
            capture_output=True, text=True, check=False, timeout=2 * harness.HANG_SECONDS)
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)
        seen = json.loads(done.stdout)
        return seen["results"], seen["faults"]
    finally:
        shutil.rmtree(profile, ignore_errors=True)
