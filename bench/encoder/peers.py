"""Thaw's encoder, ONNX Runtime and torch as processes with a model of DistilBERT-base's shape."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent.parent / "build"
ORT = "onnxruntime-node@1.30.0"
PYTHON = "/usr/bin/python3"  # Debian's, which python3-torch and python3-numpy belong to
REST_S = 0.02  # for the threads of the one before to fall asleep


class Side:
    """A process that runs a shape as often as each line it is sent says."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str]):
        self.name = name
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | environment,
        )

    def run(self, *numbers: int) -> dict:
        self.process.stdin.write(" ".join(map(str, numbers)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"bench: {self.name} ended without an answer")
        time.sleep(REST_S)
        return json.loads(line)

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def sides(folder: Path, threads: str, only: str = "", dtype: str = "float32") -> list[Side]:
    """Started; all of them, or the one of that name. In 8 bits torch has no fast products here."""
    build = Path(os.environ["THAW"]).resolve().parent.parent.parent
    commands = {
        "thaw": ([str(build / "bench/encoder_bench"), str(folder), threads, dtype], {}),
        "ONNX Runtime": (["node", str(HERE / "peer_ort.js"), str(folder), threads,
                          dtype],
                         {"NODE_PATH": str(BUILD / "peers/node_modules")}),
        "torch": ([PYTHON, str(HERE / "peer_torch.py"), str(folder), threads],
                  {"OMP_WAIT_POLICY": "passive", "OPENBLAS_NUM_THREADS": threads}),
    }
    if dtype == "int8":
        del commands["torch"]
    return [Side(name, *command) for name, command in commands.items() if only in ("", name)]


def is_installed(package: str) -> bool:
    """`package` is NAME@VERSION."""
    name, _, version = package.rpartition("@")
    about = BUILD / "peers/node_modules" / name / "package.json"
    return about.is_file() and json.loads(about.read_text())["version"] == version


def install(packages: list[str]) -> None:
    """From npm into build/peers, unless they are there."""
    if all(map(is_installed, packages)):
        return
    (BUILD / "peers").mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["npm", "install", "--prefix", str(BUILD / "peers"), "--ignore-scripts", "--no-audit",
         "--no-fund", *packages], check=True, stdout=sys.stderr)


def prepare() -> Path:
    install([ORT])
    folder = BUILD / "bench-data/distilbert-shape"
    subprocess.run([PYTHON, str(HERE / "model.py"), str(folder)], check=True, stdout=sys.stderr)
    return folder
