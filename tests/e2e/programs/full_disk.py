"""Runs in a mount namespace of its own, on a small disk at FOLDER: fills it through the API.

Usage: full_disk.py THAW FOLDER
"""

import base64
import hashlib
import http.client
import json
import os
import pathlib
import subprocess
import sys
import time

thaw, folder = sys.argv[1], pathlib.Path(sys.argv[2])
data_dir = folder / "data"
process = subprocess.Popen(
    [thaw, "up", "--data-dir", str(data_dir), "--isolation", "process",
     "--gateway-address", "127.0.0.1:0", "--api-address", "127.0.0.1:0"],
    stdin=subprocess.DEVNULL, stdout=open(folder / "log", "w", encoding="utf-8"),
    stderr=subprocess.STDOUT)
try:
    endpoints = data_dir / "endpoints.json"
    while not endpoints.exists():
        assert process.poll() is None, (folder / "log").read_text()
        time.sleep(0.02)
    host, port = json.loads(endpoints.read_text())["api"].rsplit(":", 1)

    def call(method, path, body=None):
        connection = http.client.HTTPConnection(host, int(port), timeout=100)
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def names():
        return [item["name"] for item in
                json.loads(call("GET", "/storage/v1/b/bkt/o")[1]).get("items", [])]

    def upload(name, data):
        return call("POST", f"/upload/storage/v1/b/bkt/o?uploadType=media&name={name}", data)

    published = []

    def publish(megabytes):
        """Answers how the last one ended."""
        text = base64.b64encode(os.urandom(750_000)).decode()
        for _ in range(megabytes):
            status, answer = call("POST", "/v1/projects/p/topics/topic:publish",
                                  json.dumps({"messages": [{"data": text}]}))
            if status != 200:
                return status, answer
            published.extend(json.loads(answer)["messageIds"])
        return 200, b""

    status, answer = call("PUT", "/v1/projects/p/topics/topic", "{}")
    assert status == 200, (status, answer)
    assert call("PUT", "/v1/projects/p/subscriptions/reader",
                '{"topic":"projects/p/topics/topic"}')[0] == 200
    assert publish(1)[0] == 200
    assert call("POST", "/storage/v1/b?project=p", '{"name":"bkt"}')[0] == 200
    block = os.urandom(4 << 20)
    stored = []
    for number in range(100):
        status, answer = upload(f"o{number}", block)
        if status != 200:
            break
        stored.append(f"o{number}")
    assert status == 507, (status, answer)
    reason = json.loads(answer)["error"]["errors"][0]
    assert reason["reason"] == "insufficientStorage", reason
    assert "No space left" in reason["message"], reason
    assert sorted(names()) == sorted(stored), "nothing is half-stored"
    for name in stored:
        data = call("GET", f"/storage/v1/b/bkt/o/{name}?alt=media")[1]
        assert hashlib.md5(data).digest() == hashlib.md5(block).digest(), name

    # A publish is answered with its reason, kept whole or not at all, and works again later.
    status, answer = publish(64)
    assert status == 429, (status, answer)
    assert json.loads(answer)["error"]["status"] == "RESOURCE_EXHAUSTED", answer

    # Deleting must work on a full disk, and makes room.
    for name in stored[:2]:
        status, answer = call("DELETE", f"/storage/v1/b/bkt/o/{name}")
        assert status == 204, (status, answer)
    for _ in range(500):
        status, answer = upload("again", block)
        if status == 200:
            break
        assert status == 507, (status, answer)
        time.sleep(0.02)
    assert status == 200, (status, answer)
    assert "again" in names()
    assert call("DELETE", "/storage/v1/b/bkt/o/again")[0] == 204
    for _ in range(500):
        status, answer = publish(1)
        if status == 200:
            break
        assert status == 429, (status, answer)
        time.sleep(0.02)
    assert status == 200, (status, answer)
    got = set()
    while len(got) < len(published):
        pulled = json.loads(call("POST", "/v1/projects/p/subscriptions/reader:pull",
                                 '{"maxMessages":1}')[1])["receivedMessages"]
        got |= {each["message"]["messageId"] for each in pulled}
        assert call("POST", "/v1/projects/p/subscriptions/reader:acknowledge", json.dumps(
            {"ackIds": [each["ackId"] for each in pulled]}))[0] == 200
    assert got == set(published), "what was not answered with 200 is not there"
finally:
    process.terminate()
    process.wait()
