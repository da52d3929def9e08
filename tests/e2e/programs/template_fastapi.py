"""The same for FastAPI under uvicorn."""
import sys

AHEAD = sorted(name for name in ("flask", "numpy", "fastapi") if name in sys.modules)

import random
import ssl
import uuid

from fastapi import FastAPI, Request

app = FastAPI()


@app.api_route("/", methods=["GET", "POST"])
async def index(request: Request):
    await request.body()
    return {"ahead": AHEAD, "random": random.random(), "sum": sum(range(10)),
            "uuid": str(uuid.uuid4()), "ssl": ssl.RAND_bytes(8).hex()}
