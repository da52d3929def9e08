"""A worker without a server."""
import threading

print("waiting for work", flush=True)
threading.Event().wait()
