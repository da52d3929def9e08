"""Serves in a thread that ends with the program."""
import sys

print("configuration: DATABASE_URL is missing")
sys.exit(3)
