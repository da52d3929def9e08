"""A Flask app that also says how it came to be: its modules before its own imports, two randoms."""
import sys

AHEAD = sorted(name for name in ("flask", "numpy", "fastapi") if name in sys.modules)

import random

import numpy
from flask import Flask, jsonify

app = Flask(__name__)


@app.get("/")
def index():
    return jsonify(ahead=AHEAD, random=random.random(), legacy=float(numpy.random.rand()),
                   sum=int(numpy.arange(10).sum()))


if __name__ == "__main__":
    import os

    app.run(host="0.0.0.0", port=int(os.environ["PORT"]))
