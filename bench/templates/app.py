import os

import numpy
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return str(int(numpy.arange(10).sum()))


app.run(host="0.0.0.0", port=int(os.environ["PORT"]))
