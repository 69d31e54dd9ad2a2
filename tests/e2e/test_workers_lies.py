# SPDX-License-Identifier: ISC
"""Workers that lie, that stop listening and that try the sandbox: none of it
is believed, none of it holds up the loop, none of it is done."""
import json
import os
import pty
import re

import pytest

from evil import honest, number, of, parse_errors
from harness import row
from origin import delayed, response, serve
from test_output import drain

N = 12


def around(deed, at=5):
    """N pages, of which one is not like the others."""
    return [f"/{i}/{deed}" if i == at else f"/{i}" for i in range(N)]


# -- lies ---------------------------------------------------------------------

@row(225)
@pytest.mark.parametrize("lie", """truncated endless wrong-id other-id noise
bad-json two-values bad-utf8 bad-keys no-object deep bad-error bad-error/1
bad-error/2 bad-error/6 bad-error/8 empty ready-again doc-back""".split())
def test_a_lie_costs_its_worker_and_its_own_page_only(evil, lie):
    res = evil(around(lie), workers=2)
    assert of(res, 5)["parse"]["error"] == "worker_protocol"
    honest(res, but={5})
    assert res.stats["worker_restarts"] == 2, "tried twice"
    assert res.wall < 8


@row(225)
def test_a_second_answer_to_one_page_is_nobodys(evil):
    """The first one counts, and who is next in the pipe is not given the
    other."""
    res = evil([f"/{i}/twice" if i % 3 == 0 else f"/{i}" for i in range(30)],
               workers=1)
    twice = range(0, 30, 3)
    assert {parse_errors(res)[i] for i in twice} == {None}
    assert {json.dumps(of(res, i)["extract"]) for i in twice} == \
        {'{"title": null}'}
    honest(res, but=twice)


@row(225)
def test_only_liars_fail_where_all_kinds_of_them_are_about(evil):
    lies = ["truncated", "endless", "wrong-id", "other-id", "noise",
            "bad-json", "two-values", "bad-utf8", "bad-keys", "deep", "empty",
            "doc-back"]
    bad = {5 * i: lie for i, lie in enumerate(lies)}
    res = evil([f"/{i}/{bad[i]}" if i in bad else f"/{i}" for i in range(60)],
               "--keep-order", workers=3)
    honest(res, but=bad)
    assert {parse_errors(res)[i] for i in bad} == {"worker_protocol"}
    assert [number(r) for r in res.records] == list(range(60))


@row(225)
def test_what_a_parser_says_of_a_page_it_could_not_read_is_passed_on(evil):
    res = evil(["/1/bad-error/7", "/2/bad-error/9"])
    assert parse_errors(res) == {1: "parse_failed", 2: "parse_too_large"}
    assert res.stats["worker_restarts"] == 0


# -- deaf and dumb ------------------------------------------------------------

@row(226)
@pytest.mark.parametrize("deed", ["sleep/60000", "stop-reading"])
def test_a_worker_that_stops_reading_holds_up_nobody(fetchd, evil, origin,
                                                     deed):
    """Behind it in its pipe is a page that does not fit the pipe. A slow
    transfer and 300 small ones go on meanwhile."""
    evil.plain()
    o = origin(serve(lambda r: delayed(0.05, b"\x89PNG", headers=[
        "Content-Type: image/png"])(r)))
    paths = [f"/1/{deed}", *(f"/{i}?5000000" for i in range(2, 5))]
    lines = evil.urls(paths) + [o.url(f"/{i}") for i in range(300)]
    res = fetchd(*evil.args(["-c", "20", "--worker-time", "1.5", "--body",
                             "none"], 1), stdin=lines, quiet=False)
    ours = [r for r in res.records if r["url"].startswith(evil.site.url())]
    late = [number(r) for r in ours
            if r["parse"]["error"] == "worker_timeout"]
    assert len(late) == 1 and (late == [1]) == deed.startswith("sleep")
    for r in ours:
        if number(r) not in (1, *late):
            assert r["extract"]["title"] == f"page {number(r)}"
    assert res.stats["worker_restarts"] == 1
    assert {r["parse"]["error"] for r in res.records
            if r not in ours} == {"parse_skipped"}
    last_of_others = max(i for i, r in enumerate(res.records)
                         if r not in ours)
    late_at = [i for i, r in enumerate(res.records) if r in ours
               and r["parse"]["error"] == "worker_timeout"][0]
    assert last_of_others < late_at, "300 transfers of 50 ms, 20 at a time"
    print({k: v for k, v in res.stats.items() if "lag" in k})
    assert res.stats["loop_lag_max"] < 0.2


@row(226)
def test_a_worker_that_begins_an_answer_and_stops_is_late(evil):
    res = evil(around("stall"), "--worker-time", "0.5")
    assert of(res, 5)["parse"]["error"] == "worker_timeout"
    honest(res, but={5})
    assert res.wall < 5


# -- the sandbox --------------------------------------------------------------

@row(229)
@pytest.mark.parametrize("deed", """open socket execve ptrace kill fork tgkill
mmap-exec mprotect-exec foreign""".split())
def test_what_the_sandbox_forbids_is_not_done(evil, deed):
    """fetchd does not even get the signal that would end it."""
    res = evil(around(deed))
    assert of(res, 5)["parse"]["error"] == "worker_sandbox"
    honest(res, but={5})
    assert res.stats["worker_restarts"] == 1, "tried once"


@row(229)
def test_without_sandbox_it_is_said_and_done(evil):
    """The test above would see it."""
    res = evil(around("open"), "--no-sandbox")
    assert of(res, 5)["parse"]["error"] == "worker_protocol"
    assert res.stderr.count("fetchd: workers run without a sandbox "
                            "(--no-sandbox)\n") == 1
    honest(res, but={5})


def test_nothing_is_said_of_a_sandbox_that_is_whole(evil):
    res = evil(["/1"])
    from test_sandbox import LACKS
    said = [x for x in res.stderr.splitlines() if x.startswith("fetchd: ")]
    assert len(said) == (1 if LACKS else 0), said


# -- what reaches a terminal --------------------------------------------------

NASTY = ("<!doctype html><meta charset=utf-8><title>a\x1b]0;owned\x07b\x1b[31m"
         "c\x9b2Jd\x7fe&#27;[32m&#155;2J</title><!--evil:flood-->")


def c0(text):
    return {c for c in text.decode() if ord(c) < 32 and c not in "\r\n\t"}


def c1(text):
    return {c for c in text.decode() if 127 <= ord(c) < 160}


@row(208)
def test_no_title_and_no_workers_word_moves_a_terminals_cursor(fetchd, evil,
                                                               origin):
    o = origin(serve(lambda r: response(NASTY, headers=[
        "Content-Type: text/html; charset=utf-8"])))
    (out, out_s), (err, err_s) = pty.openpty(), pty.openpty()
    run = fetchd.start(*evil.args(["-v", o.url("/1")], 1), stdout=out_s,
                       stderr=err_s, json=False, quiet=False)
    os.close(out_s)
    os.close(err_s)
    got, said = [], []
    threads = [drain(out, got), drain(err, said)]
    run.finish(exit=0)
    for t in threads:
        t.join(10)
    os.close(out)
    os.close(err)
    got, said = b"".join(got), b"".join(said)
    assert not c0(got) and not c1(got) and not c0(said) and not c1(said)
    rec = json.loads(got)
    assert "owned" in rec["extract"]["title"]
    assert rec["body"] == NASTY    # it is all there
    assert b"fetchd: worker 1: evil " in said


@row(208)
@pytest.mark.parametrize("stream", [(), ("--stream",)])
@pytest.mark.parametrize("order", [(), ("--keep-order",)])
def test_no_body_and_no_stream_moves_a_terminals_cursor(fetchd, origin, stream,
                                                        order):
    text = "data: a\x9b2Jb\x7fc\xa0\u20ac\n\n" * 400
    o = origin(serve(lambda r: response(text, headers=[
        "Content-Type: text/event-stream"])))
    out, slave = pty.openpty()
    run = fetchd.start("-j", *stream, *order, o.url("/1"), o.url("/2"),
                       stdout=slave, json=False)
    os.close(slave)
    got = []
    thread = drain(out, got)
    run.finish(exit=0)
    thread.join(10)
    os.close(out)
    got = b"".join(got)
    assert not c0(got) and not c1(got)
    lines = [json.loads(x) for x in got.splitlines()]
    for seq in 1, 2:
        mine = [x for x in lines if x["seq"] == seq]
        assert stream or mine[0]["body"] == text
        assert not stream or {x["data"] for x in mine[:-1]} == {text[6:-2][
            :text.index("\n") - 6]}


@pytest.mark.parametrize("deed", ["flood", "flood-line"])
def test_a_worker_that_talks_too_much_is_heard_in_part(evil, deed):
    """1 MiB of each of eight pages; lines say whose they are."""
    evil.plain()
    res = evil([f"/{i}/{deed}" for i in range(8)], workers=2)
    honest(res)
    lines = [x for x in res.stderr.split("\n") if x and x[0] != "{"]
    assert lines and all(re.match(
        r"fetchd: (worker \d+: |workers run without|\d+ lines were dropped)",
        x) for x in lines), lines[:5]
    assert len(res.stderr) < 4 << 20
    assert max(map(len, lines)) < 1 << 16
    assert res.stats["rss_peak_bytes"] < 40 << 20


def test_quiet_workers_are_still_heard(evil):
    """-q is about fetchd's own notes."""
    run = evil.start(["/1/flood"], "-q", workers=1)
    res = run.finish()
    assert "fetchd: worker 1: evil " in res.stderr
