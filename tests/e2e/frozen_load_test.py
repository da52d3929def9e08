"""Freezing at once, thousands of times: nothing is lost, nothing gets stuck, an end is noticed.

THAW_E2E_FREEZES: requests per service, each of which ends in a freeze (default 1000).
"""

import http.client
import os
import signal
import socket
import threading
import unittest

from harness import AT_ZERO, PlatformTest, programs_of, wait_until

FREEZES = int(os.environ.get("THAW_E2E_FREEZES", "1000"))
MASK = b"\x01\x02\x03\x04"


class WebSocket:
    """A client of short messages, from a socket alone."""

    def __init__(self, gateway, service):
        host, port = gateway.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)))
        self.socket.sendall(
            f"GET / HTTP/1.1\r\nHost: {service}.localhost\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        self.input = self.socket.makefile("rb")
        self.status = int(self.input.readline().split()[1])
        while self.input.readline().strip():
            pass

    def ask(self, text, code=1):
        data = text.encode()
        masked = bytes(byte ^ MASK[at % 4] for at, byte in enumerate(data))
        self.socket.sendall(bytes([0x80 | code, 0x80 | len(data)]) + MASK + masked)
        head = self.input.read(2)
        return self.input.read(head[1]).decode() if len(head) == 2 else None

    def close(self):
        self.ask("", code=8)
        self.drop()

    def drop(self):
        self.input.close()
        self.socket.close()


class FrozenAtOnce(PlatformTest):
    options = ["--scale-to-zero-after", "1h", "--stop-grace", "5s", "--freeze-after", "0s"]

    def only(self, service):
        (row,) = self.thaw.instances(service)
        return row

    def until_frozen(self, service):
        wait_until("frozen", lambda: self.only(service)["temperature"] == "frozen")

    def first(self, name, program):
        self.deploy(self.service_file(name, program, AT_ZERO))
        status, body = self.thaw.curl(name)
        self.assertEqual(status, 200, body)
        return body

    def request_many(self, service, count, statuses):
        host, port = self.thaw.gateway.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port))
        for _ in range(count):
            connection.request("GET", "/", headers={"Host": f"{service}.localhost"})
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        connection.close()

    def talk_many(self, service, count, echoes):
        for number in range(count):
            link = WebSocket(self.thaw.gateway, service)
            echoes.append((link.status, link.ask(f"message {number}")))
            # Both ends of a connection's life: said goodbye to, and cut off.
            link.drop() if number % 2 else link.close()

    def test_thousands_of_freezes_under_load_lose_nothing_and_leave_nothing_stuck(self):
        self.first("ticker", "ticker.py")
        pid = self.first("talker", "websocket.py")
        alone, mixed, echoes = [], [], []
        threads = [
            threading.Thread(target=self.request_many, args=("ticker", FREEZES, alone)),
            threading.Thread(target=self.request_many, args=("talker", FREEZES // 2, mixed)),
            threading.Thread(target=self.talk_many, args=("talker", FREEZES // 2, echoes)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(alone, [200] * FREEZES)
        self.assertEqual(mixed, [200] * (FREEZES // 2))
        self.assertEqual(echoes, [(101, f"message {number}") for number in range(FREEZES // 2)])
        for service in ("ticker", "talker"):
            self.until_frozen(service)
            self.assertEqual(self.thaw.curl(service)[0], 200)
        self.assertEqual(self.thaw.curl("talker")[1], pid, "never started anew")

    def test_an_open_websocket_is_a_request_in_flight_and_keeps_its_instance_hot(self):
        self.first("talker", "websocket.py")
        self.until_frozen("talker")
        link = WebSocket(self.thaw.gateway, "talker")
        first = int(link.ask("ticks"))
        for _ in range(20):  # silent, and looked at meanwhile
            self.assertEqual(self.only("talker")["temperature"], "hot")
        self.assertGreater(int(link.ask("ticks")), first)
        # A plain request that ends beside it freezes nothing either.
        self.assertEqual(self.thaw.curl("talker")[0], 200)
        self.assertEqual(self.only("talker")["temperature"], "hot")
        self.assertEqual(link.ask("still there?"), "still there?")
        link.close()
        self.until_frozen("talker")

    def test_a_frozen_instance_that_was_killed_is_replaced(self):
        self.first("talker", "websocket.py")
        self.until_frozen("talker")
        before = self.only("talker")["name"]
        for victim in programs_of(self.thaw.data_dir):
            os.kill(victim, signal.SIGKILL)

        # In cgroup v1 the signal reaches it at a thaw only; no request of ours does that here.
        wait_until("its end", lambda: not self.thaw.instances("talker"))
        # Right after a crash a start may have to wait, which is said by 503.
        wait_until("a new instance", lambda: self.thaw.curl("talker")[0] == 200)
        self.assertNotEqual(self.only("talker")["name"], before)
        self.assertIn("signal 9", self.thaw.cli("logs", "talker").stdout)


@unittest.skipUnless(os.geteuid() == 0, "runs as another user, which only root can arrange")
class FrozenAtOnceWithoutRoot(FrozenAtOnce):
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


if __name__ == "__main__":
    unittest.main()
