# SPDX-License-Identifier: ISC
"""The talk between fetchd and a worker, down to the bytes: a worker in Python
says what no honest one would, at moments when none would."""
import json
import os
import resource
import shutil
import signal
import time

import pytest

from evil import honest, number, parse_errors, workers
from harness import row
from origin import response, serve

LONG = os.environ.get("FETCHD_LONG")
TALK = r'''#!/usr/bin/python3 -IS
import os, re, socket, struct, sys, time
sock = socket.socket(fileno=0)
HEAD = struct.Struct("<BBBBIQ")
CONFIG, DOC, READY, BAD, RESULT = range(1, 6)
def put(data):
    sock.sendall(data)
def frame(kind, payload=b"", doc=0):
    return HEAD.pack(0x46, 1, kind, 0, len(payload), doc) + payload
def ready(bits=0):
    put(frame(READY, struct.pack("<I", bits)))
def result(doc, text=b'{"title":null}', error=0):
    return frame(RESULT, bytes([error]) + text, doc)
def receive(n):
    data = b""
    while len(data) < n:
        more = sock.recv(n - len(data))
        if not more:
            sys.exit(0)
        data += more
    return data
def head():
    return HEAD.unpack(receive(16))[4:]
def get():
    length, doc = head()
    return doc, receive(length)
get()
'''


@pytest.fixture
def talk(evil):
    """talk(what it does behind CONFIG, paths, args...)"""
    def talk(deeds, paths, *args, **how):
        folder = evil.use(worker=None)
        path = os.path.join(folder, "fetchd-worker")
        with open(path, "w") as f:
            f.write(TALK + deeds)
        os.chmod(path, 0o755)
        return evil(paths, *args, **how)
    return talk


def titles(res):
    return {number(r): r["extract"] and r["extract"]["title"]
            for r in res.records}


# -- JSON that is none, or not what was asked for -----------------------------

GOOD = ['{"title":null}', '{"title":"x"}', '{ "title" : "x" }\n',
        '{"title":"\\u009b\\"\\ud83d\\ude00"}', '{"title":"\u00e4\u20ac"}']
BAD = ["", "{", "}", "{}", "[]", '["title",null]', '"title"', "null", "1",
       '{"title":}', '{"title":null,}', '{"title":null}}', '{"title":null}{}',
       '{"title":null}x', '{"title":null,"title":null}', '{"title":1}',
       '{"title":[]}', '{"title":{}}', '{"title":true}', '{"other":null}',
       '{"title":null,"other":null}', '{"other":null,"title":null}',
       '{"titl\\u0065":null}', '{"title ":null}', '{"":null}', "{title:null}",
       "{'title':null}", '{"title":"x', '{"title":"\\ud800x',
       '{"title":"\\x41"}', '{"title":"a\tb"}', '{"title":"a\x00b"}',
       '\x00', '{"title":NaN}', '{"title":nul}', '// c\n{"title":null}',
       '\ufeff{"title":null}', "[" * 100000, '{"title":' * 50000,
       '{"title":null}\x00', '{"title":"\x80"}']


@row(225)
def test_a_result_is_an_object_with_what_was_asked_for_and_nothing_else(
        fetchd, evil, origin, talk):
    """Each page holds what its parser will say of it."""
    texts = [t.encode("latin-1" if "\x80" in t else "utf-8", "surrogatepass")
             for t in GOOD + BAD]
    o = origin(serve(lambda r: response(
        b"<json>" + texts[int(r.target[1:])] + b"</json>",
        headers=["Content-Type: text/html"])))
    talk("ready()\nwhile True:\n"
         "    doc, data = get()\n"
         "    put(result(doc, re.search(b'<json>(.*)</json>', data, re.S)"
         "[1]))\n", [])
    res = fetchd(*evil.args(["--keep-order"], 2), quiet=False, timeout=90,
                 stdin=[o.url(f"/{i}") for i in range(len(texts))])
    for i, text in enumerate(GOOD + BAD):
        r = res.records[i]
        if i < len(GOOD):
            assert r["parse"]["error"] is None, text
            assert r["extract"] == json.loads(text), text
        else:
            assert r["parse"]["error"] == "worker_protocol", text
            assert r["extract"] is None
    assert res.stats["worker_restarts"] == 2 * len(BAD)


# -- what may come when -------------------------------------------------------

@row(225)
@pytest.mark.parametrize("deeds", [
    "ready(0xffffffff)", "ready(1 << 5)", "put(frame(READY))",
    "put(frame(READY, b'12345'))", "put(frame(READY, b'1234', 7))",
    "put(frame(BAD, b'x' * 4097))", "put(frame(RESULT, b'\\0{}', 1))",
    "put(frame(CONFIG, b''))", "put(frame(9, b''))", "put(b'\\0' * 16)",
    "put(b'F\\2\\3\\0' + b'\\0' * 12)", "put(b'F')",
    pytest.param("sock.shutdown(1)", marks=pytest.mark.skipif(
        not LONG, reason="takes 10 s: FETCHD_LONG=1"))],
    ids=lambda d: d[:30])
def test_a_worker_that_does_not_get_ready_properly_is_none(talk, deeds):
    last = "\nsys.exit(0)\n" if deeds == "put(b'F')" else "\ntime.sleep(99)\n"
    res = talk(deeds + last, [f"/{i}" for i in range(20)], timeout=40, exit=2)
    assert res.records == []
    assert res.stderr.count("fetchd: cannot start a worker: ") == 1


@row(208)
def test_a_text_of_a_worker_that_is_not_content_moves_no_cursor(talk, evil,
                                                                fetchd):
    talk("put(frame(BAD, b'--css x: \\x1b]0;owned\\x07 \\x9b2J\\0 end'))\n"
         "time.sleep(99)", [], exit=2)
    res = fetchd(*evil.args((), 1), evil.site.url("/1"), exit=2)
    assert res.stderr.startswith("fetchd: --css x: \\x1b]0;owned\\x07")
    assert res.stderr.count("\n") == 1
    assert evil.site.requests == []


@row(225)
@pytest.mark.parametrize("deeds, codes", [
    ("put(result(get()[0], error=0)[:-1]); time.sleep(99)",
     {"worker_timeout"}),
    ("d, _ = get(); put(frame(BAD, b'late'))", {"worker_protocol"}),
    ("d, _ = get(); ready()", {"worker_protocol"}),
    ("d, _ = get(); put(result(0))", {"worker_protocol"}),
    ("d, _ = get(); put(result(d - 1 or 9))", {"worker_protocol"}),
    ("d, _ = get(); put(result(d | 1 << 63))", {"worker_protocol"}),
    ("d, _ = get(); put(HEAD.pack(0x46, 1, RESULT, 1, 15, d))",
     {"worker_protocol"}),
    ("d, _ = get(); put(HEAD.pack(0x46, 1, RESULT, 0, (16 << 20) + 1, d))",
     {"worker_protocol"}),
    ("d, _ = get(); sock.shutdown(1)", {"worker_protocol"}),
    ("d, _ = get(); os.close(0); os.close(1)", {"worker_protocol"}),
    ("d, _ = get(); os._exit(7)", {"worker_crashed"}),
    ("sys.exit(0)", {"worker_crashed"}),
    # It may be its own page's, by chance.
    ("put(result(1) + result(2))", {None, "worker_protocol", "worker_timeout",
                                    "worker_unavailable"}),
    ("put(b'x')", {"worker_protocol", "worker_timeout",
                   "worker_unavailable"}),
], ids=lambda d: d[:40] if isinstance(d, str) else "")
def test_what_may_not_come_now_is_not_taken(talk, deeds, codes):
    """Each page of each run meets it: the run ends all the same."""
    n = 1 if "shutdown" in deeds or "close" in deeds else 4
    res = talk("ready()\n" + deeds + "\ntime.sleep(99)\n",
               [f"/{i}" for i in range(n)], "--worker-time", "0.5",
               timeout=50)
    assert len(res.records) == n
    assert set(parse_errors(res).values()) <= codes, parse_errors(res)
    assert {r["extract"] and r["extract"]["title"] for r in res.records} == \
        {None}


def test_an_answer_may_come_in_single_bytes(talk):
    res = talk("ready()\nwhile True:\n"
               "    d, _ = get()\n"
               "    for b in result(d, b'{\"title\":\"%d\"}' % d):\n"
               "        put(bytes([b]))\n", [f"/{i}" for i in range(20)])
    assert set(parse_errors(res).values()) == {None}
    assert len(set(titles(res).values())) == 20


def test_two_answers_may_come_at_once_and_none_in_other_order(talk):
    deeds = ("ready()\nwhile True:\n"
             "    a, b = get()[0], get()[0]\n"
             "    put(result(%s) + result(%s))\n")
    paths = [f"/{i}" for i in range(8)]
    res = talk(deeds % ("a", "b"), paths, workers=1)
    assert set(parse_errors(res).values()) == {None}
    # What was refused comes back alone, and the worker waits for a second.
    res = talk(deeds % ("b", "a"), paths, "--worker-time", "0.3", workers=1)
    assert set(parse_errors(res).values()) <= {"worker_protocol",
                                               "worker_timeout"}
    assert set(titles(res).values()) == {None}


def test_an_answer_before_its_page_is_sent_waits_for_that(talk):
    """5 MB, of which the worker has read the head."""
    res = talk("ready()\nwhile True:\n"
               "    n, d = head()\n"
               "    put(result(d))\n"
               "    time.sleep(0.1)\n"
               "    receive(n)\n", [f"/{i}?5000000" for i in range(3)],
               "--body", "none", workers=1)
    assert set(parse_errors(res).values()) == {None}
    res = talk("ready()\nn, d = head()\nput(result(d))\ntime.sleep(99)\n",
               ["/1?5000000"], "--worker-time", "0.5", "--body", "none",
               workers=1)
    assert parse_errors(res) == {1: "worker_timeout"}


def test_the_largest_result_is_taken_and_one_byte_more_is_not(talk):
    deeds = ("ready()\nwhile True:\n"
             "    d, _ = get()\n"
             "    put(result(d, b'{\"title\":\"' + b'x' * ((16 << 20) - 13 + "
             "%d) + b'\"}'))\n")
    res = talk(deeds % 0, ["/1", "/2"], workers=1)
    assert parse_errors(res) == {1: None, 2: None}
    assert {len(t) for t in titles(res).values()} == {(16 << 20) - 13}
    res = talk(deeds % 1, ["/1"], workers=1)
    assert parse_errors(res) == {1: "worker_protocol"}


def test_an_end_is_seen_though_others_keep_its_socket_open(talk):
    """A child of the worker's, which a sandbox would not let it have."""
    res = talk("ready()\nget()\n"
               "if os.fork(): os._exit(9)\ntime.sleep(99)\n",
               ["/1", "/2", "/3"], "--worker-time", "30", workers=1)
    assert set(parse_errors(res).values()) == {"worker_crashed"}
    assert res.wall < 5


# -- where fetchd itself runs -------------------------------------------------

@pytest.mark.parametrize("limit", [62, 63, 64])
def test_few_descriptors_are_shared_with_the_workers(evil, limit):
    """32 workers would have three each: there are 64 in all. Whatever is left
    over by what fits, the transfers have some."""
    evil.plain()
    run = evil.start([f"/{i}" for i in range(200)], "-c", "16", workers=32,
                     preexec=lambda: resource.setrlimit(
                         resource.RLIMIT_NOFILE, (limit, limit)))
    res = run.finish(60)
    print(f"{res.wall:.2f} s, {res.stderr[:600]}")
    assert "--workers 32 exceeds what" in res.stderr
    assert len(res.records) == 200
    assert set(res.errors()) == {None}
    honest(res)


@pytest.mark.parametrize("closed", [[0], [2], [0, 2]])
def test_workers_start_where_standard_descriptors_are_closed(evil, closed):
    def close():
        for fd in closed:
            os.close(fd)
    res = evil.fetchd(*evil.args(evil.urls(["/1", "/2/crash"]), 2),
                      preexec=close, quiet=False, reports=True)
    assert parse_errors(res) == {1: None, 2: "worker_crashed"}


def test_workers_are_reaped_where_their_ends_are_ignored(evil):
    """As some programs leave SIGCHLD to what they start."""
    run = evil.start(["/1", "/2/crash", "/3", "/4/loop", "/5"],
                     "--worker-time", "0.5", preexec=lambda: signal.signal(
                         signal.SIGCHLD, signal.SIG_IGN))
    res = run.finish(30)
    honest(res, but={2, 4})
    assert parse_errors(res)[2] == "worker_crashed"
    assert parse_errors(res)[4] == "worker_timeout"


def test_control_c_on_a_terminal_is_fetchds_alone(evil):
    """It goes to the whole foreground group."""
    run = evil.start([f"/{i}/sleep/400" for i in range(4)]
                     + [f"/{i}" for i in range(4, 100)], "-c", "4",
                     preexec=os.setsid)
    workers(run.pid, 2)
    assert evil.site.until(lambda o: len(o.requests) >= 4)
    time.sleep(0.1)
    os.killpg(run.pid, signal.SIGINT)
    res = run.finish(exit=75)
    assert len(res.records) >= 4
    honest(res)
    assert res.stats["worker_restarts"] == 0


@row(227)
def test_a_worker_that_is_broken_meanwhile_ends_no_run(evil):
    """As by an upgrade gone wrong; then those that run are killed."""
    folder = os.path.dirname(evil.fetchd.binary)
    run = evil.start([f"/{i}" for i in range(20)])
    assert run.until_records(20)
    found = workers(run.pid, 2)
    path = os.path.join(folder, "fetchd-worker")
    os.unlink(path)
    shutil.copy2("/bin/false", path)
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    run.write("".join(u + "\n" for u in evil.urls(
        f"/{i}" for i in range(20, 60))))
    res = run.finish(30)
    honest(res, but=range(20, 60))
    assert {parse_errors(res)[i] for i in range(20, 60)} <= {
        "worker_unavailable", "worker_crashed"}
    assert res.stderr.count("cannot start a worker: ") == 1
    assert res.wall < 15


def test_a_time_too_short_for_anything_ends_every_page_once(evil):
    res = evil([f"/{i}/sleep/50" for i in range(40)], "--worker-time", "1ms")
    assert set(parse_errors(res).values()) == {"worker_timeout"}
    assert res.stats["worker_restarts"] == 40
