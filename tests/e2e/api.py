#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""An API with limits, as language models have it: a process of its own.

    with Api(requests=50, tokens=10000) as api:
        run(api.url("/v1/chat/completions"))
    assert api.log()[0]["status"] == 200

POST of {"messages": [...], "max_tokens": N, "stream": bool} costs N tokens.
More than `requests` requests or `tokens` tokens accepted within one sliding
second: 429 with Retry-After. Otherwise the answer says again what the last
message said: whole, as one chat.completion, or with "stream": true as
text/event-stream of `words` events and [DONE], one each `gap` seconds.

Api(requests=50, tokens=10000, words=40, gap=0.005, think=0.02, slack=0,
    retry_after=1)
    slack: the share above a limit that is still let pass, for peers whose
    starts are exact but whose packets are not. think: seconds before an answer.
    .url(path), .log() (each request as a dict: time, status, tokens, stream,
    said, sent: when each event left; times by time.monotonic(), which is the
    same clock in every process), .refused(after=seconds from the first one).

As a program: api.py [--port 0] [--requests 50] ...: prints "listening on PORT"
and serves until killed. GET /log is the log. Knows nothing of fetchd.
"""
import argparse
import asyncio
import collections
import json
import os
import re
import subprocess
import sys
import time
import urllib.request

DEFAULTS = dict(requests=50.0, tokens=10000.0, words=40.0, gap=0.005,
                think=0.02, slack=0.0, retry_after=1.0)


class Limits:
    """What was accepted within the last second."""

    def __init__(self, requests, tokens, slack):
        self.requests = int(requests * (1 + slack))
        self.tokens = tokens * (1 + slack)
        self.recent, self.spent = collections.deque(), 0

    def admits(self, now, cost):
        while self.recent and self.recent[0][0] <= now - 1:
            self.spent -= self.recent.popleft()[1]
        if (len(self.recent) + 1 > self.requests
                or self.spent + cost > self.tokens):
            return False
        self.recent.append((now, cost))
        self.spent += cost
        return True


def head(status, kind, *more, length=None):
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", *more]
    lines.append("Transfer-Encoding: chunked" if length is None
                 else f"Content-Length: {length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def whole(status, value, *more):
    body = json.dumps(value).encode()
    return head(status, "application/json", *more, length=len(body)) + body


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


class Server:
    def __init__(self, **how):
        self.how = how
        self.limits = Limits(how["requests"], how["tokens"], how["slack"])
        self.entries = []

    async def talk(self, reader, writer):
        try:
            while await self.exchange(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def exchange(self, reader, writer):
        top = await reader.readuntil(b"\r\n\r\n")
        now = time.monotonic()
        m = re.search(rb"\r\ncontent-length: *(\d+)", top, re.I)
        body = await reader.readexactly(int(m[1])) if m else b""
        if top.startswith(b"GET /log "):
            writer.write(whole("200 OK", self.entries))
            await writer.drain()
            return True
        await self.answer(now, top.split(b" ", 1)[0], body, writer)
        await writer.drain()
        return True

    async def answer(self, now, method, body, writer):
        entry = dict(time=now, status=400, tokens=0, stream=False, said=None,
                     sent=[])
        self.entries.append(entry)
        try:
            ask = json.loads(body)
            said = ask["messages"][-1]["content"]
            entry.update(tokens=ask.get("max_tokens", 1), said=said,
                         stream=bool(ask.get("stream")))
        except (ValueError, KeyError, TypeError, IndexError):
            writer.write(whole("400 Bad Request", {"error": "not a request"}))
            return
        if method != b"POST":
            entry["status"] = 405
            writer.write(whole("405 Method Not Allowed", {"error": "POST"}))
        elif not self.limits.admits(now, entry["tokens"]):
            entry["status"] = 429
            writer.write(whole("429 Too Many Requests", {
                "error": {"message": "slow down", "code": "rate_limit"}},
                f"Retry-After: {self.how['retry_after']:g}"))
        else:
            entry["status"] = 200
            await asyncio.sleep(self.how["think"])
            await (self.stream if entry["stream"] else self.plain)(
                entry, said, writer)

    async def plain(self, entry, said, writer):
        entry["sent"].append(time.monotonic())
        writer.write(whole("200 OK", {
            "object": "chat.completion", "choices": [{"index": 0, "message": {
                "role": "assistant", "content": said},
                "finish_reason": "stop"}],
            "usage": {"total_tokens": entry["tokens"]}}))

    async def stream(self, entry, said, writer):
        writer.write(head("200 OK", "text/event-stream",
                          "Cache-Control: no-cache"))
        for i in range(int(self.how["words"])):
            data = json.dumps({"object": "chat.completion.chunk", "choices": [
                {"index": 0, "delta": {"content": f"{said}-{i} "}}]})
            entry["sent"].append(time.monotonic())
            writer.write(chunk(f"data: {data}\n\n".encode()))
            await writer.drain()
            await asyncio.sleep(self.how["gap"])
        writer.write(chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")

    async def run(self, port):
        server = await asyncio.start_server(
            self.talk, "127.0.0.1", port, backlog=1024, limit=1 << 20)
        print(f"listening on {server.sockets[0].getsockname()[1]}",
              flush=True)
        async with server:
            await server.serve_forever()


class Api:
    def __init__(self, **how):
        unknown = set(how) - set(DEFAULTS)
        if unknown:
            raise TypeError(f"unknown: {', '.join(sorted(unknown))}")
        self.how = how

    def __enter__(self):
        args = [f"--{k.replace('_', '-')}={v}" for k, v in self.how.items()]
        self.proc = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        said = self.proc.stdout.readline().split()
        if not said:
            raise RuntimeError("the API did not start")
        self.port = int(said[-1])
        return self

    def __exit__(self, *_):
        self.proc.terminate()
        self.proc.wait()
        self.proc.stdout.close()

    def url(self, path="/v1/chat/completions"):
        return f"http://127.0.0.1:{self.port}{path}"

    def log(self):
        with urllib.request.urlopen(self.url("/log"), timeout=20) as r:
            return json.load(r)

    @staticmethod
    def refused(log, after=0.0):
        """Of the requests that came later than that, how many, of how many."""
        begin = log[0]["time"] + after if log else 0
        late = [e for e in log if e["time"] >= begin]
        return sum(e["status"] == 429 for e in late), len(late)


def main(argv):
    p = argparse.ArgumentParser()
    p.add_argument("--port", type=int, default=0)
    for name, value in DEFAULTS.items():
        p.add_argument("--" + name.replace("_", "-"), type=float,
                       default=value)
    how = vars(p.parse_args(argv))
    port = how.pop("port")
    try:
        asyncio.run(Server(**how).run(port))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main(sys.argv[1:])
