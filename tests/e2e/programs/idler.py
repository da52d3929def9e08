"""A worker: no port. Tells its environment once, then waits for SIGTERM."""

import json
import os
import signal

print(json.dumps({key: value for key, value in os.environ.items()
                  if key.startswith(("CLOUD_RUN", "K_", "PORT"))}), flush=True)
while True:
    signal.pause()
