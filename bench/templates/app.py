import os

from scoring import app

app.run(host="0.0.0.0", port=int(os.environ["PORT"]))
