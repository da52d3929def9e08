import json
import os

import flask
import pandas

app = flask.Flask(__name__)


@app.get("/")
def index():
    return json.dumps({"sum": int(pandas.Series(range(10)).sum()), "file": pandas.__file__})


app.run(host="0.0.0.0", port=int(os.environ["PORT"]))
