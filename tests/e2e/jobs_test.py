"""Jobs: tasks that run to their end, by thaw's commands, by gcloud, and across kill -9."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

import npm_modules
from harness import PROGRAMS, THAW, PlatformTest, programs_of, wait_until

FAILED, NOT_FOUND, REFUSED = 1, 4, 5


class Jobs(PlatformTest):
    def deploy_job(self, name, *flags, env=()):
        variables = ",".join(f"{key}={value}" for key, value in dict(env).items())
        return self.thaw.cli(
            "jobs", "deploy", name,
            "--command", f"/usr/bin/python3,-u,{PROGRAMS / 'task.py'}",
            "--args", f"first,{self.thaw.data_dir}", "--memory", "128Mi",
            *(["--set-env-vars", variables] if variables else []), *flags)

    def lines(self, name):
        """What the tasks printed as JSON."""
        run = self.thaw.cli("jobs", "logs", name, "--json", "--tail", "1000")
        messages = [json.loads(line)["message"] for line in run.stdout.splitlines()]
        return [json.loads(text) for text in messages if text.startswith("{")], messages

    def test_every_task_runs_once_and_knows_which_it_is(self):
        self.deploy_job("shards", "--tasks", "5", "--parallelism", "2")
        done = self.thaw.json("jobs", "run", "shards")
        self.assertEqual(done["status"]["succeededCount"], 5)
        printed, _ = self.lines("shards")
        self.assertEqual(sorted(each["env"]["CLOUD_RUN_TASK_INDEX"] for each in printed),
                         list("01234"))
        name = done["metadata"]["name"]
        self.assertEqual({(each["env"]["CLOUD_RUN_JOB"], each["env"]["CLOUD_RUN_EXECUTION"],
                           each["env"]["CLOUD_RUN_TASK_COUNT"],
                           each["env"]["CLOUD_RUN_TASK_ATTEMPT"]) for each in printed},
                         {("shards", name, "5", "0")})
        self.assertEqual(printed[0]["args"], ["first"])
        self.assertIn(name, self.thaw.cli("jobs", "executions", "shards").stdout)
        self.assertIn("shards", self.thaw.cli("jobs", "list").stdout)

    def test_a_failed_task_is_tried_again_and_at_last_given_up(self):
        self.deploy_job("flaky", "--max-retries", "2", env={"FAIL_UNTIL": "2"})
        done = self.thaw.json("jobs", "run", "flaky")
        self.assertEqual(done["status"]["succeededCount"], 1)
        self.assertEqual(done["status"]["retriedCount"], 2)
        self.deploy_job("flaky", "--max-retries", "1")
        failed = self.thaw.cli("jobs", "run", "flaky", check=False)
        self.assertEqual(failed.returncode, FAILED)
        self.assertIn("task 0 failed 2 times: it ended with exit code 3", failed.stderr)
        self.assertIn("not yet", self.lines("flaky")[1])

    def test_a_run_may_say_other_words_and_numbers(self):
        self.deploy_job("words")
        self.thaw.cli("jobs", "run", "words", "--tasks", "2", "--args", "other,x",
                      "--update-env-vars", "COLOUR=blue")
        printed, _ = self.lines("words")
        self.assertEqual([each["args"] for each in printed], [["other"]] * 2)
        self.assertEqual({each["colour"] for each in printed}, {"blue"})

    def test_a_task_that_takes_too_long_is_stopped(self):
        self.deploy_job("slow", "--task-timeout", "1s", "--max-retries", "0",
                        env={"WAIT_FOR": "/nonexistent/never"})
        failed = self.thaw.cli("jobs", "run", "slow", check=False)
        self.assertEqual(failed.returncode, FAILED)
        self.assertIn("longer than 1s", failed.stderr.replace(" s", "s"))

    def test_cancelling_ends_it(self):
        self.deploy_job("slow", "--tasks", "3", "--parallelism", "1",
                        env={"WAIT_FOR": "/nonexistent/never"})
        name = self.thaw.json("jobs", "run", "slow", "--async")["metadata"]["name"]
        wait_until("the task's line", lambda: self.lines("slow")[0])
        self.thaw.cli("jobs", "cancel", name)
        wait_until("its end", lambda: "cancelled" in self.thaw.cli("jobs", "executions").stdout)
        wait_until("no process", lambda: not programs_of(self.thaw.data_dir))
        self.assertEqual(self.thaw.cli("jobs", "cancel", name, check=False).returncode, REFUSED)
        self.thaw.cli("jobs", "delete", "slow")
        self.assertEqual(self.thaw.cli("jobs", "describe", "slow", check=False).returncode,
                         NOT_FOUND)

    def test_kill_9_in_the_middle_runs_what_ran_again_and_nothing_that_was_done(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-e2e-jobs-", dir="/var/lib"))
        folder.chmod(0o755)
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.deploy_job("long", "--tasks", "4", "--parallelism", "2")
        first = self.thaw.json("jobs", "run", "long", "--tasks", "1")
        self.deploy_job("long", env={"WAIT_FOR": str(folder / "go")})
        name = self.thaw.json("jobs", "run", "long", "--async")["metadata"]["name"]

        def tasks_of(execution):
            return sorted(line["env"]["CLOUD_RUN_TASK_INDEX"] for line in self.lines("long")[0]
                          if line["env"]["CLOUD_RUN_EXECUTION"] == execution)

        wait_until("two tasks", lambda: tasks_of(name) == ["0", "1"])
        self.thaw.stop(signal.SIGKILL)
        self.thaw.start()
        wait_until("both again", lambda: tasks_of(name) == ["0", "0", "1", "1"])
        (folder / "go").touch()
        wait_until("the end", lambda: self.thaw.json(
            "jobs", "describe", name)["status"].get("succeededCount") == 4)
        self.assertEqual(tasks_of(name), ["0", "0", "1", "1", "2", "3"])
        attempts = {line["env"]["CLOUD_RUN_TASK_ATTEMPT"] for line in self.lines("long")[0]}
        self.assertEqual(attempts, {"0"}, "the platform's own end is no failure of the task")
        self.thaw.stop(signal.SIGKILL)
        self.thaw.start()
        self.assertEqual(len(self.thaw.json("jobs", "executions", "long")), 2)
        self.assertEqual(tasks_of(first["metadata"]["name"]), ["0"])
        self.assertEqual(len(tasks_of(name)), 6, "what was done was done again")

    def test_its_lines_are_followed_as_they_come(self):
        self.thaw.cli("jobs", "deploy", "talk", "--command", "/bin/echo", "--args", "first")
        self.thaw.cli("jobs", "run", "talk")
        follower = subprocess.Popen(
            [THAW, "jobs", "logs", "talk", "-f", "--json"], text=True, stdout=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "THAW_API_ADDRESS": self.thaw.api})
        self.addCleanup(follower.stdout.close)
        self.addCleanup(follower.wait)
        self.addCleanup(follower.kill)
        said = lambda word: any(json.loads(line)["message"] == word for line in follower.stdout)
        self.assertTrue(said("first"))
        self.thaw.cli("jobs", "deploy", "talk", "--command", "/bin/echo", "--args", "second")
        self.thaw.cli("jobs", "run", "talk")
        self.assertTrue(said("second"))

    def test_the_node_librarys_rest_form(self):
        run = subprocess.run(
            ["node", str(PROGRAMS / "jobs_client.mjs"), str(npm_modules.installed()),
             self.thaw.api, "/bin/sh", "-c", 'test "$WORD" = two && echo "$WORD"'],
            capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 0, run.stderr + self.thaw.log()[-2000:])
        self.assertEqual(json.loads(run.stdout), {"left": 0})

    def test_faults_name_the_field(self):
        bad = self.thaw.cli("jobs", "deploy", "-", check=False, stdin=(
            "apiVersion: run.googleapis.com/v1\nkind: Job\nmetadata: {name: x}\n"
            "spec: {template: {spec: {taskCont: 3, template: {spec: {containers: []}}}}}\n"))
        self.assertEqual(bad.returncode, REFUSED)
        self.assertIn("spec.template.spec.taskCont: unknown field; did you mean 'taskCount'?",
                      bad.stderr)
        bad = self.thaw.cli("jobs", "deploy", "x", "--command", "true", "--memory", "1Mi",
                            check=False)
        self.assertEqual(bad.returncode, REFUSED)
        self.assertIn("spec.template.spec.template.spec.containers[0].resources", bad.stderr)


@unittest.skipUnless(shutil.which("gcloud"), "gcloud is not installed")
class Gcloud(PlatformTest):
    def gcloud(self, *words, code=0):
        config = tempfile.mkdtemp(prefix="thaw-gcloud-")
        self.addCleanup(shutil.rmtree, config, ignore_errors=True)
        env = {**os.environ, "CLOUDSDK_CONFIG": config, "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
               "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true", "NO_COLOR": "1",
               **self.thaw.json("env")}
        done = subprocess.run(["gcloud", "run", "jobs", *words], env=env, text=True,
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr

    def test_gcloud_run_jobs(self):
        self.gcloud("deploy", "hello", "--image=thaw.local/host",
                    f"--command=/usr/bin/python3,{PROGRAMS / 'task.py'}",
                    f"--args=first,{self.thaw.data_dir}", "--tasks=3", "--max-retries=1",
                    "--parallelism=2", "--task-timeout=10m", "--memory=128Mi")
        self.gcloud("execute", "hello", "--wait")
        listed = json.loads(self.gcloud("list", "--format=json"))
        self.assertEqual([job["metadata"]["name"] for job in listed], ["hello"])
        runs = json.loads(self.gcloud("executions", "list", "--job=hello", "--format=json"))
        self.assertEqual([run["status"]["succeededCount"] for run in runs], [3])
        described = json.loads(self.gcloud("describe", "hello", "--format=json"))
        self.assertEqual(described["spec"]["template"]["spec"]["taskCount"], 3)
        self.gcloud("update", "hello", "--tasks=1")
        self.gcloud("execute", "hello", "--wait")
        self.gcloud("delete", "hello")
        self.assertEqual(json.loads(self.gcloud("list", "--format=json")), [])


if __name__ == "__main__":
    unittest.main()
