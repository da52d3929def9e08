"""A job's task. FAIL_UNTIL=N: attempts below N end with 3; WAIT_FOR: a file that must be there."""

import json
import os
import sys
import time

env = {key: value for key, value in os.environ.items() if key.startswith("CLOUD_RUN_")}
print(json.dumps({"env": env, "args": sys.argv[1:-1], "colour": os.environ.get("COLOUR")}),
      flush=True)
wait_for = os.environ.get("WAIT_FOR")  # a file that the test makes
while wait_for and not os.path.exists(wait_for):
    time.sleep(0.05)
if int(env["CLOUD_RUN_TASK_ATTEMPT"]) < int(os.environ.get("FAIL_UNTIL", "0")):
    print("not yet", file=sys.stderr, flush=True)
    sys.exit(3)
