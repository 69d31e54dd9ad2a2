#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A site on this machine to fetch from: TLS with a CA of its own, twenty names
under .test and a name server for them. Some pages are slow, some gzip'd, some
fail. Python's standard library and the openssl command, nothing else.

    site.py DIR [-- COMMAND ...]

writes DIR/urls.txt (1,000 URLs), DIR/ca.pem and DIR/options (what fetchd
needs), then runs COMMAND (@DNS@ in it stands for the name server) and ends
with its exit status; without a command it says "ready" and serves until it
is ended.
"""

import asyncio
import contextlib
import gzip
import os
import random
import shlex
import signal
import socket
import ssl
import struct
import subprocess
import sys

HOSTS = [f"{name}.test" for name in """archive atlas bakery books cinema
 garden gazette harbour library market museum music observatory orchard
 post radio school station theatre weather""".split()]
WRONG_NAME, SELF_SIGNED, GONE = "wrong-name.test", "self-signed.test", "gone.test"

# kind of page -> how many of the 1,000
MIX = {"quick": 380, "slow": 400, "gzip": 120, "missing": 30, "error": 20,
       "reset": 10, "cut": 10, WRONG_NAME: 10, SELF_SIGNED: 10, GONE: 10}

OPENSSL_CONF = """[req]
distinguished_name = name
prompt = no
x509_extensions = ext
[name]
CN = {name}
[ext]
basicConstraints = critical, CA:{ca}
{extra}
"""


# ---- certificates -----------------------------------------------------------

def certificate(folder, stem, name, names=(), issuer=None):
    """Writes stem.pem and stem.key; signed by itself without an issuer."""
    def at(file):
        return os.path.join(folder, file)
    extra = ("subjectAltName = " + ",".join("DNS:" + n for n in names)
             if names else "keyUsage = critical, keyCertSign, cRLSign")
    with open(at(stem + ".cnf"), "w", encoding="ascii") as f:
        f.write(OPENSSL_CONF.format(
            name=name, ca="FALSE" if names else "TRUE", extra=extra))
    command = ["openssl", "req", "-x509", "-config", at(stem + ".cnf"),
               "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-nodes", "-days", "30", "-keyout", at(stem + ".key"),
               "-out", at(stem + ".pem")]
    if issuer:
        command += ["-CA", at(issuer + ".pem"), "-CAkey", at(issuer + ".key")]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def context(folder, stem):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(os.path.join(folder, stem + ".pem"),
                        os.path.join(folder, stem + ".key"))
    return ctx


def contexts(folder):
    """One context; the name asked for picks the certificate."""
    certificate(folder, "ca", "fetchd demo CA")
    certificate(folder, "site", "demo", HOSTS, "ca")
    certificate(folder, "wrong", "demo", ["elsewhere.test"], "ca")
    certificate(folder, "self", "demo", [SELF_SIGNED])
    special = {WRONG_NAME: context(folder, "wrong"),
               SELF_SIGNED: context(folder, "self")}

    def pick(sock, name, _):
        if name in special:
            sock.context = special[name]
    ctx = context(folder, "site")
    ctx.sni_callback = pick
    return ctx


# ---- the list ---------------------------------------------------------------

def urls(port):
    """The same list each time, but for the port."""
    dice = random.Random(1)
    out = []
    for kind, count in MIX.items():
        for n in range(count):
            host = kind if kind.endswith(".test") else dice.choice(HOSTS)
            ms = dice.randint(500, 2000) if kind == "slow" else \
                dice.randint(10, 120)
            path = "quick" if kind.endswith(".test") else kind
            out.append(f"https://{host}:{port}/{path}/{n}?ms={ms}")
    dice.shuffle(out)
    return out


# ---- the origin -------------------------------------------------------------

def page(path):
    text = f"<!doctype html><title>{path}</title>\n"
    return (text + "<p>A page of the demo site.</p>\n" * 40).encode()


def answer(status, body, *headers):
    return "\r\n".join([
        f"HTTP/1.1 {status}", "Content-Type: text/html; charset=utf-8",
        f"Content-Length: {len(body)}", *headers, "", ""]).encode() + body


async def respond(target, writer):
    """One answer; False once the connection is of no more use."""
    path, _, query = target.partition("?")
    kind = path.split("/")[1]
    ms = query.removeprefix("ms=")
    await asyncio.sleep(int(ms) / 1000 if ms.isdigit() else 0)
    if kind == "reset":
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))
        writer.transport.abort()
        return False
    if kind == "gzip":
        writer.write(answer("200 OK", gzip.compress(page(path)),
                            "Content-Encoding: gzip"))
    elif kind == "missing":
        writer.write(answer("404 Not Found", b"<p>There is no such page.\n"))
    elif kind == "error":
        writer.write(answer("500 Internal Server Error", b"<p>Sorry.\n"))
    elif kind == "cut":
        writer.write(answer("200 OK", page(path))[:-100])
        return False
    else:
        writer.write(answer("200 OK", page(path)))
    await writer.drain()
    return True


async def serve(reader, writer):
    with contextlib.suppress(OSError, ssl.SSLError,
                             asyncio.IncompleteReadError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode("latin-1")
            if not await respond(target, writer):
                break
    with contextlib.suppress(OSError, ssl.SSLError):
        writer.close()


# ---- the name server --------------------------------------------------------

class Names(asyncio.DatagramProtocol):
    """*.test is 127.0.0.1 and has no IPv6 address; gone.test is not there."""

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        labels, at = [], 12
        while at < len(data) and data[at]:
            labels.append(data[at + 1:at + 1 + data[at]])
            at += 1 + data[at]
        question = data[12:at + 5]
        if len(question) < 5:
            return
        kind = struct.unpack("!H", question[-4:-2])[0]
        name = b".".join(labels).lower().decode("latin-1")
        known = name.endswith(".test") and name != GONE
        record = b""
        if known and kind == 1:
            record = b"\xc0\x0c\0\x01\0\x01\0\0\x01\x2c\0\x04\x7f\0\0\x01"
        flags = 0x8580 | (0 if known else 3)
        self.transport.sendto(data[:2] + struct.pack(
            "!HHHHH", flags, 1, 1 if record else 0, 0, 0) + question + record,
            addr)


# ---- both -------------------------------------------------------------------

async def run(command, dns):
    argv = [word.replace("@DNS@", dns) for word in command]
    child = await asyncio.create_subprocess_exec(*argv)
    loop = asyncio.get_running_loop()
    # On a terminal an interrupt reaches the child by itself.
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    loop.add_signal_handler(signal.SIGTERM, child.terminate)
    status = await child.wait()
    return status if status >= 0 else 128 - status


async def until_ended():
    ended = asyncio.Event()
    for sig in signal.SIGINT, signal.SIGTERM:
        asyncio.get_running_loop().add_signal_handler(sig, ended.set)
    await ended.wait()
    return 0


async def site(folder, command):
    loop = asyncio.get_running_loop()
    # Connections cut on purpose are no news.
    loop.set_exception_handler(lambda *_: None)
    server = await asyncio.start_server(
        serve, "127.0.0.1", 0, ssl=contexts(folder), backlog=1024)
    port = server.sockets[0].getsockname()[1]
    transport, _ = await loop.create_datagram_endpoint(
        Names, local_addr=("127.0.0.1", 0))
    dns = "127.0.0.1#%d" % transport.get_extra_info("sockname")[1]
    with open(os.path.join(folder, "urls.txt"), "w", encoding="ascii") as f:
        f.write("".join(url + "\n" for url in urls(port)))
    with open(os.path.join(folder, "options"), "w", encoding="utf-8") as f:
        ca = os.path.join(os.path.abspath(folder), "ca.pem")
        f.write(f"--cacert {ca} --dns-servers {dns}\n")
    if command:
        return await run(command, dns)
    print(f"ready: fetchd {shlex.quote(folder)}/urls.txt "
          f"$(cat {shlex.quote(folder)}/options)", flush=True)
    return await until_ended()


def main():
    args = sys.argv[1:]
    if not args or args[0].startswith("-") or args[1:2] not in ([], ["--"]):
        sys.exit(__doc__)
    os.makedirs(args[0], exist_ok=True)
    status = asyncio.run(site(args[0], args[2:]))
    sys.stdout.flush()
    os._exit(status)  # not a second is spent on closing what is open


if __name__ == "__main__":
    main()
