"""Listens only after LATE seconds."""

import os
import runpy
import time

time.sleep(float(os.environ.get("LATE", "3")))
runpy.run_path(os.path.join(os.path.dirname(__file__), "echo.py"))
