#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""site.py LINKS: a small shop on loopback; its URLs go to LINKS, one a line.

Says in a line on standard output how many there are, and serves until it is
ended.
"""
import http.server
import sys

PAGE = """<!doctype html><html><head><title>Item {0} | Shop</title>
<meta name="author" content="Ann"></head><body><h1>Item <em>{0}</em></h1>
<p class="price">{1:.2f} EUR</p><h2>Details</h2>
<a href="/item/{2}">next</a></body></html>
"""
ITEMS = 40


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        n = int(self.path.rpartition("/")[2])
        body = PAGE.format(n, n * 1.5, (n + 1) % ITEMS).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def main(path):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        with open(path, "w", encoding="ascii") as f:
            for n in range(ITEMS):
                f.write(f"http://127.0.0.1:{server.server_port}/item/{n}\n")
        print(ITEMS, flush=True)
        server.serve_forever()


main(sys.argv[1])
