# SPDX-License-Identifier: ISC
"""--verify: results and their input are compared; each kind of fault is
counted and named, and only a complete output exits with 0."""
import gzip
import json
import os
import subprocess

import pytest

from origin import response, serve

COUNTS = """items records ok failed missing duplicate torn unexpected
changed""".split()


def call(fetchd, *args, **how):
    """The report is not a record."""
    return fetchd(*args, json=False, keys=False, **how)


def text_of(res):
    """The counts, and the lines that name faults."""
    lines = res.stdout.decode().splitlines()
    counts = dict(x.split(" ", 1) for x in lines if ": " not in x)
    named = [x for x in lines if ": " in x]
    return ({k: int(v) for k, v in counts.items() if k != "complete"},
            counts["complete"] == "yes", named)


def verify(fetchd, results, *args, exit=0, **how):
    """The report, which is the same as text and as JSON."""
    res = call(fetchd, "--verify", results, *args, exit=exit, **how)
    counts, complete, named = text_of(res)
    if "stdin" not in how:
        js = json.loads(call(fetchd, "--verify", results, "-j", *args, exit=exit).stdout)
        assert {k: js[k] for k in counts} == counts
        assert js["complete"] == complete == (exit == 0)
        assert len(js["first"]) == len(
            [x for x in named if "and " not in x.split(": ")[1]])
    assert complete == (exit == 0)
    return counts, named


def faults(counts):
    return {k: v for k, v in counts.items() if v and k not in COUNTS[:4]}


LINES = ["# a comment", "", "{o}/a", "  {o}/b  ", '{{"url": "{o}/\\u00e4"}}',
         "{o}/ä b?\"<>", "http://user:pass@127.0.0.1:1/", "no url at all",
         '{{"url": 7}}', '{{"broken', "=1+1", "-5", "'x", "{o}/" + "x" * 70000,
         "http://h/" + "y" * (1 << 20), "{o}/a"]


@pytest.fixture
def made(fetchd, origin, tmp_path):
    """A list with all that a line may be, and what makes its results."""
    o = origin(serve(lambda r: response(b"a,\n\"b\"")))
    urls = fetchd.file("urls.txt", "\n".join(
        x.format(o=o.url("")) for x in LINES).encode() + b"\n\xff\xfe.test\n")

    def make(name, *args):
        path = os.path.join(tmp_path, name)
        fetchd(urls, "-o", path, *args, exit=4, json=False, keys=False)
        return path
    make.urls = urls
    make.n = len(LINES) - 1
    return make


@pytest.mark.parametrize("name, args", [
    ("out.jsonl", ()), ("out.jsonl.gz", ()), ("out.jsonl.zst", ()),
    ("out.csv", ()), ("out.tsv", ()), ("out.csv.gz", ("--csv-safe",)),
    ("out.tsv.zst", ("--fields", "error,body,seq,input")),
    ("out.db", ()), ("results", ("--format", "csv")),
    ("few.jsonl", ("--fields", "seq,error")),
    ("series.jsonl", ("--rotate", "2k")), ("series.csv.gz", ("--rotate", "1k"))])
def test_what_a_run_wrote_is_complete_in_every_format(fetchd, made, name,
                                                      args):
    path = made(name, *args)
    counts, named = verify(fetchd, path, "-i", made.urls)
    assert counts["items"] == counts["records"] == made.n
    assert counts["ok"] + counts["failed"] == made.n and counts["failed"] >= 6
    assert faults(counts) == {} and named == []
    if "--rotate" in args:
        assert not os.path.exists(path)


def test_a_series_can_be_compared_file_by_file_only_as_a_whole(fetchd, made):
    path = made("out.jsonl", "--rotate", "2k")
    first = path.replace("out.", "out.1.")
    counts, _ = verify(fetchd, first, "-i", made.urls, exit=75)
    assert 0 < counts["records"] < made.n
    assert counts["missing"] == made.n - counts["records"]


def test_streamed_lines_are_no_records(fetchd, origin, tmp_path):
    o = origin(serve(lambda r: response(
        b"data: a\n\ndata: b\n\n", headers=["Content-Type: text/event-stream"])))
    path = os.path.join(tmp_path, "out.jsonl")
    fetchd("--stream", o.url(), o.url(), "-o", path)
    with open(path, "rb") as f:
        assert f.read().count(b"\n") == 6
    counts, _ = verify(fetchd, path, o.url(), o.url())
    assert counts["records"] == 2


# ---- faults ----

URLS = [f"http://h{i}.test/" for i in range(1, 6)]


def record(seq, error=None, **more):
    return json.dumps({"type": "result", "seq": seq, "input": URLS[seq - 1]
                       if seq <= 5 else "x", "error": error, **more}) + "\n"


@pytest.fixture
def judge(fetchd):
    """Judges results of the five URLS."""
    urls = fetchd.file("urls.txt", "# list\n" + "\n".join(URLS) + "\n")

    def run(data, exit, name="out.jsonl", args=()):
        path = fetchd.file(name, data)
        return verify(fetchd, path, "-i", urls, *args, exit=exit)
    return run


ALL = "".join(record(i) for i in range(1, 6))


@pytest.mark.parametrize("data, exit, want, said", [
    (ALL, 0, {}, []),
    ("", 75, {"missing": 5}, ["missing: URLS:2: seq 1"]),
    (record(1) + record(4, "dns_nxdomain"), 75, {"missing": 3},
     ["missing: URLS:3: seq 2", "missing: URLS:4: seq 3"]),
    (ALL + record(2), 3, {"duplicate": 1}, ["duplicate: OUT:6: seq 2"]),
    (ALL + record(6) + record(70000), 3, {"unexpected": 2},
     ["unexpected: OUT: seq 6", "unexpected: OUT: seq 70000"]),
    (ALL + record(10 ** 18), 3, {"unexpected": 1}, ["OUT:6: seq 1000"]),
    (ALL[:-1], 3, {"torn": 1, "missing": 1},
     ["torn: OUT:5: the last line has no line end"]),
    (ALL[:-20] + ALL, 3, {"torn": 1, "duplicate": 3},
     ["torn: OUT:5: the line is not a JSON object"]),
    (record(2, input=URLS[0]) + record(1, input=URLS[1]) + ALL[ALL.index(
        '{"type": "result", "seq": 3'):], 3, {"changed": 2},
     ["changed: URLS:2: seq 1", "changed: URLS:3: seq 2"]),
])
def test_each_kind_of_fault_is_counted_and_named(judge, data, exit, want,
                                                 said):
    counts, named = judge(data, exit)
    assert faults(counts) == want
    for x in said:
        place = x.split(": ", 1)
        assert any(all(part.replace("URLS", "urls.txt").replace(
            "OUT", "out.jsonl") in n for part in place) for n in named), named
    if not want:
        assert named == []


def test_of_many_faults_the_first_ten_are_named(fetchd):
    urls = fetchd.file("urls.txt", "".join(f"h{i}.test\n" for i in range(50)))
    counts, named = verify(fetchd, fetchd.file("out.jsonl", ""), "-i", urls,
                           exit=75)
    assert counts["missing"] == 50 and len(named) == 11
    assert "seq 10:" in named[9] and named[10] == "missing: and 40 more"


def test_a_torn_row_of_csv_is_found(judge):
    rows = "seq,error,body\n" + "".join(f'{i},,"a\n{i}"\n' for i in range(1, 6))
    assert faults(judge(rows, 0, "out.csv")[0]) == {}
    for cut in range(16, len(rows)):
        counts, _ = judge_once(judge, rows[:cut])
        whole = sum(rows[:cut].count(f'\n{i}"\n') for i in range(1, 6))
        assert counts["records"] == whole
        assert counts["missing"] == 5 - whole
        assert counts["torn"] == (not rows[:cut].endswith('"\n') and cut > 15)


def judge_once(judge, data):
    torn = not data.endswith('"\n')
    return judge(data, 3 if torn else 75, "out.csv")


def test_a_compressed_file_that_breaks_off_is_torn(judge):
    data = gzip.compress(ALL[:200].encode()) + gzip.compress(ALL[200:].encode())
    assert faults(judge(data, 0, "out.jsonl.gz")[0]) == {}
    counts, named = judge(data[:-9], 3, "out.jsonl.gz")
    assert counts["torn"] >= 1 and "in the middle of a frame" in "".join(named)


def test_results_without_error_do_not_say_how_many_failed(fetchd, judge):
    data = "seq,url\n" + "".join(f"{i},x\n" for i in range(1, 6))
    res = call(fetchd, "--verify", fetchd.file("o.csv", data), *URLS)
    assert "ok " not in res.stdout.decode()
    js = json.loads(call(fetchd, "--verify", fetchd.file("o.csv", data), "-j", *URLS
                           ).stdout)
    assert js["ok"] is js["failed"] is None and js["complete"] is True


# ---- what cannot be compared ----

@pytest.mark.parametrize("data, said", [
    ('{"url": "x"}\n', "--fields must contain seq"),
    ("url,error\nx,\n", "--fields must contain seq"),
    ("200  1k  0.1s  http://x/\n", "seq"), ("<html>\n", "seq"),
    (b"SQLite format 3\0nothing", "database")])
def test_what_holds_no_results_is_refused(fetchd, data, said):
    res = call(fetchd, "--verify", fetchd.file("out", data), *URLS, exit=3)
    assert said in res.stderr and res.stderr.count("\n") == 1
    assert res.stdout == b""


def test_files_that_are_not_there(fetchd):
    res = call(fetchd, "--verify", "/nonexistent.jsonl", *URLS, exit=3)
    assert "/nonexistent.jsonl: No such file" in res.stderr
    out = fetchd.file("out.jsonl", ALL)
    res = call(fetchd, "--verify", out, "-i", "/nonexistent.txt", exit=3)
    assert "/nonexistent.txt" in res.stderr and res.stdout == b""
    res = call(fetchd, "--verify", out, "--follow", "-i", out, exit=2)
    assert "--follow" in res.stderr


# ---- the input ----

def test_limit_pipes_and_several_inputs_count_as_in_a_run(fetchd, judge):
    out = fetchd.file("out.jsonl", record(1) + record(2))
    counts, _ = judge(record(1) + record(2), 0, args=("--limit", "2"))
    assert counts["items"] == 2
    counts, _ = verify(fetchd, out, stdin=URLS[:2])
    assert counts["items"] == 2
    part = fetchd.file("b.txt", URLS[1])
    counts, _ = verify(fetchd, out, URLS[0], "-i", part)
    assert counts["items"] == 2
    res = call(fetchd, "--verify", "-", *URLS[:2], stdin=record(2) + record(1))
    assert text_of(res)[1]


def test_nothing_is_fetched_or_written(fetchd, origin, tmp_path):
    o = origin()
    out = fetchd.file("out.jsonl", "")
    call(fetchd, "--verify", out, "-o", out, o.url(), exit=75)
    assert o.conns == [] and os.path.getsize(out) == 0
    assert sorted(os.listdir(tmp_path)) == sorted(
        x for x in os.listdir(tmp_path) if not x.startswith(".fetchd"))


def test_memory_is_a_byte_an_item(plain, tmp_path):
    """A million items, whose results are read before the list ends."""
    n, out = 1000000, tmp_path / "out.jsonl"
    with open(out, "w") as f:
        f.writelines('{"type":"result","seq":%d,"input":"http://h.test/%d",'
                     '"error":null,"body":"%s"}\n' % (i, i, "x" * 200)
                     for i in range(n, 0, -1))
    p = subprocess.Popen(plain.command(["--verify", out]),
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with p, p.stdin:
        for i in range(1, n + 1):
            p.stdin.write(b"http://h.test/%d\n" % i)
        p.stdin.flush()
        with open(f"/proc/{p.pid}/status") as f:
            peak = int(f.read().split("VmHWM:")[1].split()[0])
        p.stdin.close()
        said = p.stdout.read()
    assert p.returncode == 0 and b"complete yes" in said
    assert peak < 16000    # KiB
