"""WebSockets and server-sent events through the gateway, with clients that we did not write."""

import json
import shutil
import subprocess
import unittest

import browser
import harness
import npm_modules


@unittest.skipUnless(shutil.which("node"), "node is not installed")
class WebSockets(harness.PlatformTest):
    options = ["--scale-to-zero-after", "60s", "--stop-grace", "1s"]

    def test_the_ws_library_talks_to_itself_through_the_gateway(self):
        modules = npm_modules.installed()
        text = json.loads(self.service_file("talk", "echo.py", memory="512Mi"))
        text["spec"]["template"]["spec"]["containers"][0]["command"] = [
            shutil.which("node"), str(harness.PROGRAMS / "ws_echo.mjs"), str(modules),
            str(self.thaw.data_dir)]
        self.deploy(json.dumps(text))
        run = subprocess.run(
            [shutil.which("node"), str(harness.PROGRAMS / "ws_echo_client.mjs"), str(modules),
             f"ws://{self.thaw.gateway}/", "talk.localhost"],
            capture_output=True, text=True, timeout=harness.HANG_SECONDS, check=False)
        self.assertEqual(run.returncode, 0, run.stderr + self.thaw.log()[-3000:])
        self.assertEqual(json.loads(run.stdout), {
            "protocol": "chat.v2", "text": "héllo", "largest": 1 << 20, "pong": "hello",
            "pinged": "pong are you there", "inOrder": True,
            "closedByServer": {"code": 4001, "why": "enough"},
            "deflate": "permessage-deflate", "deflated": 100000,
            "closedByClient": {"code": 3000, "why": "bye"}})
        # The service saw the client's close too.
        status, body = self.thaw.curl("talk")
        self.assertEqual((status, json.loads(body)), (200, {"code": 3000, "why": "bye"}))
        # Two long requests in the log, as Cloud Run counts them.
        lines = map(json.loads, self.thaw.cli("logs", "talk", "--json").stdout.splitlines())
        statuses = [line["httpRequest"]["status"] for line in lines if "httpRequest" in line]
        self.assertEqual(statuses, [101, 101, 200])


@browser.WANTED
class Events(harness.PlatformTest):
    options = ["--scale-to-zero-after", "60s", "--stop-grace", "1s"]

    def test_a_browsers_event_source_goes_on_where_it_was(self):
        self.deploy(self.service_file("events", "events.py", harness.AT_ZERO))
        port = self.thaw.gateway.rpartition(":")[2]
        (seen,), faults = browser.run(["goto", f"http://events.localhost:{port}/"],
                                      ["until", "#seen", "5="])
        self.assertEqual(seen, "open 1=after 0 2=after 0 open 3=after 2 4=after 2 open 5=after 4")
        # The page asked for its icon, which there is none of.
        self.assertEqual([fault for fault in faults if "404" not in fault], [])


if __name__ == "__main__":
    unittest.main()
