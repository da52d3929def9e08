"""Buckets and objects of the real binary: what is acknowledged stays, whatever is cut or killed."""

import base64
import hashlib
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest
from urllib.parse import quote

import harness

TABLE = []
for number in range(256):
    for _ in range(8):
        number = (number >> 1) ^ (0x82F63B78 if number & 1 else 0)
    TABLE.append(number)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ TABLE[(crc ^ byte) & 0xFF]
    return base64.b64encode((crc ^ 0xFFFFFFFF).to_bytes(4, "big")).decode()


class StorageCase(harness.PlatformTest):
    def call(self, method, path, body=None, headers=None):
        """(status, headers, body) of one request."""
        host, port = self.thaw.api.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=harness.HANG_SECONDS)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def ok(self, method, path, body=None, headers=None, status=200):
        got, _, answer = self.call(method, path, body, headers)
        self.assertEqual(got, status, answer[:500])
        return json.loads(answer) if answer else None

    def make_bucket(self, name="bkt", **settings):
        return self.ok("POST", "/storage/v1/b?project=p", json.dumps({"name": name, **settings}))

    def put(self, name, data, query="", headers=None):
        return self.ok("POST", f"/upload/storage/v1/b/bkt/o?uploadType=media&name={quote(name, '')}"
                       + query, data, headers)

    def get(self, name):
        status, _, data = self.call("GET", f"/storage/v1/b/bkt/o/{quote(name, '')}?alt=media")
        return data if status == 200 else None

    def begin(self, name, size=None):
        headers = {} if size is None else {"X-Upload-Content-Length": str(size)}
        status, answer, _ = self.call(
            "POST", f"/upload/storage/v1/b/bkt/o?uploadType=resumable&name={name}", "{}", headers)
        self.assertEqual(status, 200)
        answer = {key.lower(): value for key, value in answer.items()}
        return "/" + answer["location"].split("//", 1)[1].split("/", 1)[1]

    def kept(self, session):
        """How many bytes of an unfinished upload the platform has; None when it is finished."""
        status, headers, _ = self.call("PUT", session, b"", {"Content-Range": "bytes */*"})
        if status == 200:
            return None
        self.assertEqual(status, 308)
        headers = {key.lower(): value for key, value in headers.items()}
        return int(headers["range"].split("-")[1]) + 1 if "range" in headers else 0

    def names(self):
        return [item["name"] for item in self.ok("GET", "/storage/v1/b/bkt/o").get("items", [])]

    def contents_on_disk(self):
        folder = pathlib.Path(self.thaw.data_dir) / "objects"
        return [path for path in folder.rglob("*") if path.is_file()]

    def restart(self, number=signal.SIGKILL):
        self.thaw.stop(number)
        self.thaw.start()


class Uploads(StorageCase):
    def test_checksums_are_computed_and_compared(self):
        self.make_bucket()
        data = os.urandom(100_000)
        made = self.put("a", data)
        self.assertEqual(made["crc32c"], crc32c(data))
        self.assertEqual(made["md5Hash"], base64.b64encode(hashlib.md5(data).digest()).decode())
        status, _, answer = self.call(
            "POST", "/upload/storage/v1/b/bkt/o?uploadType=media&name=b", data,
            {"x-goog-hash": "crc32c=AAAAAA=="})
        self.assertEqual(status, 400)
        self.assertIn(b"doesn't match", answer)
        self.assertEqual(self.names(), ["a"])
        harness.wait_until("the refused content is gone", lambda: len(self.contents_on_disk()) == 1)

    def test_an_upload_cut_anywhere_is_resumed(self):
        self.make_bucket()
        chance = random.Random(5)
        data = os.urandom(3_000_000)
        for turn in range(4):
            session = self.begin(f"cut{turn}")
            cuts = 0
            while (at := self.kept(session)) is not None:
                self.assertLessEqual(at, len(data))
                host, port = self.thaw.api.rsplit(":", 1)
                with socket.create_connection((host, int(port))) as raw:
                    raw.sendall((f"PUT {session} HTTP/1.1\r\nHost: x.localhost\r\nContent-Length: "
                                 f"{len(data) - at}\r\nContent-Range: bytes {at}-{len(data) - 1}"
                                 f"/{len(data)}\r\n\r\n").encode())
                    last = cuts >= 3
                    end = len(data) if last else chance.randint(at, len(data) - 1)
                    raw.sendall(data[at:end])
                    if last:
                        self.assertIn(b" 200 ", raw.recv(1000))
                cuts += 1
                if cuts == 2 and turn % 2:
                    self.restart()
            self.assertEqual(self.get(f"cut{turn}"), data)

    def test_chunks_unknown_lengths_and_cancelling(self):
        self.make_bucket()
        data = os.urandom(600_000)
        session = self.begin("chunks")
        step = 256 << 10
        for at in range(0, len(data), step):
            piece = data[at:at + step]
            total = "*" if at + step < len(data) else str(len(data))
            status, _, _ = self.call("PUT", session, piece, {
                "Content-Range": f"bytes {at}-{at + len(piece) - 1}/{total}"})
            self.assertEqual(status, 308 if total == "*" else 200)
        self.assertEqual(self.get("chunks"), data)
        self.assertIsNone(self.kept(session), "a finished upload answers its object again")
        session = self.begin("stream")
        status, _, _ = self.call("PUT", session, iter([b"one", b"two"]),
                                 {"Content-Range": "bytes 0-*/*"})
        self.assertEqual((status, self.get("stream")), (200, b"onetwo"))
        session = self.begin("never")
        self.call("PUT", session, b"x" * 1000, {"Content-Range": "bytes 0-999/*"})
        self.assertEqual(self.call("DELETE", session)[0], 499)
        self.assertEqual(self.call("PUT", session, b"", {"Content-Range": "bytes */*"})[0], 404)
        self.assertEqual(self.names(), ["chunks", "stream"])
        harness.wait_until("its content is gone", lambda: len(self.contents_on_disk()) == 2)

    def test_an_upload_ends_with_its_bucket(self):
        self.make_bucket()
        step = 256 << 10
        data = os.urandom(2 * step)
        first = {"Content-Range": f"bytes 0-{step - 1}/{2 * step}"}
        last = {"Content-Range": f"bytes {step}-{2 * step - 1}/{2 * step}"}
        session = self.begin("a")
        self.assertEqual(self.call("PUT", session, data[:step], first)[0], 308)
        self.ok("DELETE", "/storage/v1/b/bkt", status=204)
        self.make_bucket()
        status, _, answer = self.call("PUT", session, data[step:], last)
        self.assertEqual(status, 404, answer)
        self.assertIn(b"No such upload", answer)
        self.assertEqual(self.names(), [])
        # While bytes come: the row goes after the request was taken.
        session = self.begin("b")
        self.assertEqual(self.call("PUT", session, data[:step], first)[0], 308)
        host, port = self.thaw.api.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=harness.HANG_SECONDS) as raw:
            raw.sendall((f"PUT {session} HTTP/1.1\r\nHost: x.localhost\r\nContent-Length: {step}"
                         f"\r\nContent-Range: {last['Content-Range']}\r\n\r\n").encode())
            raw.sendall(data[step:step + 1000])
            folder = pathlib.Path(self.thaw.data_dir) / "objects"
            harness.wait_until("the first bytes are written", lambda: any(
                path.stat().st_size > step for path in folder.rglob("*") if path.is_file()))
            self.ok("DELETE", "/storage/v1/b/bkt", status=204)
            self.make_bucket()
            raw.sendall(data[step + 1000:])
            self.assertIn(b" 404 ", raw.recv(1000))
        self.assertEqual(self.names(), [])
        harness.wait_until("its content is gone", lambda: not self.contents_on_disk())

    def test_holds_and_retention_refuse_with_403(self):
        self.make_bucket(retentionPolicy={"retentionPeriod": "3600"})
        made = self.put("a", b"kept")
        self.assertIn("retentionExpirationTime", made)
        for method, path, body in (("DELETE", "/storage/v1/b/bkt/o/a", None),
                                   ("DELETE", "/bkt/a", None), ("PUT", "/bkt/a", b"other")):
            status, _, answer = self.call(method, path, body)
            self.assertEqual(status, 403, answer)
            self.assertIn(b"retention policy and cannot be deleted", answer)
        status, _, answer = self.call("DELETE", "/storage/v1/b/bkt/o/a")
        self.assertEqual(json.loads(answer)["error"]["errors"][0]["reason"],
                         "retentionPolicyNotMet")
        self.assertEqual(self.get("a"), b"kept")
        lock = "/storage/v1/b/bkt/lockRetentionPolicy"
        self.assertEqual(self.call("POST", lock)[0], 400)
        self.assertEqual(self.call("POST", lock + "?ifMetagenerationMatch=9")[0], 412)
        bucket = self.ok("POST", lock + "?ifMetagenerationMatch=1")
        self.assertEqual(bucket["retentionPolicy"]["isLocked"], True)
        status, _, answer = self.call("PATCH", "/storage/v1/b/bkt", '{"retentionPolicy":null}')
        self.assertEqual(status, 403, answer)
        self.make_bucket("held", defaultEventBasedHold=True)
        self.ok("POST", "/upload/storage/v1/b/held/o?uploadType=media&name=a", b"x")
        self.assertEqual(self.call("DELETE", "/storage/v1/b/held/o/a")[0], 403)
        self.ok("PATCH", "/storage/v1/b/held/o/a", '{"eventBasedHold":false}')
        copy = self.ok("POST", "/storage/v1/b/held/o/a/copyTo/b/held/o/b", "{}")
        self.assertEqual(copy["eventBasedHold"], True, "as its bucket wants it")
        self.ok("DELETE", "/storage/v1/b/held/o/a", status=204)

    def test_a_put_of_the_xml_api_copies_when_it_names_a_source(self):
        self.make_bucket()
        made = self.put("dir/a ä.txt", b"0123456789")
        source = "bkt/" + quote("dir/a ä.txt")
        for header, value in (("x-goog-copy-source", source), ("x-amz-copy-source", "/" + source),
                              ("x-amz-copy-source", f"{source}?versionId={made['generation']}")):
            self.call("DELETE", "/bkt/b")
            status, headers, answer = self.call("PUT", "/bkt/b", b"", {header: value})
            self.assertEqual(status, 200, answer)
            self.assertIn(b"<CopyObjectResult><LastModified>", answer)
            self.assertEqual(self.get("b"), b"0123456789")
            self.assertIn("x-goog-generation", {key.lower() for key in headers})
        generation = made["generation"]
        for headers, status, word in (
                ({"x-goog-copy-source": "nonsense"}, 400, b"x-goog-copy-source"),
                ({"x-goog-copy-source": "bkt/%zz"}, 400, b"BUCKET/OBJECT"),
                ({"x-goog-copy-source": "bkt/none"}, 404, b"NoSuchKey"),
                ({"x-goog-copy-source": "none/a"}, 404, b"NoSuchBucket"),
                ({"x-goog-copy-source": source, "x-goog-if-generation-match": "0"}, 412, b""),
                ({"x-goog-copy-source": source,
                  "x-goog-copy-source-if-generation-match": "1"}, 412, b""),
                ({"x-goog-copy-source": source,
                  "x-goog-copy-source-if-generation-match": "x"}, 400, b"whole number"),
                ({"x-goog-copy-source": source, "x-goog-copy-source-generation": "1"}, 404, b""),
                ({"x-amz-copy-source": source, "x-amz-copy-source-range": "bytes=0-1"}, 501,
                 b"x-amz-copy-source-range"),
                ({"x-goog-copy-source": source, "x-goog-metadata-directive": "X"}, 400,
                 b"COPY or REPLACE"),
                ({"x-goog-copy-source": source, "x-goog-metadata-directive": "REPLACE",
                  "x-goog-copy-source-if-generation-match": generation,
                  "Content-Type": "text/x", "x-goog-meta-k": "v"}, 200, b"CopyObjectResult")):
            got, _, answer = self.call("PUT", "/bkt/b", b"", headers)
            self.assertEqual(got, status, (headers, answer))
            self.assertIn(word, answer)
        copy = self.ok("GET", "/storage/v1/b/bkt/o/b")
        self.assertEqual((copy["contentType"], copy["metadata"]), ("text/x", {"k": "v"}))
        status, _, answer = self.call("PUT", "/bkt/b", b"body", {"x-goog-copy-source": source})
        self.assertEqual(status, 400, answer)
        self.assertEqual(self.get("b"), b"0123456789")

    def test_what_the_xml_api_lacks_is_refused_and_sizes_are_kept(self):
        self.make_bucket()
        self.put("a", b"0123456789")
        for query in ("acl", "compose", "tagging", "partNumber=1&uploadId=x", "legal-hold"):
            for method in ("PUT", "GET", "DELETE"):
                body = b"<X/>" if method == "PUT" else None
                status, _, answer = self.call(method, f"/bkt/a?{query}", body)
                self.assertEqual(status, 501, (method, query, answer))
                self.assertIn(b"NotImplemented", answer)
        self.assertEqual(self.get("a"), b"0123456789")
        sizes = "x-goog-content-length-range"
        for given, status, code in (("0,3", 400, b"EntityTooLarge"),
                                    ("8,9", 400, b"EntityTooSmall"), ("7", 400, b"LEAST,MOST"),
                                    ("9,8", 400, b"LEAST,MOST"),
                                    ("-1,8", 400, b"LEAST,MOST"), ("0,7", 200, b"")):
            got, _, answer = self.call("PUT", "/bkt/b", b"seven b", {sizes: given})
            self.assertEqual(got, status, (given, answer))
            self.assertIn(code, answer)
            self.assertEqual(self.get("b"), b"seven b" if status == 200 else None)
        status, headers, _ = self.call("POST", "/bkt/c", b"",
                                       {"x-goog-resumable": "start", sizes: "0,3"})
        self.assertEqual(status, 201)
        location = {key.lower(): value for key, value in headers.items()}["location"]
        session = "/" + location.split("//", 1)[1].split("/", 1)[1]
        status, _, answer = self.call("PUT", session, b"seven b")
        self.assertEqual((status, self.get("c")), (400, None), answer)
        # A piece that makes too much of it is refused at once, not at the end.
        status, headers, _ = self.call("POST", "/bkt/d", b"",
                                       {"x-goog-resumable": "start", sizes: "0,1000"})
        location = {key.lower(): value for key, value in headers.items()}["location"]
        session = "/" + location.split("//", 1)[1].split("/", 1)[1]
        status, _, answer = self.call("PUT", session, bytes(256 << 10),
                                      {"content-range": "bytes 0-262143/*"})
        self.assertEqual(status, 400, answer)
        parts = b"".join(b"--x\r\ncontent-type: text/plain\r\n\r\n" + each + b"\r\n"
                         for each in (b'{"name": "e"}', b"seven b")) + b"--x--\r\n"
        for given, wanted in (("0,3", 400), ("0,7", 200)):
            status, _, answer = self.call(
                "POST", "/upload/storage/v1/b/bkt/o?uploadType=multipart", parts,
                {"content-type": "multipart/related; boundary=x", sizes: given})
            self.assertEqual(status, wanted, answer)
            self.assertEqual(self.get("e"), b"seven b" if wanted == 200 else None)

    def test_conditions_ranges_and_batches(self):
        self.make_bucket()
        made = self.put("a", b"0123456789")
        for query, status in ((f"ifGenerationMatch={made['generation']}", 200),
                              ("ifGenerationMatch=1", 412), ("ifMetagenerationNotMatch=1", 304)):
            self.assertEqual(self.call("GET", f"/storage/v1/b/bkt/o/a?{query}")[0], status, query)
        status, headers, _ = self.call("GET", "/storage/v1/b/bkt/o/a?alt=media")
        etag = {key.lower(): value for key, value in headers.items()}["etag"]
        self.assertEqual(self.call("GET", "/bkt/a", headers={"If-None-Match": etag})[0], 304)
        for given, status, body in (("bytes=2-4", 206, b"234"), ("bytes=-2", 206, b"89"),
                                    ("bytes=10-", 416, None), ("bytes=5-", 206, b"56789")):
            got, _, data = self.call("GET", "/bkt/a", headers={"Range": given})
            self.assertEqual(got, status)
            self.assertTrue(body is None or data == body)
        body = "".join(f"--b\r\n\r\n{method} /storage/v1/b/bkt/o/a\r\n\r\n\r\n"
                       for method in ("GET", "DELETE")) + "--b--"
        status, _, answer = self.call("POST", "/batch/storage/v1", body,
                                      {"Content-Type": "multipart/mixed; boundary=b"})
        self.assertEqual((status, answer.count(b"HTTP/1.1 20")), (200, 2), answer)
        self.assertEqual(self.names(), [])

    def test_hostile_requests_get_a_clear_4xx(self):
        self.make_bucket()
        upload = "/upload/storage/v1/b/bkt/o?uploadType=media&name="
        for name in ("", "a%00b", "a%0ab", "%ff", ".", "..", "a" * 1025):
            self.assertEqual(self.call("POST", upload + name, b"x")[0], 400, name)
        self.assertIn(self.call("POST", upload + "a" * (1 << 20), b"x")[0], (414, 431))
        escapes = ("../../../etc/passwd", "/etc/passwd", "a/../../b", "..%2f..")
        for name in escapes:
            self.put(name, name.encode())
            self.assertEqual(self.get(name), name.encode())
        objects = pathlib.Path(self.thaw.data_dir) / "objects"
        self.assertEqual({path.parent.parent for path in self.contents_on_disk()}, {objects})
        multipart = "/upload/storage/v1/b/bkt/o?uploadType=multipart"
        for kind, body in (("multipart/related", b""), ("multipart/related; boundary=b", b"--b--"),
                           ("multipart/related; boundary=b", b"--b\n\n{bad\n--b\n\nx\n--b--"),
                           ("multipart/related; boundary=b", b'--b\n\n{"name":"n"}\n--b\n\ncut')):
            self.assertEqual(self.call("POST", multipart, body, {"Content-Type": kind})[0], 400)
        deep = "[" * 100_000
        for method, path, body in (
                ("POST", "/storage/v1/b", deep), ("POST", "/storage/v1/b", '{"name":5}'),
                ("PATCH", "/storage/v1/b/bkt", '{"lifecycle":{"rule":[{}]}}'),
                ("POST", "/storage/v1/b/bkt/o/x/compose", '{"sourceObjects":5}'),
                ("GET", "/storage/v1/b/bkt/o?pageToken=%21%21", None),
                ("GET", "/storage/v1/b/bkt/o?matchGlob=%5B", None),
                ("GET", "/storage/v1/b/bkt/o?maxResults=-1", None),
                ("POST", "/batch/storage/v1", "x"),
                ("POST", "/storage/v1/b/bkt/notificationConfigs", '{"topic":"nonsense"}')):
            status, _, answer = self.call(method, path, body)
            self.assertEqual(status, 400, (method, path, answer[:200]))
            self.assertTrue(json.loads(answer)["error"]["errors"][0]["message"])
        session = self.begin("r")
        for given in ("bytes 9-0/5", "bytes 0-9/5", "lines 1-2/3", "bytes"):
            self.assertEqual(self.call("PUT", session, b"", {"Content-Range": given})[0], 400)


class Command(StorageCase):
    def test_thaw_cp_ls_cat_and_rm(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="thaw-cp-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        (folder / "tree/deep").mkdir(parents=True)
        (folder / "tree/deep/small").write_text("hello\n")
        (folder / "tree/large").write_bytes(os.urandom(20_000_000))
        self.thaw.cli("buckets", "create", "gs://bkt")
        self.thaw.cli("cp", "-r", folder / "tree", "gs://bkt/")
        self.assertEqual(self.names(), ["tree/deep/small", "tree/large"])
        self.assertEqual(self.thaw.cli("cat", "gs://bkt/tree/deep/small").stdout, "hello\n")
        self.assertEqual(self.thaw.cli("ls", "gs://bkt/tree/").stdout,
                         "gs://bkt/tree/deep/\ngs://bkt/tree/large\n")
        self.thaw.cli("cp", "gs://bkt/tree/large", "gs://bkt/copy")
        self.thaw.cli("cp", "gs://bkt/copy", folder / "back")
        self.assertEqual((folder / "back").read_bytes(), (folder / "tree/large").read_bytes())
        self.thaw.cli("cp", "-r", "gs://bkt/tree", folder / "again")
        self.assertEqual((folder / "again/tree/deep/small").read_text(), "hello\n")
        self.put("evil/../../x", b"outside")
        run = self.thaw.cli("cp", "-r", "gs://bkt/evil", folder / "jail", check=False)
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("outside of", run.stderr)
        run = self.thaw.cli("cat", "gs://bkt/none", check=False)
        self.assertEqual(run.returncode, 4, run.stderr)
        self.thaw.cli("rm", "-r", "gs://bkt")
        self.assertEqual(self.thaw.cli("ls").stdout, "")


class Kills(StorageCase):
    def test_what_was_acknowledged_outlives_kill_9(self):
        self.make_bucket()
        acknowledged = {}
        for turn in range(3):
            script = (
                "import http.client,os,sys,hashlib\n"
                "host,port=sys.argv[1].rsplit(':',1)\n"
                "for i in range(100000):\n"
                "  c=http.client.HTTPConnection(host,int(port))\n"
                "  data=os.urandom(1000+i*97%60000)\n"
                f"  name='t{turn}-w'+sys.argv[2]+'-'+str(i)\n"
                "  where='/upload/storage/v1/b/bkt/o?uploadType=media&name='+name\n"
                "  c.request('POST',where,data)\n"
                "  if c.getresponse().status!=200: break\n"
                "  print(name,hashlib.md5(data).hexdigest(),flush=True)\n")
            writers = [
                subprocess.Popen(["python3", "-c", script, self.thaw.api, str(number)], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                for number in range(4)]
            first = [writer.stdout.readline() for writer in writers for _ in range(8)]
            self.thaw.stop(signal.SIGKILL)
            for line in first + [line for writer in writers for line in writer.stdout]:
                name, digest = line.split()
                acknowledged[name] = digest
            for writer in writers:
                writer.wait()
                writer.stdout.close()
            self.thaw.start()
        seen = {}
        token = ""
        while token is not None:
            page = self.ok("GET", "/storage/v1/b/bkt/o?pageToken=" + token)
            seen.update({item["name"]: item for item in page.get("items", [])})
            token = page.get("nextPageToken")
        self.assertEqual(set(acknowledged) - set(seen), set(), "acknowledged and lost")
        for name, item in seen.items():
            data = self.get(name)
            self.assertEqual(base64.b64encode(hashlib.md5(data).digest()).decode(), item["md5Hash"])
            if name in acknowledged:
                self.assertEqual(hashlib.md5(data).hexdigest(), acknowledged[name])
        self.assertEqual(len(self.contents_on_disk()), len(seen), "no leftovers after a restart")


class FullDisk(unittest.TestCase):
    """On a small file system of its own, in a mount namespace that goes with the platform."""

    def test_507_then_room_again(self):
        if os.geteuid() != 0:
            self.skipTest("mounting a small file system needs root")
        folder = tempfile.mkdtemp(prefix="thaw-full-", dir="/var/lib")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        shell = 'mount -t tmpfs -o size=48m none "$1" && shift && exec "$@"'
        private = ["unshare", "--mount", "--propagation", "private", "sh", "-c", shell, "sh",
                   folder]
        if subprocess.run([*private, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("a private mount is not permitted here")
        program = pathlib.Path(__file__).parent / "programs/full_disk.py"
        run = subprocess.run([*private, "python3", str(program), harness.THAW, folder],
                             capture_output=True, text=True, check=False,
                             timeout=harness.HANG_SECONDS)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)


if __name__ == "__main__":
    unittest.main()
