# SPDX-License-Identifier: ISC
"""Runs the fetchd binary and checks what must hold after every run.

Fetchd.__call__ runs it to its end, Fetchd.start leaves it running. Both give a
Result (records, exit, stderr, wall) whose invariants have been checked: one
JSON line a record, every key there, a known error with its phase, curl number
and exit class, monotone times, no sanitizer report, the exit code that the
records call for. Knows nothing of any one test.
"""
import collections
import functools
import gzip
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time

import fastjsonschema
import pytest
import zstandard

from origin import once, response, serve

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BINARY = os.environ.get("FETCHD_BIN",
                        os.path.join(TOP, "build", "asan", "fetchd"))
# A build without sanitizers: limits of memory and the whole sandbox hold.
PLAIN = os.path.join(os.environ.get("FETCHD_PLAIN",
                                    os.path.join(TOP, "build", "dev")),
                     "fetchd")
row = pytest.mark.row

KEYS = """type seq input url final_url method timestamp status_code error
error_phase errormsg error_detail exitcode content_type charset content_length
location http_version remote_ip remote_port tls_version tls_verified conn_id
conn_reused num_attempts num_redirects size_download size_decoded complete
time_queue time_item time_namelookup time_connect time_appconnect
time_starttransfer time_total time_redirect""".split()
BODY_KEYS = ("body", "body_base64", "body_json")
MAYBE_KEYS = set("""id custom_id meta flags header trailer interim body
body_base64 body_json attempts num_events extract parse body_file
sha256""".split())
PHASES = """input policy dns connect proxy tls send ttfb headers body decode
redirect output internal""".split()
FLAGS = """lenient_framing framing_conflict unknown_coding trailing_data
unfolded_header""".split()
STEPS = """time_namelookup time_connect time_appconnect time_starttransfer
time_total""".split()
ATTEMPT_KEYS = STEPS + """attempt url status_code error remote_ip conn_id wait
wait_reason""".split()
REASONS = set("""slot host_limit rate delay budget retry_after backoff dns_wait
handshake net_down fd_limit memory order output_blocked worker_busy
paused journal""".split())
LINE_KEYS = {"event": {"event", "data", "event_id", "retry"},
             "line": {"data"}, "chunk": {"data"}}
BEFORE_ANSWER = "input policy dns connect proxy tls send ttfb".split()

# The rows of the fault matrix that begin with capability A.
ROWS_A = [2, 4, 7, 8, 9, 13, 16, 17, 18, 19, 20, 24, 25, 27, 28, 29, 30, 32,
          33, 34, 35, 36, 38, 40, 42, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53,
          54, 56, 58, 59, 60, 62, 63, 64, 65, 66, 67, 68, 71, 72, 73, 76, 82,
          84, 85, 86, 87, 88, 90, 92, 93, 95, 96, 97, 98, 100, 104, 106, 107,
          109, 110, 112, 113, 114, 115, 116, 117, 119, 122, 151, 152, 153,
          157, 158, 159, 160, 161, 162, 163, 165, 167, 168, 169, 170, 171,
          172, 173, 174, 175, 185, 186, 187, 189, 190, 191, 193, 194, 195,
          208, 212, 215, 221, 248]
# Those that begin with B; 9, 30 and 32 have a part of it.
ROWS_B = [5, 121, 132, 133, 135, 136, 138, 141, 142, 143, 144, 154, 250, 252]
# Those that begin with C; 208 and 215 have a part of it.
ROWS_C = [208, 215, 223, 224, 225, 226, 227, 229, 230, 231, 232]

Err = collections.namedtuple("Err", "phase exit curl")


def _errors():
    path = os.path.join(TOP, "src", "base", "error_table.h")
    with open(path) as f:
        text = f.read()
    out = {}
    for m in re.finditer(r'ERR\(\w+,\s*"(\w+)",\s*PHASE_(\w+),\s*\'.\',\s*'
                         r'(\d+),\s*(\d+),', text):
        out[m[1]] = Err(m[2].lower(), int(m[3]), int(m[4]))
    assert len(out) > 60
    return out


ERRORS = _errors()

def _parse_errors():
    path = os.path.join(TOP, "src", "base", "parse_error_table.h")
    with open(path) as f:
        out = re.findall(r'^PARSE\(\s*\w+, "(\w+)",', f.read(), re.M)
    assert len(out) == 9
    return out


PARSE_ERRORS = _parse_errors()
EXTRACTS = {"--extract", "--css", "--xpath", "--regex", "--exec"}

# Codes of the table that no run can make an item end with, and why.
NOT_PRODUCED = {
    "output_no_space": "ends the run, no record; test_output proves exit 3",
    "output_io": "ends the run, no record; test_output proves exit 3",
    "output_closed": "ends the run, no record; test_output proves exit 75",
}

SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:|"
                       r"UndefinedBehavior|internal error:|MemorySanitizer")
# What a build with sanitizers, or another kernel, cannot have.
SANDBOX = re.compile(r"^fetchd: workers run without (these parts of the|a) "
                     r"sandbox.*\n", re.M)
TALKS = {"-v", "--stats", "--summary", "--progress", "-h", "-V"}


@functools.lru_cache
def _validator(kind):
    """For lines of that type, from docs/record.schema.json."""
    with open(os.path.join(TOP, "docs", "record.schema.json")) as f:
        schema = json.load(f)
    del schema["oneOf"]
    schema["$ref"] = "#/definitions/" + kind
    return fastjsonschema.compile(schema)


def check_schema(line):
    assert line["type"] in ("result", "event", "line", "chunk", "stats"), line
    try:
        _validator(line["type"])(line)
    except fastjsonschema.JsonSchemaValueException as e:
        raise AssertionError(f"{e.message}: {line}") from None


class Result:
    """What a run gave. one: its only record; by(seq). events: the lines of
    streams, as they came; events_of(seq)."""

    def __init__(self, args, exit, stdout, stderr, wall):
        self.args, self.exit, self.wall = args, exit, wall
        self.stdout, self.stderr = stdout, stderr
        self.lines = stdout.split(b"\n")
        self.records, self.events = [], []

    def events_of(self, seq):
        return [e for e in self.events if e["seq"] == seq]

    @property
    def one(self):
        assert len(self.records) == 1, (self.records, self.stderr)
        return self.records[0]

    def by(self, seq):
        found = [r for r in self.records if r["seq"] == seq]
        assert len(found) == 1, (seq, self.records, self.stderr)
        return found[0]

    def errors(self):
        return [r["error"] for r in
                sorted(self.records, key=lambda r: r["seq"])]

    def statuses(self):
        return [r["status_code"] for r in
                sorted(self.records, key=lambda r: r["seq"])]

    @property
    def stats(self):
        for line in self.stderr.splitlines():
            if line.startswith("{"):
                d = json.loads(line)
                if d.get("type") == "stats":
                    check_schema(d)
                    return d
        raise AssertionError("no stats line in " + self.stderr)


def exit_class(rec):
    code = rec["error"]
    if code is None:
        return 0
    cls = ERRORS[code].exit
    if cls == 47:
        return 4 if rec["error_phase"] in BEFORE_ANSWER else 7
    return cls


def expected_exit(records):
    """EXIT STATUS of the man page, for a run that came to its end."""
    failed = [exit_class(r) for r in records if r["error"] is not None]
    return min(failed) if failed else 0


def no_twins(pairs):
    keys = [k for k, _ in pairs]
    assert len(keys) == len(set(keys)), f"a key twice: {keys}"
    return dict(pairs)


def check_record(rec, wall, keys=True, body="inline", headers=False,
                 attempts=False):
    assert rec["type"] == "result" and rec["seq"] >= 1
    if keys:
        missing = [k for k in KEYS if k not in rec]
        assert not missing, f"missing {missing} in {rec}"
        unknown = set(rec) - set(KEYS) - MAYBE_KEYS
        assert not unknown, f"unknown {unknown}"
        has = [k for k in BODY_KEYS if k in rec]
        assert len(has) == (0 if body == "none" else 1), (has, body)
        for k in ("header", "trailer"):
            assert (k in rec) == headers, (k, headers)
        assert ("attempts" in rec) == attempts
        check_error(rec)
        check_times(rec, wall)
        if attempts:
            check_attempts(rec)
        assert rec.get("flags") != []
        assert set(rec.get("flags", [])) <= set(FLAGS)
        assert rec["size_download"] >= 0 and rec["size_decoded"] >= 0
        if rec["error"] is None:
            assert rec["status_code"] > 0 and rec["complete"] is True
        if rec["conn_id"] is None:
            assert rec["conn_reused"] is False
        assert isinstance(rec["complete"], bool)


def check_error(rec):
    code = rec["error"]
    if code is None:
        assert rec["error_phase"] is None and rec["errormsg"] is None
        assert rec["exitcode"] == 0
        return
    assert code in ERRORS, f"unknown error {code}"
    want = ERRORS[code]
    assert rec["exitcode"] == want.curl, (code, rec["exitcode"])
    assert rec["errormsg"], code
    phase = rec["error_phase"]
    assert phase in PHASES, (code, phase)
    if code.startswith("http_") and code != "http_status":
        assert phase in ("headers", "body"), (code, phase)
    elif code.startswith("timeout_") or want.phase == "struck":
        assert phase in ("connect", "tls", "send", "ttfb", "headers", "body",
                         "dns", "decode") or \
            (code, phase) == ("interrupted", "redirect"), (code, phase)
    else:
        assert phase == want.phase, (code, phase)
    if code == "interrupted" and rec.get("parse", 0) is None:
        return  # whole, but not parsed any more
    if code in ("digest_mismatch", "output_conflict"):
        assert rec["complete"] is True
        return
    if code != "http_status" and phase != "redirect":
        assert rec["complete"] is False or phase in BEFORE_ANSWER, code


def check_times(rec, wall):
    eps = 0.002
    assert rec["time_queue"] >= 0
    if rec["num_attempts"] == 0:
        for k in STEPS + ["time_item", "time_redirect", "timestamp"]:
            assert rec[k] is None, (k, rec[k])
        assert rec["time_queue"] <= wall + eps
        return
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
                    rec["timestamp"]), rec["timestamp"]
    last, reached = 0, True
    for k in STEPS[:-1]:
        if rec[k] is None:
            reached = False
            continue
        assert reached, f"{k} after a phase that was not reached: {rec}"
        assert rec[k] >= last, f"{k} goes back: {rec}"
        last = rec[k]
    assert rec["time_total"] is not None and rec["time_total"] >= last
    assert rec["time_redirect"] >= 0
    assert rec["time_redirect"] + rec["time_total"] <= \
        rec["time_item"] + eps, rec
    assert rec["time_queue"] + rec["time_item"] <= wall + eps, (rec, wall)
    if rec["error"] is None:
        assert rec["time_starttransfer"] is not None


def check_attempts(rec):
    """The list under --include-attempts against the record it stands in."""
    number = 0
    for a in rec["attempts"]:
        missing = [k for k in ATTEMPT_KEYS if k not in a]
        assert not missing, f"missing {missing} in {a}"
        assert number <= a["attempt"] <= number + 1, rec["attempts"]
        number = a["attempt"]
        assert a["error"] is None or a["error"] in ERRORS, a
        assert a["wait"] is None or a["wait"] >= 0, a
        assert a["wait_reason"] is None or a["wait_reason"] in REASONS, a
        steps = [a[k] for k in STEPS if a[k] is not None]
        assert steps == sorted(steps), a
    assert number == rec["num_attempts"], rec
    if number and rec["error_phase"] not in ("input", "policy"):
        last = rec["attempts"][-1]
        assert last["status_code"] == rec["status_code"], rec
        if rec["error"] == "interrupted" and last["error"] != "interrupted":
            assert last["error"] is None or \
                last["error"] == rec["error_detail"], rec
        elif rec["error_phase"] not in (None, "redirect") and \
                rec["error"] != "http_status":
            assert last["error"] == rec["error"], rec


def check_parse(rec):
    """extract and parse of a run that extracts."""
    parse = rec["parse"]
    if rec["error"] not in (None, "http_status"):
        assert parse is None, rec
    if parse is None:
        assert rec["extract"] is None, rec
        return
    assert list(parse) == ["error", "time", "worker"], parse
    assert parse["error"] is None or parse["error"] in PARSE_ERRORS, parse
    assert (parse["time"] is None) == (parse["worker"] is None), parse
    if parse["worker"] is not None:
        assert parse["worker"] >= 1 and parse["time"] >= 0, parse
    if parse["error"] is None:
        assert isinstance(rec["extract"], dict), rec


def check_line(line, before):
    """One line of a stream; before: the lines of its item until now."""
    assert line["type"] in LINE_KEYS, line
    want = LINE_KEYS[line["type"]]
    if "data_base64" in line:
        assert line["type"] == "chunk", line
        want = {"data_base64"}
    extra = set(line) - {"type", "seq", "id", "custom_id", "n", "time"}
    assert extra - {"data_json"} == want, line
    assert "data_json" not in extra or line["type"] == "event", line
    assert line["n"] == len(before) + 1, (line, before[-1:])
    assert line["time"] >= (before[-1]["time"] if before else 0), line


class Running:
    """A fetchd under way. stdin, stdout are pipes unless told otherwise."""

    def __init__(self, owner, args, proc, began, opts):
        self.owner, self.args, self.proc = owner, args, proc
        self.began, self.opts = began, opts
        self.pid = proc.pid
        self._feeder = None
        self._out, self._err = bytearray(), bytearray()
        self._marks = []        # when how much of stdout had come
        self._cond = threading.Condition()
        self._threads = []
        if opts.get("read_stdout", True) and proc.stdout:
            self._reader(proc.stdout, self._out)
        if proc.stderr:
            self._reader(proc.stderr, self._err)

    def _reader(self, stream, into):
        def work():
            fd = stream.fileno()
            while True:
                try:
                    data = os.read(fd, 65536)
                except OSError:
                    data = b""
                with self._cond:
                    into.extend(data)
                    if into is self._out:
                        self._marks.append((time.monotonic(), len(into)))
                    self._cond.notify_all()
                if not data:
                    return
        t = threading.Thread(target=work, daemon=True)
        t.start()
        self._threads.append(t)

    def feed(self, data):
        """Writes all of it and closes, in a thread."""
        def work():
            try:
                self.proc.stdin.write(data)
                self.proc.stdin.close()
            except (BrokenPipeError, ValueError):
                pass
        self._feeder = threading.Thread(target=work, daemon=True)
        self._feeder.start()

    def write(self, data):
        if isinstance(data, str):
            data = data.encode()
        self.proc.stdin.write(data)
        self.proc.stdin.flush()

    def close_stdin(self):
        try:
            self.proc.stdin.close()
        except BrokenPipeError:
            pass

    def kill(self, sig):
        self.proc.send_signal(sig)

    def until(self, condition, timeout=20):
        """Until condition(stdout, stderr) (bytes) holds."""
        with self._cond:
            return self._cond.wait_for(
                lambda: condition(bytes(self._out), bytes(self._err)),
                timeout)

    def until_records(self, n, timeout=20):
        return self.until(lambda out, _: out.count(b"\n") >= n, timeout)

    def stamped(self):
        """The lines of stdout until now, each with the time it was whole."""
        with self._cond:
            out, marks = bytes(self._out), list(self._marks)
        found, at, i = [], 0, 0
        while (end := out.find(b"\n", at)) >= 0:
            while marks[i][1] <= end:
                i += 1
            found.append((marks[i][0], out[at:end]))
            at = end + 1
        return found

    def fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def rss(self):
        """Resident bytes now."""
        with open(f"/proc/{self.pid}/statm") as f:
            return int(f.read().split()[1]) * resource.getpagesize()

    def cpu(self):
        with open(f"/proc/{self.pid}/stat") as f:
            part = f.read().rsplit(")", 1)[1].split()
        return (int(part[11]) + int(part[12])) / os.sysconf("SC_CLK_TCK")

    def finish(self, timeout=60, exit="auto", **opts):
        """Waits for the end and checks everything."""
        if self.proc.stdin and not self._feeder:
            self.close_stdin()
        try:
            self.proc.wait(timeout)
        except subprocess.TimeoutExpired:
            self.proc.send_signal(signal.SIGABRT)
            try:
                self.proc.wait(10)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
            raise AssertionError(
                f"not done after {timeout} s: {self.args}\n"
                f"{bytes(self._out)[-2000:]}\n{bytes(self._err)[-2000:]}")
        wall = time.monotonic() - self.began
        for t in self._threads:
            t.join(5)
        res = Result(self.args, self.proc.returncode, bytes(self._out),
                     bytes(self._err).decode("utf-8", "replace"), wall)
        self.owner.check(res, exit=exit, **{**self.opts, **opts})
        return res


def _text_of(stdin):
    if stdin is None or isinstance(stdin, bytes):
        return stdin
    if isinstance(stdin, str):
        return stdin.encode()
    return b"".join((x if isinstance(x, bytes) else
                     (json.dumps(x) if isinstance(x, dict) else x).encode())
                    + b"\n" for x in stdin)


def read_lines(path):
    """The lines of an output, compressed or not by its name."""
    with open(path, "rb") as f:
        data = f.read()
    if path.endswith(".gz"):
        data = gzip.decompress(data)
    elif path.endswith(".zst"):
        reader = zstandard.ZstdDecompressor().stream_reader(
            data, read_across_frames=True)
        data = reader.read()
    return data.splitlines(keepends=True)


class Fetchd:
    """Starts the binary. --cacert is added unless trust=False, and --retry 0
    unless a test is marked `retries`: a row of the fault matrix speaks of one
    attempt."""

    def __init__(self, tmp, ca, retries=True, binary=None):
        self.tmp, self.ca, self.retries = tmp, ca, retries
        self.binary = binary    # None: BINARY
        self.codes = set()
        self.running = []

    def command(self, args, trust=True):
        args = [str(a) if not isinstance(a, bytes) else a for a in args]
        if trust and "--cacert" not in args and "-k" not in args:
            args = ["--cacert", self.ca] + args
        if not self.retries and "--retry" not in args:
            args = ["--retry", "0"] + args
        return [self.binary or BINARY] + args

    def env(self, env):
        keep = {k: v for k, v in os.environ.items()
                if not k.lower().endswith("_proxy")
                and not k.startswith(("SSL", "XDG", "PYTEST"))}
        keep.update(ASAN_OPTIONS="detect_leaks=1:exitcode=99:abort_on_error=0",
                    UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1",
                    LSAN_OPTIONS="exitcode=99", LC_ALL="C.UTF-8",
                    TERM="xterm")
        keep.update(env or {})
        return keep

    def start(self, *args, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
              stderr=subprocess.PIPE, env=None, trust=True, wrap=(),
              pass_fds=(), preexec=None, cwd=None, **opts):
        """Options for the check afterwards: quiet=False (stderr may speak),
        json=False, keys=False, read_stdout=False."""
        cmd = [*wrap, *self.command(args, trust)]
        began = time.monotonic()
        proc = subprocess.Popen(cmd, stdin=stdin, stdout=stdout,
                                stderr=stderr, env=self.env(env),
                                pass_fds=pass_fds, preexec_fn=preexec,
                                cwd=cwd)
        r = Running(self, cmd, proc, began, opts)
        self.running.append(r)
        return r

    def __call__(self, *args, stdin=None, timeout=60, exit="auto", **how):
        """Runs to the end. stdin: text, bytes, or a list of lines (a dict is
        a JSON line); None: /dev/null. exit: "auto" (what the records call
        for), a number, a tuple of numbers, or None (whatever)."""
        data = _text_of(stdin)
        how.setdefault("stdin", subprocess.DEVNULL if data is None
                       else subprocess.PIPE)
        r = self.start(*args, **how)
        if data is not None:
            r.feed(data)
        return r.finish(timeout, exit)

    # -- the invariants -----------------------------------------------------
    def check(self, res, exit="auto", quiet=True, json=True, keys=True,
              reports=False, **_):
        """reports: a worker may end in a sanitizer's, or in one of ours."""
        err = re.sub(r"(?m)^fetchd: worker \d+: .*\n", "", res.stderr) \
            if reports else res.stderr
        said = SANITIZER.search(err)
        assert not said, f"{res.args}\n{res.stderr[-6000:]}"
        assert res.exit is not None and res.exit >= 0, (res.exit, res.stderr)
        assert res.exit != 99, res.stderr[-6000:]
        args = [a for a in res.args if isinstance(a, str)]
        fmt = self._value(args, "--format", "jsonl")
        to_file = "-o" in args or "--output" in args
        if json and fmt == "jsonl" and not to_file:
            self.read(res, args, keys)
        elif fmt == "jsonl" and keys and "--fields" not in args:
            self.read_file(res, self._value(args, "-o", None)
                           or self._value(args, "--output", None))
        if exit == "auto":
            if json and fmt == "jsonl" and not to_file:
                want = expected_exit(res.records) \
                    if "--fields" not in args else None
                if want is not None:
                    assert res.exit == want, (
                        f"exit {res.exit}, records call for {want}: "
                        f"{res.errors()}\n{res.stderr[-2000:]}")
        elif exit is not None:
            want = exit if isinstance(exit, tuple) else (exit,)
            assert res.exit in want, (res.exit, want, res.stderr[-2000:],
                                      res.stdout[-2000:])
        if quiet and res.exit == 0 and not TALKS & set(args):
            said = SANDBOX.sub("", res.stderr)
            assert said == "", f"stderr speaks: {res.stderr[:2000]}"

    @staticmethod
    def _value(args, name, default):
        for i, a in enumerate(args):
            if a == name and i + 1 < len(args):
                return args[i + 1]
            if a.startswith(name + "="):
                return a[len(name) + 1:]
        return default

    def read(self, res, args, keys=True):
        """Parses and checks the result lines of a run."""
        keys = keys and "--fields" not in args
        saves = {"-O", "--output-dir"} & set(args)
        body = self._value(args, "--body", "none" if saves else "inline")
        headers = "--include-headers" in args
        attempts = "--include-attempts" in args
        extracts = any(a.split("=")[0] in EXTRACTS for a in args)
        assert res.lines[-1] == b"", f"cut line: {res.lines[-1][:200]}"
        seqs, streamed = set(), {}
        for line in res.lines[:-1]:
            rec = json.loads(line.decode("utf-8"), object_pairs_hook=no_twins)
            if rec.get("type", "result") != "result":
                assert rec["seq"] not in seqs, f"after its record: {rec}"
                check_schema(rec)
                check_line(rec, streamed.setdefault(rec["seq"], []))
                streamed[rec["seq"]].append(rec)
                res.events.append(rec)
                continue
            if keys:
                check_schema(rec)
                check_record(rec, res.wall, keys, body, headers, attempts)
                assert ("extract" in rec) == ("parse" in rec) == extracts
                assert ("body_file" in rec) == ("sha256" in rec) == bool(saves)
                if extracts:
                    check_parse(rec)
                assert rec["seq"] not in seqs, f"seq {rec['seq']} twice"
                seqs.add(rec["seq"])
                lines = len(streamed.get(rec["seq"], ()))
                assert rec.get("num_events", 0) == lines, rec
                if rec["error"]:
                    self.codes.add(rec["error"])
                if extracts and rec["parse"] and rec["parse"]["error"]:
                    self.codes.add(rec["parse"]["error"])
            res.records.append(rec)
        if res.exit in (0, 4, 5, 7, 8) and keys and \
                not {"--only-ok", "--only-failed"} & set(args):
            assert seqs == set(range(1, len(seqs) + 1)), sorted(seqs)[-5:]

    @staticmethod
    def read_file(res, path):
        """Checks the lines of an output file of a run that came to its end."""
        if res.exit not in (0, 4, 5, 7, 8) or not os.path.isfile(path or ""):
            return
        with open(path, "rb") as f:
            if f.read(16) == b"SQLite format 3\0":
                return
        for line in read_lines(path):
            check_schema(json.loads(line))

    def clean_up(self):
        for r in self.running:
            if r.proc.poll() is None:
                r.proc.kill()
                r.proc.wait()
            for s in (r.proc.stdin, r.proc.stdout, r.proc.stderr):
                if s:
                    try:
                        s.close()
                    except OSError:
                        pass

    # -- small conveniences -------------------------------------------------
    def file(self, name, data):
        path = os.path.join(str(self.tmp), name)
        with open(path, "wb") as f:
            f.write(_text_of(data))
        return path


class Probe:
    """rec: the exchange in question; again: the one after it on the same
    origin, or None; origin, result."""

    def __init__(self, origin, result, again):
        self.origin, self.result = origin, result
        self.rec = result.by(1)
        self.again = result.by(2) if again else None

    @property
    def reused(self):
        return self.again["conn_reused"]


class Prober:
    """Runs one scripted exchange between two that must not be touched by it:
    a second request to the same origin, and a control host."""

    def __init__(self, fetchd, origin, control):
        self.fetchd, self.origin, self.control = fetchd, origin, control

    def __call__(self, script, *args, tls=None, again=True, host=None,
                 item=None, path="/probe", timeout=60, exit="auto",
                 end="keep", raw=False, **how):
        """script: what the first connection does, or the bytes it answers
        with (end: what then, see origin.once). item: more keys for a JSON
        line. raw: the script does the TLS handshake itself."""
        if isinstance(script, (bytes, str)):
            script = once(script, end=end)

        def first(c):
            if tls is None or raw or c.tls(tls):
                script(c)

        def later(c):
            if tls is None or c.tls(tls):
                serve(lambda r: response(b"again"))(c)
        scheme = "https" if tls is not None else "http"
        o = self.origin(first, later)
        base = f"{scheme}://{host or o.addr}:{o.port}"
        line = dict(url=base + path, **(item or {}))
        lines = [line]
        if again:
            lines.append(base + "/again")
        lines.append(self.control.url("/control"))
        res = self.fetchd("--max-per-host", "1", *o.resolve(), *args,
                          stdin=lines, timeout=timeout, exit=exit, **how)
        assert len(res.records) == len(lines), res.records
        control = res.by(len(lines))
        assert control["status_code"] == 200 and control["body"] == "control"
        p = Probe(o, res, again)
        if again and p.rec["error"] not in (None, "http_status"):
            assert p.again["conn_id"] != p.rec["conn_id"], \
                "a connection that saw a fault was used again"
        return p

    def fails(self, script, code, *args, phase=None, **how):
        """The exchange ends with that code and harms nothing else."""
        p = self(script, *args, **how)
        assert p.rec["error"] == code, (code, p.rec)
        if phase:
            assert p.rec["error_phase"] == phase, p.rec
        if p.again:
            assert p.again["error"] is None, p.again
            assert p.again["body"] == "again", p.again
        return p

    def works(self, script, *args, body=None, **how):
        p = self(script, *args, **how)
        assert p.rec["error"] is None, p.rec
        if body is not None:
            assert p.rec["body"] == body, p.rec["body"][:200]
        if p.again:
            assert p.again["error"] is None, p.again
        return p


# Commands for NetNs: packets to 10.9.9.2 go out and nobody has that address.
BLACK_HOLE = (
    "ip link add v0 type veth peer name v1",
    "ip link set v0 up; ip link set v1 up",
    "ip addr add 10.9.9.1/24 dev v0",
    "ip neigh add 10.9.9.2 lladdr 02:00:00:00:00:02 dev v0 nud permanent")


class NetNs:
    """A network namespace that lives as long as the test; lo is up, then the
    commands are run in it. wrap: what to put before a command."""

    def __init__(self, *commands):
        script = "; ".join(("ip link set lo up",) + commands)
        script = "set -e; " + script + "; echo ready; exec cat"
        self.proc = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", script],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        if self.proc.stdout.readline() != b"ready\n":
            why = self.proc.stderr.read().decode()
            self._end()
            if "ermitted" in why and "unshare" in why:
                pytest.skip("network namespaces are not permitted: " + why)
            raise RuntimeError(why)
        self.path = f"/proc/{self.proc.pid}/ns/net"
        self.wrap = ["nsenter", f"--net={self.path}", "--"]

    def _end(self):
        self.proc.stdin.close()
        self.proc.wait()
        self.proc.stdout.close()
        self.proc.stderr.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._end()


def with_etc(**files):
    """What to put before a command so that it sees other files in /etc:
    with_etc(hosts=path, resolv_conf=path)."""
    can = subprocess.run(["unshare", "--mount", "true"], text=True,
                         capture_output=True)
    if can.returncode != 0:
        pytest.skip("no mount namespaces here: " + can.stderr)
    binds = ""
    for name, path in files.items():
        at = "/etc/" + name.replace("_", ".")
        # A bare system has no /etc/hosts: then in a copy of /etc.
        binds += (f"[ -e {at} ] || {{ mount -t tmpfs etc /mnt; "
                  "cp -a /etc/. /mnt; mount --bind /mnt /etc; "
                  f"rm -f {at}; : >{at}; }}; mount --bind '{path}' {at}; ")
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c",
            f"set -e; {binds} exec \"$@\"", "sh"]


class Nginx:
    """A real nginx on loopback, with a prefix of its own."""

    def __init__(self, where, leaf):
        self.dir, self.leaf = str(where), leaf
        root = os.path.join(self.dir, "html")
        os.mkdir(root)
        self.page = ("<html><title>page</title>"
                     + "<p>words and words</p>" * 500 + "</html>\n")
        for name, text in (("page.html", self.page), ("small.txt", "small\n"),
                           ("index.html", "<html>index</html>\n")):
            with open(os.path.join(root, name), "w") as f:
                f.write(text)
        self.big = os.urandom(3_000_000)
        with open(os.path.join(root, "big.bin"), "wb") as f:
            f.write(self.big)

    def _free_ports(self, n):
        socks = [socket.socket() for _ in range(n)]
        for s in socks:
            s.bind(("127.0.0.1", 0))
        ports = [s.getsockname()[1] for s in socks]
        for s in socks:
            s.close()
        return ports

    def __enter__(self):
        exe = shutil.which("nginx") or "/usr/sbin/nginx"
        if not os.path.exists(exe):
            pytest.skip("nginx is not installed")
        self.plain, self.tls_port = self._free_ports(2)
        os.makedirs(os.path.join(self.dir, "tmp"))
        conf = os.path.join(self.dir, "nginx.conf")
        with open(conf, "w") as f:
            f.write(f"""
daemon off; master_process off; worker_processes 1;
pid {self.dir}/pid; error_log {self.dir}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log {self.dir}/access.log;
  client_body_temp_path {self.dir}/tmp/c; proxy_temp_path {self.dir}/tmp/p;
  fastcgi_temp_path {self.dir}/tmp/f; uwsgi_temp_path {self.dir}/tmp/u;
  scgi_temp_path {self.dir}/tmp/s;
  types {{ text/html html; text/plain txt; application/octet-stream bin; }}
  gzip on; gzip_types text/plain; gzip_min_length 100;
  keepalive_requests 100; keepalive_timeout 30s; charset utf-8;
  server {{
    listen 127.0.0.1:{self.plain}; root {self.dir}/html;
    location /moved {{ return 301 /page.html; }}
    location /teapot {{ return 418 "short and stout"; }}
    location /post {{ return 200 "$request_method $content_length"; }}
    location /one {{ keepalive_timeout 0; return 200 "one"; }}
  }}
  server {{
    listen 127.0.0.1:{self.tls_port} ssl; root {self.dir}/html;
    ssl_certificate {self.leaf.chain}; ssl_certificate_key {self.leaf.key};
    ssl_protocols TLSv1.2 TLSv1.3;
    location /moved {{ return 301 /page.html; }}
  }}
}}
""")
        self.proc = subprocess.Popen(
            [exe, "-p", self.dir, "-c", conf, "-e",
             os.path.join(self.dir, "error.log")],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        end = time.monotonic() + 10
        for port in (self.plain, self.tls_port):
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    if time.monotonic() > end or self.proc.poll() is not None:
                        raise RuntimeError(self.proc.stderr.read())
                    time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.proc.terminate()
        self.proc.wait()
        self.proc.stderr.close()

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.plain}{path}"

    def tls_url(self, path="/"):
        return f"https://127.0.0.1:{self.tls_port}{path}"
