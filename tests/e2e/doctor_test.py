"""`thaw doctor` on small broken programs, one fault each, and on good ones."""

import concurrent.futures
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from harness import HANG_SECONDS, ROOT, THAW, Platform, leftovers, wait_until

APPS = ROOT / "tests/doctor"
ALONE = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
IS_ROOT = os.geteuid() == 0


def doctor(*words, cwd=None):
    """(exit code, report) of one examination."""
    run = subprocess.run([THAW, "doctor", "--json", *map(str, words)], capture_output=True,
                         text=True, timeout=HANG_SECONDS, check=False, env=ALONE, cwd=cwd)
    if not run.stdout:
        raise AssertionError(f"thaw doctor {words}: rc {run.returncode}\n{run.stderr}")
    return run.returncode, json.loads(run.stdout)


def ids(report):
    return [finding["id"] for finding in report["findings"]]


class DoctorTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-e2e-doctor-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def copy(self, app):
        """A copy outside of the tree, for what is not kept in it."""
        return pathlib.Path(shutil.copytree(APPS / app, self.folder / app))

    def expect(self, where, *expected, options=()):
        code, report = doctor(where, *options)
        self.assertEqual(ids(report), list(expected), json.dumps(report, indent=1))
        self.assertEqual(code, 7 if expected else 0)
        for finding in report["findings"]:
            self.assertTrue(finding["evidence"] and finding["fix"] and finding["command"], finding)
        return report


@unittest.skipUnless(IS_ROOT, "needs containers, which need root")
class InContainers(DoctorTest):
    def test_a_good_program_has_no_findings(self):
        report = self.expect(APPS / "good")
        self.assertEqual(report["notSeen"], [])

    def test_an_address_inside_the_container(self):
        report = self.expect(APPS / "loopback", "listens-on-loopback")
        self.assertIn("127.0.0.1", report["findings"][0]["evidence"][0])

    def test_a_port_of_its_own(self):
        report = self.expect(APPS / "fixed-port", "ignores-port")
        self.assertIn("0.0.0.0:5000", report["findings"][0]["evidence"][0])

    def test_an_early_end(self):
        report = self.expect(APPS / "exits", "exits-early")
        self.assertIn("DATABASE_URL", str(report["findings"][0]["evidence"]))

    def test_no_server(self):
        self.expect(APPS / "never-listens", "never-listens", options=["--timeout", "3s"])

    def test_a_signal_that_is_ignored(self):
        self.expect(APPS / "ignores-sigterm", "ignores-sigterm")

    def test_a_signal_that_a_shell_keeps(self):
        self.expect(APPS / "shell-wrapper", "sigterm-not-forwarded")

    def test_one_request_at_a_time(self):
        self.expect(APPS / "single", "one-at-a-time")
        self.expect(APPS / "single", options=["--concurrency", "1"])

    def test_an_asynchronous_server_that_blocks(self):
        self.expect(APPS / "blocking", "one-at-a-time")

    def test_too_little_memory(self):
        report = self.expect(APPS / "hungry", "out-of-memory")
        self.assertIn("memory", report["findings"][0]["command"])

    def test_a_file_beside_the_code(self):
        report = self.expect(APPS / "writes", "writes-outside-tmp")
        self.assertIn("cache.json", report["findings"][0]["evidence"][0])
        self.assertFalse((APPS / "writes/cache.json").exists(), "the folder itself is not touched")

    def test_a_database_beside_the_code(self):
        report = self.expect(APPS / "database", "local-state")
        self.assertIn("visits.db", report["findings"][0]["evidence"][0])

    def test_work_between_requests(self):
        self.expect(APPS / "starved", "starved-between-requests")

    def test_a_call_while_it_starts(self):
        report = self.expect(APPS / "network", "network-at-start")
        self.assertIn("weights.example.com port 443", report["findings"][0]["evidence"][0])

    def test_a_slow_import(self):
        page = self.folder / "imports.html"
        report = self.expect(APPS / "slow-imports", "slow-imports",
                             options=["--flame-graph", page])
        self.assertIn("import heavy", report["findings"][0]["evidence"][1])
        text = page.read_text()
        self.assertIn('"n":"heavy"', text)
        self.assertNotIn("http://", text)
        self.assertNotIn("https://", text)

    def test_no_byte_code(self):
        app = self.copy("no-byte-code")
        rules = "".join(f"def rule_{i}(a, b):\n    return [a + {i}, b * {i}, {{a: (b, {i})}}]\n\n\n"
                        for i in range(4000))
        (app / "tables.py").write_text(rules)
        report = self.expect(app, "no-byte-code")
        self.assertIn("tables.py", str(report["findings"][0]["evidence"]))
        subprocess.run(["/usr/bin/python3", "-m", "compileall", "-q", app], check=True)
        self.expect(app)

    def test_more_workers_than_cpus(self):
        self.expect(APPS / "threads", "too-many-threads")

    def test_a_heavy_folder(self):
        app = self.copy("heavy")
        with open(app / "data.bin", "wb") as data:
            data.truncate(600 << 20)
        report = self.expect(app, "heavy-directory")
        self.assertIn("data.bin", str(report["findings"][0]["evidence"]))

    def test_a_command_and_its_own_severity(self):
        code, report = doctor("--fail-on", "never", "--", "python3", "app.py",
                              cwd=APPS / "loopback")
        self.assertEqual((code, ids(report)), (0, ["listens-on-loopback"]))
        code, _ = doctor("--fail-on", "error", "--", "python3", "app.py", cwd=APPS / "single")
        self.assertEqual(code, 0)

    def test_a_script_that_lies_elsewhere(self):
        for name, expected in (("good", []), ("writes", ["writes-outside-tmp"])):
            app = self.copy(name)
            code, report = doctor("--", "python3", app / "app.py", cwd=ROOT / "docs")
            self.assertEqual((code, ids(report)), (7 if expected else 0, expected), report)
        self.assertFalse((app / "cache.json").exists(), "the folder itself is not touched")
        alone = pathlib.Path(shutil.copy(APPS / "loopback/app.py", f"{self.folder}.py"))
        self.addCleanup(alone.unlink)
        code, report = doctor("--", "python3", alone, cwd=ROOT / "docs")
        self.assertEqual((code, ids(report)), (7, ["listens-on-loopback"]), report)

    def test_a_service_file(self):
        file = self.folder / "service.yaml"
        file.write_text(json.dumps({
            "apiVersion": "serving.knative.dev/v1", "kind": "Service",
            "metadata": {"name": "good"},
            "spec": {"template": {"spec": {"containers": [{
                "image": "thaw.local/host", "command": ["python3", str(APPS / "starved/app.py")],
                "resources": {"limits": {"memory": "128Mi"}}}]}}}}))
        code, report = doctor(file)
        self.assertEqual((code, ids(report)), (7, ["starved-between-requests"]))
        self.assertEqual(report["measured"]["memoryLimitBytes"], 128 << 20)

    def test_a_deployed_service(self):
        platform = Platform()
        self.addCleanup(shutil.rmtree, platform.data_dir, ignore_errors=True)
        self.addCleanup(platform.log_path.unlink)
        self.addCleanup(platform.stop)
        platform.cli("deploy", "single", "--image", "thaw.local/host", "--command", "python3",
                     "--args", str(APPS / "single/app.py"), "--concurrency", "20")
        run = platform.cli("doctor", "single", "--json", check=False)
        report = json.loads(run.stdout)
        self.assertEqual((run.returncode, ids(report)), (7, ["one-at-a-time"]))
        self.assertIn("thaw deploy single --concurrency 1", report["findings"][0]["command"])

    def test_ctrl_c_leaves_nothing(self):
        before = set(pathlib.Path("/tmp").glob("thaw-doctor-*"))
        run = subprocess.Popen([THAW, "doctor", str(APPS / "never-listens")],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ALONE)

        def cwd_of(pid):
            try:
                return os.readlink(f"/proc/{pid}/cwd")
            except OSError:
                return ""

        def running():
            return any(cwd_of(pid) == str(APPS / "never-listens")
                       for pid in filter(str.isdigit, os.listdir("/proc")))

        wait_until("the program runs", running)
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=HANG_SECONDS)
        self.assertEqual(run.returncode, 130, err)
        self.assertFalse(running())
        self.assertEqual(set(pathlib.Path("/tmp").glob("thaw-doctor-*")) - before, set())
        self.assertEqual(leftovers("/tmp/thaw-doctor-"), [])

    test_ctrl_c_leaves_nothing.alone = True  # it looks for what others leave, too


class SideBySide(unittest.TextTestRunner):
    """Examinations mostly wait and watch: several at a time."""

    AT_A_TIME = 4

    def run(self, test):
        cases, result = list(self.flat(test)), self._makeResult()
        together, alone = [], []
        for case in cases:
            method = getattr(case, case.id().rpartition(".")[2])
            (alone if getattr(method, "alone", False) else together).append(case)
        with concurrent.futures.ThreadPoolExecutor(self.AT_A_TIME) as pool:
            for one in pool.map(self.result_of, together):
                self.add(result, one)
        for case in alone:
            self.add(result, self.result_of(case))
        result.printErrors()
        self.stream.writeln(f"{result.testsRun} ran, {len(result.failures)} failed, "
                            f"{len(result.errors)} broke, {len(result.skipped)} skipped")
        return result

    def flat(self, test):
        if isinstance(test, unittest.TestCase):
            yield test
        else:
            for inner in test:
                yield from self.flat(inner)

    @staticmethod
    def result_of(case):
        result = unittest.TestResult()
        begin = time.monotonic()
        case.run(result)
        return str(case), time.monotonic() - begin, result

    def add(self, result, one):
        name, took, own = one
        word = "ok" if own.wasSuccessful() else "FAILED"
        self.stream.writeln(f"{name} ... {'skipped' if own.skipped else word} ({took:.1f} s)")
        self.stream.flush()
        result.testsRun += own.testsRun
        for kind in ("failures", "errors", "skipped"):
            getattr(result, kind).extend(getattr(own, kind))


if __name__ == "__main__":
    unittest.main(testRunner=SideBySide)
