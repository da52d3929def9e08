"""TLS at the gateway and at the API, with clients that we did not write."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import unittest

import certificates
import harness
import npm_modules

HANG = harness.HANG_SECONDS


class TlsTest(harness.PlatformTest):
    """A platform whose certificates are those of a folder: a.test and *.wild.test."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-e2e-certificates-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.authority = certificates.Authority(self.folder)
        self.served = self.folder / "served"
        self.authority.issue(self.served, "a", "a.test", "web.localhost")
        self.authority.issue(self.served, "wild", "*.wild.test")
        self.options = [*type(self).options, "--tls-address", "127.0.0.1:0",
                        "--tls-certificates", str(self.served), "--api-tls-address", "127.0.0.1:0"]
        super().setUp()
        endpoints = json.loads((self.thaw.data_dir / "endpoints.json").read_text())
        self.tls, self.api_tls = endpoints["gatewayTls"], endpoints["apiTls"]
        self.own_root = endpoints["authority"]
        self.port = int(self.tls.rpartition(":")[2])

    def curl_tls(self, host, *options, path="/hello", root=None, port=None):
        port = port or self.port
        return subprocess.run(
            ["curl", "-sS", "--cacert", str(root or self.authority.root), "--resolve",
             f"{host}:{port}:127.0.0.1", *options, f"https://{host}:{port}{path}"],
            capture_output=True, text=True, timeout=HANG, check=False)

    def s_client(self, *options, stdin=b""):
        run = subprocess.run(["openssl", "s_client", "-connect", self.tls, "-CAfile",
                              str(self.authority.root), *options],
                             input=stdin, capture_output=True, timeout=HANG, check=False)
        return run.returncode, (run.stdout + run.stderr).decode(errors="replace")

    def connect(self, host="web.localhost"):
        context = ssl.create_default_context(cafile=str(self.authority.root))
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=HANG)
        return context.wrap_socket(raw, server_hostname=host)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.thaw.process.pid}/fd"))


def ask(wire):
    """The status of one request over an open connection."""
    wire.sendall(b"GET /x HTTP/1.1\r\nHost: web.localhost\r\n\r\n")
    text = b""
    while b"\r\n\r\n" not in text:
        text += wire.recv(65536)
    head, _, body = text.partition(b"\r\n\r\n")
    length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
    while len(body) < length:
        body += wire.recv(65536)
    return int(head.split()[1])


class Clients(TlsTest):
    def test_handshakes_are_counted_with_the_reasons_of_those_that_fail(self):
        self.deploy(self.service_file("web", "echo.py", harness.AT_ZERO))
        self.assertEqual(self.curl_tls("web.localhost").returncode, 0)
        self.curl_tls("web.localhost", root=self.own_root)  # trusts another authority
        self.s_client("-alpn", "imap", "-servername", "a.test")
        self.thaw.fetch(f"http://127.0.0.1:{self.port}/")
        socket.create_connection(("127.0.0.1", self.port)).close()

        def failures():
            page = self.thaw.curl_api("/metrics")[1]
            return {reason: int(count) for reason, count in re.findall(
                r'thaw_tls_handshake_failures_total{reason="(\w+)"} (\d+)', page) if count != "0"}

        expected = {"alert": 1, "protocol": 1, "plain_http": 1, "closed": 1}
        harness.wait_until("all failures", lambda: sum(failures().values()) >= 4)
        self.assertEqual(failures(), expected)
        self.assertIn("\nthaw_tls_handshakes_total 1\n", self.thaw.curl_api("/metrics")[1])

    def test_curl_speaks_both_protocols_and_services_hear_https(self):
        self.deploy(self.service_file("web", "echo.py", harness.AT_ZERO))
        for option, version in (("--http1.1", "1.1"), ("--http2", "2")):
            run = self.curl_tls("web.localhost", option, "-w", "\n%{http_version} %{http_code}")
            self.assertEqual(run.returncode, 0, run.stderr)
            body, _, last = run.stdout.rpartition("\n")
            self.assertEqual(last, f"{version} 200")
            headers = {k.lower(): v for k, v in json.loads(body)["headers"].items()}
            self.assertEqual(headers["x-forwarded-proto"], "https")
            self.assertIn("proto=https", headers["forwarded"])
        status, body = self.thaw.curl("web")
        headers = {k.lower(): v for k, v in json.loads(body)["headers"].items()}
        self.assertEqual((status, headers["x-forwarded-proto"]), (200, "http"))

    def test_large_bodies_pass_whole(self):
        body = self.folder / "body"
        body.write_bytes(os.urandom(20 << 20))
        self.deploy(self.service_file("web", "echo.py", harness.AT_ZERO))
        for option in ("--http1.1", "--http2"):
            run = self.curl_tls("web.localhost", option, "--data-binary", f"@{body}")
            self.assertEqual(json.loads(run.stdout)["body_bytes"], 20 << 20, run.stderr)

    @unittest.skipUnless(shutil.which("h2load"), "h2load (nghttp2-client) is not installed")
    def test_h2load_loses_no_request(self):
        self.deploy(self.service_file("web", "echo.py", harness.AT_ZERO))
        for options in (["-m", "20"], ["--h1"]):
            run = subprocess.run(
                ["h2load", "-n", "400", "-c", "8", *options, f"--connect-to={self.tls}",
                 f"https://web.localhost:{self.port}/x"],
                capture_output=True, text=True, timeout=HANG, check=True)
            self.assertIn("400 succeeded, 0 failed, 0 errored, 0 timeout", run.stdout)
            self.assertIn("400 2xx", run.stdout)

    @unittest.skipUnless(shutil.which("node"), "Node.js is not installed")
    def test_a_websocket_of_node_passes_messages(self):
        self.deploy(self.service_file("web", "websocket.py", harness.AT_ZERO))
        run = subprocess.run(
            ["node", str(harness.PROGRAMS / "ws_client.mjs"), str(npm_modules.installed()),
             f"wss://{self.tls}/", "web.localhost", str(self.authority.root)],
            capture_output=True, text=True, timeout=HANG, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(json.loads(run.stdout)["heard"], ["hello", "again", "bye"])

    def test_the_authority_stands_in_for_services_without_a_certificate(self):
        self.deploy(self.service_file("other", "echo.py", harness.AT_ZERO))
        run = self.curl_tls("other.localhost", root=self.own_root)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(os.stat(self.thaw.data_dir / "tls/ca-key.pem").st_mode & 0o777, 0o600)

    def test_the_api_has_a_port_with_tls(self):
        run = subprocess.run(
            ["curl", "-sS", "--cacert", self.own_root, f"https://{self.api_tls}/thaw/v1/version"],
            capture_output=True, text=True, timeout=HANG, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("version", json.loads(run.stdout))
        # What the API names, it names as it was called.
        run = subprocess.run(
            ["curl", "-sS", "--cacert", self.own_root, "-H", "Content-Type: application/json",
             "-d", '{"name": "files"}', f"https://{self.api_tls}/storage/v1/b?project=p"],
            capture_output=True, text=True, timeout=HANG, check=False)
        self.assertTrue(json.loads(run.stdout)["selfLink"].startswith(f"https://{self.api_tls}/"),
                        run.stdout)

    def test_a_tunnel_through_the_api_leads_to_its_port_with_tls_and_nowhere_else(self):
        proxied = ["curl", "-sS", "--cacert", self.own_root, "--proxytunnel", "--proxy",
                   f"http://{self.thaw.api}"]
        for target, code, words in ((self.api_tls, 0, '"version"'),
                                    (self.tls, 56, "501"), ("example.org:443", 56, "501"),
                                    (f"example.org:{self.api_tls.rpartition(':')[2]}", 56, "501")):
            run = subprocess.run([*proxied, f"https://{target}/thaw/v1/version"],
                                 capture_output=True, text=True, timeout=HANG, check=False)
            self.assertEqual(run.returncode, code, target + run.stdout + run.stderr)
            self.assertIn(words, run.stdout + run.stderr)


class Handshakes(TlsTest):
    def test_certificates_are_chosen_by_name(self):
        for name, subject in (("a.test", "CN = a.test"), ("x.wild.test", "CN = *.wild.test"),
                              ("elsewhere.test", "CN = a.test"), (None, "CN = a.test")):
            sni = ["-servername", name] if name else ["-noservername"]
            _, text = self.s_client(*sni)
            self.assertIn(f"subject={subject}", text, name)

    def test_only_modern_protocols_and_ciphers_are_spoken(self):
        for options in (["-tls1"], ["-tls1_1"],
                        ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"],
                        ["-tls1_2", "-cipher", "AES128-GCM-SHA256"]):
            code, text = self.s_client(*options, "-cipher", "ALL@SECLEVEL=0") \
                if options[0] in ("-tls1", "-tls1_1") else self.s_client(*options)
            self.assertNotEqual(code, 0, options)
            self.assertIn("Cipher is (NONE)", text)
        for options, cipher in ((["-tls1_2"], "ECDHE-ECDSA-AES"), (["-tls1_3"], "TLS_AES")):
            code, text = self.s_client(*options)
            self.assertEqual(code, 0, text)
            self.assertIn(f"Cipher is {cipher}", text)
            self.assertIn("Compression: NONE", text)
            self.assertIn("Verify return code: 0 (ok)", text)

    def test_alpn_chooses_what_both_speak(self):
        for offered, chosen in (("h2,http/1.1", "ALPN protocol: h2"),
                                ("http/1.1,h2", "ALPN protocol: h2"),
                                ("http/1.1", "ALPN protocol: http/1.1")):
            self.assertIn(chosen, self.s_client("-alpn", offered)[1])
        self.assertIn("No ALPN negotiated", self.s_client()[1])
        code, text = self.s_client("-alpn", "spdy/3")
        self.assertNotEqual(code, 0)
        self.assertIn("no application protocol", text)

    def test_a_session_goes_on_by_ticket(self):
        for version in ("-tls1_2", "-tls1_3"):
            kept = self.folder / "session"
            request = b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"
            code, text = self.s_client(version, "-sess_out", kept, "-ign_eof", stdin=request)
            self.assertEqual(code, 0, text)
            _, text = self.s_client(version, "-sess_in", kept)
            self.assertIn("Reused, ", text)

    def test_renegotiation_is_refused(self):
        # A line "R" asks s_client to renegotiate.
        run = subprocess.Popen(["openssl", "s_client", "-connect", self.tls, "-tls1_2"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
        run.stdin.write(b"R\n")
        run.stdin.flush()
        text = run.communicate(timeout=HANG)[0].decode(errors="replace")
        self.assertIn("no renegotiation", text)

    def test_closing_is_said(self):
        self.deploy(self.service_file("web", "echo.py", harness.AT_ZERO))
        context = ssl.create_default_context(cafile=str(self.authority.root))
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=HANG)
        with context.wrap_socket(raw, server_hostname="web.localhost",
                                 suppress_ragged_eofs=False) as wire:
            wire.sendall(b"GET / HTTP/1.1\r\nHost: web.localhost\r\nConnection: close\r\n\r\n")
            while wire.recv(65536):  # an end without close_notify raises SSLEOFError
                pass

    def test_http_on_the_port_is_told_so(self):
        status, body = self.thaw.fetch(f"http://{self.tls}/")
        self.assertEqual(status, 400)
        self.assertIn("HTTPS", body)


def client_hello(server_name):
    """A ClientHello of TLS 1.2 whose server name has any length."""
    name = struct.pack(">BH", 0, len(server_name)) + server_name
    listed = struct.pack(">H", len(name)) + name
    extensions = struct.pack(">HH", 0, len(listed)) + listed
    extensions += b"\0\x0d\0\x04\0\x02\x04\x03" + b"\0\x0a\0\x04\0\x02\0\x17"  # ECDSA, P-256
    body = b"\x03\x03" + os.urandom(32) + b"\0" + struct.pack(">H", 2) + b"\xc0\x2b" + b"\x01\0"
    body += struct.pack(">H", len(extensions)) + extensions
    shake = b"\x01" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\x03\x01" + struct.pack(">H", len(shake)) + shake


class Abuse(TlsTest):
    def send(self, *pieces, end=True):
        """Sends raw bytes; whatever comes until the end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=HANG) as wire:
            for piece in pieces:
                wire.sendall(piece)
            if end:
                wire.shutdown(socket.SHUT_WR)
            got = b""
            try:
                while data := wire.recv(65536):
                    got += data
            except ConnectionResetError:
                pass
            return got

    def test_nothing_that_is_no_handshake_hangs_or_stays(self):
        self.deploy(self.service_file("web", "echo.py", harness.AT_ZERO))
        with self.connect() as wire:
            ask(wire)
        before = self.descriptors()
        hello = client_hello(b"web.localhost")
        for pieces in ([os.urandom(5000)], [b"\x16\x03\x01\xff\xff"], [hello[:40]],
                       [hello, hello], [hello, os.urandom(300)], [b"\x80\x2e\x01\0\x02"],
                       [b"\0" * 100_000], [client_hello(b"a" * 10_000)], [client_hello(b"\0\0")],
                       [client_hello(b"")], [b"\x15\x03\x01\0\x02\x02\x28"], []):
            for _ in range(10):
                self.send(*pieces)
        # A whole hello whose client goes away after the server's flight.
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", self.port), timeout=HANG) as wire:
                wire.sendall(hello)
                self.assertEqual(wire.recv(1), b"\x16")
        # Byte by byte, a good handshake is a good one.
        with self.connect() as wire:
            self.assertEqual(ask(wire), 200)
        harness.wait_until("every descriptor given back", lambda: self.descriptors() <= before)

    def test_a_name_of_ten_thousand_bytes_is_refused_with_an_alert(self):
        answer = self.send(client_hello(b"a" * 10_000), end=False)
        self.assertEqual(answer[:1], b"\x15")  # an alert

    def test_who_stops_in_the_middle_of_a_handshake_is_closed(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=HANG) as wire:
            wire.sendall(client_hello(b"web.localhost")[:50])
            self.assertEqual(wire.recv(1), b"")


class Reload(TlsTest):
    def serial(self):
        with self.connect() as wire:
            return wire.getpeercert()["serialNumber"]

    def test_new_connections_get_the_new_certificate_and_none_is_dropped(self):
        self.deploy(self.service_file("web", "echo.py", harness.AT_ZERO))
        kept = self.connect()
        self.assertEqual(ask(kept), 200)
        done, faults, answers = threading.Event(), [], []

        def load():
            while not done.is_set():
                try:
                    with self.connect() as wire:
                        for _ in range(3):
                            answers.append(ask(wire))
                except (OSError, ValueError, TypeError) as fault:
                    faults.append(repr(fault))

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        h2load = None
        if shutil.which("h2load"):
            h2load = subprocess.Popen(
                ["h2load", "-n", "3000", "-c", "4", "-m", "5", f"--connect-to={self.tls}",
                 f"https://web.localhost:{self.port}/x"], stdout=subprocess.PIPE, text=True)
        seen = {self.serial()}
        for count in range(2, 7):
            self.authority.issue(self.served, "a", "a.test", "web.localhost")
            self.thaw.process.send_signal(signal.SIGHUP)
            harness.wait_until("the new certificate", lambda: self.serial() not in seen)
            seen.add(self.serial())
            self.assertEqual(len(seen), count)
        if h2load:
            text = h2load.communicate(timeout=HANG)[0]
            self.assertIn("3000 succeeded, 0 failed, 0 errored, 0 timeout", text)
        done.set()
        for thread in threads:
            thread.join()
        self.assertEqual(faults, [])
        self.assertGreater(len(answers), 20)
        self.assertEqual(set(answers), {200})
        self.assertEqual(ask(kept), 200)  # which began with the first certificate
        kept.close()

    def test_a_changed_file_is_found_without_a_signal(self):
        before = self.serial()
        self.authority.issue(self.served, "a", "a.test", "web.localhost")
        harness.wait_until("the new certificate", lambda: self.serial() != before)

    def test_a_broken_file_leaves_the_old_certificate_and_is_told_of(self):
        before = self.serial()
        (self.served / "a.crt").write_text("broken")
        self.thaw.process.send_signal(signal.SIGHUP)
        harness.wait_until("a word in the log",
                           lambda: "a.crt: holds no certificate in PEM" in self.thaw.log())
        self.assertIn("the one before stays", self.thaw.log())
        self.assertEqual(self.serial(), before)


class Starts(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-e2e-certificates-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.authority = certificates.Authority(self.folder)

    def refusal(self, *options):
        run = subprocess.run(
            [harness.THAW, "up", "--data-dir", str(self.folder / "data"), "--gateway-address",
             "127.0.0.1:0", "--api-address", "127.0.0.1:0", *map(str, options)],
            capture_output=True, text=True, timeout=HANG, check=False)
        self.assertNotEqual(run.returncode, 0)
        return run.stderr

    def with_files(self, certificate, key):
        return self.refusal("--tls-address", "127.0.0.1:0", "--tls-certificate", certificate,
                            "--tls-key", key)

    def test_what_cannot_be_served_is_a_clear_error(self):
        good, key = self.authority.issue(self.folder, "good", "a.test")
        other, other_key = self.authority.issue(self.folder, "other", "a.test")
        expired, expired_key = self.authority.issue(self.folder, "expired", "a.test", days=0)
        weak, weak_key = self.authority.issue(self.folder, "weak", "a.test", key=("rsa:1024",))
        self.assertIn("does not belong to the certificate in", self.with_files(good, other_key))
        self.assertIn("the certificate expired at", self.with_files(expired, expired_key))
        self.assertIn("ee key too small", self.with_files(weak, weak_key))
        self.assertIn("absent.crt: No such file", self.with_files(self.folder / "absent.crt", key))
        other_key.write_text(good.read_text())
        self.assertIn("holds no private key", self.with_files(good, other_key))
        key.chmod(0o644)
        self.assertIn("its mode 0644 lets others read", self.with_files(good, key))
        self.assertIn("needs --tls-key", self.refusal("--tls-address", "127.0.0.1:0",
                                                      "--tls-certificate", good))
        (self.folder / "empty").mkdir()
        self.assertIn("holds no certificate with its key",
                      self.refusal("--tls-address", "127.0.0.1:0", "--tls-certificates",
                                   self.folder / "empty"))


if __name__ == "__main__":
    unittest.main()
