#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A scripted DNS server: UDP and TCP on one port, in one thread.

    with DnsServer(addr="127.0.0.53", port=0) as dns:
        dns.set("h.test", A="127.0.0.2", AAAA=None, ttl=60)
        run("--dns-servers", dns.server, ...)        # "127.0.0.53#40123"
        assert dns.count("h.test", "A") == 1

DnsServer(addr="127.0.0.53", port=0, tcp=True)
    Context manager; or start() and stop(). `addr` may be any of 127.0.0.0/8 or
    "::1". Port 0 picks a free one. tcp=False: nobody listens on TCP.
    .addr .port   where it listens (port is valid from construction on)
    .server       "addr#port", "[v6]#port": one element of --dns-servers

dns.set(name, A=None, AAAA=None, CNAME=None, **how)
    What is answered for `name` from now on; replaces what was set before.
    A, AAAA  an address, a list of them, or None: NODATA for that type
    CNAME    a name, or a list: a chain. The server follows it through its own
             names, as a recursive one does, and puts all in one answer. Loops
             are cut after 100 steps.
    `name` may be "*.test" (any depth below test, the nearest wildcard wins,
    exact names win over wildcards) or "*" (everything else).
    how, each either a value, or {"A": value, "AAAA": value} by question type:
      ttl=60        of every record
      cname_ttl     of the CNAMEs (default: ttl)
      delay=0.0     seconds before the answer leaves (others are not held up)
      rcode=None    "NXDOMAIN", "SERVFAIL", "REFUSED", "FORMERR", ...: no data
      drop=False    no answer at all (over UDP and TCP)
      tc=False      over UDP an empty answer with the TC bit; whole over TCP
      drop_tcp=False  TCP connections are closed without an answer
      neg_ttl=60    TTL and MINIMUM of the SOA in NODATA and NXDOMAIN answers;
                    None: no SOA
      shuffle_case=False  the question comes back with its case changed
      raw=None      bytes, or a function (query bytes) -> bytes: sent as it is,
                    the first two bytes replaced by the query's id if `bytes`

dns.sequence(name, [dict(A="127.0.0.2", ttl=2), dict(A="127.0.0.3"), ...])
    Each step as for set(); every question takes the next step (counted by
    question type), the last one stays.

dns.unset(name)     unknown again: unknown names are NXDOMAIN with a SOA
dns.all(**how)      stands before every name: dns.all(drop=True) is a black
                    hole, dns.all(rcode="REFUSED"); dns.all(None) takes it away

dns.queries         a list, oldest first, of Query(name, type, time, tcp, edns,
                    id): name lower case without final dot, type "A", "AAAA",
                    "TYPE65"; time by time.monotonic()
dns.count(name=None, type=None)     how many of these
dns.names()         the set of names asked for
dns.in_flight_max(name, type=None)  most questions for it held at one time
                    (delayed ones; a dropped one never counts)
dns.clear()         empties the log
dns.wait(n, name=None, type=None, timeout=5)  until n questions have come;
                    False if they did not

closed_server(addr="127.0.0.1")  "addr#port" where nobody listens (ICMP refused)

As a program:  dnsserver.py [--addr 127.0.0.53] [--port 0] NAME=ADDR[,ADDR]...
    prints "listening on ADDR#PORT" and serves until killed; NAME may be a
    wildcard, quoted: '*.test=127.0.0.2'.
"""
import argparse
import collections
import heapq
import itertools
import selectors
import socket
import struct
import sys
import threading
import time

import dnslib
from dnslib import AAAA, CNAME, DNSHeader, DNSRecord, QTYPE, RCODE, RR, SOA
from dnslib import A as A_RDATA

Query = collections.namedtuple("Query", "name type time tcp edns id")

DEFAULTS = dict(ttl=60, cname_ttl=None, delay=0.0, rcode=None, drop=False,
                tc=False, drop_tcp=False, neg_ttl=60, shuffle_case=False,
                raw=None)
CHAIN_MAX = 100


def closed_server(addr="127.0.0.1"):
    with socket.socket(_family(addr), socket.SOCK_DGRAM) as s:
        s.bind((addr, 0))
        return _server_text(addr, s.getsockname()[1])


def _family(addr):
    return socket.AF_INET6 if ":" in addr else socket.AF_INET


def _server_text(addr, port):
    return f"[{addr}]#{port}" if ":" in addr else f"{addr}#{port}"


def _norm(name):
    return str(name).rstrip(".").lower()


def _list(v):
    if v is None:
        return []
    return [v] if isinstance(v, str) else list(v)


class Rule:
    """What one name answers."""

    def __init__(self, A=None, AAAA=None, CNAME=None, **how):
        unknown = set(how) - set(DEFAULTS)
        if unknown:
            raise TypeError(f"unknown: {', '.join(sorted(unknown))}")
        self.data = {"A": _list(A), "AAAA": _list(AAAA)}
        self.chain = _list(CNAME)
        self.how = {**DEFAULTS, **how}

    def get(self, key, qtype):
        v = self.how[key]
        if isinstance(v, dict):
            v = v.get(qtype, DEFAULTS[key])
        return v


class Steps:
    """A rule that changes with every question."""

    def __init__(self, rules):
        self.rules = rules
        self.n = collections.Counter()

    def next(self, qtype):
        i = min(self.n[qtype], len(self.rules) - 1)
        self.n[qtype] += 1
        return self.rules[i]


UNKNOWN = Rule(rcode="NXDOMAIN")


class DnsServer:
    def __init__(self, addr="127.0.0.53", port=0, tcp=True):
        self.addr = addr
        self.queries = []
        self._rules = {}
        self._all = None
        self._lock = threading.Lock()
        self._came = threading.Condition(self._lock)
        self._held = collections.Counter()
        self._held_max = collections.Counter()
        self._due = []
        self._order = itertools.count()
        self._thread = None
        self._stop = False
        self._bind(port, tcp)
        self.port = self._udp.getsockname()[1]
        self.server = _server_text(addr, self.port)

    # -- what a test scripts ------------------------------------------------
    def set(self, name, A=None, AAAA=None, CNAME=None, **how):
        with self._lock:
            self._rules[_norm(name)] = Rule(A, AAAA, CNAME, **how)

    def sequence(self, name, steps):
        with self._lock:
            self._rules[_norm(name)] = Steps([Rule(**s) for s in steps])

    def unset(self, name):
        with self._lock:
            self._rules.pop(_norm(name), None)

    def all(self, *none, **how):
        with self._lock:
            self._all = None if none else Rule(**how)

    # -- what a test looks at -----------------------------------------------
    def _matching(self, name, qtype):
        return [q for q in self.queries
                if (name is None or q.name == _norm(name))
                and (qtype is None or q.type == qtype)]

    def count(self, name=None, type=None):
        with self._lock:
            return len(self._matching(name, type))

    def names(self):
        with self._lock:
            return {q.name for q in self.queries}

    def in_flight_max(self, name, type=None):
        with self._lock:
            if type is not None:
                return self._held_max[(_norm(name), type)]
            return self._held_max[_norm(name)]

    def clear(self):
        with self._lock:
            self.queries.clear()
            self._held_max.clear()

    def wait(self, n, name=None, type=None, timeout=5):
        with self._came:
            return self._came.wait_for(
                lambda: len(self._matching(name, type)) >= n, timeout)

    # -- life ---------------------------------------------------------------
    def _bind(self, port, tcp):
        for _ in range(20):
            udp = socket.socket(_family(self.addr), socket.SOCK_DGRAM)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
            udp.bind((self.addr, port))
            if not tcp:
                self._udp, self._tcp = udp, None
                return
            lis = socket.socket(_family(self.addr), socket.SOCK_STREAM)
            lis.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                lis.bind(udp.getsockname()[:2])
            except OSError:
                udp.close()
                lis.close()
                if port != 0:
                    raise
                continue
            lis.listen(128)
            self._udp, self._tcp = udp, lis
            return
        raise OSError("no port is free for both UDP and TCP")

    def start(self):
        self._sel = selectors.DefaultSelector()
        self._wake_r, self._wake_w = socket.socketpair()
        self._udp.setblocking(False)
        self._sel.register(self._udp, selectors.EVENT_READ, self._on_udp)
        self._sel.register(self._wake_r, selectors.EVENT_READ, None)
        if self._tcp is not None:
            self._tcp.setblocking(False)
            self._sel.register(self._tcp, selectors.EVENT_READ,
                               self._on_accept)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def stop(self):
        self._stop = True
        self._wake_w.send(b"x")
        self._thread.join()
        for key in list(self._sel.get_map().values()):
            key.fileobj.close()
        self._wake_w.close()
        self._sel.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()

    # -- the thread ---------------------------------------------------------
    def _run(self):
        while not self._stop:
            wait = None
            if self._due:
                wait = max(0.0, self._due[0][0] - time.monotonic())
            for key, _ in self._sel.select(wait):
                if key.data is not None:
                    key.data(key.fileobj)
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                heapq.heappop(self._due)[2]()

    def _on_udp(self, sock):
        for _ in range(64):
            try:
                data, peer = sock.recvfrom(65535)
            except OSError:
                return

            def reply(msg, peer=peer):
                try:
                    sock.sendto(msg, peer)
                except OSError:
                    pass
            self._question(data, False, reply)

    def _on_accept(self, lis):
        try:
            conn, _ = lis.accept()
        except OSError:
            return
        conn.setblocking(False)
        have = bytearray()
        self._sel.register(conn, selectors.EVENT_READ,
                           lambda c: self._on_tcp(c, have))

    def _close_tcp(self, conn):
        try:
            self._sel.unregister(conn)
        except (KeyError, ValueError):
            return
        conn.close()

    def _on_tcp(self, conn, have):
        try:
            data = conn.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close_tcp(conn)
            return
        have += data
        while len(have) >= 2:
            n = struct.unpack("!H", have[:2])[0]
            if len(have) < 2 + n:
                return
            msg = bytes(have[2:2 + n])
            del have[:2 + n]

            def reply(out):
                if out is None:
                    self._close_tcp(conn)
                    return
                try:
                    conn.sendall(struct.pack("!H", len(out)) + out)
                except OSError:
                    pass
            self._question(msg, True, reply)

    # -- answers ------------------------------------------------------------
    def _find(self, name):
        if name in self._rules:
            return self._rules[name]
        labels = name.split(".")
        for i in range(1, len(labels)):
            rule = self._rules.get("*." + ".".join(labels[i:]))
            if rule is not None:
                return rule
        return self._rules.get("*")

    def _rule(self, name, qtype):
        rule = self._all or self._find(name) or UNKNOWN
        return rule.next(qtype) if isinstance(rule, Steps) else rule

    def _question(self, data, tcp, reply):
        try:
            req = DNSRecord.parse(data)
            name = _norm(req.q.qname)
        except Exception:       # not a question: nothing to say
            return
        qtype = QTYPE.get(req.q.qtype)
        edns = any(rr.rtype == QTYPE.OPT for rr in req.ar)
        with self._came:
            self.queries.append(Query(name, qtype, time.monotonic(), tcp,
                                      edns, req.header.id))
            rule = self._rule(name, qtype)
            self._came.notify_all()
        if rule.get("drop", qtype):
            return
        if tcp and rule.get("drop_tcp", qtype):
            reply(None)
            return
        out = self._message(data, req, name, qtype, rule, tcp)
        self._later(rule.get("delay", qtype), name, qtype,
                    lambda: reply(out))

    def _later(self, delay, name, qtype, act):
        keys = (name, (name, qtype))
        with self._lock:
            for k in keys:
                self._held[k] += 1
                self._held_max[k] = max(self._held_max[k], self._held[k])

        def fire():
            with self._lock:
                for k in keys:
                    self._held[k] -= 1
            act()
        if delay > 0:
            heapq.heappush(self._due, (time.monotonic() + delay,
                                       next(self._order), fire))
        else:
            fire()

    def _message(self, data, req, name, qtype, rule, tcp):
        raw = rule.get("raw", qtype)
        if callable(raw):
            return raw(data)
        if raw is not None:
            return data[:2] + raw[2:]
        rep = DNSRecord(DNSHeader(id=req.header.id, qr=1, aa=0, ra=1,
                                  rd=req.header.rd), q=req.q)
        if rule.get("shuffle_case", qtype):
            rep.q.qname = dnslib.DNSLabel(str(req.q.qname).swapcase())
        rcode = rule.get("rcode", qtype)
        if not tcp and rule.get("tc", qtype):
            rep.header.tc = 1
        elif rcode in (None, "NOERROR", "NXDOMAIN"):
            with self._lock:
                rcode = self._fill(rep, req, name, qtype, rule) or rcode
        if rcode is not None:
            rep.header.rcode = getattr(RCODE, rcode)
        if any(rr.rtype == QTYPE.OPT for rr in req.ar):
            rep.add_ar(dnslib.EDNS0(udp_len=1232))
        return rep.pack()

    def _fill(self, rep, req, name, qtype, rule):
        """Follows the chain and adds the records; the rcode, or None."""
        owner, steps, found = str(req.q.qname), 0, False
        while True:
            for target in rule.chain:
                ttl = rule.get("cname_ttl", qtype)
                if ttl is None:
                    ttl = rule.get("ttl", qtype)
                rep.add_answer(RR(owner, QTYPE.CNAME, ttl=ttl,
                                  rdata=CNAME(target)))
                owner, steps = target, steps + 1
            addrs = [] if rule.chain else rule.data.get(qtype, [])
            for a in addrs:
                found = True
                rdata = A_RDATA(a) if qtype == "A" else AAAA(a)
                rep.add_answer(RR(owner, getattr(QTYPE, qtype),
                                  ttl=rule.get("ttl", qtype), rdata=rdata))
            if not rule.chain or steps >= CHAIN_MAX:
                break
            rule = self._rule(_norm(owner), qtype)
        neg = rule.get("neg_ttl", qtype)
        if not found and neg is not None:
            zone = name.split(".")[-1]
            rep.add_auth(RR(zone, QTYPE.SOA, ttl=neg, rdata=SOA(
                "ns." + zone, "hostmaster." + zone,
                (1, 3600, 600, 86400, neg))))
        rcode = rule.get("rcode", qtype)
        return None if found else rcode


def main(argv):
    p = argparse.ArgumentParser()
    p.add_argument("--addr", default="127.0.0.53")
    p.add_argument("--port", type=int, default=0)
    p.add_argument("names", nargs="*", metavar="NAME=ADDR[,ADDR]")
    args = p.parse_args(argv)
    srv = DnsServer(args.addr, args.port)
    for word in args.names:
        name, _, addrs = word.partition("=")
        addrs = addrs.split(",") if addrs else []
        srv.set(name, A=[a for a in addrs if ":" not in a],
                AAAA=[a for a in addrs if ":" in a])
    with srv:
        print(f"listening on {srv.server}", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main(sys.argv[1:])
