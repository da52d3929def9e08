"""1.3 CPU, billing modes: sizes that go together, CPU only with a request."""

import json
import os
import pathlib
import unittest

from contract import AT_ZERO, ContractTest, cgroups_of, wait_until


class Sizes(ContractTest):
    def refused(self, **settings):
        run = self.deploy(self.service_file("echo", "echo.py", AT_ZERO, **settings), check=False)
        self.assertNotEqual(run.returncode, 0, settings)
        return run.stderr

    def test_cpus_are_of_a_list(self):
        for cpu in ("0.05", "1.5", "3", "5", "16"):
            self.assertIn("cpu", self.refused(cpu=cpu))

    def test_less_than_one_cpu_takes_one_request_at_a_time(self):
        self.assertIn("containerConcurrency", self.refused(cpu="0.5", concurrency=2))
        self.deploy_at_zero("echo", "echo.py", cpu="0.5", concurrency=1)
        self.assertEqual(self.thaw.curl("echo")[0], 200)

    def test_memory_goes_with_cpu(self):
        for cpu, memory in (("1", "64Mi"), ("1", "5Gi"), ("2", "9Gi"), ("4", "1Gi"),
                            ("0.25", "600Mi"), ("0.5", "2Gi")):
            text = self.refused(cpu=cpu, memory=memory, concurrency=1)
            self.assertIn("memory", text, (cpu, memory))

    def test_the_defaults_are_one_cpu_512_mib_and_80_requests(self):
        text = json.loads(self.service_file("echo", "echo.py", AT_ZERO))
        spec = text["spec"]["template"]["spec"]
        del spec["containers"][0]["resources"], spec["containerConcurrency"], spec["timeoutSeconds"]
        self.deploy(json.dumps(text))
        shown = self.thaw.json("services", "describe", "echo")["spec"]["template"]["spec"]
        self.assertEqual(shown["containerConcurrency"], 80)
        self.assertEqual(shown["containers"][0]["resources"]["limits"],
                         {"cpu": "1000m", "memory": "512Mi"})
        self.assertEqual(shown["timeoutSeconds"], 300)


class Throttling(ContractTest):
    options = ["--scale-to-zero-after", "60s", "--freeze-after", "0s"]

    @unittest.skipUnless(os.geteuid() == 0, "plain processes have no limits")
    def test_a_start_has_more_cpu_if_it_is_asked_for_until_ten_seconds_later(self):
        self.deploy_at_zero("quick", "echo.py",
                            annotations={"run.googleapis.com/startup-cpu-boost": "true"})
        self.assertEqual(self.thaw.curl("quick")[0], 200)

        def cores():
            """What its control group may use."""
            for group in cgroups_of(self.thaw.data_dir):
                for file in [*pathlib.Path(group).glob("*/cpu.cfs_quota_us"),
                             *pathlib.Path(group).glob("*/cpu.max")]:
                    yield int(file.read_text().split()[0]) / 100000

        self.assertEqual(set(cores()), {2.0})
        wait_until("its own size", lambda: 1.0 in set(cores()))  # beside one kept ready

    def test_without_a_request_it_is_frozen_unless_cpu_is_always_allocated(self):
        self.deploy_at_zero("ticker", "ticker.py")
        self.thaw.curl("ticker")
        wait_until("a frozen instance", lambda: [
            row["temperature"] for row in self.thaw.instances("ticker")] == ["frozen"])
        self.deploy_at_zero("always", "ticker.py",
                            annotations={"run.googleapis.com/cpu-throttling": "false"})
        self.thaw.curl("always")
        rows = self.thaw.instances("always")
        self.assertEqual([row["temperature"] for row in rows], ["hot"])


if __name__ == "__main__":
    unittest.main()
