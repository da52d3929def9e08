"""Node.js packages that we did not write, the pinned versions, installed once beside the build."""

import fcntl
import pathlib
import subprocess

import harness

MODULES = harness.ROOT / "build/npm"


def installed():
    """The folder in which node_modules is; tests that want it at once wait for one another."""
    wanted = (pathlib.Path(__file__).parent / "npm/package.json").read_text()
    MODULES.mkdir(parents=True, exist_ok=True)
    done = MODULES / "installed.json"
    with open(MODULES / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != wanted:
            (MODULES / "package.json").write_text(wanted)
            subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=MODULES,
                           check=True, timeout=600)
            done.write_text(wanted)
    return MODULES
