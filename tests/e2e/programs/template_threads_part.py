import threading
import time

thread = threading.Thread(target=time.sleep, args=(1e6,), daemon=True)
thread.start()
