"""Callers that ask a model server more than it can answer, and what became of each request.

`closed` asks with so many callers at once, each its next question after its last answer: that finds
the peak. `steady` asks at a given rate, whether answers come or not: each of its callers sends on a
schedule of its own, on as many connections as it has questions open.
"""

import asyncio
import collections
import itertools
import pathlib
import threading
import time


class Server:
    """Where to ask, what, and whether an answer is right."""

    def __init__(self, port, pid, requests, is_right):
        self.port, self.pid = port, pid
        self.requests = [(self.encode(*each), each) for each in requests]
        self.is_right = is_right  # (request, body of the answer) -> bool

    @staticmethod
    def encode(path, kind, body):
        return (f"POST {path} HTTP/1.1\r\nHost: load\r\nContent-Type: {kind}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n").encode() + body

    def memory_kib(self, field="RssAnon"):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        return 0


class Outcome:
    """Counts by what came back, latencies, and the memory every half second."""

    def __init__(self):
        self.counts = collections.Counter()  # "200", "429", or what was wrong
        self.latencies = []  # of those answered 200, in s
        self.memory = []  # (s since the begin, KiB)
        self.seconds = 0.0

    def rate(self):
        return self.counts["200"] / self.seconds

    def faults(self):
        return {what: count for what, count in self.counts.items() if what not in ("200", "429")}

    def latency_ms(self, share):
        ordered = sorted(self.latencies)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] * 1000 if ordered else 0


async def read_answer(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    fields = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in head[1:]}
    body = await reader.readexactly(int(fields.get("content-length", 0)))
    return int(head[0].split()[1]), fields, body


class Caller:
    """Keeps the connections that are free for the next question."""

    def __init__(self, server, outcome):
        self.server, self.outcome, self.free = server, outcome, []

    async def ask(self, encoded, request):
        began = time.monotonic()
        try:
            reader, writer = self.free.pop() if self.free else await asyncio.open_connection(
                "127.0.0.1", self.server.port)
            writer.write(encoded)
            status, fields, body = await read_answer(reader)
        except (OSError, asyncio.IncompleteReadError) as error:
            self.outcome.counts[type(error).__name__] += 1
            return
        self.free.append((reader, writer))
        self.outcome.counts[self.judge(status, fields, body, request)] += 1
        if status == 200:
            self.outcome.latencies.append(time.monotonic() - began)

    def judge(self, status, fields, body, request):
        if status == 200 and not self.server.is_right(request, body):
            return "200 with a wrong answer"
        if status == 429 and not 1 <= int(fields.get("retry-after", "0")) <= 60:
            return "429 without Retry-After"
        return str(status)

    def close(self):
        for _, writer in self.free:
            writer.close()


def watch(server, outcome, ended, step=0.5):
    began = time.monotonic()
    while not ended.wait(step):
        outcome.memory.append((time.monotonic() - began, server.memory_kib()))


async def run(server, callers, seconds, drive):
    outcome = Outcome()
    ended = threading.Event()
    watcher = threading.Thread(target=watch, args=(server, outcome, ended))
    watcher.start()
    everyone = [Caller(server, outcome) for _ in range(callers)]
    began = time.monotonic()
    await asyncio.gather(*(drive(index, each, began + seconds)
                           for index, each in enumerate(everyone)))
    outcome.seconds = time.monotonic() - began
    ended.set()
    watcher.join()
    for each in everyone:
        each.close()
    return outcome


def closed(server, callers, seconds):
    async def drive(index, caller, until):
        requests = itertools.islice(itertools.cycle(server.requests), index, None)
        while time.monotonic() < until:
            await caller.ask(*next(requests))

    return asyncio.run(run(server, callers, seconds, drive))


def steady(server, callers, seconds, rate):
    async def drive(index, caller, until):
        requests = itertools.islice(itertools.cycle(server.requests), index, None)
        step = callers / rate
        due = time.monotonic() + step * index / callers
        open_ones = set()
        while due < until:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            task = asyncio.ensure_future(caller.ask(*next(requests)))
            open_ones.add(task)
            task.add_done_callback(open_ones.discard)
            due += step
        await asyncio.gather(*open_ones)

    return asyncio.run(run(server, callers, seconds, drive))
