"""1.6 Request path: revisions, shares, tags, deploys under load."""

import json
import threading
import unittest

from contract import AT_ZERO, ContractTest


class Traffic(ContractTest):
    options = ["--scale-to-zero-after", "60s", "--stop-grace", "1s"]

    def deploy_version(self, number, annotations=AT_ZERO, check=True):
        run = self.deploy(self.service_file("echo", "echo.py", annotations,
                                            env={"K_VERSION": str(number)}), check=check)
        rows = self.thaw.json("revisions", "list", "--service", "echo")
        return run, sorted(row["metadata"]["name"] if "metadata" in row else row["name"]
                           for row in rows)

    def versions(self, host, count, threads=8):
        answers = self.load(host, threads, count // threads)
        self.assertEqual({status for status, _, _ in answers}, {200})
        seen = [json.loads(body)["env"]["K_VERSION"] for _, body, _ in answers]
        return {version: seen.count(version) / len(seen) for version in set(seen)}

    def test_shares_hold_whatever_the_counts_of_instances(self):
        _, first = self.deploy_version(1, {**AT_ZERO, "autoscaling.knative.dev/minScale": "3"})
        _, both = self.deploy_version(2)
        other = next(name for name in both if name not in first)
        for old, new in ((50, 50), (90, 10)):
            self.thaw.cli("services", "update-traffic", "echo", "--to-revisions",
                          f"{first[0]}={old},{other}={new}")
            shares = self.versions("echo", 2000)
            # Four standard deviations of 2000 draws.
            bound = 4 * (old / 100 * new / 100 / 2000) ** 0.5
            self.assertAlmostEqual(shares.get("1", 0), old / 100, delta=bound)

    def test_a_tag_leads_to_its_revision_only(self):
        _, first = self.deploy_version(1)
        self.deploy_version(2)
        self.thaw.cli("services", "update-traffic", "echo", "--set-tags", f"old={first[0]}")
        self.assertEqual(self.versions("old---echo", 40), {"1": 1.0})
        self.assertEqual(self.versions("echo", 40), {"2": 1.0})

    def test_tags_are_exact_while_traffic_is_split(self):
        _, first = self.deploy_version(1)
        _, both = self.deploy_version(2)
        other = next(name for name in both if name not in first)
        self.thaw.cli("services", "update-traffic", "echo", "--to-revisions",
                      f"{first[0]}=90,{other}=10")
        self.thaw.cli("services", "update-traffic", "echo", "--set-tags",
                      f"old={first[0]},new={other}")
        self.assertEqual(self.versions("old---echo", 1000), {"1": 1.0})
        self.assertEqual(self.versions("new---echo", 1000), {"2": 1.0})
        self.assertAlmostEqual(self.versions("echo", 2000)["2"], 0.1, delta=0.027)

    def test_the_same_template_makes_no_new_revision(self):
        _, first = self.deploy_version(1)
        _, again = self.deploy_version(1)
        self.assertEqual(first, again)

    def test_a_failed_deploy_leaves_the_old_one_serving(self):
        self.deploy_version(1)
        run = self.deploy(self.service_file("echo", "exits.py"), check=False)
        self.assertEqual(run.returncode, 6)
        self.assertEqual(self.versions("echo", 40), {"1": 1.0})

    def test_deploys_under_load_lose_no_request(self):
        self.deploy_version(0, {})
        answers, done = [], threading.Event()

        def call():
            while not done.is_set():
                answers.extend(self.load("echo", threads=1, count=20))

        callers = [threading.Thread(target=call) for _ in range(4)]
        for caller in callers:
            caller.start()
        for number in range(1, 6):
            self.deploy_version(number, {})
        run = self.deploy(self.service_file("echo", "exits.py"), check=False)
        self.assertEqual(run.returncode, 6)
        done.set()
        for caller in callers:
            caller.join()
        self.assertEqual({status for status, _, _ in answers}, {200})
        self.assertEqual(json.loads(answers[-1][1])["env"]["K_VERSION"], "5")
        self.assertGreater(len(answers), 100)


if __name__ == "__main__":
    unittest.main()
