"""Python services: the first start is cold, the next ones are restored from its snapshot."""

import json
import shutil
import socket
import subprocess
import unittest

from harness import AT_ZERO, PROGRAMS, PlatformTest, wait_until

PYTHON = "/usr/bin/python3"


def lacks(*modules):
    """What to skip for: a module that Debian's python3 does not have here."""
    run = subprocess.run([PYTHON, "-c", "import " + ", ".join(modules)], capture_output=True,
                         check=False)
    return f"{PYTHON} has no {' or '.join(modules)}" if run.returncode else ""


MANY = 20


class Templates(PlatformTest):
    def deploy_command(self, name, command, annotations=(), memory="256Mi"):
        service = json.loads(self.service_file(
            name, "template_flask.py", {**AT_ZERO, "thaw.local/template": "libraries",
                                        "autoscaling.knative.dev/maxScale": str(MANY),
                                        **dict(annotations)}, concurrency=1, memory=memory))
        container = service["spec"]["template"]["spec"]["containers"][0]
        container["command"] = [*command]
        container["workingDir"] = str(PROGRAMS)
        self.deploy(json.dumps(service))

    def log(self, service):
        return self.thaw.cli("logs", service, check=False).stdout

    def ask(self, name):
        status, body = self.thaw.curl(name)
        self.assertEqual(status, 200, body + self.log(name))
        return body

    def describe(self, name):
        revision = self.thaw.json("services", "describe", name)["status"]["latestReadyRevisionName"]
        return self.thaw.cli("revisions", "describe", revision).stdout

    def wait_for_template(self, name, word="ready"):
        def settled():
            text = self.describe(name)
            return ("ready, " in text or "refused: " in text) and text

        text = wait_until("a template", settled)
        self.assertIn(word, text, self.thaw.log()[-3000:])
        return text

    def first_and_next(self, name):
        """The answers of a cold start and of the one from the template that it led to."""
        first = self.ask(name)
        self.assertNotIn("a template", self.log(name))
        self.wait_for_zero(name)
        self.wait_for_template(name)
        second = self.ask(name)
        self.assertIn("started from a template", self.log(name))
        return first, second

    def check_json(self, name, ahead):
        first, second = map(json.loads, self.first_and_next(name))
        self.assertEqual(first["ahead"], [])
        self.assertEqual(second["ahead"], ahead)
        self.assertEqual((first["sum"], second["sum"]), (45, 45))
        for row in self.ask_many(name):
            self.assertEqual((row["ahead"], row["sum"]), (ahead, 45))
        return first, second

    def ask_many(self, name):
        """The answers of MANY instances that start at the same time: each has a request that is
        not complete before all of them run."""
        host, port = self.thaw.gateway.rsplit(":", 1)
        head = f"POST / HTTP/1.1\r\nHost: {name}.localhost\r\nContent-Length: 1\r\n" \
               "Connection: close\r\n\r\n"
        self.wait_for_zero(name)
        calls = [socket.create_connection((host, int(port))) for _ in range(MANY)]
        for call in calls:
            call.sendall(head.encode())

        def all_run():
            rows = self.thaw.instances(name)
            return sum(row["state"] == "ready" for row in rows) == MANY and rows

        rows = wait_until(f"{MANY} instances", all_run)
        wait_until("their starts told", lambda: all(
            row["start"] == "templated" for row in self.thaw.instances(name)))
        self.assertEqual(len(rows), MANY)
        answers = []
        for call in calls:
            with call:
                call.sendall(b"x")
                text = b"".join(iter(lambda: call.recv(65536), b""))
            self.assertTrue(text.startswith(b"HTTP/1.1 200"), text[:300])
            answers.append(json.loads(text[text.index(b"{"):text.rindex(b"}") + 1]))
        for key in ("random", "legacy", "uuid", "ssl", "name", "torch"):
            values = [row[key] for row in answers if key in row]
            self.assertEqual(len(set(values)), len(values), f"{key}: {values}")
        return answers

    def test_flask_with_numpy(self):
        if lacks("flask", "numpy"):
            self.skipTest(lacks("flask", "numpy"))
        self.deploy_command("app", [PYTHON, "template_flask.py"])
        self.check_json("app", ["flask", "numpy"])

    def test_flask_with_torch(self):
        if lacks("flask", "torch"):
            self.skipTest(lacks("flask", "torch"))
        self.deploy_command("app", [PYTHON, "template_torch.py"], memory="1Gi")
        self.check_json("app", ["flask", "torch"])

    def test_gunicorn_with_two_workers(self):
        if lacks("flask", "numpy", "gunicorn") or not shutil.which("gunicorn", path="/usr/bin"):
            self.skipTest("gunicorn, flask or numpy is absent")
        self.deploy_command("app", ["/usr/bin/gunicorn", "-w", "2", "-b", "0.0.0.0:8080",
                                    "template_flask:app"])
        self.check_json("app", ["flask", "numpy"])

    def test_fastapi_under_uvicorn(self):
        if lacks("fastapi", "uvicorn"):
            self.skipTest(lacks("fastapi", "uvicorn"))
        self.deploy_command("app", [PYTHON, "-m", "uvicorn", "--host", "0.0.0.0", "--port", "8080",
                                    "template_fastapi:app"])
        self.check_json("app", ["fastapi"])

    def test_a_server_of_the_standard_library(self):
        self.deploy_command("app", [PYTHON, "template_plain.py"])
        self.check_json("app", ["http.server"])

    def test_a_module_of_the_standard_library(self):
        self.deploy_command("app", [PYTHON, "-m", "http.server", "8080"])
        first, second = self.first_and_next("app")
        self.assertEqual(first, second)

    def test_a_module_that_starts_a_thread_is_left_to_the_program(self):
        self.deploy_command("app", [PYTHON, "template_threads.py"],
                            {"thaw.local/template": "module"})
        _, second = self.check_json("app", ["http.server"])
        self.assertTrue(second["thread"])

    def test_a_template_that_cannot_be_made_is_refused_with_the_reason(self):
        self.deploy_command("app", [PYTHON, "template_open_file.py"],
                            {"thaw.local/template": "module"})
        self.ask("app")
        self.wait_for_zero("app")
        self.assertIn("/etc/hostname open", self.wait_for_template("app", "refused"))
        self.assertEqual(self.ask("app"), "/etc/hostname")
        self.assertIn("started cold, without a template: it has /etc/hostname open",
                      self.log("app"))

    def test_a_template_outlives_the_platform_and_goes_with_its_service(self):
        self.deploy_command("app", [PYTHON, "template_plain.py"])
        self.ask("app")
        self.wait_for_zero("app")
        self.wait_for_template("app")
        folder = self.thaw.data_dir / "templates"
        self.assertEqual(len(list(folder.iterdir())), 1)
        self.assertEqual(self.thaw.stop(), 0)
        # Its environment names the storage's address, which would differ otherwise.
        self.thaw.api_address = self.thaw.api
        self.thaw.start()
        self.assertEqual(json.loads(self.ask("app"))["ahead"], ["http.server"])
        self.assertIn("started from a template", self.log("app"))
        self.thaw.cli("services", "delete", "app", "--quiet")
        wait_until("no template", lambda: not list(folder.iterdir()))

    def test_templates_can_be_turned_off(self):
        self.deploy_command("app", [PYTHON, "template_threads.py"], {"thaw.local/template": "off"})
        for _ in range(3):
            self.assertEqual(json.loads(self.ask("app"))["ahead"], [])
            self.wait_for_zero("app")
        self.assertNotIn("a template", self.log("app"))

    def test_a_template_setting_that_is_none_is_refused(self):
        text = self.service_file("app", "template_threads.py", {"thaw.local/template": "yes"})
        refused = self.deploy(text, False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("thaw.local/template", refused.stderr)


if __name__ == "__main__":
    unittest.main()
