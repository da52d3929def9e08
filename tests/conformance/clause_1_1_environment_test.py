"""1.1 Environment and listening."""

import unittest

from contract import AT_ZERO, ContractTest


class Environment(ContractTest):
    def test_port_and_names_are_told(self):
        self.deploy_at_zero("echo", "echo.py")
        env = self.seen("echo")["env"]
        self.assertEqual(env["PORT"], "8080")
        self.assertEqual(env["K_SERVICE"], "echo")
        self.assertEqual(env["K_CONFIGURATION"], "echo")
        self.assertRegex(env["K_REVISION"], r"^echo-00001-[a-z0-9]{3}$")

    def test_port_is_the_container_port_where_one_is_given(self):
        text = self.service_file("echo", "echo.py", AT_ZERO)
        self.deploy(text.replace('"resources"', '"ports": [{"containerPort": 9091}], "resources"'))
        self.assertEqual(self.seen("echo")["env"]["PORT"], "9091")

    def test_what_the_platform_sets_cannot_be_set(self):
        for name in ("PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"):
            run = self.deploy(self.service_file("echo", "echo.py", env={name: "1"}), check=False)
            self.assertNotEqual(run.returncode, 0)
            self.assertIn(name, run.stderr)


class Listening(ContractTest):
    def test_on_the_loopback_address_it_is_not_reached(self):
        text = self.service_file("echo", "echo.py", AT_ZERO, probe={
            "tcpSocket": {"port": 8080}, "periodSeconds": 1, "failureThreshold": 2})
        text = text.replace("echo.py", "loopback.py")
        self.deploy(text)
        status, body = self.thaw.curl("echo")
        self.assertEqual(status, 503)
        self.assertIn("8080", body)

    def test_the_first_request_waits_until_it_listens(self):
        self.deploy_at_zero("late", "late.py", env={"LATE": "1"})
        self.assertEqual(self.thaw.curl("late")[0], 200)


if __name__ == "__main__":
    unittest.main()
