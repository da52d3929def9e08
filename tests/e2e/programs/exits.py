"""Ends at once, as a program with a missing module does."""

import sys

print("ModuleNotFoundError: No module named 'torch'", file=sys.stderr)
sys.exit(3)
