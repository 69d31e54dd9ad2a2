# SPDX-License-Identifier: ISC
"""--resume: what a run knew of its items and origins when it was killed."""
import json
import signal
import time

import pytest

from origin import response, serve

WAIT = 2.5      # longer than the journal's periods


def records(path):
    return {r["seq"]: r for r in map(json.loads, path.read_text().splitlines())}


def write_lines(path, items):
    path.write_text("".join(
        (i if isinstance(i, str) else json.dumps(i)) + "\n" for i in items))
    return path


def kill_when(run, condition, *, then=0.0):
    """kill -9 once the condition holds; the run's own check does not apply."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end and run.proc.poll() is None
        time.sleep(0.01)
    time.sleep(then)
    run.kill(signal.SIGKILL)
    run.proc.wait(10)


@pytest.mark.retries
def test_an_origin_that_asked_for_time_is_not_asked_at_once(
        fetchd, origin, control, tmp_path):
    o = origin(serve(lambda r: response(
        status="429 x", headers=["Retry-After: 300"])))
    urls = write_lines(tmp_path / "urls", [o.url(f"/{i}") for i in range(30)] +
                       [control.url(f"/{i}") for i in range(5)])
    args = (urls, "-o", tmp_path / "out.jsonl", "--resume",
            "--max-per-host", "2")
    kill_when(fetchd.start(*args, quiet=False), lambda: len(o.requests) >= 2,
              then=WAIT)
    before = len(o.requests)
    run = fetchd.start(*args, quiet=False)
    time.sleep(1.5)
    run.kill(signal.SIGUSR1)
    assert run.until(lambda _, err: b"retry_after" in err)
    run.kill(signal.SIGINT)
    assert run.proc.wait(20) == 75
    assert len(o.requests) == before == 2
    assert sorted(records(tmp_path / "out.jsonl")) == list(range(31, 36))


@pytest.mark.retries
def test_attempts_and_back_off_go_on(fetchd, origin, tmp_path):
    arrived = []

    def answer(req):
        arrived.append(time.time())
        return response(status="500 x")
    o = origin(serve(answer))
    urls = write_lines(tmp_path / "urls", [o.url("/a")])
    args = (urls, "-o", tmp_path / "out.jsonl", "--resume", "--retry", "2",
            "--retry-delay", "5")
    kill_when(fetchd.start(*args, quiet=False), lambda: arrived, then=1.5)
    fetchd(*args, exit=0, timeout=60)
    rec, = records(tmp_path / "out.jsonl").values()
    assert rec["num_attempts"] == 3 and len(arrived) == 3
    # The delay before the second one is 2.5 s at least.
    assert arrived[1] - arrived[0] >= 2.4


def test_a_budget_is_not_spent_twice(fetchd, origin, tmp_path):
    o = origin()
    urls = write_lines(tmp_path / "urls", [
        dict(url=o.url(f"/{i}"), cost=dict(calls=1)) for i in range(20)])
    args = (urls, "-o", tmp_path / "out.jsonl", "--resume", "--budget",
            "calls=6/h", "-c", "1", "--rate", "2")
    kill_when(fetchd.start(*args, quiet=False), lambda: len(o.requests) >= 4,
              then=0.1)
    first = len(o.requests)
    run = fetchd.start(*args, quiet=False)
    # What was started within the last second before the kill may count anew.
    assert o.until(lambda o: len(o.requests) >= 6)
    time.sleep(2)
    run.kill(signal.SIGINT)
    assert run.proc.wait(20) == 75
    assert first < 6 and len(o.requests) <= 6 + 3


@pytest.mark.parametrize("again", [False, True])
def test_a_post_in_flight_at_a_kill_is_not_sent_twice(
        fetchd, origin, tmp_path, again):
    def script(c):
        while (r := c.request()) is not None:
            if r.method == "POST" and len(o.requests) <= 4:
                c.stay()
            c.answered()
            c.send(response(b"ok"))
    o = origin(script)
    urls = write_lines(tmp_path / "urls", [
        dict(url=o.url(f"/{i}"), method="POST", body="x") for i in range(4)])
    args = (urls, "-o", tmp_path / "out.jsonl", "--resume",
            *(["--retry-post"] if again else []))
    kill_when(fetchd.start(*args, quiet=False), lambda: len(o.requests) == 4)
    fetchd(*args, exit=0 if again else 75, quiet=False)
    got = records(tmp_path / "out.jsonl")
    assert sorted(got) == [1, 2, 3, 4]
    if again:
        assert len(o.requests) == 8
        assert {r["error"] for r in got.values()} == {None}
        return
    assert len(o.requests) == 4
    for rec in got.values():
        assert rec["error"] == "interrupted" and rec["error_phase"] == "send"
        assert rec["num_attempts"] == 1
        assert "may have been sent" in rec["errormsg"]
        assert "--retry-post" in rec["errormsg"]


@pytest.mark.parametrize("order", [False, True])
def test_at_a_stop_what_can_be_asked_again_gets_no_record(
        fetchd, origin, tmp_path, order):
    """GETs in flight are asked again by the next run, POSTs are not."""
    slow = {"on": True}

    def script(c):
        while (r := c.request()) is not None:
            if slow["on"] and r.target.startswith("/slow"):
                c.stay()
            c.answered()
            c.send(response(b"ok"))
    o = origin(script)
    urls = write_lines(tmp_path / "urls", [
        o.url("/fast/1"), o.url("/slow/2"),
        dict(url=o.url("/slow/3"), method="POST", body="x"), o.url("/fast/4")])
    args = (urls, "-o", tmp_path / "out.jsonl", "--resume", "--grace", "0",
            *(["--keep-order"] if order else []))
    run = fetchd.start(*args, quiet=False)
    assert o.until(lambda o: len(o.requests) == 4)
    time.sleep(0.3)
    run.kill(signal.SIGINT)
    assert run.proc.wait(20) == 75
    got = records(tmp_path / "out.jsonl")
    assert sorted(got) == ([1] if order else [1, 3, 4])
    slow["on"] = False
    fetchd(*args, exit=75, quiet=False)     # 3 was interrupted
    lines = [json.loads(x) for x in
             (tmp_path / "out.jsonl").read_text().splitlines()]
    assert sorted(r["seq"] for r in lines) == [1, 2, 3, 4]
    if order:
        assert [r["seq"] for r in lines] == [1, 2, 3, 4]
    assert {r["seq"]: r["error"] for r in lines} == {
        1: None, 2: None, 3: "interrupted", 4: None}
    assert [r.target for r in o.requests].count("/slow/2") == 2
    assert [r.target for r in o.requests].count("/slow/3") == 1
