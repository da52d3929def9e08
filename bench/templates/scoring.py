"""What a service of its size imports and holds, as a module of the program's own."""
import flask
import pandas
import sklearn.linear_model
import torch

MODEL = torch.nn.Sequential(torch.nn.Linear(256, 512), torch.nn.ReLU(), torch.nn.Linear(512, 8))
LINE = sklearn.linear_model.LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])
TABLE = pandas.DataFrame({"x": range(10)})
app = flask.Flask(__name__)


@app.route("/", methods=["GET", "POST"])
def index():
    flask.request.get_data()
    with torch.no_grad():
        MODEL(torch.ones(1, 256))
    return str(int(TABLE["x"].sum() + LINE.predict([[0.0]])[0] - 1 + 1e-9))
