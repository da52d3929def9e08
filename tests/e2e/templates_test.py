"""Python services: the first start is cold, the next one has its imports done ahead."""

import json
import shutil
import subprocess
import unittest

from harness import AT_ZERO, PROGRAMS, PlatformTest, wait_until

PYTHON = "/usr/bin/python3"


def lacks(*modules):
    """What to skip for: a module that Debian's python3 does not have here."""
    run = subprocess.run([PYTHON, "-c", "import " + ", ".join(modules)], capture_output=True,
                         check=False)
    return f"{PYTHON} has no {' or '.join(modules)}" if run.returncode else ""


class Templates(PlatformTest):
    def deploy_command(self, name, command, annotations=()):
        service = json.loads(self.service_file(name, "template_flask.py",
                                               {**AT_ZERO, "thaw.local/template": "libraries",
                                                **dict(annotations)}))
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

    def first_and_next(self, name, words="started from a template"):
        """The answers of a cold start and of the one after it, once the log names `words`."""
        first = self.ask(name)
        self.assertNotIn("a template", self.log(name))

        def again():
            self.wait_for_zero(name)
            answer = self.ask(name)
            return words in self.log(name) and answer

        return first, wait_until(words, again)

    def check_json(self, name, ahead):
        first, second = map(json.loads, self.first_and_next(name))
        self.assertEqual(first["ahead"], [])
        self.assertEqual(second["ahead"], ahead)
        self.assertEqual(second["sum"], 45)
        self.assertNotEqual(first["random"], second["random"])
        return first, second

    def test_flask_with_numpy(self):
        if lacks("flask", "numpy"):
            self.skipTest(lacks("flask", "numpy"))
        self.deploy_command("app", [PYTHON, "template_flask.py"])
        first, second = self.check_json("app", ["flask", "numpy"])
        self.assertNotEqual(first["legacy"], second["legacy"])

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

    def test_a_module_of_the_standard_library(self):
        self.deploy_command("app", [PYTHON, "-m", "http.server", "8080"])
        first, second = self.first_and_next("app")
        self.assertEqual(first, second)

    def test_a_module_that_starts_a_thread_is_left_to_the_program(self):
        self.deploy_command("app", [PYTHON, "template_threads.py"],
                            {"thaw.local/template": "module"})
        _, second = self.check_json("app", ["http.server"])
        self.assertTrue(second["thread"])

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
