"""A Flask app that also says how it came to be: its modules before its own imports, its randoms."""
import sys

AHEAD = sorted(name for name in ("flask", "numpy", "torch", "fastapi") if name in sys.modules)

import os
import random
import ssl
import uuid

import numpy
from flask import Flask, jsonify, request

app = Flask(__name__)


@app.route("/", methods=["GET", "POST"])
def index():
    request.get_data()  # waits for all of it
    return jsonify(ahead=AHEAD, random=random.random(), legacy=float(numpy.random.rand()),
                   uuid=str(uuid.uuid4()), ssl=ssl.RAND_bytes(8).hex(), pid=os.getpid(),
                   sum=int(numpy.arange(10).sum()))


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(os.environ["PORT"]))
