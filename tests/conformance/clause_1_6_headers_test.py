"""1.6 Request path: headers."""

import unittest

from contract import ContractTest


class Headers(ContractTest):
    def setUp(self):
        super().setUp()
        self.deploy_at_zero("echo", "echo.py")

    def headers(self, *options):
        return {name.lower(): value
                for name, value in self.seen("echo", "/x?y=1", *options)["headers"].items()}

    def test_the_clients_address_is_the_last_of_x_forwarded_for(self):
        self.assertEqual(self.headers()["x-forwarded-for"], "127.0.0.1")
        self.assertEqual(self.headers("-H", "X-Forwarded-For: 1.2.3.4")["x-forwarded-for"],
                         "1.2.3.4, 127.0.0.1")

    def test_the_scheme_and_forwarded_are_told(self):
        seen = self.headers("-H", "X-Forwarded-Proto: gopher", "-H", "Forwarded: for=9.9.9.9")
        self.assertEqual(seen["x-forwarded-proto"], "http")
        self.assertEqual(seen["forwarded"], "for=9.9.9.9, for=127.0.0.1;proto=http")

    def test_a_trace_is_begun_or_continued(self):
        trace = "0af7651916cd43dd8448eb211c80319c"
        fresh = self.headers()
        self.assertRegex(fresh["traceparent"], r"^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$")
        self.assertRegex(fresh["x-cloud-trace-context"], r"^[0-9a-f]{32}/\d+;o=[01]$")
        sent = self.headers("-H", f"traceparent: 00-{trace}-b7ad6b7169203331-01")
        self.assertTrue(sent["traceparent"].startswith(f"00-{trace}-"), sent)
        self.assertTrue(sent["x-cloud-trace-context"].startswith(trace), sent)

    def test_nobody_speaks_for_the_platform(self):
        seen = self.headers("-H", "X-Google-Anything: 1", "-H", "x-google-real-ip: 2")
        self.assertFalse([name for name in seen if name.startswith("x-google")], seen)

    def test_headers_of_one_hop_stay_there(self):
        seen = self.headers("-H", "Connection: X-Mine", "-H", "X-Mine: 1", "-H", "TE: trailers",
                            "-H", "Proxy-Authorization: Basic eA==", "-H", "Keep-Alive: 5")
        for name in ("x-mine", "te", "proxy-authorization", "keep-alive"):
            self.assertNotIn(name, seen)

    def test_host_path_and_others_come_as_they_were_sent(self):
        answer = self.seen("echo", "/a%20b?c=d&e", "-H", "X-Mine: a  b", "-H", "Cookie: c=1")
        seen = {name.lower(): value for name, value in answer["headers"].items()}
        self.assertEqual(answer["path"], "/a%20b?c=d&e")
        self.assertEqual(seen["host"], "echo.localhost")
        self.assertEqual(seen["x-mine"], "a  b")
        self.assertEqual(seen["cookie"], "c=1")

    def test_an_absolute_target_is_taken_apart(self):
        answer = self.raw(b"GET http://echo.localhost/p?q=1 HTTP/1.1\r\nHost: other\r\n"
                          b"Connection: close\r\n\r\n")
        self.assertIn(b" 200 ", answer.split(b"\r\n")[0])
        self.assertIn(b'"path": "/p?q=1"', answer)


if __name__ == "__main__":
    unittest.main()
