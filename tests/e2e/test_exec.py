# SPDX-License-Identifier: ISC
"""--exec: any program as the parser, and every way in which one goes wrong."""
import base64
import json
import os
import re
import shutil
import signal
import time

import pytest

import parsing
from harness import KEYS, TOP
from origin import response, serve
from parsing import page

LONG = os.environ.get("FETCHD_LONG")
PYTHON = "/usr/bin/python3"
NEEDS_JQ = pytest.mark.skipif(shutil.which("jq") is None,
                              reason="jq is not installed")
LOOP = """import json, os, sys, time
def say(v):
    print(json.dumps(v), flush=True)
for n, line in enumerate(sys.stdin):
    rec = json.loads(line)
    path = rec["url"].rpartition("/")[2]
"""


@pytest.fixture
def program(fetchd):
    """program(lines of Python) -> the value of --exec: a loop over records
    that runs them, with rec, path, n (from 0) and say() at hand."""
    def make(body, name="parser.py", loop=LOOP):
        text = loop + "".join("    " + x + "\n" for x in body.split("\n"))
        return f"{PYTHON} -u {fetchd.file(name, text)}"
    return make


@pytest.fixture
def ask(fetchd, origin):
    return parsing.Asker(fetchd, origin)


@pytest.fixture
def many(fetchd, origin):
    """many(command, n, args...) -> the records of pages /0../n-1, in order,
    and the result. Bodies are the page's own path unless `pages` says."""
    def run(command, n, *args, pages=None, **how):
        o = origin(serve(lambda r: (pages or {}).get(r.target)
                         or page("page " + r.target)))
        res = fetchd("--exec", command, "--keep-order", *args, stdin=[
            o.url(f"/{i}") for i in range(n)], **how)
        return res.records, res
    return run


def values(records):
    return [r["extract"] and r["extract"]["exec"] for r in records]


def codes(records):
    return [r["parse"]["error"] for r in records]


# -- what it gets and what becomes of what it says ----------------------------

def test_the_example_parser_works_as_it_stands(ask):
    rec = ask("<h1>One <i>1</i></h1><h2>\u00fc\u20ac</h2>", "--exec",
              os.path.join(TOP, "examples", "parser", "parse.py"))
    assert rec["extract"] == {"exec": {"headings": ["One 1", "\u00fc\u20ac"]}}
    assert rec["parse"]["error"] is None and rec["parse"]["worker"] == 1


@pytest.mark.parametrize("args", [
    (), ("--body", "none"), ("--body", "base64"),
    ("--fields", "seq,extract,parse"), ("--include-headers",)], ids=str)
def test_it_gets_every_key_and_the_body_whatever_is_written(ask, program,
                                                            args):
    rec = ask("<p>\u00fc</p>", "--exec", program("say(rec)"), *args)
    got = rec["extract"]["exec"]
    assert [k for k in KEYS if k not in got] == ["seq"]
    assert got["body"] == "<p>\u00fc</p>"
    assert got["url"] == ask.url(ask.PATH) and got["status_code"] == 200
    assert ("header" in got) == ("--include-headers" in args)
    assert "extract" not in got and "parse" not in got
    if not args:
        for k in KEYS:
            if not k.startswith("time_") and k != "seq":
                assert got[k] == rec[k], k


def test_a_body_that_is_no_text_comes_as_base64(ask, program):
    data = bytes(range(256))
    rec = ask(data, "--exec", program("say(rec)"), "--body", "none",
              content_type="image/png")
    got = rec["extract"]["exec"]
    assert "body" not in got
    assert base64.b64decode(got["body_base64"]) == data


@pytest.mark.parametrize("kind", ["image/png", "application/json",
                                  "application/octet-stream", None])
def test_it_gets_every_type(ask, program, kind):
    rec = ask("x", "--exec", program("say(rec['content_type'])"),
              content_type=kind)
    assert rec["extract"] == {"exec": kind}


def test_it_gets_no_answer_without_a_body(fetchd, origin, program):
    o = origin(serve(lambda r: b"HTTP/1.1 204 No Content\r\n\r\n"))
    res = fetchd("--exec", program("say(1)"), stdin=[
        o.url("/"), {"url": o.url("/"), "method": "HEAD"},
        "http://127.0.0.1:1/"])
    for r in res.records:
        assert r["extract"] is None
        if r["error"] is None:
            assert r["parse"]["error"] == "parse_skipped"
        else:
            assert r["parse"] is None


VALUES = [None, True, False, 0, -1.5, 1e300, 12345678901234567890, "", "x",
          "\u00e9\u20ac\U0001f600\u0000\u001f\"\\/\u2028", [], {}, [[]],
          {"a": {"b": [1, None, "c"]}}, {"": 1}, [1] * 1000,
          {"exec": 1, "extract": 2}]


@pytest.mark.parametrize("value", VALUES, ids=lambda v: repr(v)[:20])
@pytest.mark.parametrize("ascii", [True, False])
def test_any_value_comes_back_as_it_is(ask, program, value, ascii):
    text = json.dumps(value, ensure_ascii=ascii)
    rec = ask("x", "--exec", program(f"print({text!r}, flush=True)"))
    assert rec["extract"] == {"exec": value}
    assert rec["parse"]["error"] is None


@pytest.mark.parametrize("text", ["1.0", "1E+2", " {\"a\" : [ 1,2 ] } ",
                                  "12345678901234567890123", "1\\r"])
def test_numbers_and_blanks_stay_as_they_were_written(ask, program, text):
    rec = ask("x", "--exec", program(f"print('{text}', flush=True)"))
    want = json.loads(text.replace("\\r", ""), parse_float=str)
    line = ask.result.stdout.decode()
    assert json.loads(line, parse_float=str)["extract"]["exec"] == want
    assert rec["parse"]["error"] is None


@pytest.mark.parametrize("text", ['"\\ud83d"', '{"a": "\\udc00"}',
                                  "[" * 300 + "]" * 300])
def test_for_a_value_the_grammar_is_enough(ask, program, text):
    rec = ask("x", "--exec", program(f"print({text!r}, flush=True)"))
    assert rec["extract"] == {"exec": json.loads(text)}
    assert rec["parse"]["error"] is None


def test_after_the_workers_the_line_has_extract(ask, program):
    rec = ask("<title>T</title>", "--exec", program(
        "say([rec['extract'], rec['parse']['error'], 'body' in rec])"),
        "--extract", "title", "--css", "t=title::text")
    assert rec["extract"] == {
        "title": "T", "t": ["T"],
        "exec": [{"title": "T", "t": ["T"]}, None, True]}
    assert list(rec["extract"]) == ["title", "t", "exec"]


def test_what_the_workers_skip_it_gets_all_the_same(ask, program):
    rec = ask(b"\x89PNG", "--exec", program(
        "say([rec['extract'], rec['parse']])"), "--extract", "title",
        content_type="image/png")
    assert rec["parse"]["error"] is None
    x = rec["extract"]["exec"]
    assert x[0] is None and x[1]["error"] == "parse_skipped"
    assert rec["parse"]["worker"] == 1


# -- how it is started --------------------------------------------------------

ARGV = "import json, sys\nfor line in sys.stdin:\n" \
       "    print(json.dumps(sys.argv[1:]), flush=True)\n"


@pytest.mark.parametrize("words,want", [
    ("a b", ["a", "b"]), ("  a\t b  ", ["a", "b"]),
    ("'a b' \"c d\"", ["a b", "c d"]), ("a'b c'd", ["ab cd"]),
    ("'' \"\"", ["", ""]), ("'\"' \"'\"", ['"', "'"]),
    ("$HOME `id` $(id) ; | & > x < y * ? ~ # ! \\n {a,b} && ||",
     ["$HOME", "`id`", "$(id)", ";", "|", "&", ">", "x", "<", "y", "*", "?",
      "~", "#", "!", "\\n", "{a,b}", "&&", "||"]),
    ("-n --x=\u00fc", ["-n", "--x=\u00fc"]),
])
def test_words_are_split_at_blanks_and_no_shell_sees_them(fetchd, ask, words,
                                                          want):
    path = fetchd.file("argv.py", ARGV)
    rec = ask("x", "--exec", f"{PYTHON} {path} {words}")
    assert rec["extract"]["exec"] == want
    assert not os.path.exists("x")


@pytest.mark.parametrize("command,part", [
    ("no-such-program-here x", "no-such-program-here"),
    ("./no-such-file", "./no-such-file"), ("/etc/passwd", "/etc/passwd"),
    ("/tmp", "/tmp"), ("", "--exec"), ("   ", "--exec"),
    ("cat 'x", "quote"), ("cat " + "x " * 2000, "arguments")])
def test_a_command_that_cannot_be_run_is_refused(fetchd, command, part):
    res = fetchd("--exec", command, "http://127.0.0.1:1/", exit=2)
    assert part in res.stderr and res.stderr.count("\n") == 1, res.stderr
    assert res.stdout == b""


@NEEDS_JQ
def test_jq_is_a_parser(many):
    records, _ = many("jq -c --unbuffered .url", 20)
    assert values(records) == [r["url"] for r in records]


def test_cat_is_a_parser(many):
    records, _ = many("cat", 20, "--workers", "2")
    for r in records:
        assert r["extract"]["exec"]["url"] == r["url"]
        assert r["extract"]["exec"]["body"] == r["body"]


def test_a_copy_for_each_worker_runs_and_none_is_left(many, program):
    records, _ = many(program("time.sleep(0.02); say(os.getpid())"), 40,
                      "--workers", "2")
    pids = set(values(records))
    assert len(pids) == 2
    assert {r["parse"]["worker"] for r in records} == {1, 2}
    for pid in pids:
        assert parsing.gone(pid)


def test_records_of_several_copies_are_not_mixed_up(many, program):
    records, res = many(program(
        "time.sleep(0.01 if rec['seq'] % 3 else 0); say(rec['seq'])"), 200,
        "--workers", "3", "-c", "50", "--stats")
    assert values(records) == list(range(1, 201))
    assert res.stats["worker_restarts"] == 0 and res.stats["workers"] == 3


# -- how it goes wrong --------------------------------------------------------

@pytest.mark.parametrize("command", [
    "true", "false", f"{PYTHON} -c 'import sys; sys.exit(3)'"])
def test_one_that_dies_at_once_costs_parse_errors_and_no_records(many,
                                                                  command):
    n = 40 if LONG else 3
    records, res = many(command, n, "--workers", "2", exit=0, quiet=False)
    assert set(codes(records)) <= {"worker_crashed", "worker_unavailable"}
    assert values(records) == [None] * n
    assert res.wall < 45
    assert [r["body"] for r in records] == [f"page /{i}" for i in range(n)]


GARBAGE = {
    "words": "print('hello', flush=True)",
    "two values": "print('1 2', flush=True)",
    "empty line": "print('', flush=True)",
    "blanks": "print('   ', flush=True)",
    "open": "print('{\"a\":', flush=True)",
    "single quotes": "print(\"{'a': 1}\", flush=True)",
    "NaN": "print('NaN', flush=True)",
    "bad utf-8": "sys.stdout.buffer.write(b'\"\\xff\"\\n')\n"
                 "sys.stdout.buffer.flush()",
    "control": "sys.stdout.buffer.write(b'\"\\x01\"\\n')\n"
               "sys.stdout.buffer.flush()",
    "nul": "sys.stdout.buffer.write(b'1\\0\\n')\nsys.stdout.buffer.flush()",
    "surrogate": "print('\"\\\\ud800\"', flush=True)",
    "deep": "print('[' * 100000 + ']' * 100000, flush=True)",
}


@pytest.mark.parametrize("what", GARBAGE)
def test_an_answer_that_is_no_json_is_worker_protocol(many, program, what):
    bad = "\n    ".join(GARBAGE[what].split("\n"))
    records, res = many(program(
        f"if path == '3':\n    {bad}\nelse:\n    say(path)"), 8, "--workers",
        "1", exit=0)
    got = codes(records)
    assert got[:3] + got[4:] == [None] * 7, got
    assert values(records)[4:] == ["4", "5", "6", "7"]
    if what == "surrogate":
        assert got[3] in (None, "worker_protocol")
    else:
        assert got[3] == "worker_protocol" and values(records)[3] is None


def test_a_page_without_an_answer_is_late_and_shifts_no_other(many, program):
    """As of a jq filter that gives nothing for some page."""
    records, _ = many(program("if path != '13': say(path)"), 40, "--workers",
                      "1", "--worker-time", "1", exit=0)
    want = [str(i) for i in range(40)]
    want[13] = None
    assert values(records) == want
    assert codes(records)[13] == "worker_timeout"


def test_two_lines_at_once_are_worker_protocol_and_shift_no_other(many,
                                                                  program):
    records, _ = many(program(
        "text = json.dumps(path) + '\\n' + '1\\n' * (path == '13')\n"
        "os.write(1, text.encode())"), 40, "--workers", "1", exit=0)
    want = [str(i) for i in range(40)]
    want[13] = None
    assert values(records) == want
    assert codes(records)[13] == "worker_protocol"


# Each writes more than one line for each, and names in its answers the page.
EXTRA = {
    "a banner": "print('{\"ready\": true}')\n",
    "a banner, and slow": "print(17)\nslow = 0.1\n",
    "a late banner": "time.sleep(0.5)\nprint('\"hello\"')\nslow = 0.05\n",
    "two banners": "print(1)\nprint(2)\n",
    "a line behind each": "behind = 'print(2)'\n",
    "a late line behind each": "behind = 'time.sleep(0.05); print(2)'\n",
    "a line behind the third": "behind = 'n == 2 and print(2)'\n",
}


@pytest.mark.parametrize("kind", EXTRA)
def test_no_record_ever_has_the_answer_of_another(fetchd, many, kind):
    text = ("import json, sys, time\nslow, behind = 0, ''\n" + EXTRA[kind] +
            "for n, line in enumerate(sys.stdin):\n"
            "    path = json.loads(line)['url'].rsplit('/', 1)[1]\n"
            "    time.sleep(slow)\n"
            "    print(json.dumps(path))\n"
            "    exec(behind)\n")
    records, _ = many(f"{PYTHON} -u {fetchd.file('extra.py', text)}", 12,
                      "--workers", "1", exit=0, quiet=False)
    assert len(records) == 12
    for i, r in enumerate(records):
        if r["parse"]["error"] is None:
            assert r["extract"]["exec"] == str(i), (kind, values(records))
        assert r["parse"]["error"] in (None, "worker_protocol",
                                       "worker_unavailable")


def test_an_answer_may_say_which_record_it_answers(many, program):
    """And then has to say the right one; it is taken out of the value."""
    records, _ = many(program(
        "said = [{'seq': rec['seq']}, {'seq': rec['seq'], 'a': 1},\n"
        "        {'a': 1, 'seq': rec['seq']}, {'a': {'seq': 0}, 'b': []},\n"
        "        {'a': 1, 'seq': rec['seq'], 'b': 2}, ['seq', 9],\n"
        "        {'seq': rec['seq'] + 1, 'a': 1}, {'seq': None}]\n"
        "say(said[int(path)])"), 8, "--workers", "1", exit=0)
    assert values(records) == [
        {}, {"a": 1}, {"a": 1}, {"a": {"seq": 0}, "b": []},
        {"a": 1, "b": 2}, ["seq", 9], None, None]
    assert codes(records) == [None] * 6 + ["worker_protocol"] * 2


def test_a_large_answer_that_says_which_it_is_stands_whole(many, program):
    records, _ = many(program(
        "say({'seq': rec['seq'], 'text': 'x' * 3000000, 'end': path})"), 6,
        "--workers", "2", exit=0)
    for i, r in enumerate(records):
        assert r["extract"]["exec"] == {"text": "x" * 3000000, "end": str(i)}


def test_an_answer_does_not_wait_for_a_program_that_is_slow_to_read_on(
        many, program):
    records, res = many(program("say(path)\ntime.sleep(60)"), 1, "--workers",
                        "1", exit=0)
    assert values(records) == ["0"] and res.wall < 5


def test_a_line_nobody_asked_for_is_worker_protocol_at_most(many):
    """It says its lines before it has read anything."""
    records, _ = many(f"{PYTHON} -c 'while True: print(17, flush=True); "
                      "input()'", 6, "--workers", "1", exit=0, quiet=False)
    assert len(records) == 6
    assert set(codes(records)) <= {None, "worker_protocol",
                                   "worker_unavailable"}


def test_one_that_ends_after_some_pages_is_started_anew(many, program):
    records, res = many(program(
        "say([os.getpid(), n])\nif n == 4: sys.exit()"), 30, "--workers", "1",
        "--stats", exit=0)
    ok = [v for v in values(records) if v is not None]
    assert len({pid for pid, _ in ok}) >= 5
    assert codes(records).count(None) == 30, codes(records)
    assert res.stats["worker_restarts"] >= 5


def test_a_page_that_kills_it_twice_is_worker_crashed(many, program):
    records, res = many(program(
        "if path == '3': os.kill(os.getpid(), 9)\nsay(path)"), 8, "--workers",
        "1", "--stats", exit=0)
    assert codes(records) == [None] * 3 + ["worker_crashed"] + [None] * 4
    assert res.stats["worker_restarts"] == 2


def test_one_that_is_killed_from_outside_is_replaced(fetchd, origin, program):
    o = origin(serve(lambda r: page("x")))
    run = fetchd.start("--exec", program(
        "say(os.getpid())\ntime.sleep(0.02)"), "--workers", "1",
        stdin=-1)
    run.write("".join(o.url(f"/{i}") + "\n" for i in range(20)))
    assert run.until_records(3)
    pid = json.loads(run.stamped()[0][1])["extract"]["exec"]
    os.kill(pid, signal.SIGKILL)
    res = run.finish(exit=0)
    assert codes(res.records) == [None] * 20
    assert len(set(values(res.records))) == 2


def test_what_it_says_on_stderr_is_passed_on_and_made_harmless(many, program):
    records, res = many(program(
        "sys.stderr.write('page %s \\x1b[31m\\x07\\u00e9\\n' % path)\n"
        "sys.stderr.flush()\nsay(1)"), 3, "--workers", "1", exit=0,
        quiet=False)
    assert codes(records) == [None] * 3
    lines = res.stderr.splitlines()
    assert len(lines) == 3, res.stderr
    for i, line in enumerate(sorted(lines)):
        assert line.startswith(f"fetchd: exec 1: page {i} "), line
        assert "\u00e9" in line
        assert not any(c < " " or c == "\x7f" for c in line), repr(line)


def test_a_flood_on_stderr_holds_nothing_up(many, program):
    records, res = many(program(
        "sys.stderr.write('x' * 1000000 + '\\n' + 'y\\n' * 1000)\nsay(1)"), 10,
        "--workers", "1", exit=0, quiet=False)
    assert codes(records) == [None] * 10
    assert res.wall < 30
    assert max(map(len, res.stderr.split("\n"))) < 70000


def test_one_that_takes_too_long_is_replaced(many, program):
    records, res = many(program(
        "if path == '3': time.sleep(60)\nsay(path)"), 8, "--workers", "1",
        "--worker-time", "1.5", "--stats", exit=0)
    assert codes(records) == [None] * 3 + ["worker_timeout"] + [None] * 4
    assert 1.4 < records[3]["parse"]["time"] < 4
    assert values(records)[4:] == ["4", "5", "6", "7"]
    assert res.stats["worker_restarts"] == 1 and res.wall < 20


def test_one_that_never_reads_is_worker_timeout(many):
    big = page("x" * 3_000_000)
    records, res = many("sleep 100", 3, "--workers", "1", "--worker-time",
                        "0.5", exit=0, pages={f"/{i}": big for i in range(3)},
                        quiet=False)
    assert codes(records) == ["worker_timeout"] * 3
    assert re.fullmatch(r"fetchd: --exec \S*/sleep: no answer: "
                        r"--worker-time is over \(.*flush.*\)\n", res.stderr)
    assert res.wall < 20


def test_its_children_go_with_it(many, program, fetchd):
    note = os.path.join(str(fetchd.tmp), "pid")
    records, _ = many(program(
        "import subprocess\n"
        f"open({note!r}, 'w').write("
        "str(subprocess.Popen(['sleep', '100']).pid))\ntime.sleep(100)"), 1,
        "--worker-time", "2", exit=0, quiet=False)
    assert codes(records) == ["worker_timeout"]
    with open(note) as f:
        assert parsing.gone(int(f.read()))


def test_a_memory_hog_dies_under_worker_mem(plain, origin):
    path = plain.file("hog.py", LOOP +
                      "    x = 'x' * (400 << 20) if path == '1' else ''\n"
                      "    say(len(x))\n")
    o = origin(serve(lambda r: page("x")))
    res = plain("--exec", f"{PYTHON} {path}", "--workers", "1",
                "--worker-mem", "256M", "--keep-order", "-c", "1", stdin=[
                    o.url(f"/{i}") for i in range(3)], exit=0, quiet=False)
    assert codes(res.records)[0] is None and codes(res.records)[2] is None
    assert codes(res.records)[1] in ("worker_crashed", "worker_oom")
    assert "MemoryError" in res.stderr


# -- sizes --------------------------------------------------------------------

def test_answers_of_a_megabyte_are_taken(many, program):
    records, _ = many(program("say('x' * 1000000 + path)"), 20, "--workers",
                      "2", "--body", "none")
    for i, v in enumerate(values(records)):
        assert v == "x" * 1000000 + str(i)


def test_an_answer_that_never_ends_is_no_disaster(many, program):
    began = time.monotonic()
    records, res = many(program(
        "if path == '1':\n    while True: sys.stdout.write('x' * 1000000)\n"
        "say(path)"), 3, "--workers", "1", exit=0, quiet=False)
    assert codes(records)[1] in ("worker_protocol", "parse_too_large")
    assert values(records)[0] == "0" and values(records)[2] == "2"
    assert time.monotonic() - began < 20


def test_a_line_of_five_megabytes_is_handed_over(many, program):
    big = "<p>" + "\u00e9\"\\" * 1_000_000
    records, _ = many(program("say([len(line), len(rec['body'])])"), 3,
                      "--body", "none", pages={"/1": page(big)})
    for i, (n, body) in enumerate(values(records)):
        assert body == (len(big) if i == 1 else len(f"page /{i}"))
    assert values(records)[1][0] > 5_000_000


def test_meta_and_id_reach_it(ask, program):
    rec = ask("x", "--exec", program("say([rec['id'], rec['meta']])"),
              item={"id": "a1", "meta": {"k": [1.0]}})
    assert rec["extract"]["exec"] == ["a1", {"k": [1]}]


def test_an_answer_of_status_404_reaches_it(fetchd, origin, program):
    o = origin(serve(lambda r: response(b"no", status="404 Not Found")))
    for args in ((), ("-f",)):
        rec = fetchd("--exec", program("say(rec['status_code'])"), *args,
                     o.url()).one
        assert rec["extract"]["exec"] == 404


def test_it_is_no_burden_where_fetchd_is_stopped(fetchd, origin, program):
    o = origin(serve(lambda r: page("x")))
    run = fetchd.start("--exec", program(
        "open(os.path.join(sys.path[0], 'pid'), 'w').write(str(os.getpid()))"
        "\ntime.sleep(100)"), "--grace", "0.2", "--worker-time", "0",
        o.url(), stdin=-3)
    note = os.path.join(str(fetchd.tmp), "pid")
    end = time.monotonic() + 10
    while not os.path.exists(note) or not os.path.getsize(note):
        assert time.monotonic() < end
        time.sleep(0.02)
    run.kill(signal.SIGTERM)
    res = run.finish(timeout=10, exit=75, quiet=False)
    assert res.one["error"] == "interrupted" and res.one["complete"]
    with open(note) as f:
        assert parsing.gone(int(f.read()))
