"""The second rung of the ladder: an idle instance keeps its memory and gets no CPU."""

import http.client
import os
import threading
import time
import unittest

from harness import AT_ZERO, PlatformTest, wait_until

FREEZE_AFTER = 0.05


class Frozen(PlatformTest):
    options = ["--scale-to-zero-after", "60s", "--stop-grace", "5s", "--freeze-after", "50ms"]

    def only(self, service):
        (row,) = self.thaw.instances(service)
        return row

    def ask(self, service):
        status, body = self.thaw.curl(service)
        self.assertEqual(status, 200, body)
        return int(body)

    def until_temperature(self, service, temperature):
        return wait_until(temperature, lambda: (
            lambda row: row if row["temperature"] == temperature else None)(self.only(service)))

    def test_background_work_stands_still_while_frozen_and_goes_on_afterwards(self):
        self.deploy(self.service_file("ticker", "ticker.py", AT_ZERO))
        self.ask("ticker")
        self.until_temperature("ticker", "frozen")
        before = self.cpu("ticker")
        time.sleep(1)
        self.assertEqual(self.only("ticker")["temperature"], "frozen")
        self.assertEqual(self.cpu("ticker"), before, "a frozen instance uses no CPU")
        # The same process answers, and its thread works on.
        ticks = self.ask("ticker")
        self.assertGreater(ticks, 0)
        self.assertGreater(wait_until("more ticks", lambda: (
            lambda more: more if more > ticks else None)(self.ask("ticker"))), ticks)
        self.assertEqual(len(self.thaw.instances("ticker")), 1)

    def cpu(self, service):
        return self.only(service)["cpuSeconds"]

    def test_with_cpu_always_allocated_it_is_never_frozen(self):
        always = {**AT_ZERO, "run.googleapis.com/cpu-throttling": "false"}
        self.deploy(self.service_file("always", "ticker.py", always))
        first = self.ask("always")
        time.sleep(1)
        self.assertEqual(self.only("always")["temperature"], "hot")
        self.assertGreater(self.ask("always"), first + 100)

    def test_no_request_is_lost_when_the_server_closed_its_connections_meanwhile(self):
        self.deploy(self.service_file("ticker", "ticker.py", AT_ZERO))
        self.ask("ticker")
        host, port = self.thaw.gateway.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port))
        for _ in range(4):  # frozen for longer than the server keeps a connection
            self.until_temperature("ticker", "frozen")
            time.sleep(0.5)
            connection.request("GET", "/", headers={"Host": "ticker.localhost"})
            answer = connection.getresponse()
            self.assertEqual((answer.status, answer.read().isdigit()), (200, True))
        connection.close()

    def test_freezing_around_each_request_loses_nothing(self):
        self.deploy(self.service_file("ticker", "ticker.py", AT_ZERO))
        self.ask("ticker")
        statuses, lock = [], threading.Lock()

        def caller(pause):
            host, port = self.thaw.gateway.rsplit(":", 1)
            connection = http.client.HTTPConnection(host, int(port))
            for _ in range(170):
                connection.request("GET", "/", headers={"Host": "ticker.localhost"})
                answer = connection.getresponse()
                answer.read()
                with lock:
                    statuses.append(answer.status)
                time.sleep(pause)

        # Pauses around the grace: requests come just before, at and after each freeze.
        threads = [threading.Thread(target=caller, args=(FREEZE_AFTER * factor,))
                   for factor in (0.98, 1.0, 1.02)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(statuses, [200] * 510)
        self.assertEqual(len(self.thaw.instances("ticker")), 1, "never started anew")

    def test_a_frozen_instance_is_told_to_stop_and_can_say_goodbye(self):
        self.deploy(self.service_file("echo", "echo.py", AT_ZERO))
        self.assertEqual(self.thaw.curl("echo")[0], 200)
        self.until_temperature("echo", "frozen")
        self.thaw.cli("services", "delete", "echo")
        self.wait_for_zero("echo")


@unittest.skipUnless(os.geteuid() == 0, "runs as another user, which only root can arrange")
class FrozenWithoutRoot(Frozen):
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

    def cpu(self, service):  # looked at ten times a second only
        time.sleep(0.3)
        return self.only(service)["cpuSeconds"]


if __name__ == "__main__":
    unittest.main()
