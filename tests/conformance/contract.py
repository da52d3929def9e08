"""What the files of this folder share: the platform of the end-to-end tests, raw requests, load."""

import http.client
import json
import pathlib
import socket
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

# pylint: disable=wrong-import-position,unused-import
import npm_modules  # noqa: E402,F401
from harness import (  # noqa: E402,F401
    AT_ZERO, HANG_SECONDS, PROGRAMS, Platform, PlatformTest, cgroups_of, wait_until)


class ContractTest(PlatformTest):
    """One platform per test; services run tests/e2e/programs."""

    def deploy_at_zero(self, name, program, **settings):
        annotations = {**AT_ZERO, **settings.pop("annotations", {})}
        self.deploy(self.service_file(name, program, annotations, **settings))

    def seen(self, name, path="/", *options):
        """What echo.py saw of a request: its JSON."""
        status, body = self.thaw.curl(name, path, *options)
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def address(self):
        host, port = self.thaw.gateway.rsplit(":", 1)
        return host, int(port)

    def raw(self, request):
        """All that comes back for these bytes, which must ask for the connection's end."""
        with socket.create_connection(self.address(), timeout=60) as wire:
            wire.sendall(request)
            answer = b""
            while piece := wire.recv(65536):
                answer += piece
            return answer

    def load(self, host, threads, count, path="/"):
        """(status, body, retry_after) of `count` requests from each of `threads` callers."""
        answers, lock = [], threading.Lock()

        def call():
            connection = http.client.HTTPConnection(*self.address(), timeout=120)
            for _ in range(count):
                try:
                    connection.request("GET", path, headers={"Host": f"{host}.localhost"})
                    answer = connection.getresponse()
                    row = (answer.status, answer.read(), answer.getheader("Retry-After"))
                except (OSError, http.client.HTTPException) as fault:
                    row = (0, str(fault).encode(), None)
                    connection.close()
                with lock:
                    answers.append(row)
            connection.close()

        callers = [threading.Thread(target=call) for _ in range(threads)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        return answers
