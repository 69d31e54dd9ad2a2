# SPDX-License-Identifier: ISC
"""What tests of interrupted runs share.

Pages is a fast origin (nginx) that logs each request, so that a test knows what
was asked for how often. Shim builds shim.c and gives the environment that
preloads it. read_*() read an output whole, and fail on anything that is torn;
exactly_once() compares its records with what the origin serves.
"""
import collections
import csv
import gzip
import hashlib
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import time

import pytest

from harness import HERE, no_twins

csv.field_size_limit(1 << 30)
BIG = b"".join(b"%07d\n" % i for i in range(30_000))


class Pages:
    """/i/NAME: a short page, /big/NAME: 240 kB, slowly, /no/NAME: 404."""

    def __init__(self, where):
        self.dir = str(where)

    def __enter__(self):
        exe = shutil.which("nginx") or "/usr/sbin/nginx"
        if not os.path.exists(exe):
            pytest.skip("nginx is not installed")
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        self.port = s.getsockname()[1]
        s.close()
        os.makedirs(os.path.join(self.dir, "tmp"))
        with open(os.path.join(self.dir, "big"), "wb") as f:
            f.write(BIG)
        conf = os.path.join(self.dir, "nginx.conf")
        with open(conf, "w") as f:
            f.write(f"""
daemon off; master_process off; worker_processes 1;
pid {self.dir}/pid; error_log {self.dir}/error.log crit;
events {{ worker_connections 2048; }}
http {{
  log_format hits '$request_method $request_uri'; access_log {self.dir}/hits hits;
  client_body_temp_path {self.dir}/tmp/c; proxy_temp_path {self.dir}/tmp/p;
  fastcgi_temp_path {self.dir}/tmp/f; uwsgi_temp_path {self.dir}/tmp/u;
  scgi_temp_path {self.dir}/tmp/s; default_type text/plain;
  keepalive_requests 100000; lingering_close off;
  server {{
    listen 127.0.0.1:{self.port}; root {self.dir};
    location /i/ {{ return 200 "page $uri\\n"; }}
    location /no/ {{ return 404 "page $uri\\n"; }}
    location /big/ {{ limit_rate 4m; try_files /big =500; }}
  }}
}}
""")
        self.proc = subprocess.Popen(
            [exe, "-p", self.dir, "-c", conf, "-e",
             os.path.join(self.dir, "error.log")], stdin=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                assert time.monotonic() < end and self.proc.poll() is None
                time.sleep(0.02)

    def __exit__(self, *_):
        self.proc.terminate()
        self.proc.wait()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def place(self):
        """Before a run: what hits() counts begins here."""
        return os.path.getsize(os.path.join(self.dir, "hits"))

    def hits(self, since=0):
        """"METHOD /path" -> how often."""
        with open(os.path.join(self.dir, "hits")) as f:
            f.seek(since)
            return collections.Counter(f.read().splitlines())


def page(path):
    """The body that Pages serves."""
    return BIG if path.startswith("/big/") else b"page %s\n" % path.encode()


class Shim:
    """env(...) preloads shim.c; rules as it says."""

    def __init__(self, where):
        self.lib = os.path.join(str(where), "shim.so")
        cc = shutil.which("cc") or shutil.which("gcc")
        if cc is None:
            pytest.skip("no C compiler")
        subprocess.run([cc, "-shared", "-fPIC", "-O1", "-U_FORTIFY_SOURCE",
                        "-o", self.lib, os.path.join(HERE, "shim.c"), "-ldl"],
                       check=True)

    def env(self, where, *rules, log=None, **more):
        """more: clock=, fs=, see there."""
        out = {"LD_PRELOAD": self.lib, "SHIM_DIR": str(where),
               "SHIM_RULES": "; ".join(rules),
               **{f"SHIM_{k.upper()}": str(v) for k, v in more.items()}}
        if log:
            out["SHIM_LOG"] = str(log)
        return out


# ---- outputs ----

def _lines(raw):
    assert raw == b"" or raw.endswith(b"\n"), f"torn: {raw[-100:]}"
    return [json.loads(line.decode("utf-8"), object_pairs_hook=no_twins)
            for line in raw.split(b"\n")[:-1]]


def read_jsonl(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
        return _lines(f.read())


def read_series(path):
    """out.1.jsonl, out.2.jsonl, ... of --rotate."""
    stem, ext = os.path.splitext(path)
    out, names = [], set(os.listdir(os.path.dirname(path)))
    n = 1
    while os.path.exists(f"{stem}.{n}{ext}"):
        out += read_jsonl(f"{stem}.{n}{ext}")
        names.discard(os.path.basename(f"{stem}.{n}{ext}"))
        n += 1
    left = [x for x in names
            if re.fullmatch(rf"{re.escape(os.path.basename(stem))}\.\d+"
                            + re.escape(ext), x)]
    assert not left and n > 2, (n, left)
    return out


def read_csv(path):
    with open(path, "rb") as f:
        raw = f.read()
    assert raw == b"" or raw.endswith(b"\n"), f"torn: {raw[-100:]}"
    rows = list(csv.DictReader(raw.decode().splitlines(keepends=True)))
    for row in rows:
        assert None not in row and None not in row.values(), row
        row["seq"] = int(row["seq"])
        row["error"] = row["error"] or None
    return rows


def read_sqlite(path):
    db = sqlite3.connect(path)
    try:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = db.execute("SELECT seq, url, error, body FROM results")
        return [dict(zip(("seq", "url", "error", "body"), r)) for r in rows]
    finally:
        db.close()


def exactly_once(records, urls, files=None, more_files=False):
    """One whole record for each URL, with the body that the origin serves;
    files: the directory with the bodies. Nothing else may be in it, except
    with more_files: whole bodies that no record names."""
    seqs = sorted(r["seq"] for r in records)
    assert seqs == list(range(1, len(urls) + 1)), (
        len(seqs), [s for s, n in collections.Counter(seqs).items() if n > 1],
        sorted(set(range(1, len(urls) + 1)) - set(seqs))[:20])
    for r in records:
        url = urls[r["seq"] - 1]
        want = page("/" + url.split("/", 3)[3])
        assert r["url"] == url, r
        if r["error"] not in (None, "http_status"):
            continue
        if files is None:
            assert r["body"].encode() == want, (r["seq"], r["body"][:100])
        else:
            check_file(r, files, want)
    if files is not None:
        named = [r["body_file"] for r in records if r["body_file"]]
        assert len(named) == len(set(named))
        more = set(below(files)) - set(named)
        assert set(named) <= set(below(files))
        assert more_files or not more, sorted(more)[:10]
        whole = {page("/" + u.split("/", 3)[3]) for u in urls} if more else ()
        for name in more:
            with open(os.path.join(files, name), "rb") as f:
                assert f.read() in whole, name


def check_file(rec, files, want):
    with open(os.path.join(files, rec["body_file"]), "rb") as f:
        data = f.read()
    assert data == want, (rec["seq"], rec["body_file"], len(data), len(want))
    assert rec["sha256"] == hashlib.sha256(want).hexdigest(), rec


def below(top):
    """The files beneath a directory, relative to it."""
    return [os.path.relpath(os.path.join(d, n), top)
            for d, _, names in os.walk(top) for n in names]


def snapshot(top):
    """Every file beneath a directory with its bytes."""
    out = {}
    for name in below(top):
        with open(os.path.join(top, name), "rb") as f:
            out[name] = f.read()
    return out
