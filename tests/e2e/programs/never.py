"""Never listens."""

import time

print("here I am, but I do not listen")
time.sleep(3600)
