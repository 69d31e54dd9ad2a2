# SPDX-License-Identifier: ISC
"""--exec: programs of others as parsers, with all that can go wrong with them."""
import contextlib
import json
import os
import pty
import signal

import pytest

from evil import (children, cpu, gone_within, number, of,
                  parse_errors, workers)
from frames import until
from harness import row
from test_output import drain

LONG = os.environ.get("FETCHD_LONG")
PYTHON = "/usr/bin/python3 -IS "
PROGRAM = r'''
import json, os, signal, sys, time
def put(text):
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()
for line in sys.stdin:
    rec = json.loads(line)
    n, *deed = rec["url"].split("/")[3:]
    deed = deed[0] if deed else ""
    answer = json.dumps({"page": int(n.partition("?")[0]),
                         "bytes": len(rec["body"])}).encode() + b"\n"
    if deed == "die":
        os._exit(3)
    elif deed == "leave":
        os._exit(0)
    elif deed == "kill":
        os.kill(os.getpid(), 9)
    elif deed == "memory":
        x = bytearray(1 << 30)
    elif deed == "loop":
        while True:
            pass
    elif deed == "deaf":
        time.sleep(1000)
    elif deed == "half":
        put(answer[:5])
        time.sleep(1000)
    elif deed == "nest":
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(1000)
    elif deed == "text":
        put(b"no JSON\n")
    elif deed == "empty":
        put(b"\n")
    elif deed == "two-values":
        put(b"1 2\n")
    elif deed == "latin":
        put(b'"\xff"\n')
    elif deed == "deep":
        put(b"[" * 100000 + b"]" * 100000 + b"\n")
    elif deed == "long":
        put(b" " * (40 << 20) + b"\n")
    elif deed == "noise":
        while True:
            put(os.urandom(65536).replace(b"\n", b""))
    elif deed == "closed":
        os.close(0)
        os.close(1)
        time.sleep(1000)
    elif deed == "twice":
        put(answer)
        time.sleep(0.1)
        put(answer)
    elif deed == "last":
        put(answer)
        os._exit(0)
    elif deed == "loud":
        sys.stderr.write("loud \x1b]0;owned\x07 \x9b2J\n" * 20000)
        put(answer)
    elif deed == "slow":
        time.sleep(0.2)
        put(answer)
    elif deed == "scalar":
        put(b" 7 \r\n")
    else:
        put(answer)
'''


@pytest.fixture
def run(fetchd, evil, tmp_path):
    """run(paths, args...): pages through PROGRAM."""
    path = fetchd.file("program.py", PROGRAM)

    def run(paths, *args, workers=2, start=False, **how):
        args = ["--exec", PYTHON + path, "--workers", workers, "--stats",
                *args]
        how = {"quiet": False, **how}
        if not start:
            return fetchd(*args, stdin=evil.urls(paths), **how)
        r = fetchd.start(*args, **how)
        r.write("".join(u + "\n" for u in evil.urls(paths)))
        return r
    run.urls = evil.urls
    return run


def around(deed, n=10, at=4):
    return [f"/{i}/{deed}" if i == at else f"/{i}" for i in range(n)]


def own(res, but=()):
    for r in res.records:
        if number(r) not in but:
            assert r["parse"]["error"] is None, r
            assert r["extract"]["exec"]["page"] == number(r), r


@row(232)
def test_each_record_has_its_own_page_of_the_program(run):
    res = run([f"/{i}/slow" if i % 5 == 0 else f"/{i}" for i in range(60)],
              "-c", "10", workers=4)
    own(res)
    order = [number(r) for r in res.records]
    assert order != sorted(order)
    for r in res.records:
        assert r["extract"]["exec"]["bytes"] == len(r["body"])


@row(232)
def test_keep_order_holds_with_programs(run):
    res = run(["/0/slow", "/1/die", "/2/slow"] + [f"/{i}" for i in
                                                  range(3, 40)],
              "--keep-order", "--body", "none", workers=3)
    assert [number(r) for r in res.records] == list(range(40))
    own(res, but={1})


@pytest.mark.parametrize("deed, code", [
    ("die", "worker_crashed"), ("leave", "worker_crashed"),
    ("kill", "worker_crashed"),
    ("loop", "worker_timeout"), ("deaf", "worker_timeout"),
    ("half", "worker_timeout"), ("closed", "worker_protocol"),
    ("text", "worker_protocol"), ("empty", "worker_protocol"),
    ("two-values", "worker_protocol"), ("latin", "worker_protocol"),
    ("deep", "worker_protocol"), ("long", "worker_protocol"),
    ("noise", "worker_protocol")])
def test_what_a_program_does_wrong_is_one_pages_affair(run, deed, code):
    res = run(around(deed), "--worker-time", "3")
    assert of(res, 4)["parse"]["error"] == code
    own(res, but={4})
    assert res.wall < 30


@row(224)
def test_a_program_has_no_more_memory_than_it_may(run):
    res = run(around("memory"), "--worker-mem", "256M")
    assert of(res, 4)["parse"]["error"] in ("worker_oom", "worker_crashed")
    own(res, but={4})


def test_any_json_value_is_an_answer(run):
    res = run(around("scalar"))
    assert of(res, 4)["extract"] == {"exec": 7}
    own(res, but={4})


def test_an_answer_too_many_puts_the_one_before_it_in_doubt(run):
    """Which of the two is it? The page is asked for again, by another."""
    r = run([], workers=1, start=True)
    found = workers(r.pid, 1)
    r.write(run.urls(["/0/twice"])[0] + "\n")
    assert r.until_records(1)
    gone_within(found, 5)
    r.write("".join(u + "\n" for u in run.urls(["/1", "/2"])))
    assert r.until_records(3)
    res = r.finish()
    assert [x["parse"]["error"] for x in sorted(
        res.records, key=lambda x: x["seq"])] == ["worker_protocol", None,
                                                  None]


def test_a_program_may_answer_and_leave(run):
    res = run([f"/{i}/last" for i in range(8)], workers=2)
    own(res)


def test_large_pages_go_through_and_time_is_the_programs(run):
    """More than a pipe holds, and more than is handed over at once."""
    paths = [f"/{i}?{3_000_000}" for i in range(4)]
    res = run(paths, "--body", "none", workers=2)
    own(res)
    assert {r["extract"]["exec"]["bytes"] > 3_000_000
            for r in res.records} == {True}


@row(223)
def test_what_a_program_has_started_ends_with_it(run):
    r = run(["/1/nest", "/2"], "--worker-time", "1", workers=1, start=True)
    found = workers(r.pid, 1)
    until(lambda: children(found[0]))
    nested = list(children(found[0]))
    gone_within(found + nested, 5)
    res = r.finish()
    assert parse_errors(res) == {1: "worker_timeout", 2: None}


def test_a_program_that_does_not_end_does_not_hold_up_the_end(fetchd, evil):
    path = fetchd.file("stays.py", "import sys, time\n"
                       "for l in sys.stdin: print(1, flush=True)\n"
                       "time.sleep(1000)\n")
    run = fetchd.start("--exec", PYTHON + path, "--workers", "3",
                       *evil.urls(["/1", "/2"]), stdin=-3, quiet=False)
    found = workers(run.pid, 3)
    res = run.finish(timeout=10)
    assert [r["extract"] for r in res.records] == [{"exec": 1}] * 2
    assert res.wall < 5
    gone_within(found, 0.5)


@row(227)
@pytest.mark.parametrize("program", [
    "/bin/false", "/bin/true", "sh -c 'exit 3'", "sh -c 'kill -9 $$'"])
@pytest.mark.skipif(not LONG, reason="takes 30 s each: FETCHD_LONG=1")
def test_a_program_that_ends_at_once_ends_no_run(fetchd, evil, program):
    res = fetchd("--exec", program, "--workers", "3", "--stats",
                 stdin=evil.urls(f"/{i}" for i in range(60)), quiet=False)
    assert res.exit == 0 and len(res.records) == 60
    assert {r["parse"]["error"] for r in res.records} <= {
        "worker_unavailable", "worker_crashed"}
    print(f"{program}: {res.wall:.2f} s, {parse_errors(res)}, {res.stderr}")
    assert "worker_unavailable" in parse_errors(res).values()
    assert res.wall < 45


def test_of_a_program_that_ends_at_once_quiet_says_nothing(fetchd, evil):
    said = "fetchd: --exec /bin/false: no answer: exited with status 1"
    for args, want in ((), [said]), (["-q"], []):
        res = fetchd("--exec", "/bin/false", "--workers", "1", *args,
                     stdin=evil.urls(["/1"]), quiet=False)
        assert res.stderr.splitlines() == want


@row(227)
def test_a_program_that_cannot_be_executed_is_given_up(fetchd, evil):
    path = fetchd.file("no-program", "neither a script nor ELF\n")
    os.chmod(path, 0o755)
    res = fetchd("--exec", path, "--workers", "3", "--stats", quiet=False,
                 stdin=evil.urls(f"/{i}" for i in range(60)))
    assert res.exit == 0 and len(res.records) == 60
    print(f"{res.wall:.2f} s: {parse_errors(res)} {res.stderr}")
    assert "worker_unavailable" in parse_errors(res).values()
    assert set(parse_errors(res).values()) <= {
        "worker_unavailable", "worker_crashed"}
    assert res.wall < 10


@row(227)
def test_a_program_there_is_not_is_told_before_anything_is_fetched(fetchd,
                                                                   evil):
    res = fetchd("--exec", "/no/such/program", evil.site.url("/1"), exit=2)
    assert "/no/such/program" in res.stderr and res.records == []
    assert evil.site.requests == []


@row(208)
def test_a_programs_words_are_passed_on_and_move_no_cursor(run):
    res = run(around("loud"), workers=1)
    own(res)
    said = [x for x in res.stderr.split("\n") if x.startswith("fetchd: exec ")]
    assert said and said[0].startswith("fetchd: exec 1: loud ")
    assert not {c for c in res.stderr
                if ord(c) < 32 and c != "\n" or 127 <= ord(c) < 160}


@row(208)
def test_control_bytes_of_a_programs_value_reach_no_terminal(fetchd, evil):
    path = fetchd.file("nasty.py", "import sys\nfor l in sys.stdin:\n"
                       " sys.stdout.buffer.write(b'{\"a\":\"\\xc2\\x9b2J"
                       "\\x7f\\xc2\\xa0\"}\\n')\n sys.stdout.flush()\n")
    out, slave = pty.openpty()
    run = fetchd.start("--exec", PYTHON + path, evil.site.url("/1"),
                       stdout=slave, json=False, quiet=False)
    os.close(slave)
    got = []
    thread = drain(out, got)
    run.finish(exit=0)
    thread.join(10)
    os.close(out)
    text = b"".join(got)
    assert b"\xc2\x9b" not in text and b"\x7f" not in text
    assert json.loads(text)["extract"] == {"exec": {"a": "\x9b2J\x7f\xa0"}}


def test_a_program_gets_what_the_workers_found(fetchd, evil, run):
    path = fetchd.file("title.py", "import json, sys\nfor l in sys.stdin:\n"
                       " r = json.loads(l)\n"
                       " t = (r['extract'] or {}).get('title')\n"
                       " print(json.dumps([t, r.get('parse')]), flush=True)\n")
    res = evil(around("crash"), "--exec", PYTHON + path)
    for r in res.records:
        title = f"page {number(r)}"
        if number(r) != 4:
            assert r["parse"]["error"] is None
            assert r["extract"]["title"] == title
            assert r["extract"]["exec"][0] == title
    assert of(res, 4)["parse"]["error"] == "worker_crashed"
    assert "title" not in of(res, 4)["extract"]
    assert of(res, 4)["extract"]["exec"][0] is None


def test_a_program_inherits_the_environment_and_no_descriptor(fetchd, evil):
    path = fetchd.file("look.py", "import json, os, sys\n"
                       "fds = sorted(map(int, os.listdir('/proc/self/fd')))\n"
                       "links = [os.readlink(f'/proc/self/fd/{n}') for n in "
                       "fds[:3]]\n"
                       "for l in sys.stdin:\n"
                       " print(json.dumps([fds, links, dict(os.environ), "
                       "os.getpgrp() == os.getpid()]), flush=True)\n")
    with open(os.devnull) as extra:
        res = fetchd("--exec", PYTHON + path, "--extract", "title",
                     "--workers", "2", evil.site.url("/1"), quiet=False,
                     env={"MINE": "7"}, pass_fds=[extra.fileno()])
    fds, links, environ, leads = res.one["extract"]["exec"]
    # The fourth is that of the folder it looks into.
    assert fds == [0, 1, 2, 3] and leads
    assert links[0] == links[1] and links[2].startswith("pipe:")
    assert environ["MINE"] == "7"


@row(230)
def test_programs_die_with_fetchd(run):
    r = run(["/1/nest", "/2/loop", "/3/deaf"], "--worker-time", "60",
            workers=3, start=True)
    found = workers(r.pid, 3)
    until(lambda: any(cpu(p) > 0.2 for p in found))
    r.kill(signal.SIGKILL)
    r.proc.wait(10)
    try:
        print(f"gone after {gone_within(found, 1):.3f} s")
    finally:
        for pid in found:       # what "nest" started is nobody's now
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
