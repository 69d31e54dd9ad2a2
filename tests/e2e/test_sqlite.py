# SPDX-License-Identifier: ISC
"""-o results.db: the records as rows, complete after whatever happens, and
readable while the run goes on."""
import base64
import json
import os
import re
import signal
import sqlite3
import stat
import subprocess
import threading
import time

import pytest

from harness import row
from origin import response, serve

QUERIES = os.path.join(os.path.dirname(__file__), "../../docs/queries.md")
# What differs from run to run.
VARYING = re.compile(r"time_|timestamp|remote_port|conn_|parse$")


def connect(path):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    db.row_factory = sqlite3.Row
    return db


def rows(path, sql="SELECT * FROM results ORDER BY seq"):
    db = connect(path)
    try:
        return [dict(r) for r in db.execute(sql)]
    finally:
        db.close()


def one(path, sql):
    return list(rows(path, sql)[0].values())[0]


def as_row(rec):
    """The row that a record becomes, by docs/queries.md."""
    got = {}
    for key, value in rec.items():
        if key in ("meta", "body_json") or isinstance(value, (dict, list)):
            value = json.dumps(value)
        if key == "body_base64":
            key, value = "body", base64.b64decode(value)
        if key != "type":
            got[key] = int(value) if isinstance(value, bool) else value
    return got


def same_json(a, b):
    try:
        return json.loads(a) == json.loads(b)
    except (TypeError, ValueError):
        return False


def what_was_tried(attempts):
    return [(a["attempt"], a["url"], a["status_code"], a["error"])
            for a in json.loads(attempts)]


PAGE = (b"<title>T</title><a href=/x>l</a>", "text/html")
BODIES = {
    "/page": PAGE,
    "/bin": (b"\xff\0\x01", "application/octet-stream"),
    "/json": (b'{"a": [1, "\\ud83d\\ude00"], "b": null}', "application/json"),
    "/empty": (b"", "text/plain"),
    "/text": ("quote \" slash \\ tab \t é \u2028".encode(), "text/plain"),
    "/nul": (b"a\0b", "text/plain"),
}


def answer(req):
    if req.target == "/moved":
        return response(status="302 Found", headers=["Location: /page"])
    if req.target == "/gone":
        return None
    body, kind = BODIES.get(req.target, (req.target.encode(), "text/plain"))
    return response(body, headers=[f"Content-Type: {kind}", "Server: s",
                                   "X-Two: 1", "X-Two: 2"])


def items(o):
    return [o.url(p) for p in ("/moved", "/gone", *BODIES)] + [
        "ftp://no/", "{", dict(url=o.url("/i"), id="i\u00e9"),
        dict(url=o.url("/n"), id=12, meta={"m": [1]}),
        dict(url=o.url("/c"), custom_id=1.5, meta="x"),
        dict(url=o.url("/b"), id=12345678901234567890, meta=None)]


@pytest.mark.parametrize("options", [
    [], ["--include-headers", "--include-attempts", "--body", "json"],
    ["--extract", "title,links", "--body", "none"], ["--body", "base64"],
    ["--fields", "url,status_code,body,id"], ["--only-failed"]])
def test_the_columns_are_the_keys_of_the_record(fetchd, origin, tmp_path,
                                                options):
    o = origin(serve(answer))
    args = ["-c", "1", "--keep-order", *options]
    lines = fetchd(*args, "-j", stdin=items(o), exit=None)
    res = fetchd(*args, "-o", tmp_path / "r.db", stdin=items(o), exit=None)
    assert res.exit == lines.exit and res.stdout == b""
    got = rows(tmp_path / "r.db")
    records = lines.records
    if "--fields" in options:       # seq is always there
        for i, rec in enumerate(records):
            rec["seq"] = i + 1
    assert len(got) == len(records) > 0
    for r, rec in zip(got, records):
        want = as_row(rec)
        assert set(want) <= set(r)
        for key, value in r.items():
            there = want.get(key)
            if VARYING.match(key):
                assert (value is None) == (there is None), key
            elif key in ("id", "custom_id") and isinstance(there, float):
                assert float(value) == there
            elif key == "id" and isinstance(there, int) and there >= 2**63:
                assert value == str(there)
            elif key == "attempts" and there is not None:
                assert what_was_tried(value) == what_was_tried(there)
            elif isinstance(there, str) and same_json(value, there):
                pass
            else:
                assert value == there and type(value) is type(there), key


def test_types_are_those_of_the_keys(fetchd, origin, tmp_path):
    o = origin(serve(answer))
    fetchd("-o", tmp_path / "r.db", o.url("/page"))
    got = rows(tmp_path / "r.db")[0]
    assert isinstance(got["time_total"], float)
    assert isinstance(got["status_code"], int) and got["complete"] == 1
    db = connect(tmp_path / "r.db")
    kinds = {r["name"]: r["type"]
             for r in db.execute("PRAGMA table_info(results)")}
    db.close()
    assert kinds["seq"] == "INTEGER" and kinds["time_total"] == "REAL"
    assert kinds["url"] == "TEXT" and kinds["id"] == ""
    # Keys of options that were not given are columns, too.
    assert {"header", "attempts", "extract", "body_json"} <= set(kinds)


@pytest.mark.parametrize("name", ["r.sqlite", "r.sqlite3", "sqlite:r.data",
                                  "sqlite:odd ?#%:name"])
def test_a_name_or_a_prefix_makes_it_a_database(fetchd, origin, tmp_path,
                                                name):
    o = origin(serve(answer))
    fetchd("-o", name, o.url("/page"), cwd=tmp_path)
    path = tmp_path / name.removeprefix("sqlite:")
    copy = tmp_path / "copy"
    os.rename(path, copy)           # URIs need no such names
    assert one(copy, "SELECT count(*) FROM results") == 1


def test_the_mode_of_the_file_is_that_of_any_output(fetchd, origin, tmp_path):
    o = origin(serve(answer))
    old = os.umask(0o027)
    try:
        fetchd("-o", tmp_path / "r.db", o.url("/page"))
    finally:
        os.umask(old)
    assert stat.S_IMODE(os.stat(tmp_path / "r.db").st_mode) == 0o640


def test_a_database_with_results_is_never_replaced_unasked(fetchd, origin,
                                                           tmp_path):
    o = origin(serve(answer))
    path = tmp_path / "r.db"
    fetchd("-o", path, o.url("/page"))
    before = path.read_bytes()
    res = fetchd("-o", path, o.url("/text"), exit=3)
    for option in ("--append", "--overwrite", "--resume"):
        assert option in res.stderr
    assert path.read_bytes() == before and len(o.requests) == 1
    fetchd("-o", path, "--append", o.url("/text"), o.url("/empty"))
    assert [(r["seq"], r["url"]) for r in rows(path)] == [
        (1, o.url("/page")), (2, o.url("/text")), (3, o.url("/empty"))]
    fetchd("-o", path, "--overwrite", o.url("/nul"))
    assert [(r["seq"], r["url"]) for r in rows(path)] == [(1, o.url("/nul"))]


def test_a_mistake_leaves_the_old_rows(fetchd, origin, tmp_path):
    o = origin(serve(answer))
    path = tmp_path / "r.db"
    fetchd("-o", path, o.url("/page"))
    for wrong in (["--trace", "/nonexistent/t"],
                  ["--failed-input", "/nonexistent/f"], ["-i", "/none"]):
        fetchd("-o", path, "--overwrite", o.url("/text"), *wrong, exit=3)
    assert [r["url"] for r in rows(path)] == [o.url("/page")]


def test_what_is_no_database_is_left_as_it_is(fetchd, origin, tmp_path):
    path = tmp_path / "r.db"
    path.write_bytes(b"not a database " * 100)
    for mode in ([], ["--append"], ["--overwrite"]):
        res = fetchd("-o", path, *mode, origin().url(), exit=3)
        assert "not an SQLite database" in res.stderr
    assert path.read_bytes() == b"not a database " * 100


def test_a_newer_schema_is_refused_untouched(fetchd, origin, tmp_path):
    o = origin(serve(answer))
    path = tmp_path / "r.db"
    fetchd("-o", path, o.url("/page"))
    db = sqlite3.connect(path)
    db.execute("UPDATE fetchd SET value = 99 WHERE key = 'schema'")
    db.commit()
    db.close()
    res = fetchd("-o", path, "--overwrite", o.url("/page"), exit=3)
    assert "schema is version 99" in res.stderr and "newer" in res.stderr
    assert one(path, "SELECT count(*) FROM results") == 1


def test_a_line_that_asks_for_a_stream_is_invalid(fetchd, origin, tmp_path):
    o = origin(serve(answer))
    fetchd("-o", tmp_path / "r.db", exit=4,
           stdin=[dict(url=o.url("/page"), stream=True), o.url("/text")])
    assert [r["error"] for r in rows(tmp_path / "r.db")] == [
        "input_invalid", None]


def hundred(o, n=100):
    return [o.url(f"/{i}") for i in range(n)]


@row(203)
def test_a_second_run_on_one_database_is_refused(fetchd, origin, tmp_path):
    gate = threading.Event()

    def handler(req):
        req.conn.hold(gate)
        return response()
    o = origin(serve(handler))
    path = tmp_path / "r.db"
    run = fetchd.start("-o", path, o.url())
    assert o.until(lambda o: o.requests)
    for mode in ([], ["--append"], ["--overwrite"]):
        res = fetchd("-o", path, *mode, o.url(), exit=3)
        assert "another fetchd is writing to it" in res.stderr
    gate.set()
    run.finish(exit=0)
    assert one(path, "SELECT count(*) FROM results") == 1


def wait_for(condition, timeout=20):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "in vain"
        time.sleep(0.02)


def test_rows_can_be_read_during_the_run(fetchd, origin, tmp_path):
    """Within about a second, in a transaction that stays open, and without
    delay for the run."""
    gate = threading.Event()

    def handler(req):
        if req.target == "/last":
            req.conn.hold(gate)
        return response(req.target.encode())
    o = origin(serve(handler))
    path = tmp_path / "r.db"
    run = fetchd.start("-o", path)
    run.write("".join(u + "\n" for u in hundred(o, 10)))
    assert o.until(lambda o: len(o.requests) == 10)
    begun = time.monotonic()
    wait_for(lambda: one(path, "SELECT count(*) FROM results") == 10)
    assert time.monotonic() - begun < 5
    db = connect(path)
    db.execute("BEGIN")
    assert db.execute("SELECT count(*) FROM results").fetchone()[0] == 10
    run.write("".join(u + "\n" for u in hundred(o, 500)) + o.url("/last\n"))
    wait_for(lambda: one(path, "SELECT count(*) FROM results") == 510)
    # The open transaction still sees what it saw.
    assert db.execute("SELECT count(*) FROM results").fetchone()[0] == 10
    gate.set()
    run.finish(exit=0)
    db.close()
    assert one(path, "SELECT count(*) FROM results") == 511


def test_another_writer_is_waited_for(fetchd, origin, tmp_path):
    """A lock of somebody else pauses the run at most: nothing is lost, and
    what waits in memory is bounded."""
    body = b"x" * 100000
    gate = threading.Event()

    def handler(req):
        if req.target == "/first":
            req.conn.hold(gate)
        return response(body)
    o = origin(serve(handler))
    path = tmp_path / "r.db"
    run = fetchd.start("-c", "4", "-o", path, "-i",
                       fetchd.file("urls", [o.url("/first"),
                                            *hundred(o, 100)]))
    wait_for(lambda: path.exists() and one(
        path, "SELECT count(*) FROM sqlite_schema") > 0)
    db = sqlite3.connect(path, isolation_level=None, timeout=20)
    db.execute("CREATE TABLE mine(x)")
    db.execute("BEGIN IMMEDIATE")
    seen = db.execute("SELECT count(*) FROM results").fetchone()[0]
    gate.set()
    # One batch waits for the lock, another is collected up to 1 MiB: then
    # nothing starts any more.
    time.sleep(2)
    assert len(o.requests) < seen + 60
    db.execute("COMMIT")
    run.finish(exit=0)
    db.close()
    assert one(path, "SELECT count(*) FROM results") == 101


def test_a_second_signal_does_not_wait_for_a_lock(fetchd, origin, tmp_path):
    o = origin(serve(answer))
    path = tmp_path / "r.db"
    run = fetchd.start("-o", path, "--grace", "100ms")
    run.write(o.url("/page\n"))
    wait_for(lambda: path.exists() and one(
        path, "SELECT count(*) FROM sqlite_schema") > 0)
    wait_for(lambda: one(path, "SELECT count(*) FROM results") == 1)
    db = sqlite3.connect(path, isolation_level=None, timeout=20)
    db.execute("BEGIN IMMEDIATE")
    run.write(o.url("/text\n"))
    assert o.until(lambda o: len(o.requests) == 2)
    run.kill(signal.SIGTERM)
    assert run.until(lambda out, err: err)
    begun = time.monotonic()
    run.kill(signal.SIGTERM)
    run.finish(exit=143)
    assert time.monotonic() - begun < 5
    db.close()
    assert [r["url"] for r in rows(path)] == [o.url("/page")]


def test_a_large_record_is_a_row(fetchd, origin, tmp_path):
    """Larger than what the output's buffer takes."""
    big = bytes(range(256)) * 20000
    o = origin(serve(lambda req: response(
        big if req.target == "/bin" else b"t" * 9_000_000)))
    fetchd("-o", tmp_path / "r.db", o.url("/bin"), o.url("/text"), o.url("/b"))
    got = {r["url"]: r["body"] for r in rows(tmp_path / "r.db")}
    assert got[o.url("/bin")] == big
    assert got[o.url("/text")] == got[o.url("/b")] == "t" * 9_000_000


def whole_rows(path):
    """Every row is complete, and the database is sound."""
    assert one(path, "PRAGMA integrity_check") == "ok"
    for r in rows(path):
        assert len(r["body"]) == r["size_decoded"] > 0
        assert json.loads(r["header"]) and r["complete"] == 1
        assert r["url"].endswith(r["body"].strip())
    return one(path, "SELECT count(*) FROM results")


@pytest.mark.slow
def test_kill_9_leaves_whole_rows(fetchd, origin, tmp_path):
    o = origin(serve(lambda req: response(
        req.target.encode() + b" " * 3000)))
    urls = fetchd.file("urls", hundred(o, 3000))
    counts = []
    for i in range(12):
        path = tmp_path / f"{i}.db"
        run = fetchd.start("-c", "20", "--include-headers", "-o", path, urls,
                           "--fsync", ["none", "batch", "record"][i % 3])
        wanted = 25 * i
        assert o.until(lambda o: len(o.requests) >= wanted)
        run.kill(signal.SIGKILL)
        run.proc.wait()
        o.requests.clear()
        if path.exists() and one(
                path, "SELECT count(*) FROM sqlite_schema") > 0:
            counts.append(whole_rows(path))
    assert any(counts)


def test_a_signal_ends_the_run_with_all_rows_that_are_done(fetchd, origin,
                                                           tmp_path):
    gate = threading.Event()

    def handler(req):
        if req.target == "/held":
            req.conn.hold(gate)
        return response(req.target.encode())
    o = origin(serve(handler))
    path = tmp_path / "r.db"
    run = fetchd.start("-o", path, "--grace", "100ms")
    run.write("".join(u + "\n" for u in [o.url("/held"), *hundred(o, 20)]))
    assert o.until(lambda o: len(o.requests) == 21)
    wait_for(lambda: one(path, "SELECT count(*) FROM results") == 20)
    run.kill(signal.SIGTERM)
    run.finish(exit=75)
    gate.set()
    got = rows(path)
    assert len(got) == 21
    assert [r["error"] for r in got if r["error"]] == ["interrupted"]


def test_a_full_disk_ends_the_run_with_what_was_committed(fetchd, origin,
                                                          tmp_path):
    if os.getuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    o = origin(serve(lambda req: response(
        req.target.encode() + b"x" * 20000)))
    small, out = tmp_path / "small", tmp_path / "out"
    small.mkdir()
    out.mkdir()
    script = (f"mount -t tmpfs -o size=2m small '{small}' || exit 99; "
              f"\"$@\"; status=$?; cp '{small}'/* '{out}'; exit $status")
    res = fetchd("-c", "10", "-o", small / "r.db",
                 stdin=[*hundred(o, 1000)], exit=3, json=False,
                 wrap=["unshare", "--mount", "--propagation", "private", "sh",
                       "-c", script, "sh"])
    if res.exit == 99:
        pytest.skip("no mount namespaces here")
    assert "(output_no_space)" in res.stderr and "r.db" in res.stderr
    assert one(out / "r.db", "PRAGMA integrity_check") == "ok"
    got = rows(out / "r.db")
    assert 0 < len(got) < 1000 and len(o.requests) < 1000
    assert all(r["size_decoded"] == len(r["body"]) for r in got)


def test_items_that_failed_go_to_failed_input_too(fetchd, origin, tmp_path):
    o = origin(serve(answer))
    again = tmp_path / "again"
    fetchd("-o", tmp_path / "r.db", "--failed-input", again, "--retry", "0",
           stdin=["http://127.0.0.1:1/x", o.url("/page")], exit=4)
    assert again.read_text() == "http://127.0.0.1:1/x\n"
    assert one(tmp_path / "r.db", "SELECT count(*) FROM results") == 2


# ---- the documented queries ----

def documented():
    with open(QUERIES) as f:
        return re.findall(r"^```sql\n(.*?)^```", f.read(), re.M | re.S)


def test_ten_queries_are_documented():
    assert len(documented()) == 10


@pytest.fixture
def sample(fetchd, origin, tmp_path):
    o = origin(serve(answer))
    fetchd("-o", tmp_path / "r.db", "--include-headers", "--extract",
           "title,links", "--retry", "0", "--ttfb-timeout", "10s",
           stdin=items(o), exit=None)
    db = sqlite3.connect(tmp_path / "r.db")
    db.execute("UPDATE results SET error = 'timeout_ttfb' "
               "WHERE error = 'connection_closed' OR url LIKE '%/gone'")
    db.commit()
    yield db
    db.close()


@pytest.mark.parametrize("number", range(10))
def test_a_documented_query_runs_as_it_is(sample, number):
    query = documented()[number]
    found = sample.execute(query).fetchall()
    assert found, query
    if "AS host" in query:
        assert found[0][0].startswith("127.0.0.1:") or found[0][0]
    if "extract->>" in query:
        assert {r[1] for r in found} == {"T"}
    if "json_each" in query:
        assert all(r[1].endswith("/x") for r in found)
    if "server" in query:
        assert {r[1] for r in found} == {"s"}
    if "num_redirects" in query:
        assert [r[2] for r in found] == [1]
    if "p99" in query:
        assert found[0][1] >= found[0][0] > 0


def test_the_man_page_has_the_same_queries():
    with open(os.path.join(os.path.dirname(QUERIES), "fetchd.1.in")) as f:
        page = f.read()
    page = page.replace("\\-", "-").replace("\\(dq", '"').replace("\\e", "\\")
    page = re.sub(r"\s+", " ", page)
    for query in documented():
        assert re.sub(r"\s+", " ", query).strip() in page, query
