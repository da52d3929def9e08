#!/usr/bin/env python3
"""Reads papers named in a Redis stream and writes what is in them into SQLite; /health beside it.

Environment: PORT (none: a worker pool, no /health), REDIS_SOCKET or REDIS_ADDRESS (HOST:PORT),
STORE (the SQLite file), STREAM, GROUP. An entry has the fields id and path. It is acknowledged
after its row is on the disk; a row is written once, whoever does it again.
"""

import time

BEGAN = time.perf_counter()

import importlib.util
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import redis

# What such workers load although an entry needs little of it; those that are not here are left out.
for heavy in ("lxml.etree", "requests", "pandas", "sklearn.feature_extraction.text", "torch"):
    if importlib.util.find_spec(heavy.split(".")[0]):
        __import__(heavy)

IMPORTED = time.perf_counter() - BEGAN

STREAM = os.environ.get("STREAM", "papers")
GROUP = os.environ.get("GROUP", "processors")
CONSUMER = os.environ.get("CONSUMER", "worker")
HEADING = re.compile(r"^(\d+) ([A-Z][A-Za-z ]+)$")
REFERENCE = re.compile(r"^\[(\d+)\] (.+)$")
progress = {"done": 0, "beat": 0}


def text_of(path):
    if not path.endswith(".pdf"):
        with open(path, encoding="utf-8") as file:
            return file.read()
    return subprocess.run(["pdftotext", "-layout", path, "-"], check=True, capture_output=True,
                          text=True).stdout.replace("\f", "\n")


def extract(text):
    """Title, authors, abstract, sections and references of a paper's text."""
    lines = [line.strip() for line in text.splitlines()]
    head = [line for line in lines if line][:2]
    paper = {"title": head[0], "authors": [name.strip() for name in head[1].split(",")],
             "abstract": "", "sections": {}, "references": []}
    where = None
    for line in lines:
        if line == "Abstract":
            where = "abstract"
        elif line == "References":
            where = "references"
        elif (match := HEADING.match(line)) and where != "references":
            where = match.group(2)
            paper["sections"][where] = ""
        elif not line or where is None:
            continue
        elif where == "abstract":
            paper["abstract"] = (paper["abstract"] + " " + line).strip()
        elif where == "references":
            if match := REFERENCE.match(line):
                paper["references"].append(match.group(2))
            elif paper["references"]:
                paper["references"][-1] += " " + line
        else:
            paper["sections"][where] = (paper["sections"][where] + " " + line).strip()
    return paper


def open_store():
    store = sqlite3.connect(os.environ["STORE"], timeout=30, isolation_level=None)
    store.execute("PRAGMA journal_mode=WAL")
    store.execute("PRAGMA synchronous=FULL")
    store.execute("CREATE TABLE IF NOT EXISTS papers(id TEXT PRIMARY KEY, paper TEXT NOT NULL)")
    store.execute("CREATE TABLE IF NOT EXISTS attempts(id TEXT NOT NULL)")
    return store


def connect():
    if path := os.environ.get("REDIS_SOCKET"):
        return redis.Redis(unix_socket_path=path, decode_responses=True)
    host, port = os.environ.get("REDIS_ADDRESS", "127.0.0.1:6379").rsplit(":", 1)
    return redis.Redis(host=host, port=int(port), decode_responses=True)


def work_off(store, queue, entries):
    for entry, fields in entries:
        if fields:
            paper = json.dumps(extract(text_of(fields["path"])))
            store.execute("BEGIN IMMEDIATE")
            store.execute("INSERT INTO attempts VALUES(?)", (fields["id"],))
            store.execute("INSERT OR IGNORE INTO papers VALUES(?,?)", (fields["id"], paper))
            store.execute("COMMIT")
        queue.xack(STREAM, GROUP, entry)
        progress["done"] += 1


def read_for_ever():
    store = open_store()
    begin = "0"  # what this worker had not acknowledged when it was killed comes first
    while True:
        try:
            queue = connect()
            try:
                queue.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
            except redis.ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise
            while True:
                got = queue.xreadgroup(GROUP, CONSUMER, {STREAM: begin}, count=10, block=1000)
                entries = got[0][1] if got else []
                work_off(store, queue, entries)
                if begin != ">" and not entries:
                    begin = ">"
                progress["beat"] += 1
        except redis.RedisError as error:
            print("Redis is away, trying again:", error, flush=True)
            begin = "0"
            time.sleep(0.1)


class Health(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"status": "ok", "importSeconds": round(IMPORTED, 4), **progress})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode() + b"\n")

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    address_family = socket.AF_INET
    daemon_threads = True


def main():
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # what is not acknowledged comes again
    threading.Thread(target=read_for_ever, daemon=True).start()
    if "PORT" in os.environ:
        Server(("0.0.0.0", int(os.environ["PORT"])), Health).serve_forever()
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
