"""1.6 Session affinity, and what a cookie means for caches (1.1)."""

import http.client
import threading
import unittest

from contract import AT_ZERO, ContractTest, wait_until

AFFINE = {**AT_ZERO, "run.googleapis.com/sessionAffinity": "true",
          "autoscaling.knative.dev/maxScale": "5"}


class Affinity(ContractTest):
    options = ["--scale-to-zero-after", "60s", "--stop-grace", "1s"]

    def ask(self, name="echo", cookie=None):
        """(the instance, the Set-Cookie or None, Cache-Control) of one request."""
        connection = http.client.HTTPConnection(*self.address(), timeout=120)
        headers = {"Host": f"{name}.localhost"}
        if cookie:
            headers["Cookie"] = f"theme=dark; {cookie}"
        connection.request("GET", "/", headers=headers)
        answer = connection.getresponse()
        self.assertEqual(answer.status, 200)
        instance = answer.read().decode().split('"instance": "')[1].split('"')[0]
        cookies = answer.headers.get_all("Set-Cookie") or [None]
        self.assertEqual(len(cookies), 1)
        connection.close()
        return instance, cookies[0], answer.getheader("Cache-Control")

    def several_instances(self):
        """Four, by as many requests at once as need them."""
        self.deploy(self.service_file("echo", "echo.py", AFFINE, concurrency=2,
                                      env={"DELAY": "0.2"}))
        callers = [threading.Thread(target=self.ask) for _ in range(8)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        wait_until("several", lambda: len(self.thaw.instances("echo")) >= 3)

    def test_a_client_with_its_cookie_comes_to_its_instance_again(self):
        self.several_instances()
        clients = {}
        lock = threading.Lock()

        def come_first():
            instance, cookie, cache = self.ask()
            with lock:
                clients[instance] = cookie, cache

        callers = [threading.Thread(target=come_first) for _ in range(4)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        self.assertGreaterEqual(len(clients), 2)
        for instance, (cookie, cache) in clients.items():
            self.assertRegex(cookie, r"^GAESA=[0-9a-f]{32}; Max-Age=2592000; Path=/; HttpOnly$")
            self.assertEqual(cache, "private")
            for _ in range(5):
                again, new, _ = self.ask(cookie=cookie.split(";")[0])
                self.assertEqual((again, new), (instance, None))

    def test_when_its_instance_is_full_another_one_serves(self):
        self.deploy(self.service_file("echo", "echo.py", AFFINE, concurrency=1,
                                      env={"DELAY": "0.5"}))
        instance, cookie, _ = self.ask()
        seen = []
        callers = [threading.Thread(target=lambda: seen.append(
            self.ask(cookie=cookie.split(";")[0]))) for _ in range(3)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        elsewhere = [row for row in seen if row[0] != instance]
        self.assertTrue(elsewhere, seen)
        self.assertTrue(all(new for _, new, _ in elsewhere))

    def test_when_its_instance_is_gone_another_one_serves_and_says_so(self):
        self.deploy(self.service_file("echo", "echo.py", AFFINE))
        instance, cookie, _ = self.ask()
        self.deploy(self.service_file("echo", "echo.py", AFFINE, env={"NEW": "1"}))
        wait_until("the new one alone", lambda: self.ask()[0] != instance)
        again, new, _ = self.ask(cookie=cookie.split(";")[0])
        self.assertNotEqual(again, instance)
        self.assertIsNotNone(new)

    def test_without_the_setting_there_is_no_cookie(self):
        self.deploy(self.service_file("echo", "echo.py", AT_ZERO))
        self.assertIsNone(self.ask()[1])
        self.assertIsNone(self.ask()[2])

    def test_a_cookie_of_the_services_own_makes_its_answer_private(self):
        self.deploy(self.service_file("crumbs", "crumbs.py", AT_ZERO))
        _, cookie, cache = self.ask("crumbs")
        self.assertEqual((cookie, cache), ("mine=1", "private"))


if __name__ == "__main__":
    unittest.main()
