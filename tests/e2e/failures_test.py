"""Five ways to fail, five clear messages, and the right status for the caller."""

import unittest

from harness import AT_ZERO, PlatformTest, wait_until


class Failures(PlatformTest):
    def page_and_logs(self, service):
        return (self.thaw.cli("services", "describe", service).stdout,
                self.thaw.cli("logs", service).stdout)

    def assert_told(self, service, *parts):
        """Every part stands both in `services describe` and in `logs`."""
        def told():
            return all(part in text for text in self.page_and_logs(service) for part in parts)
        try:
            wait_until("message", told)
        except AssertionError:
            page, logs = self.page_and_logs(service)
            self.fail(f"{parts} not in both:\n--- describe ---\n{page}\n--- logs ---\n{logs}")

    def test_listening_late_answers_and_is_told(self):
        self.deploy(self.service_file("late", "late.py", AT_ZERO, {"LATE": "11"}))
        self.assertEqual(self.thaw.curl("late")[0], 200)
        self.assert_told("late", "listen", "11")

    def test_never_listening_is_503_and_names_the_port(self):
        text = self.service_file("never", "never.py", AT_ZERO, probe={
            "tcpSocket": {"port": 8080}, "periodSeconds": 1, "timeoutSeconds": 1,
            "failureThreshold": 2})
        self.deploy(text)
        status, body = self.thaw.curl("never")
        self.assertEqual(status, 503)
        self.assertIn("failed to start and listen on the port", body)
        self.assert_told("never", "failed to start and listen on the port", "8080")

    def test_never_listening_fails_the_deploy_that_tries_it_out(self):
        run = self.deploy(self.service_file("never", "never.py", probe={
            "tcpSocket": {"port": 8080}, "periodSeconds": 1, "timeoutSeconds": 1,
            "failureThreshold": 2}), check=False)
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("failed to start and listen on the port", run.stdout + run.stderr)

    def test_exiting_at_once_is_503_and_names_the_code(self):
        self.deploy(self.service_file("exits", "exits.py", AT_ZERO))
        self.assertEqual(self.thaw.curl("exits")[0], 503)
        self.assert_told("exits", "3")
        page, logs = self.page_and_logs("exits")
        self.assertIn("No module named 'torch'", logs)
        self.assertIn("exit", page)

    def test_too_much_memory_is_500_and_names_the_limit(self):
        self.deploy(self.service_file("hungry", "hungry.py", AT_ZERO, memory="128Mi"))
        self.assertEqual(self.thaw.curl("hungry")[0], 200)
        self.assertEqual(self.thaw.curl("hungry", "/eat", "-X", "POST")[0], 500)
        self.assert_told("hungry", "128 MiB", "memory")
        # And it is answered again by a fresh instance.
        wait_until("a fresh instance", lambda: self.thaw.curl("hungry")[0] == 200)

    def test_ignoring_sigterm_is_killed_and_told(self):
        self.deploy(self.service_file("stubborn", "stubborn.py", AT_ZERO))
        self.assertEqual(self.thaw.curl("stubborn")[0], 200)
        self.wait_for_zero("stubborn")
        self.assert_told("stubborn", "SIGTERM")

    def test_a_missing_program_is_named(self):
        text = self.service_file("absent", "echo.py", AT_ZERO).replace(
            "/usr/bin/python3", "/opt/absent/server")
        self.deploy(text)
        self.assertEqual(self.thaw.curl("absent")[0], 503)
        self.assert_told("absent", "/opt/absent/server")


if __name__ == "__main__":
    unittest.main()
