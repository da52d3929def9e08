"""Flask and a small network of torch: its weights are random, its answers are not."""
import sys

AHEAD = sorted(name for name in ("flask", "torch") if name in sys.modules)

import os
import random

import torch
from flask import Flask, jsonify, request

app = Flask(__name__)
layer = torch.nn.Linear(64, 64)


@app.route("/", methods=["GET", "POST"])
def index():
    request.get_data()
    with torch.no_grad():
        layer(torch.ones(8, 64))
        total = float((torch.ones(10, 10) @ torch.ones(10, 1)).sum())
    return jsonify(ahead=AHEAD, random=random.random(), torch=float(torch.rand(1)),
                   threads=torch.get_num_threads(), sum=int(total) - 55)


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(os.environ["PORT"]))
