"""1.4 Lifetime of an instance, its memory and its files."""

import json
import unittest

from contract import ContractTest, wait_until


class Lifetime(ContractTest):
    def test_it_is_told_to_stop_and_killed_when_it_does_not(self):
        self.deploy_at_zero("stubborn", "stubborn.py")
        self.assertEqual(self.thaw.curl("stubborn")[0], 200)
        self.wait_for_zero("stubborn")
        text = self.thaw.cli("logs", "stubborn").stdout
        self.assertIn("SIGTERM", text)

    def test_over_its_memory_it_ends_and_its_requests_get_500(self):
        self.deploy_at_zero("hungry", "hungry.py", memory="128Mi")
        status, body = self.thaw.curl("hungry", "/eat", "-X", "POST")
        self.assertEqual(status, 500, body)
        self.assertIn("128 MiB", body)

    def test_another_request_after_its_death_gets_a_new_one(self):
        self.deploy_at_zero("hungry", "hungry.py", memory="128Mi")
        self.thaw.curl("hungry", "/eat", "-X", "POST")
        wait_until("a new instance", lambda: self.thaw.curl("hungry", "/")[0] == 200)


class Files(ContractTest):
    def test_tmp_can_be_written_and_is_gone_with_the_instance(self):
        self.deploy_at_zero("files", "files.py")
        self.assertEqual(json.loads(self.thaw.curl("files", "/write/tmp/kept")[1]), "")
        self.assertEqual(json.loads(self.thaw.curl("files", "/read/tmp/kept")[1]), "kept")
        self.wait_for_zero("files")
        self.assertIn("No such file", self.thaw.curl("files", "/read/tmp/kept")[1])

    def test_elsewhere_the_hosts_files_cannot_be_written(self):
        self.deploy_at_zero("files", "files.py")
        for path in ("/usr/x", "/etc/x", "/opt/x", "/proc/sys/kernel/hostname", "/sys/x"):
            self.assertNotEqual(json.loads(self.thaw.curl("files", f"/write{path}")[1]), "", path)


if __name__ == "__main__":
    unittest.main()
