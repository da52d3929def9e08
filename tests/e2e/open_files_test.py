"""Few descriptors: idle clients take a share of them, and the platform goes on."""

import http.client
import socket
import unittest

from harness import PlatformTest, wait_until


class OpenFiles(PlatformTest):
    def connect(self, count):
        """Clients that say nothing."""
        host, port = self.thaw.gateway.rsplit(":", 1)
        clients = [socket.create_connection((host, int(port))) for _ in range(count)]
        for client in clients:
            self.addCleanup(client.close)
        return clients


class LowHardLimit(OpenFiles):
    prefix = ["sh", "-c", 'ulimit -n 256 && exec "$@"', "sh"]

    def test_idle_clients_leave_enough_for_the_rest(self):
        self.assertIn("the limit on open files", self.thaw.log())
        self.deploy(self.service_file("web", "echo.py"))
        self.assertEqual(self.thaw.curl("web")[0], 200)
        clients = self.connect(250)
        wait_until("a refusal that is said", lambda: self.thaw.curl("web")[0] == 503)
        self.assertEqual(self.thaw.curl_api("/thaw/v1/version")[0], 200)
        self.deploy(self.service_file("other", "echo.py"))
        for client in clients:
            client.close()
        wait_until("an answer", lambda: self.thaw.curl("web")[0] == 200)
        self.assertEqual(self.thaw.curl("other")[0], 200)


class LowSoftLimit(OpenFiles):
    prefix = ["sh", "-c", 'ulimit -Sn 256 && exec "$@"', "sh"]

    def test_it_is_raised(self):
        self.deploy(self.service_file("web", "echo.py"))
        self.connect(600)
        self.assertEqual(self.thaw.curl("web")[0], 200)


class EarlyAnswers(PlatformTest):
    def test_they_reach_who_sends_a_large_body_first(self):
        for address in (self.thaw.gateway, self.thaw.api):
            connection = http.client.HTTPConnection(address)
            self.addCleanup(connection.close)
            connection.request("POST", "/", body=bytes(41_000_000))
            self.assertIn(connection.getresponse().status, (404, 413))


if __name__ == "__main__":
    unittest.main()
