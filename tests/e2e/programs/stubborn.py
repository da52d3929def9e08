"""Ignores SIGTERM."""

import os
import runpy
import signal

real_signal = signal.signal
real_signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal = lambda number, handler: None if number == signal.SIGTERM else real_signal(number, handler)
runpy.run_path(os.path.join(os.path.dirname(__file__), "echo.py"))
