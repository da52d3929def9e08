"""A worker that burns CPU while there is a file "burn" in the folder FOLDER, and else nothing."""

import os
import time

FLAG = os.path.join(os.environ["FOLDER"], "burn")
while True:
    if os.path.exists(FLAG):
        end = time.monotonic() + 0.05
        while time.monotonic() < end:
            pass
    else:
        time.sleep(0.05)
