"""1.6 Request path: sizes, streaming, WebSockets, server-sent events."""

import base64
import http.client
import os
import socket
import unittest

from contract import AT_ZERO, ContractTest

MIB = 1 << 20


class Bodies(ContractTest):
    def test_a_request_of_32_mib_passes_and_one_byte_more_is_413(self):
        self.deploy_at_zero("echo", "echo.py")
        connection = http.client.HTTPConnection(*self.address(), timeout=120)
        for size, status in ((32 * MIB, 200), (32 * MIB + 1, 413)):
            try:
                connection.request("POST", "/", body=bytes(size),
                                   headers={"Host": "echo.localhost"})
            except OSError:
                pass  # refused before all was sent
            self.assertEqual(connection.getresponse().status, status)
            connection.close()

    def test_a_chunked_answer_has_no_limit_and_one_with_its_length_has_32_mib(self):
        self.deploy_at_zero("sizes", "sizes.py", memory="512Mi")
        status, _ = self.thaw.curl("sizes", f"/length/{32 * MIB}", "-o", "/dev/null")
        self.assertEqual(status, 200)
        status, _ = self.thaw.curl("sizes", f"/length/{32 * MIB + 1}")
        self.assertEqual(status, 500)
        connection = http.client.HTTPConnection(*self.address(), timeout=120)
        connection.request("GET", f"/chunked/{40 * MIB}", headers={"Host": "sizes.localhost"})
        self.assertEqual(len(connection.getresponse().read()), 40 * MIB)

    def test_events_come_one_by_one_while_they_are_made(self):
        self.deploy_at_zero("sizes", "sizes.py")
        connection = http.client.HTTPConnection(*self.address(), timeout=60)
        connection.request("GET", "/events", headers={"Host": "sizes.localhost"})
        answer = connection.getresponse()
        self.assertEqual(answer.getheader("Content-Type"), "text/event-stream")
        # The program sends the next event only after it was told that the last one came.
        for number in range(3):
            self.assertEqual(answer.readline(), f"data: {number}\n".encode())
            self.assertEqual(answer.readline(), b"\n")
            other = http.client.HTTPConnection(*self.address(), timeout=60)
            other.request("GET", "/came", headers={"Host": "sizes.localhost"})
            self.assertEqual(other.getresponse().status, 200)
        connection.close()

    def test_expect_100_continue_is_answered(self):
        self.deploy_at_zero("echo", "echo.py")
        with socket.create_connection(self.address(), timeout=60) as wire:
            wire.sendall(b"POST / HTTP/1.1\r\nHost: echo.localhost\r\nContent-Length: 3\r\n"
                         b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
            self.assertEqual(wire.recv(25), b"HTTP/1.1 100 Continue\r\n\r\n")
            wire.sendall(b"abc")
            answer = b""
            while piece := wire.recv(65536):
                answer += piece
        self.assertIn(b" 200 ", answer.split(b"\r\n")[0])
        self.assertIn(b'"body_bytes": 3', answer)

    def test_head_has_no_body(self):
        self.deploy_at_zero("sizes", "sizes.py")
        answer = self.raw(b"HEAD /length/10 HTTP/1.1\r\nHost: sizes.localhost\r\n"
                          b"Connection: close\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        self.assertIn(b"ontent-Length: 10".lower(), head.lower())
        self.assertEqual(body, b"")


class WebSockets(ContractTest):
    def test_messages_pass_both_ways(self):
        self.deploy(self.service_file("talk", "websocket.py", AT_ZERO))
        with socket.create_connection(self.address(), timeout=60) as wire:
            key = base64.b64encode(os.urandom(16)).decode()
            wire.sendall((f"GET / HTTP/1.1\r\nHost: talk.localhost\r\nUpgrade: websocket\r\n"
                          f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          f"Sec-WebSocket-Key: {key}\r\n\r\n").encode())
            reader = wire.makefile("rb")
            self.assertIn(b"101", reader.readline())
            while reader.readline() != b"\r\n":
                pass
            for text in (b"hello", b"again"):
                mask = os.urandom(4)
                masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(text))
                wire.sendall(bytes([0x81, 0x80 | len(text)]) + mask + masked)
                head = reader.read(2)
                self.assertEqual(reader.read(head[1]), text)


if __name__ == "__main__":
    unittest.main()
