"""Stands for a framework that takes seconds to import."""
import time

time.sleep(1.5)
