# SPDX-License-Identifier: ISC
"""A scripted, byte-exact TCP and TLS peer.

    with Origin(script) as o:
        run(o.url("/x"))
    assert o.requests[0].target == "/x"

A script is a function that gets one accepted connection and does to it what
the test wants, in a thread of its own:

    def script(c):
        c.tls(ctx)                      # optional; ctx: ssl.SSLContext
        r = c.request()                 # one whole request, or None at EOF
        c.send(b"HTTP/1.1 200 OK\\r\\n...", size=1, pause=0.01)
        c.wait(0.5); c.until_eof()
        c.close_notify(); c.fin()       # or c.rst(); nothing: FIN, no notify

Several scripts: the first connection gets the first, the last one stays.
Origin(serve(handler)) answers requests by keep-alive, handler(request) gives
bytes (see response()), None (no answer: the connection ends), or a function
that gets the connection.

What was seen: o.requests, o.conns, o.in_flight_max (requests read and not yet
answered), o.open (connections not yet gone). o.until(condition, timeout) waits
for any of it. Knows nothing of fetchd.
"""
import ctypes
import os
import re
import socket
import ssl
import struct
import threading
import time

threading.stack_size(512 * 1024)
CLONE_NEWNET = 0x40000000


def response(body=b"ok", status="200 OK", headers=(), length=True):
    """A response's bytes; headers: "Name: value" strings."""
    if isinstance(body, str):
        body = body.encode()
    lines = [f"HTTP/1.1 {status}", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(*parts, trailer=b""):
    out = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts)
    return out + b"0\r\n" + trailer + b"\r\n"


class Request:
    def __init__(self, raw, conn):
        self.time = conn.arrived
        self.conn = conn
        self.raw = raw
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.line = lines[0]
        self.method, self.target, self.version = (
            self.line.split(" ") + ["", ""])[:3]
        self.headers = [tuple(h.split(": ", 1)) if ": " in h else (h, "")
                        for h in lines[1:]]

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def header(self, name):
        found = self.all(name)
        return found[0] if found else None

    def names(self):
        return [n.lower() for n, _ in self.headers]


# Linux: the time at which data came in, with each read; socket(7).
SO_TIMESTAMPNS = 35


def _arrival(notes):
    """When the kernel had the bytes just read, of time.monotonic(): a thread
    here may see them much later. Now, if the kernel did not say."""
    now = time.monotonic()
    for level, kind, data in notes:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, ns = struct.unpack("ll", data)
            late = time.time_ns() - (seconds * 10**9 + ns)
            return now - max(0, late) / 1e9
    return now


class Gone(Exception):
    """The origin is being stopped, or the peer went away."""


class Conn:
    def __init__(self, origin, sock, number):
        self.origin, self.sock, self.number = origin, sock, number
        self.peer = sock.getpeername()[:2]
        self.local = sock.getsockname()[:2]
        self.opened = self.arrived = time.monotonic()
        self.closed = None      # when this side was done with it
        self.ended = None       # how the peer ended it: eof, reset
        self.obj = None         # the TLS engine
        self.handshake_error = None
        self.got_close_notify = False
        self.raw_in = 0         # bytes from the peer, TLS included
        self.app_in = 0         # bytes of the application
        self.have = b""
        self.mangle = None      # function on the raw bytes that go out
        self._corked = None
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def sni(self):
        return getattr(self.obj, "seen_sni", None)

    # -- raw bytes ----------------------------------------------------------
    def raw_send(self, data, size=None, pause=0):
        if self.mangle:
            data = self.mangle(data)
        if self._corked is not None:
            self._corked += data
            return
        if size is None:
            self.sock.sendall(data)
            return
        for i in range(0, len(data), size):
            self.sock.sendall(data[i:i + size])
            if pause:
                self.wait(pause)

    def raw_recv(self, n=65536):
        """b"" at EOF."""
        try:
            data, notes, _, _ = self.sock.recvmsg(n, 64)
        except ConnectionError:
            self.ended = "reset"
            self.origin.changed()
            raise
        self.raw_in += len(data)
        self.arrived = _arrival(notes)
        if not data:
            self.ended = self.ended or "eof"
            self.origin.changed()
        return data

    def cork(self):
        self._corked = b""

    def uncork(self, size=None):
        data, self._corked = self._corked, None
        if size is None:
            self.sock.sendall(data)
        else:
            mangle, self.mangle = self.mangle, None
            self.raw_send(data, size)
            self.mangle = mangle

    # -- TLS ----------------------------------------------------------------
    def tls(self, ctx, size=None, before=b""):
        """The handshake as a server. False if it failed (see
        handshake_error); `before` goes out first, in the clear; size: bytes a
        segment."""
        self.inc, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        ctx.sni_callback = _on_sni
        self.obj = ctx.wrap_bio(self.inc, self.out, server_side=True)
        if before:
            self.inc.write(self.raw_recv())
            self.raw_send(before)
        while True:
            try:
                self.obj.do_handshake()
                self._flush(size)
                return True
            except ssl.SSLWantReadError:
                self._flush(size)
                data = self.raw_recv()
                if not data:
                    self.handshake_error = "EOF"
                    return False
                self.inc.write(data)
            except ssl.SSLError as e:
                self.handshake_error = str(e)
                try:
                    self._flush(size)
                except OSError:
                    pass
                return False

    def _flush(self, size=None):
        data = self.out.read()
        if data:
            self.raw_send(data, size)

    def client_hello(self):
        """Reads the ClientHello without answering it."""
        data = b""
        while len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5],
                                                              "big"):
            more = self.raw_recv()
            if not more:
                break
            data += more
        return data

    def new_ticket(self):
        """Sends another NewSessionTicket (TLS 1.3)."""
        lib, s = _libssl(self.obj)
        if lib.SSL_new_session_ticket(s) != 1:
            raise RuntimeError("no ticket")

    def close_notify(self):
        if self.obj is None:
            return
        try:
            self.obj.unwrap()
        except ssl.SSLError:
            pass
        self._flush()

    # -- application bytes --------------------------------------------------
    def recv(self, n=65536):
        """Application bytes; b"" at EOF or close_notify."""
        if self.obj is None:
            data = self.raw_recv(n)
            self.app_in += len(data)
            return data
        while True:
            try:
                data = self.obj.read(n)
                if not data:
                    self.got_close_notify = True
                    self.origin.changed()
                self.app_in += len(data)
                return data
            except ssl.SSLWantReadError:
                self._flush()
                raw = self.raw_recv()
                if raw:
                    self.inc.write(raw)
                else:
                    return b""
            except ssl.SSLZeroReturnError:
                self.got_close_notify = True
                self.origin.changed()
                return b""

    def send(self, data, size=None, pause=0):
        """size: bytes a TCP segment, pause: seconds between them."""
        if isinstance(data, str):
            data = data.encode("latin-1")
        if self.obj is None:
            self.raw_send(data, size, pause)
            return
        view = memoryview(data)
        while view:
            view = view[self.obj.write(view):]
        self._flush() if size is None else \
            self.raw_send(self.out.read(), size, pause)

    def read_until(self, mark):
        while mark not in self.have:
            data = self.recv()
            if not data:
                return None
            self.have += data
        head, _, self.have = self.have.partition(mark)
        return head + mark

    def read_exactly(self, n):
        while len(self.have) < n:
            data = self.recv()
            if not data:
                return None
            self.have += data
        out, self.have = self.have[:n], self.have[n:]
        return out

    def request(self, body=True):
        """The next request, logged; None at EOF. body=False leaves its body
        on the wire."""
        head = self.read_until(b"\r\n\r\n")
        if head is None:
            return None
        m = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
        if body and m:
            rest = self.read_exactly(int(m[1]))
            if rest is None:
                return None
            head += rest
        req = Request(head, self)
        self.origin.note(req)
        return req

    def until_eof(self):
        """Reads and drops until the peer closes."""
        try:
            while self.recv():
                pass
        except OSError:
            pass

    def answered(self):
        """The last request no longer counts as in flight."""
        self.origin.note_answered()

    # -- time and ends ------------------------------------------------------
    def wait(self, seconds):
        if self.origin.stopping.wait(seconds):
            raise Gone

    def hold(self, event, timeout=60):
        """Until a test sets the event."""
        end = time.monotonic() + timeout
        while not event.wait(0.05):
            if self.origin.stopping.is_set() or time.monotonic() > end:
                raise Gone

    def stay(self):
        """Says nothing and stays until the peer or the test is gone."""
        self.until_eof()

    def sleep_forever(self):
        """Reads nothing, sends nothing, closes nothing."""
        self.origin.stopping.wait()
        raise Gone

    def fin(self):
        self.sock.shutdown(socket.SHUT_WR)

    def rst(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        self.sock.close()


def _on_sni(obj, name, ctx):
    obj.seen_sni = name


def _libssl(obj):
    """The library and the SSL * behind an SSLObject: CPython's struct is the
    object's head, a weak reference, then the pointer."""
    lib = ctypes.CDLL("libssl.so.3")
    at = id(obj._sslobj) + object.__basicsize__ + ctypes.sizeof(
        ctypes.c_void_p)
    return lib, ctypes.c_void_p.from_address(at)


class Origin:
    def __init__(self, *scripts, tls=None, addr="127.0.0.1", port=0,
                 backlog=1024, netns=None, rcvbuf=None):
        self.scripts = scripts or (serve(lambda r: response()),)
        self.ctx, self.addr = tls, addr
        self.conns, self.requests, self.errors = [], [], []
        self.in_flight = self.in_flight_max = self.open = self.open_max = 0
        self.stopping = threading.Event()
        self._cond = threading.Condition()
        self._threads = set()
        family = socket.AF_INET6 if ":" in addr else socket.AF_INET

        def listen():
            self.lis = socket.socket(family, socket.SOCK_STREAM)
            self.lis.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if rcvbuf:
                self.lis.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                    rcvbuf)
            self.lis.bind((addr, port))
            self.lis.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self.lis.listen(backlog)
        inside(netns, listen)
        self.port = self.lis.getsockname()[1]

    # -- addresses ----------------------------------------------------------
    @property
    def scheme(self):
        return "https" if self.ctx else "http"

    def url(self, path="/", host=None):
        host = host or (f"[{self.addr}]" if ":" in self.addr else self.addr)
        return f"{self.scheme}://{host}:{self.port}{path}"

    def resolve(self, host="*"):
        """--resolve and its value: that name, on this port, is here."""
        addr = f"[{self.addr}]" if ":" in self.addr else self.addr
        return ["--resolve", f"{host}:{self.port}:{addr}"]

    # -- life ---------------------------------------------------------------
    def __enter__(self):
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()
        return self

    def __exit__(self, kind, *_):
        self.stopping.set()
        try:
            self.lis.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.lis.close()
        for c in self.conns:
            try:
                c.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        end = time.monotonic() + 5
        for t in [self._acceptor, *self._threads]:
            t.join(max(0, end - time.monotonic()))
        if kind is None and self.errors:
            raise self.errors[0]

    def _accept(self):
        while True:
            try:
                sock, _ = self.lis.accept()
            except OSError:
                if self.stopping.is_set() or self.lis.fileno() < 0:
                    return
                continue
            try:
                c = Conn(self, sock, len(self.conns))
            except OSError:
                sock.close()
                continue
            with self._cond:
                self.conns.append(c)
                self.open += 1
                self.open_max = max(self.open_max, self.open)
                self._cond.notify_all()
            t = threading.Thread(target=self._run, args=(c,), daemon=True)
            self._threads.add(t)
            t.start()

    def _run(self, c):
        script = self.scripts[min(c.number, len(self.scripts) - 1)]
        try:
            if self.ctx is None or c.tls(self.ctx):
                script(c)
        except (OSError, Gone, ssl.SSLError):
            pass
        except BaseException as e:
            self.errors.append(e)
        finally:
            c.sock.close()
            c.closed = time.monotonic()
            with self._cond:
                self.open -= 1
                self._cond.notify_all()
            self._threads.discard(threading.current_thread())

    # -- what was seen ------------------------------------------------------
    def note(self, req):
        with self._cond:
            self.requests.append(req)
            self.in_flight += 1
            self.in_flight_max = max(self.in_flight_max, self.in_flight)
            self._cond.notify_all()

    def note_answered(self):
        with self._cond:
            self.in_flight -= 1
            self._cond.notify_all()

    def changed(self):
        with self._cond:
            self._cond.notify_all()

    def until(self, condition, timeout=10):
        """Until condition(self) holds; says whether it does."""
        with self._cond:
            return self._cond.wait_for(lambda: condition(self), timeout)

    def targets(self):
        return [r.target for r in self.requests]


def serve(handler):
    """A script: ordinary keep-alive HTTP."""
    def script(c):
        while True:
            req = c.request()
            if req is None:
                return
            out = handler(req)
            c.answered()
            if out is None:
                return
            if callable(out):
                out = out(c)
                if out is None:
                    return
            c.send(out)
            if (req.header("connection") or "").lower() == "close":
                return
    return script


def delayed(seconds, body=b"ok", headers=()):
    """A handler for serve(): every answer takes that long."""
    def handler(req):
        req.conn.wait(seconds)
        return response(body, headers=headers)
    return handler


def once(*parts, end="fin", read=True, size=None):
    """A script: read one request, send bytes, end as told: fin, rst, notify
    (close_notify and FIN), stay, or keep (serves on by keep-alive)."""
    def script(c):
        if read and c.request() is None:
            return
        c.answered()
        for p in parts:
            c.send(p, size)
        finish(c, end)
    return script


def finish(c, end):
    if end == "rst":
        c.rst()
    elif end == "stay":
        c.stay()
    elif end == "notify":
        c.cork()
        c.close_notify()
        c.uncork()
        c.fin()
        c.until_eof()
    elif end == "keep":
        serve(lambda r: response())(c)
    else:
        c.fin()
        c.until_eof()


def inside(netns, call):
    """Runs call() in a thread of that network namespace (a path)."""
    if netns is None:
        return call()
    out = []

    def work():
        fd = os.open(netns, os.O_RDONLY)
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(fd)
        out.append(call())
    t = threading.Thread(target=work)
    t.start()
    t.join()
    if not out:
        raise RuntimeError("setns failed")
    return out[0]
