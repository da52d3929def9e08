"""Domains of one's own, and their certificates from pebble, Let's Encrypt's ACME server for tests.

Pebble checks what it is told: it looks domains up at a DNS server of the test, and asks the gateway
for the challenge. It refuses a third of all nonces, so that they have to be replaced.
"""

import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest
import urllib.request

import certificates
import harness

HANG = harness.HANG_SECONDS
LIFE = 45  # seconds of a certificate: renewed after 30


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@unittest.skipUnless(shutil.which("pebble") and shutil.which("pebble-challtestsrv"),
                     "pebble is not installed")
class Acme(harness.PlatformTest):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-e2e-acme-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.authority = certificates.Authority(self.folder)
        self.port, self.management, self.dns, self.dns_management = (free_port() for _ in range(4))
        self.options = [*type(self).options, "--tls-address", "127.0.0.1:0", "--acme-directory",
                        f"https://localhost:{self.port}/dir", "--acme-ca",
                        str(self.authority.root), "--acme-email", "ops@example.org"]
        super().setUp()
        self.tls = json.loads((self.thaw.data_dir / "endpoints.json").read_text())["gatewayTls"]
        self.started = []
        self.addCleanup(self.end_servers)
        self.start_dns()

    def end_servers(self):
        for child in self.started:
            child.kill()
            child.wait()

    def start(self, *words, **environment):
        log = open(self.folder / f"{pathlib.Path(words[0]).name}.log", "ab")
        with log:
            child = subprocess.Popen([*map(str, words)], stdin=subprocess.DEVNULL, stdout=log,
                                     stderr=log, env={**os.environ, **environment})
        self.started.append(child)
        return child

    def start_dns(self):
        self.start("pebble-challtestsrv", "-dns01", f"127.0.0.1:{self.dns}", "-management",
                   f"127.0.0.1:{self.dns_management}", "-http01", "", "-https01", "", "-tlsalpn01",
                   "", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "")

    def start_pebble(self):
        certificate, key = self.authority.issue(self.folder, "pebble", "localhost")
        config = self.folder / "pebble.json"
        config.write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self.management}",
            "certificate": str(certificate), "privateKey": str(key),
            "httpPort": int(self.thaw.gateway.rpartition(":")[2]), "tlsPort": 1,
            "ocspResponderURL": "", "externalAccountBindingRequired": False,
            "certificateValidityPeriod": LIFE}}))
        self.start("pebble", "-strict", "-config", config, "-dnsserver", f"127.0.0.1:{self.dns}",
                   PEBBLE_VA_NOSLEEP="1", PEBBLE_WFE_NONCEREJECT="33")
        harness.wait_until("pebble", lambda: self.ask_pebble("/roots/0"))
        self.root = self.folder / "pebble-root.pem"
        self.root.write_bytes(self.ask_pebble("/roots/0"))

    def ask_pebble(self, path):
        context = ssl.create_default_context(cafile=str(self.authority.root))
        try:
            with urllib.request.urlopen(f"https://localhost:{self.management}{path}",
                                        context=context, timeout=HANG) as answer:
                return answer.read()
        except OSError:
            return None

    def describe(self, domain):
        mapping = self.thaw.json("domains", "describe", domain)
        conditions = {each["type"]: each for each in mapping["status"]["conditions"]}
        return mapping, conditions

    def until_certified(self, domain):
        harness.wait_until(
            f"a certificate of {domain}: {self.thaw.log()[-2000:]}",
            lambda: "thaw.local/certificate-not-after"
            in self.describe(domain)[0]["metadata"]["annotations"])

    def connect(self, domain):
        context = ssl.create_default_context(cafile=str(self.root))
        host, _, port = self.tls.rpartition(":")
        raw = socket.create_connection((host, int(port)), timeout=HANG)
        return context.wrap_socket(raw, server_hostname=domain)

    def serial(self, domain):
        with self.connect(domain) as wire:
            return wire.getpeercert()["serialNumber"]

    def curl_tls(self, domain, *options):
        return subprocess.run(
            ["curl", "-sS", "--cacert", str(self.root), "--connect-to", f"::{self.tls}",
             *options, f"https://{domain}/hello"],
            capture_output=True, text=True, timeout=HANG, check=False)


class Domains(Acme):
    def test_a_mapped_domain_gets_a_certificate_and_a_new_one_in_time_under_load(self):
        self.start_pebble()
        self.deploy(self.service_file("web", "echo.py", harness.AT_ZERO))
        self.thaw.cli("domains", "map", "api.example.org", "--service", "web")
        self.until_certified("api.example.org")
        mapping, conditions = self.describe("api.example.org")
        self.assertEqual(mapping["spec"], {"routeName": "web", "certificateMode": "AUTOMATIC"})
        self.assertEqual({each["status"] for each in conditions.values()}, {"True"}, conditions)
        self.assertIn("Pebble", mapping["metadata"]["annotations"]["thaw.local/certificate-issuer"])
        for option, version in (("--http1.1", "1.1"), ("--http2", "2")):
            run = self.curl_tls("api.example.org", option, "-w", "\n%{http_version} %{http_code}")
            self.assertEqual(run.stdout.splitlines()[-1:], [f"{version} 200"], run.stderr)
        kept = self.thaw.data_dir / "tls/domains/api.example.org.pem"
        self.assertEqual(kept.stat().st_mode & 0o777, 0o600)

        # Load over the renewal.
        first = self.serial("api.example.org")
        done, faults, count = threading.Event(), [], [0]

        def load():
            while not done.is_set():
                run = self.curl_tls("api.example.org", "-f", "-o", os.devnull)
                count[0] += 1
                if run.returncode != 0:
                    faults.append(run.stderr)

        threads = [threading.Thread(target=load) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            harness.wait_until("a new certificate", lambda: self.serial("api.example.org") != first)
        finally:
            done.set()
            for thread in threads:
                thread.join()
        self.assertEqual(faults, [])
        self.assertGreater(count[0], 10)

    def test_certificates_and_mappings_survive_kill_9(self):
        self.start_pebble()
        self.deploy(self.service_file("web", "echo.py", harness.AT_ZERO))
        self.thaw.cli("domains", "map", "api.example.org", "--service", "web")
        self.until_certified("api.example.org")
        for child in self.started:  # so that nothing new can be had
            child.kill()
        self.thaw.stop(9)
        self.thaw.start()
        self.tls = json.loads((self.thaw.data_dir / "endpoints.json").read_text())["gatewayTls"]
        run = self.curl_tls("api.example.org", "-w", "\n%{http_code}")
        self.assertEqual(run.stdout.splitlines()[-1:], ["200"], run.stderr)

    def test_http_is_sent_to_https_once_there_is_a_certificate(self):
        self.deploy(self.service_file("web", "echo.py", harness.AT_ZERO))
        self.thaw.cli("domains", "map", "api.example.org", "--service", "web")

        def http(*options, path="/a?b=1"):
            run = subprocess.run(
                ["curl", "-sS", "-o", os.devnull, "-w", "%{http_code} %{redirect_url}", "-H",
                 "Host: api.example.org", *options, f"http://{self.thaw.gateway}{path}"],
                capture_output=True, text=True, timeout=HANG, check=True)
            return run.stdout

        self.assertEqual(http(), "200 ")  # no certificate yet: pebble does not run
        self.start_pebble()
        self.thaw.cli("domains", "map", "api.example.org", "--service", "web")  # ask again
        self.until_certified("api.example.org")
        port = self.tls.rpartition(":")[2]
        self.assertEqual(http(), f"301 https://api.example.org:{port}/a?b=1")
        self.assertEqual(http("-d", "x"), f"308 https://api.example.org:{port}/a?b=1")
        # To where clients find it, if that is another port than the one that listens.
        options = self.thaw.options
        for public, shown in (("443", ""), ("9443", ":9443")):
            self.thaw.stop()
            self.thaw.options = [*options, "--tls-public-port", public]
            self.thaw.start()
            self.assertEqual(http(), f"301 https://api.example.org{shown}/a?b=1")
        # Never what an ACME server asks for, nor a service's own name.
        self.assertEqual(http(path="/.well-known/acme-challenge/unknown"), "200 ")
        self.assertEqual(self.thaw.curl("web")[0], 200)

    def test_a_failure_is_told_of_and_tried_again_later(self):
        self.start_pebble()
        urllib.request.urlopen(urllib.request.Request(
            f"http://127.0.0.1:{self.dns_management}/add-a",
            json.dumps({"host": "away.example.org.", "addresses": ["127.0.0.2"]}).encode()),
            timeout=HANG).close()
        self.deploy(self.service_file("web", "echo.py", harness.AT_ZERO))
        self.thaw.cli("domains", "map", "away.example.org", "--service", "web")
        harness.wait_until(
            "a failure", lambda: self.describe("away.example.org")[1]["Ready"]["status"] == "False")
        condition = self.describe("away.example.org")[1]["CertificateProvisioned"]
        self.assertEqual(condition["reason"], "CertificateFailed")
        self.assertIn("away.example.org could not be validated: connection", condition["message"])
        self.assertTrue(re.search(r"attempt 1; again at 20", condition["message"]))
        self.assertIn("no certificate for a domain", self.thaw.log())

    def test_an_acme_server_that_cannot_be_trusted_gets_no_request(self):
        self.authority = certificates.Authority(self.folder)  # another root than Thaw was told of
        self.start_pebble()
        self.deploy(self.service_file("web", "echo.py", harness.AT_ZERO))
        self.thaw.cli("domains", "map", "api.example.org", "--service", "web")
        harness.wait_until(
            "a failure", lambda: self.describe("api.example.org")[1]["Ready"]["status"] == "False")
        self.assertIn("TLS with localhost:",
                      self.describe("api.example.org")[1]["CertificateProvisioned"]["message"])


class Mappings(harness.PlatformTest):
    """Without an ACME server."""

    def test_a_domain_leads_to_its_service_until_it_is_unmapped(self):
        self.deploy(self.service_file("web", "echo.py", harness.AT_ZERO))
        self.deploy(self.service_file("other", "echo.py", harness.AT_ZERO))
        self.thaw.cli("domains", "map", "api.example.org", "--service", "web")

        def get():
            return self.thaw.fetch(f"http://{self.thaw.gateway}/", "-H", "Host: API.example.org")

        status, body = get()
        self.assertEqual((status, json.loads(body)["env"]["K_SERVICE"]), (200, "web"))
        run = self.thaw.cli("domains", "map", "api.example.org", "--service", "other", check=False)
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("is mapped to service 'web'", run.stderr)
        self.thaw.cli("domains", "map", "api.example.org", "--service", "other",
                      "--force-override")
        self.assertEqual(json.loads(get()[1])["env"]["K_SERVICE"], "other")
        self.thaw.stop()
        self.thaw.start()
        self.assertEqual(json.loads(get()[1])["env"]["K_SERVICE"], "other")
        self.assertIn("api.example.org", self.thaw.cli("domains", "list").stdout)
        self.thaw.cli("domains", "unmap", "api.example.org")
        self.assertEqual(get()[0], 404)
        self.assertEqual(self.thaw.json("domains", "list"), [])
        for words, part in ((("map", "localhost", "--service", "web"), "is no domain"),
                            (("map", "*.example.org", "--service", "web"), "is no domain"),
                            (("map", "api.example.org", "--service", "absent"), "absent"),
                            (("map", "api.example.org"), "--service is missing"),
                            (("unmap", "api.example.org"), "is not there")):
            run = self.thaw.cli("domains", *words, check=False)
            self.assertNotEqual(run.returncode, 0)
            self.assertIn(part, run.stderr)

    @unittest.skipUnless(shutil.which("gcloud"), "gcloud is not installed")
    def test_gcloud_maps_lists_and_deletes(self):
        self.deploy(self.service_file("web", "echo.py", harness.AT_ZERO))
        lines = self.thaw.cli("env").stdout
        environment = {**os.environ, "CLOUDSDK_CONFIG": str(self.thaw.data_dir / "gcloud"),
                       **dict(line.removeprefix("export ").split("=", 1)
                              for line in lines.splitlines())}

        def gcloud(*words):
            run = subprocess.run(["gcloud", "beta", "run", "domain-mappings", *words, "--region",
                                  "local", "--quiet"], env=environment, capture_output=True,
                                 text=True, timeout=HANG, check=False)
            self.assertEqual(run.returncode, 0, run.stderr + self.thaw.log()[-2000:])
            return run.stdout + run.stderr

        made = gcloud("create", "--service", "web", "--domain", "api.example.org")
        self.assertIn("web.localhost.", made)  # what the zone is to say
        self.assertIn("api.example.org", gcloud("list"))
        self.assertIn("routeName: web", gcloud("describe", "--domain", "api.example.org"))
        gcloud("delete", "--domain", "api.example.org")
        self.assertEqual(self.thaw.json("domains", "list"), [])


if __name__ == "__main__":
    unittest.main()
