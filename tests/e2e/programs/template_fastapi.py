"""The same for FastAPI under uvicorn."""
import sys

AHEAD = sorted(name for name in ("flask", "numpy", "fastapi") if name in sys.modules)

import random

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
def index():
    return {"ahead": AHEAD, "random": random.random(), "sum": sum(range(10))}
