"""Cloud Storage clients that we did not write, against the real binary."""

import base64
import filecmp
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import harness
import npm_modules

class NodeTest(harness.PlatformTest):
    def test_the_node_library_does_all_it_can(self):
        run = subprocess.run(
            ["node", str(harness.PROGRAMS / "storage_client.mjs"), str(npm_modules.installed()),
             f"http://{self.thaw.api}"],
            capture_output=True, text=True, timeout=harness.HANG_SECONDS, check=False)
        self.assertEqual(run.returncode, 0, run.stderr + self.thaw.log()[-2000:])
        self.assertEqual(json.loads(run.stdout), {"versions": 2, "files": 2})

    def test_files_of_all_sizes_go_up_come_back_and_are_announced(self):
        work = tempfile.mkdtemp(prefix="thaw-sizes-")
        self.addCleanup(shutil.rmtree, work, ignore_errors=True)
        self.thaw.cli("topics", "create", "arrivals", "--project", "p")
        self.thaw.cli("subscriptions", "create", "reader", "--topic", "arrivals", "--project", "p")
        run = subprocess.run(
            ["node", str(harness.PROGRAMS / "storage_sizes.mjs"), str(npm_modules.installed()),
             f"http://{self.thaw.api}", work],
            capture_output=True, text=True, timeout=harness.HANG_SECONDS, check=False)
        self.assertEqual(run.returncode, 0, run.stderr + self.thaw.log()[-2000:])
        sizes = [0, 1024, 20 << 20, 300 << 20]
        self.assertEqual(json.loads(run.stdout), sizes)
        told = {}
        for each in self.thaw.json("pull", "reader", "--limit", "10", "--project", "p"):
            attributes = each["message"]["attributes"]
            self.assertEqual((attributes["eventType"], attributes["made"]),
                             ("OBJECT_FINALIZE", "here"))
            data = json.loads(base64.b64decode(each["message"]["data"]))
            told[attributes["objectId"]] = int(data["size"])
        self.assertEqual(told, {f"file-{size}": size for size in sizes})


class GcloudCase(harness.PlatformTest):
    def setUp(self):
        if not shutil.which("gcloud"):
            self.skipTest("gcloud is not installed")
        super().setUp()
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="thaw-gcloud-"))
        self.addCleanup(shutil.rmtree, self.work, ignore_errors=True)

    def run_tool(self, *words, check=True):
        url = f"http://{self.thaw.api}/"
        env = {**os.environ, "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": url,
               "CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB": url,
               "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true", "CLOUDSDK_CORE_PROJECT": "p",
               "CLOUDSDK_CORE_DISABLE_PROMPTS": "1", "CLOUDSDK_CORE_CHECK_GCE_METADATA": "false",
               "CLOUDSDK_CONFIG": str(self.work / "config")}
        run = subprocess.run(list(words), env=env, capture_output=True, text=True,
                             timeout=harness.HANG_SECONDS, check=False)
        if check:
            self.assertEqual(run.returncode, 0, f"{words}\n{run.stdout}{run.stderr}")
        return run

    def make(self, name, size):
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
        return str(path)


class GcloudStorageTest(GcloudCase):
    def storage(self, *words, check=True):
        return self.run_tool("gcloud", "storage", *words, check=check)

    def test_gcloud_copies_lists_moves_composes_and_removes(self):
        files = [self.make("empty", 0), self.make("small", 1000), self.make("chunks", 20 << 20)]
        self.storage("buckets", "create", "gs://bkt-a")
        self.storage("cp", *files, "gs://bkt-a/")
        listed = self.storage("ls", "-l", "gs://bkt-a/").stdout
        self.assertIn("20971520", listed)
        (self.work / "back").mkdir()
        self.storage("cp", "gs://bkt-a/*", str(self.work / "back") + "/")
        for path in files:
            self.assertTrue(
                filecmp.cmp(path, self.work / "back" / pathlib.Path(path).name, shallow=False))
        self.storage("mv", "gs://bkt-a/small", "gs://bkt-a/moved")
        (self.work / "text").write_text("0123456789")
        self.storage("cp", str(self.work / "text"), "gs://bkt-a/text")
        self.assertEqual(self.storage("cat", "-r", "2-4", "gs://bkt-a/text").stdout, "234")
        self.storage("objects", "describe", "gs://bkt-a/moved")
        self.storage("objects", "compose", "gs://bkt-a/moved", "gs://bkt-a/chunks",
                     "gs://bkt-a/both")
        self.assertIn("20972520", self.storage("ls", "-l", "gs://bkt-a/both").stdout)
        self.make("tree/one", 10)
        self.make("tree/deep/two", 10)
        self.storage("rsync", "-r", str(self.work / "tree"), "gs://bkt-a/tree")
        self.assertIn("gs://bkt-a/tree/deep/two", self.storage("ls", "-r", "gs://bkt-a/").stdout)
        self.storage("rm", "-r", "gs://bkt-a")
        self.assertNotEqual(self.storage("ls", "gs://bkt-a", check=False).returncode, 0)

    def test_300_mib_go_up_in_parallel_parts_and_come_back(self):
        path = self.make("large", 300 << 20)
        self.storage("buckets", "create", "gs://bkt-large")
        self.storage("cp", path, "gs://bkt-large/")
        self.storage("cp", "gs://bkt-large/large", str(self.work / "again"))
        self.assertTrue(filecmp.cmp(path, self.work / "again", shallow=False))

    def test_a_notification_reaches_a_subscription(self):
        pubsub = lambda *words: self.run_tool("gcloud", "pubsub", *words)
        self.storage("buckets", "create", "gs://bkt-n")
        pubsub("topics", "create", "arrivals")
        pubsub("subscriptions", "create", "watcher", "--topic=arrivals")
        self.storage("buckets", "notifications", "create", "gs://bkt-n", "--topic=arrivals")
        self.storage("cp", self.make("in.csv", 10), "gs://bkt-n/")
        pulled = pubsub("subscriptions", "pull", "watcher", "--auto-ack", "--format=json")
        message = json.loads(pulled.stdout)[0]["message"]
        self.assertEqual(message["attributes"]["eventType"], "OBJECT_FINALIZE")
        self.assertEqual(message["attributes"]["objectId"], "in.csv")


class GsutilTest(GcloudCase):
    """gsutil itself, which speaks TLS only, with nothing but what `thaw env` says."""
    options = ["--api-tls-address", "127.0.0.1:0"]

    def setUp(self):
        if not shutil.which("gsutil"):
            self.skipTest("gsutil is not installed")
        super().setUp()
        lines = self.thaw.cli("env").stdout.splitlines()
        self.env = {**os.environ, "HOME": str(self.work),
                    "CLOUDSDK_CONFIG": str(self.work / "config"),
                    "CLOUDSDK_CORE_CHECK_GCE_METADATA": "false",
                    **dict(line.removeprefix("export ").split("=", 1) for line in lines)}

    def gsutil(self, *words, stdin=None, code=0):
        run = subprocess.run(["gsutil", *map(str, words)], env=self.env, input=stdin,
                             capture_output=True, timeout=harness.HANG_SECONDS, check=False)
        told = (run.stdout + run.stderr).decode(errors="replace")
        self.assertEqual(run.returncode, code, f"{words}\n{told}{self.thaw.log()[-2000:]}")
        return run.stdout.decode() if code == 0 else told

    def test_gsutil_copies_files_of_all_sizes_both_ways(self):
        files = [self.make("empty", 0), self.make("small", 1000), self.make("chunks", 20 << 20),
                 self.make("large", 300 << 20)]
        self.gsutil("mb", "gs://bkt-s")
        self.gsutil("-m", "cp", *files, "gs://bkt-s/")
        listed = self.gsutil("ls", "-l", "gs://bkt-s")
        for size in (0, 1000, 20 << 20, 300 << 20):
            self.assertRegex(listed, rf"(?m)^ +{size}  2\d+-\S+Z  gs://bkt-s/")
        (self.work / "back").mkdir()
        self.gsutil("-m", "cp", "gs://bkt-s/*", self.work / "back")
        for path in files:
            self.assertTrue(
                filecmp.cmp(path, self.work / "back" / pathlib.Path(path).name, shallow=False))

    def test_gsutil_does_what_else_people_do_with_it(self):
        self.gsutil("mb", "gs://bkt-g")
        self.gsutil("cp", "-", "gs://bkt-g/text", stdin=b"0123456789")
        told = self.gsutil("stat", "gs://bkt-g/text")
        self.assertRegex(told, r"Content-Length:\s+10\n")
        self.assertRegex(told, r"Hash \(md5\):\s+eB5eJF1ptWaXm4bijSPyxw==\n")
        self.assertEqual(self.gsutil("cat", "-r", "2-4", "gs://bkt-g/text"), "234")
        self.assertEqual(self.gsutil("cat", "-r", "-3", "gs://bkt-g/text"), "789")
        self.gsutil("compose", "gs://bkt-g/text", "gs://bkt-g/text", "gs://bkt-g/twice")
        self.assertEqual(self.gsutil("cat", "gs://bkt-g/twice"), "0123456789" * 2)
        self.gsutil("mv", "gs://bkt-g/twice", "gs://bkt-g/moved")
        self.make("tree/one", 10)
        two = self.make("tree/deep/two", 10)
        for _ in range(2):  # the second one has nothing to do
            self.gsutil("-m", "rsync", "-r", self.work / "tree", "gs://bkt-g/tree")
        os.unlink(two)
        self.gsutil("rsync", "-d", "-r", self.work / "tree", "gs://bkt-g/tree")
        self.assertEqual(self.gsutil("ls", "gs://bkt-g/**").split(), [
            "gs://bkt-g/moved", "gs://bkt-g/text", "gs://bkt-g/tree/one"])
        self.gsutil("rsync", "-r", "gs://bkt-g/tree", self.work / "tree")
        self.gsutil("rm", "gs://bkt-g/text")
        self.assertIn("No URLs matched", self.gsutil("stat", "gs://bkt-g/text", code=1))
        self.assertIn("No URLs matched", self.gsutil("cp", "gs://bkt-g/text", "-", code=1))
        self.gsutil("-m", "rm", "-r", "gs://bkt-g")
        self.assertIn("404", self.gsutil("ls", "gs://bkt-g", code=1))

    def test_gsutil_sets_up_a_notification(self):
        self.gsutil("mb", "gs://bkt-n")
        self.thaw.cli("topics", "create", "arrivals")
        self.thaw.cli("subscriptions", "create", "watcher", "--topic", "arrivals")
        self.gsutil("notification", "create", "-t", "projects/thaw/topics/arrivals", "-f", "json",
                    "-e", "OBJECT_FINALIZE", "gs://bkt-n")
        self.assertIn("arrivals", self.gsutil("notification", "list", "gs://bkt-n"))
        self.gsutil("cp", self.make("in.csv", 10), "gs://bkt-n/")
        (message,) = self.thaw.json("pull", "watcher")
        self.assertEqual(message["message"]["attributes"]["objectId"], "in.csv")
        self.gsutil("notification", "delete", "gs://bkt-n")
        self.assertEqual(self.gsutil("notification", "list", "gs://bkt-n"), "")

    def test_gsutil_over_the_storage_shim(self):
        path = self.make("file", 5000)
        gsutil = lambda *words: self.run_tool("gsutil", "-o", "GSUtil:use_gcloud_storage=True",
                                              *words)
        gsutil("mb", "gs://bkt-h")
        gsutil("cp", path, "gs://bkt-h/file")
        self.assertIn("gs://bkt-h/file", gsutil("ls", "gs://bkt-h").stdout)
        gsutil("cp", "gs://bkt-h/file", str(self.work / "again"))
        self.assertTrue(filecmp.cmp(path, self.work / "again", shallow=False))
        gsutil("rm", "gs://bkt-h/file")


if __name__ == "__main__":
    unittest.main()
