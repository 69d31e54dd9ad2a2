#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""api.py LOG: a stand-in for a chat completions API, on a port of loopback.

Allows 50 requests and 10,000 tokens in any second and answers 429 with
Retry-After to what is more. An answer has eight words, with "stream": true as
server-sent events, one each 50 ms. Says where it listens in a line on standard
output, and serves until it is ended. LOG gets a line of JSON a request: time,
tokens, status. Python's standard library, nothing else.
"""
import asyncio
import collections
import json
import re
import sys
import time

REQUESTS, TOKENS, SECOND = 50, 10_000, 1.0
WORDS, GAP = 8, 0.05
KEY = b"authorization: bearer sk-stand-in"


class Limits:
    """What was let in within the last second."""

    def __init__(self):
        self.recent, self.tokens = collections.deque(), 0

    def wait(self, now, tokens):
        """0 and it counts as let in, or the seconds until it might be."""
        while self.recent and self.recent[0][0] <= now - SECOND:
            self.tokens -= self.recent.popleft()[1]
        if len(self.recent) < REQUESTS and self.tokens + tokens <= TOKENS:
            self.recent.append((now, tokens))
            self.tokens += tokens
            return 0
        return self.recent[0][0] + SECOND - now if self.recent else SECOND


def cost(ask):
    prompt = sum(len(m["content"]) for m in ask["messages"])
    return ask["max_tokens"] + -(-prompt // 4)


def words(ask):
    said = ask["messages"][-1]["content"].split(",")[0]
    return [f"{said}:"] + [f" word{i}" for i in range(1, WORDS)]


def response(status, value, *headers):
    body = json.dumps(value).encode()
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json",
             f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def refusal(status, code, *headers):
    return response(status, {"error": {"code": code}}, *headers)


async def answer(ask, writer):
    await asyncio.sleep(WORDS * GAP)
    writer.write(response("200 OK", {
        "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {
            "role": "assistant", "content": "".join(words(ask))}}],
        "usage": {"total_tokens": cost(ask)}}))


async def stream(ask, writer):
    def event(data):
        data = f"data: {data}\n\n".encode()
        writer.write(b"%x\r\n%s\r\n" % (len(data), data))

    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                 b"Transfer-Encoding: chunked\r\n\r\n")
    for word in words(ask):
        await asyncio.sleep(GAP)
        event(json.dumps({"object": "chat.completion.chunk", "choices": [
            {"index": 0, "delta": {"content": word}}]}))
    event("[DONE]")
    writer.write(b"0\r\n\r\n")


class Server:
    def __init__(self, log):
        self.limits, self.log = Limits(), log

    def note(self, status, tokens):
        print(json.dumps({"time": time.monotonic(), "tokens": tokens,
                          "status": status}), file=self.log, flush=True)

    async def exchange(self, top, body, writer):
        if KEY not in top.lower():
            self.note(401, 0)
            writer.write(refusal("401 Unauthorized", "invalid_api_key"))
            return
        ask = json.loads(body)
        wait = self.limits.wait(time.monotonic(), cost(ask))
        self.note(429 if wait else 200, cost(ask))
        if wait:
            writer.write(refusal("429 Too Many Requests", "rate_limit_exceeded",
                                 f"Retry-After: {int(wait) + 1}"))
        else:
            await (stream if ask.get("stream") else answer)(ask, writer)

    async def talk(self, reader, writer):
        try:
            while True:
                top = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"\r\ncontent-length: *(\d+)", top, re.I)
                body = await reader.readexactly(int(length[1]))
                await self.exchange(top, body, writer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def main(path):
    with open(path, "a", encoding="ascii") as log:
        server = await asyncio.start_server(
            Server(log).talk, "127.0.0.1", 0, backlog=1024)
        port = server.sockets[0].getsockname()[1]
        print(f"http://127.0.0.1:{port}", flush=True)
        await server.serve_forever()


asyncio.run(main(sys.argv[1]))
