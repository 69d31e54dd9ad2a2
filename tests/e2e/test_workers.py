# SPDX-License-Identifier: ISC
"""Pages that break their parser cost their own result and no other, and a pool
that is slower than the network holds up new transfers and nothing else."""
import json
import os
import signal
import threading
import time

import pytest

from evil import SANITIZED, answer, honest, number, of, page, parse_errors
from frames import until
from harness import row
from origin import delayed, response, serve
from polite import says

PAGES = 5000 if os.environ.get("FETCHD_LONG") else 500


def mixed(n, deeds):
    """The paths of n pages; deeds: {number: what its parser does}."""
    return [f"/{i}/{deeds[i]}" if i in deeds else f"/{i}" for i in range(n)]


# -- time and memory ----------------------------------------------------------

@row(223)
@pytest.mark.parametrize("deed", ["loop", "sleep/60000"])
def test_a_page_without_end_is_given_up_at_worker_time(evil, deed):
    res = evil(mixed(20, {7: deed}), "--worker-time", "0.5")
    parse = of(res, 7)["parse"]
    assert parse["error"] == "worker_timeout"
    assert 0.45 <= parse["time"] <= 1.5
    honest(res, but={7})
    assert res.stats["worker_restarts"] == 1, "tried once"
    assert res.wall < 5


@row(223)
def test_the_time_of_a_page_begins_when_the_one_before_it_is_done(evil):
    """Eight of 0.3 s, one behind the other, of which none may take 1.5."""
    res = evil(mixed(8, {i: "sleep/300" for i in range(8)}),
               "--worker-time", "1.5", workers=1)
    honest(res)
    assert res.stats["worker_restarts"] == 0
    assert all(0.25 <= r["parse"]["time"] <= 1.5 for r in res.records)


@row(223)
def test_many_endless_pages_take_their_times_and_no_more(evil):
    bad = range(0, 12, 2)
    res = evil(mixed(20, {i: "loop" for i in bad}), "--worker-time", "300ms",
               workers=3)
    assert {parse_errors(res)[i] for i in bad} == {"worker_timeout"}
    honest(res, but=bad)
    assert res.stats["worker_restarts"] == 6
    assert res.wall < 4, "two rounds of 0.3 s"


@row(223)
def test_no_time_limit_is_none(evil):
    honest(evil(["/1/sleep/1200", "/2"], "--worker-time", "0", workers=1))


@row(224)
@pytest.mark.parametrize("deed", ["leak", "malloc"])
def test_a_page_that_takes_all_memory_takes_its_workers_only(evil, deed):
    evil.plain()
    res = evil(mixed(20, {7: deed}), "--worker-mem", "256M")
    assert of(res, 7)["parse"]["error"] == "worker_oom"
    honest(res, but={7})
    assert res.stats["worker_restarts"] == 2, "tried twice"
    print(f"fetchd: {res.stats['rss_peak_bytes'] >> 20} MiB at most")
    assert res.stats["rss_peak_bytes"] < 40 << 20


@row(224)
def test_a_page_larger_than_its_share_of_the_memory_is_not_parsed(evil):
    res = evil(["/1", "/2?9000000", "/3"], "--worker-mem", "64M")
    assert of(res, 2)["parse"] == {
        "error": "parse_too_large", "time": None, "worker": None}
    honest(res, but={2})


def test_what_is_no_page_is_not_parsed(fetchd, evil, origin):
    """Whatever a parser would do with it."""
    types = ["image/png", "text/plain", "application/json", "video/html"]
    o = origin(serve(lambda r: response(page("/1/crash"), headers=[
        "Content-Type: " + types[int(r.target[1:])]])))
    res = fetchd(*evil.args((), 1), stdin=[o.url(f"/{i}") for i in range(4)],
                 quiet=False)
    assert {json.dumps(r["parse"]) for r in res.records} == {
        '{"error": "parse_skipped", "time": null, "worker": null}'}


def test_an_empty_answer_is_not_parsed_and_one_without_type_may_be(
        fetchd, evil, origin):
    o = origin(serve(lambda r: response(
        page(r.target) if r.target == "/1" else b"")))
    res = fetchd(*evil.args((), 1), stdin=[o.url("/1"), o.url("/2")],
                 quiet=False)
    assert parse_errors(res) == {1: None, 2: "parse_skipped"}


# -- who pays -----------------------------------------------------------------

@pytest.mark.parametrize("deed, code", [
    ("crash", "worker_crashed"), ("abort", "worker_crashed"),
    ("check", "worker_crashed"), ("overflow", "worker_crashed"),
    ("exit/1", "worker_crashed"), ("exit/71", "worker_oom")])
def test_a_page_that_ends_its_worker_is_tried_twice(evil, deed, code):
    res = evil(mixed(10, {4: deed}))
    parse = of(res, 4)["parse"]
    assert parse["error"] == code and parse["worker"] >= 1
    honest(res, but={4})
    assert res.stats["worker_restarts"] == 2


def test_a_page_that_makes_workers_leave_is_given_up_too(evil):
    """As one does that is worn: that is no fault of the page it has not read
    yet, but not again and again."""
    res = evil(mixed(10, {4: "exit/0"}))
    assert of(res, 4)["parse"]["error"] == "worker_crashed"
    honest(res, but={4})
    assert 2 <= res.stats["worker_restarts"] <= 12


@pytest.mark.parametrize("workers", [1, 2])
def test_neighbours_of_pages_that_crash_are_not_charged(evil, workers):
    """Every second one; with one worker a good one is always in the pipe
    behind it."""
    bad = range(1, 60, 2)
    res = evil(mixed(60, {i: "crash" for i in bad}), workers=workers)
    honest(res, but=bad)
    assert {parse_errors(res)[i] for i in bad} == {"worker_crashed"}
    assert res.stats["worker_restarts"] == 2 * len(bad)


def test_a_neighbour_behind_every_kind_of_end_has_its_result(evil):
    deeds = ["crash", "loop", "noise", "exit/71", "truncated", "sleep/9999"]
    bad = {2 * i: deed for i, deed in enumerate(deeds * 2)}
    res = evil(mixed(24, bad), "--worker-time", "0.5", workers=1)
    honest(res, but=bad)
    assert None not in {parse_errors(res)[i] for i in bad}


def test_a_sanitized_worker_ends_as_any_other(evil):
    """With exit statuses and reports of its own; nothing limits its memory."""
    evil.use(worker=SANITIZED)
    bad = {1: "crash", 3: "abort", 5: "leak", 7: "loop", 9: "noise"}
    res = evil(mixed(12, bad), "--worker-time", "8")
    honest(res, but=bad)
    assert [parse_errors(res)[i] for i in bad] == [
        "worker_crashed", "worker_crashed", "worker_oom", "worker_timeout",
        "worker_protocol"]


def test_one_poison_page_in_a_hundred_costs_one_result_in_a_hundred(evil):
    took = {}
    for kind in ("good", "poisoned"):
        bad = range(50, PAGES, 100) if kind == "poisoned" else ()
        run = evil.start(mixed(PAGES, {i: "crash" for i in bad}), "-c", "50",
                         "--body", "none", close=True)
        res = run.finish(120)
        took[kind] = res.wall
        assert len(res.records) == PAGES
        honest(res, but=bad)
        assert list(parse_errors(res).values()).count("worker_crashed") \
            == len(bad)
        assert res.stats["worker_restarts"] == 2 * len(bad)
    print(f"{PAGES} pages: {took['good']:.2f} s, with one in 100 that "
          f"crashes its parser {took['poisoned']:.2f} s")
    assert took["poisoned"] < 5 * took["good"] + 5


# -- whose result it is -------------------------------------------------------

@row(232)
def test_results_that_come_out_of_order_stand_in_their_own_records(evil):
    paths = [f"/{i}/burn/{i * 37 % 60}" for i in range(40)]
    res = evil(paths, "-c", "8", workers=4)
    honest(res)
    order = [number(r) for r in res.records]
    assert sorted(order) == list(range(40)) and order != sorted(order)
    for r in res.records:
        assert f"page {number(r)}<" in r["body"]


@row(232)
def test_keep_order_holds_with_pages_that_are_late_or_break(evil):
    deeds = dict(zip(range(0, 36, 6), ["sleep/200", "crash", "sleep/90",
                                       "sleep/60000", "exit/71", "noise"]))
    res = evil(mixed(40, deeds), "--keep-order", "--worker-time", "0.6", "-c",
               "20", workers=4)
    assert [number(r) for r in res.records] == list(range(40))
    bad = [6, 18, 24, 30]
    honest(res, but=bad)
    assert None not in {parse_errors(res)[i] for i in bad}


# -- what is said of them -----------------------------------------------------

def test_stats_tell_of_workers_that_are_busy(evil):
    res = evil(mixed(12, {i: "sleep/200" for i in range(12)}), workers=3)
    honest(res)
    stats = res.stats
    assert stats["workers"] == 3 and stats["worker_restarts"] == 0
    assert 0.4 <= stats["worker_busy"] <= 1
    assert 1 <= stats["worker_queue_max"] <= 12
    assert stats["waits"]["worker_busy"]["count"] >= 1


def test_stats_tell_of_workers_that_have_nothing_to_do(fetchd, evil, origin):
    o = origin(serve(lambda r: delayed(1)(r) and answer(r)))
    res = fetchd(*evil.args([o.url("/1")], 2), quiet=False)
    honest(res)
    assert res.stats["worker_busy"] < 0.2
    assert res.stats["worker_queue_max"] <= 1


def test_without_extraction_there_are_no_workers(fetchd, control):
    res = fetchd("--stats", "--workers", "8", control.url())
    assert [res.stats[k] for k in ("workers", "worker_busy",
                                   "worker_queue_max", "worker_restarts")] \
        == [0, 0, 0, 0]


def test_usr1_says_which_pages_wait_for_a_parser(evil):
    run = evil.start(mixed(8, {i: "sleep/60000" for i in range(8)}),
                     "--worker-time", "60", "--grace", "0", workers=2)
    assert evil.site.until(lambda o: len(o.requests) == 8)
    # Two are with each worker, once both are ready; the others wait.
    until(lambda: says(run, "worker_busy", 1) and len(busy(run)) == 4)
    run.kill(signal.SIGTERM)
    run.finish(exit=75)


def busy(run):
    """Of the last dump on its stderr: the items that wait for a parser."""
    err = bytes(run._err).decode()
    dump = err[err.rindex("in flight"):].splitlines()
    items = [x.split() for x in dump if x.startswith("item ")]
    return [x for x in items if x[2] == "parsing" and "worker_busy" in x]


# -- a full pool --------------------------------------------------------------

def test_a_full_pool_holds_up_new_transfers_and_no_other(fetchd, evil, origin):
    """The worker sleeps 2 s; 16 pages and 2 for each worker may be there, and
    the 4 that were under way by then, and one or two of the same moment."""
    gate, through = threading.Event(), threading.Event()

    def handler(r):
        if r.target != "/0":
            return answer(r)
        r.conn.hold(gate)
        r.conn.send(response(b"<title>page 0</title>" + b"x" * 8_000_000,
                             headers=["Content-Type: text/html"]))
        through.set()
        return None
    o = origin(serve(handler))
    paths = ["/0"] + mixed(300, {1: "sleep/2000"})[1:]
    run = fetchd.start(*evil.args(["-c", "4", "--max-time", "1.5", "--body",
                                   "none"], 1), quiet=False)
    run.write(o.url(paths[1]) + "\n")
    assert o.until(lambda o: o.requests)
    time.sleep(0.2)
    run.write("".join(o.url(p) + "\n" for p in paths[:1] + paths[2:]))
    assert o.until(lambda o: len(o.requests) >= 18, 5)
    time.sleep(0.4)
    seen = len(o.requests)
    gate.set()
    assert through.wait(1), "what was in flight is held up too"
    assert len(o.requests) == seen <= 24
    assert says(run, "worker_busy", 1)
    res = run.finish()
    honest(res)
    assert len(res.records) == 300
    assert res.stats["waits"]["worker_busy"]["time"] > 1


def test_a_pool_that_is_slow_does_not_fill_the_memory(evil):
    evil.plain()
    n, size = 100, 1_000_000
    res = evil([f"/{i}/burn/5?{size}" for i in range(n)], "-c", "50",
               "--max-buffer", "8M", "--body", "none", workers=1, timeout=90)
    honest(res)
    print(f"{n} pages of {size} bytes: {res.stats['rss_peak_bytes'] >> 20} "
          "MiB at most")
    assert res.stats["rss_peak_bytes"] < 40_000_000


def test_transfers_go_on_while_workers_are_at_work(fetchd, evil, origin):
    """As many pages that burn a second as there are workers; beside them
    400 that are not parsed."""
    plain = origin(serve(lambda r: response(b"\x89PNG", headers=[
        "Content-Type: image/png"])))
    evil.plain()
    lines = evil.urls(["/1/burn/1000", "/2/burn/1000"]) + [
        plain.url(f"/{i}") for i in range(400)]
    res = fetchd(*evil.args(["-c", "20", "--worker-time", "60"], 2),
                 stdin=lines, quiet=False)
    first = [number(r) for r in res.records[-2:]]
    assert sorted(first) == [1, 2] and \
        res.records[-1]["url"].startswith(evil.site.url())
    assert {r["parse"]["error"] for r in res.records} == \
        {None, "parse_skipped"}
    print("loop lag:", {k: v for k, v in res.stats.items() if "lag" in k})
    assert res.stats["loop_lag_p99"] < 0.1
