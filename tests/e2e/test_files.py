# SPDX-License-Identifier: ISC
"""Bodies to files: --output-dir."""
import gzip
import hashlib
import json
import os
import signal
import stat
import subprocess
import threading
import time

import pytest

from harness import PLAIN, row
from origin import response, serve

TMP = ".fetchd-tmp"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def body_of(req):
    return ("body of " + req.target).encode()


@pytest.fixture
def site(origin):
    """Answers each URL with text that names it; /KIND.... has its type."""
    def handler(req):
        kind = "image/png" if "png" in req.target else "text/html"
        return response(body_of(req), headers=[f"Content-Type: {kind}"])
    return origin(serve(handler))


@pytest.fixture
def out(tmp_path):
    return str(tmp_path / "out")


def tree(top):
    """name -> content of all files below a directory, temporary ones too."""
    found = {}
    for where, _, names in os.walk(top):
        for n in names:
            path = os.path.join(where, n)
            with open(path, "rb") as f:
                found[os.path.relpath(path, top)] = f.read()
    return found


def holds(out, n):
    return os.path.isdir(out) and any(
        len(v) >= n for v in tree(out).values())


def wait_for(condition, timeout=20):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def partial(body, n):
    """A script: promises len(body) bytes and sends n."""
    def script(c):
        c.request()
        c.send(response(body)[:-len(body)] + body[:n])
        c.fin()
    return script


# -- names ------------------------------------------------------------------

def test_each_body_has_a_file_named_by_its_url(fetchd, site, out):
    paths = {"/": "index.html", "/a/b.html": "a/b.html",
             "/list?page=1": "list_page=1.html",
             "/list?page=2": "list_page=2.html", "/png/x": "png/x.png",
             "/A/Upper.HTML": "a/upper.html"}
    res = fetchd("-O", out, *[site.url(p) for p in paths])
    host = site.url().split("/")[2].split(":")[0]
    for rec, (path, name) in zip(sorted(res.records, key=lambda r: r["seq"]),
                                 paths.items()):
        data = ("body of " + path).encode()
        assert rec["body_file"] == f"{host}/{name}"
        assert rec["sha256"] == sha256(data)
        with open(os.path.join(out, rec["body_file"]), "rb") as f:
            assert f.read() == data
    assert len(tree(out)) == len(paths)
    assert os.listdir(out) == [host]        # and no temporary directory
    mode = os.stat(os.path.join(out, host, "index.html")).st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.join(out, host)).st_mode) == 0o700


def test_names_that_differ_by_case_only_do_not_collide(fetchd, site, out):
    res = fetchd("-O", out, "--output-name", "{path}", site.url("/X/a"),
                 site.url("/x/A"), site.url("/x/a"))
    assert len({r["body_file"].lower() for r in res.records}) == 3
    for r in res.records:
        with open(os.path.join(out, r["body_file"]), "rb") as f:
            assert r["input"].endswith(f.read().decode()[len("body of "):])


def test_a_template_spreads_files_over_folders(fetchd, site, out):
    lines = [{"url": site.url(f"/{i}"), "id": f"Item {i}"} for i in range(25)]
    res = fetchd("-O", out, "--output-name", "{seq/10}/{id}{ext}",
                 stdin=lines)
    assert len(res.records) == 25
    assert sorted(os.listdir(out)) == ["0", "1", "2"]
    assert os.path.exists(os.path.join(out, "1", "item 14.html"))
    res = fetchd("-O", out, "--output-name", "{sha256:2}/{sha256}",
                 site.url("/x"))
    digest = sha256(b"body of /x")
    assert res.one["body_file"] == f"{digest[:2]}/{digest}"


@pytest.mark.parametrize("template,word", [
    ("{host}/{dir}", '"{dir}"'), ("/abs/{seq}", '"/abs/{seq}"'),
    ("{seq/0}", '"{seq/0}"'), ("../{seq}", '"../{seq}"')])
def test_a_wrong_template_is_named(fetchd, out, template, word):
    res = fetchd("-O", out, "--output-name", template, "http://a.test",
                 exit=2, quiet=False, json=False)
    assert word in res.stderr and "--output-name" in res.stderr
    assert not os.path.exists(out)


def test_a_hostile_url_stays_in_the_directory(fetchd, site, out, tmp_path):
    paths = ["/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/..%5c..%5cx", "/%00", "/-rf",
             "/.htaccess", "/con", "/a%0ab", "/" + "x" * 3000 + ".html",
             "/%ff%fe"]
    res = fetchd("-O", out, *[site.url(p) for p in paths])
    for rec in res.records:
        name = rec["body_file"]
        assert len(name.encode()) <= 200 and not name.startswith("/")
        for part in name.split("/"):
            assert part not in ("", ".", "..") and part[0] not in ".-"
            assert part.isprintable() and "\\" not in part
        assert os.path.isfile(os.path.join(out, name))
    assert os.listdir(tmp_path) == ["out"]


def test_an_existing_file_is_never_replaced_unless_asked(fetchd, site, out):
    fetchd("-O", out, "--output-name", "page{ext}", site.url("/1"))
    res = fetchd("-O", out, "--output-name", "page{ext}", site.url("/2"))
    assert res.one["body_file"] == "page-1.html"
    time.sleep(0.02)    # the clock of a file system ticks slowly
    res = fetchd("-O", out, "--output-name", "page{ext}", "--overwrite",
                 site.url("/3"), site.url("/4"))
    assert sorted(r["body_file"] for r in res.records)[1] == "page.html"
    assert len({r["body_file"] for r in res.records}) == 2
    assert {b"body of /3", b"body of /4"} <= set(tree(out).values())


# -- the item's own name and digest -----------------------------------------

def test_an_items_own_name_is_used_or_refused(fetchd, site, out):
    names = ["own/Name.TXT", "own/Name.TXT", "../x", "/etc/x", "a//b", "a/..",
             ".fetchd-tmp/x"]
    res = fetchd("-O", out, "-c", "1", "--max-per-host", "1",
                 stdin=[{"url": site.url(f"/{i}"), "output": n}
                        for i, n in enumerate(names)], exit=3)
    recs = {r["seq"]: r for r in res.records}
    assert recs[1]["body_file"] == "own/Name.TXT"
    for i in range(2, len(names) + 1):
        assert recs[i]["error"] == "output_conflict"
        assert recs[i]["body_file"] is None and recs[i]["sha256"] is None
    assert tree(out) == {"own/Name.TXT": b"body of /0"}


def test_output_needs_a_directory_and_sha256_does_not(fetchd, site):
    res = fetchd(stdin=[{"url": site.url("/1"), "output": "x"},
                        {"url": site.url("/2"), "sha256": "00"},
                        {"url": site.url("/3"),
                         "sha256": sha256(b"body of /3").upper()},
                        {"url": site.url("/4"),
                         "sha256": sha256(b"another")}])
    recs = {r["seq"]: r for r in res.records}
    assert recs[1]["error"] == recs[2]["error"] == "input_invalid"
    assert "--output-dir" in recs[1]["errormsg"]
    assert recs[3]["error"] is None
    assert recs[4]["error"] == "digest_mismatch"
    assert recs[4]["body"] == "body of /4"
    assert sha256(b"body of /4") in recs[4]["errormsg"]


@row(206)
def test_a_body_with_another_digest_is_not_published(fetchd, site, out):
    res = fetchd("-O", out, "--include-attempts",
                 stdin=[{"url": site.url("/1"), "sha256": sha256(b"x")}])
    rec = res.one
    assert rec["error"] == "digest_mismatch" and rec["complete"] is True
    assert rec["attempts"][-1]["error"] == "digest_mismatch"
    assert tree(out) == {}


@row(206)
def test_a_truncated_body_whose_prefix_has_the_digest_is_not(fetchd, origin,
                                                            out):
    body = b"y" * 5000
    o = origin(partial(body, 3000))
    res = fetchd("-O", out, stdin=[{"url": o.url(),
                                    "sha256": sha256(body[:3000])}])
    assert res.one["error"] == "http_truncated"
    assert tree(out) == {}


def test_the_digest_is_of_the_decoded_bytes(fetchd, origin, out):
    body = b"hello " * 1000
    o = origin(serve(lambda r: response(
        gzip.compress(body), headers=["Content-Encoding: gzip"])))
    res = fetchd("-O", out, stdin=[{"url": o.url("/x.txt"),
                                    "sha256": sha256(body)}])
    assert res.one["sha256"] == sha256(body)
    assert list(tree(out).values()) == [body]


# -- which answers have a file ----------------------------------------------

def test_bodies_without_a_file(fetchd, origin, out):
    def handler(req):
        if req.target == "/204":
            return response(b"", "204 No Content", length=False)
        if req.target == "/moved":
            return response(b"go", "302 Found", ["Location: /end"])
        if req.target == "/empty":
            return response(b"")
        if req.target == "/404":
            return response(b"none", "404 Not Found")
        return response(b"end")
    o = origin(serve(handler))
    res = fetchd("-O", out, "--output-name", "{seq}", "--retry", "0",
                 stdin=[{"url": o.url("/204")},
                        {"url": o.url("/x"), "method": "HEAD"},
                        o.url("/moved"), o.url("/empty"), o.url("/404"),
                        "http://127.0.0.1:1/"])
    recs = {r["seq"]: r for r in res.records}
    assert recs[1]["body_file"] is recs[2]["body_file"] is None
    assert recs[6]["body_file"] is recs[6]["sha256"] is None
    assert recs[4]["sha256"] == sha256(b"")
    assert tree(out) == {"3": b"end", "4": b"", "5": b"none"}


def test_keep_partial_keeps_the_bytes_that_came(fetchd, origin, out):
    body = b"z" * 100_000
    o = origin(partial(body, 60_000), partial(body, 0))
    args = ["-O", out, "--output-name", "{path}"]
    res = fetchd(*args, "--keep-partial", o.url("/a.bin"))
    assert res.one["error"] == "http_truncated"
    assert res.one["body_file"] == "a.bin.part"
    assert res.one["sha256"] is None and res.one["complete"] is False
    got = tree(out)
    assert list(got) == ["a.bin.part"]
    assert len(got["a.bin.part"]) == res.one["size_decoded"]
    assert body.startswith(got["a.bin.part"])


@pytest.mark.retries
def test_a_retry_starts_a_new_file(fetchd, origin, out):
    body = b"q" * 200_000
    o = origin(partial(body, 150_000), serve(lambda r: response(body)))
    res = fetchd("-O", out, "--output-name", "{path}", "--retry", "3",
                 "--retry-delay", "10ms", o.url("/a"))
    assert res.one["num_attempts"] == 2
    assert tree(out) == {"a": body}


def test_the_body_is_in_the_record_as_well_if_asked(fetchd, site, out):
    res = fetchd("-O", out, "--body", "inline", site.url("/1"))
    assert res.one["body"] == "body of /1"
    assert list(tree(out).values()) == [b"body of /1"]
    big = fetchd("-O", out, "--body", "inline", "--max-filesize", "5",
                 site.url("/2"))
    assert big.one["error"] == "body_too_large"


def test_a_saved_page_is_parsed_and_one_too_large_is_not(fetchd, origin, out):
    small = b"<title>small</title>"
    large = b"<title>large</title>" + b"x" * (9 << 20)

    def handler(req):
        return response(large if req.target == "/large" else small,
                        headers=["Content-Type: text/html"])
    o = origin(serve(handler))
    res = fetchd("-O", out, "--extract", "title", "--worker-mem", "64M",
                 "--no-sandbox", o.url("/small"), o.url("/large"), quiet=False)
    recs = {r["seq"]: r for r in res.records}
    assert recs[1]["extract"] == {"title": "small"}
    assert recs[2]["parse"]["error"] == "parse_too_large"
    assert recs[2]["sha256"] == sha256(large)


# -- options ----------------------------------------------------------------

@pytest.mark.parametrize("args,says", [
    (["-O", "https://a.test/x"],
     "-O takes a directory in fetchd; try --output-dir DIR, or -o FILE "
     "--format body"),
    (["--output-name", "{seq}", "http://a.test"], "needs --output-dir"),
    (["--keep-partial", "http://a.test"], "needs --output-dir"),
    (["--overwrite", "http://a.test"], "needs --output-dir or -o FILE"),
    (["-O", "d", "--stream", "http://a.test"], "--stream"),
    (["-O", "d", "--format", "body", "http://a.test"], "--format body"),
    (["-O", "d", "--fields", "body", "http://a.test"], "--body"),
    (["--fields", "sha256", "http://a.test"], "needs --output-dir")])
def test_options_that_do_not_fit_are_refused(fetchd, tmp_path, args, says):
    res = fetchd(*args, exit=2, quiet=False, json=False, cwd=tmp_path)
    assert says in res.stderr
    assert os.listdir(tmp_path) == []


@row(191)
def test_an_input_inside_the_directory_is_refused(fetchd, out):
    os.makedirs(os.path.join(out, "sub"))
    path = os.path.join(out, "sub", "urls.txt")
    with open(path, "w") as f:
        f.write("http://a.test/\n")
    for args in ([path], ["-i", path]):
        res = fetchd("-O", out, *args, exit=2, quiet=False, json=False)
        assert "urls.txt" in res.stderr and "--output-dir" in res.stderr
    with open(path) as f:
        run = fetchd.start("-O", out, stdin=f, quiet=False, json=False)
        res = run.finish(exit=2)
    assert "--output-dir" in res.stderr


def test_a_streamed_item_has_no_file(fetchd, site, out):
    res = fetchd("-O", out, stdin=[{"url": site.url(), "stream": True}])
    assert res.one["error"] == "input_invalid"
    assert "--output-dir" in res.one["errormsg"]


def test_a_directory_that_cannot_be_used_is_refused(fetchd, tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    out = tmp_path / "out.jsonl"
    out.write_text("kept\n")
    for path in (file, tmp_path / "a" / "b"):
        res = fetchd("-O", path, "-o", out, "http://a.test", exit=3,
                     quiet=False, json=False)
        assert str(path) in res.stderr
    assert out.read_text() == "kept\n"


# -- symbolic links (row 201) -----------------------------------------------

@row(201)
@pytest.mark.parametrize("more", [(), ("--overwrite",)])
def test_links_placed_in_the_directory_lead_nowhere(fetchd, site, out,
                                                    tmp_path, more):
    outside = tmp_path / "outside"
    outside.mkdir()
    target = tmp_path / "target"
    target.write_text("target")
    os.mkdir(out)
    os.symlink(target, os.path.join(out, "file"))
    os.symlink(outside, os.path.join(out, "dir"))
    os.symlink("/", os.path.join(out, "root"))
    lines = [{"url": site.url("/1"), "output": "dir/x"},
             {"url": site.url("/2"), "output": "root/tmp/fetchd-x"},
             {"url": site.url("/dir/y.html")}, {"url": site.url("/file")}]
    res = fetchd("-O", out, "--output-name", "{path}", *more, stdin=lines,
                 exit=3)
    recs = {r["seq"]: r for r in res.records}
    for i in (1, 2, 3):
        assert recs[i]["error"] == "output_conflict"
        assert "symbolic link" in recs[i]["errormsg"]
    assert recs[4]["error"] is None
    assert target.read_text() == "target"
    assert os.listdir(outside) == []
    assert not os.path.exists("/tmp/fetchd-x")


# -- crashes and full disks -------------------------------------------------

@row(202)
def test_kill_9_in_a_body_leaves_no_file_under_its_name(fetchd, origin, out):
    gate = threading.Event()

    def handler(req):
        if req.target == "/slow":
            body = b"s" * 1_000_000
            req.conn.send(response(body)[:-500_000])
            req.conn.hold(gate)
        return response(b"quick")
    o = origin(serve(handler))
    args = ["-O", out, "--output-name", "{path}"]
    run = fetchd.start(*args, o.url("/quick"), o.url("/slow"),
                       stdin=subprocess.DEVNULL)
    run.until_records(1)
    wait_for(lambda: holds(out, 65536))
    run.kill(signal.SIGKILL)
    run.proc.wait()
    gate.set()
    left = tree(out)
    assert left.pop("quick") == b"quick"
    assert len(left) == 1 and next(iter(left)).startswith(TMP + "/")
    fetchd(*args, o.url("/other"))
    assert set(tree(out)) == {"quick", "other"}
    assert TMP not in os.listdir(out)


def test_two_runs_share_a_directory(fetchd, origin, out):
    gate = threading.Event()

    def handler(req):
        if req.target == "/slow":
            req.conn.send(response(b"s" * 200_000)[:-1000])
            req.conn.hold(gate)
            return b"s" * 1000
        return response(b"quick")
    o = origin(serve(handler))
    args = ["-O", out, "--output-name", "{path}"]
    slow = fetchd.start(*args, o.url("/slow"), stdin=subprocess.DEVNULL)
    wait_for(lambda: holds(out, 65536))
    fetchd(*args, o.url("/quick"))
    gate.set()
    slow.finish(exit=0)
    assert tree(out) == {"slow": b"s" * 200_000, "quick": b"quick"}
    assert TMP not in os.listdir(out)


def test_a_stop_lets_whole_bodies_be_saved(fetchd, origin, out):
    gate = threading.Event()

    def handler(req):
        if req.target == "/slow":
            req.conn.send(response(b"s" * 200_000)[:-1000])
            req.conn.hold(gate)
        return response(b"quick")
    o = origin(serve(handler))
    run = fetchd.start("-O", out, "--output-name", "{path}", "--grace", "0",
                       o.url("/quick"), o.url("/slow"),
                       stdin=subprocess.DEVNULL, quiet=False)
    run.until_records(1)
    o.until(lambda _: "/slow" in o.targets())
    run.kill(signal.SIGINT)
    res = run.finish(exit=75)
    gate.set()
    assert tree(out) == {"quick": b"quick"}
    assert res.by(2)["error"] == "interrupted"
    assert res.by(2)["body_file"] is None


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")
def test_a_full_disk_ends_the_run_and_not_with_a_record(fetchd, origin, out):
    os.mkdir(out)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", out],
                   check=True)
    try:
        o = origin(serve(lambda r: response(b"f" * 3_000_000)))
        res = fetchd("-O", out, "--output-name", "{seq}", "-c", "2",
                     stdin=[o.url(f"/{i}") for i in range(50)], exit=3,
                     quiet=False)
        assert "No space left on device (output_no_space)" in res.stderr
        assert out in res.stderr
        assert all(r["error"] is None for r in res.records)
        files = tree(out)
        assert {r["body_file"] for r in res.records} <= set(files)
        assert all(len(v) == 3_000_000 for v in files.values())
        assert TMP not in os.listdir(out)
    finally:
        subprocess.run(["umount", out], check=True)


# -- size -------------------------------------------------------------------

def stream_of(total):
    """A script: a chunked body of so many bytes."""
    piece = b"%x\r\n" % (1 << 20) + b"m" * (1 << 20) + b"\r\n"

    def script(c):
        c.request()
        c.send(response(b"", headers=["Transfer-Encoding: chunked"],
                        length=False))
        for _ in range(total >> 20):
            c.send(piece)
        c.send(b"0\r\n\r\n")
        c.fin()
    return script


@pytest.mark.slow
@pytest.mark.skipif(not os.access(PLAIN, os.X_OK),
                    reason="needs a build without sanitizers")
def test_a_large_body_takes_the_memory_of_a_small_one(fetchd, origin, out):
    peak = {}
    for size in (1 << 20, 300 << 20):
        o = origin(stream_of(size))
        fetchd.binary = PLAIN
        res = fetchd("-O", out, "--stats", o.url(f"/{size}"), timeout=120)
        assert res.one["size_decoded"] == size, res.one
        peak[size] = res.stats["rss_peak_bytes"]
    assert peak[300 << 20] < peak[1 << 20] + (4 << 20), peak
    assert max(len(v) for v in tree(out).values()) == 300 << 20


def test_many_files_at_once(fetchd, site, out):
    n = 1500
    res = fetchd("-O", out, "--output-name", "{seq/100}/{path}{ext}",
                 "-c", "100", "--fsync", "none",
                 stdin=[site.url(f"/p{i}") for i in range(n)])
    assert len({r["body_file"] for r in res.records}) == n
    files = tree(out)
    assert len(files) == n and len(os.listdir(out)) == 16
    for r in res.records:
        assert sha256(files[r["body_file"]]) == r["sha256"]


def test_files_are_synced_if_asked(fetchd, site, out):
    res = fetchd("-O", out, "--fsync", "batch",
                 stdin=[site.url(f"/p{i}") for i in range(50)])
    assert len(tree(out)) == 50
    assert all(r["error"] is None for r in res.records)


def test_records_of_a_database_or_a_table_name_the_files(fetchd, site, out,
                                                         tmp_path):
    res = fetchd("-O", out, "--format", "csv", "--fields",
                 "seq,body_file,sha256", site.url("/1"), json=False)
    line = res.stdout.decode().splitlines()[1]
    assert line.endswith("1.html," + sha256(b"body of /1"))


def test_usr1_and_the_trace_know_of_saving(fetchd, site, out, tmp_path):
    trace = tmp_path / "trace"
    fetchd("-O", out, "--trace", trace, site.url("/1"))
    text = trace.read_text()
    assert "to=saving" in text and "from=saving to=emitting" in text


# -- with a journal ----------------------------------------------------------

def records_of(path):
    with open(path) as f:
        return [json.loads(line) for line in f]


@row(202)
@pytest.mark.parametrize("fsync", ["none", "batch", "record"])
def test_killed_runs_leave_one_file_an_item(fetchd, origin, out, tmp_path,
                                            fsync):
    """However often a run is killed: each item has one record and the file
    that it names, and there is no other file."""
    n, kills = 300, 8

    def handler(req):
        return response(body_of(req) * 200)
    o = origin(serve(handler))
    urls = fetchd.file("urls", [o.url(f"/{i % 250}") for i in range(n)])
    results = str(tmp_path / "out.jsonl")
    args = [urls, "-O", out, "--output-name", "{path}{ext}", "-o", results,
            "--resume", "--fsync", fsync, "-c", "8"]
    for i in range(kills):
        before = len(o.requests)
        run = fetchd.start(*args, stdin=subprocess.DEVNULL, quiet=False,
                           json=False)
        o.until(lambda _: len(o.requests) >= before + 10 + 7 * i
                or run.proc.poll() is not None)
        run.kill(signal.SIGKILL)
        run.proc.wait()
    fetchd(*args, quiet=False, json=False, exit=0)
    recs = records_of(results)
    assert sorted(r["seq"] for r in recs) == list(range(1, n + 1))
    files = tree(out)
    assert sorted(r["body_file"] for r in recs) == sorted(files)
    for r in recs:
        assert sha256(files[r["body_file"]]) == r["sha256"]
    assert TMP not in os.listdir(out)
