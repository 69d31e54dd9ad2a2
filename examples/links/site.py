#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""site.py LINKS LOG: three small origins on loopback, and links to them.

Writes the links to LINKS, one a line, and a line for each request to LOG: time,
origin, method, path, status. Some links are broken, some only look so, and one
origin asks once to be left alone for a second. Says in a line on standard
output how many links are broken, and serves until it is ended.
"""
import asyncio
import sys
import time

ADDRS = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
GOOD, BROKEN = 8, ["missing", "gone", "broken", "moved-away", "loop", "garbled"]


class Origin:
    def __init__(self, addr, log):
        self.addr, self.log = addr, log
        self.is_busy = addr == ADDRS[-1]    # once

    def judge(self, method, path):
        """(status, headers) of the answer."""
        if self.is_busy and path != "/0":
            self.is_busy = False
            return "429 Too Many Requests", ["Retry-After: 1"]
        if path == "/no-head" and method == "HEAD":
            return "405 Method Not Allowed", ["Allow: GET"]
        return {
            "/missing": ("404 Not Found", []),
            "/gone": ("410 Gone", []),
            "/broken": ("500 Internal Server Error", []),
            "/moved": ("301 Moved Permanently", ["Location: /0"]),
            "/moved-away": ("301 Moved Permanently", ["Location: /missing"]),
            "/loop": ("302 Found", ["Location: /loop"]),
        }.get(path, ("200 OK", []))

    async def talk(self, reader, writer):
        try:
            while True:
                top = await reader.readuntil(b"\r\n\r\n")
                method, path = top.decode("latin-1").split(" ")[:2]
                status, headers = self.judge(method, path)
                print(f"{time.monotonic():.6f}", self.addr, method, path,
                      status[:3], file=self.log, flush=True)
                if path == "/garbled":
                    writer.write(b"no answer\r\n\r\n")
                    break
                body = b"" if method == "HEAD" else b"a page\n"
                writer.write("\r\n".join([
                    f"HTTP/1.1 {status}", "Content-Type: text/plain",
                    "Content-Length: 7", *headers, "", ""]).encode() + body)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def links(addr, port):
    names = [*map(str, range(GOOD)), "moved", "no-head", *BROKEN]
    return [f"http://{addr}:{port}/{name}" for name in names]


async def main(path, log_path):
    with open(log_path, "w", encoding="ascii") as log:
        ports = []
        for addr in ADDRS:
            server = await asyncio.start_server(Origin(addr, log).talk, addr, 0)
            ports.append(server.sockets[0].getsockname()[1])
        lists = [links(a, p) for a, p in zip(ADDRS, ports)]
        lines = [link for row in zip(*lists) for link in row]
        lines.append("http://127.0.0.1:1/nobody-listens")
        lines.append("gopher://127.0.0.1/")
        with open(path, "w", encoding="ascii") as f:
            f.write("".join(line + "\n" for line in lines))
        print(len(BROKEN) * len(ADDRS) + 2, flush=True)
        await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:3]))
