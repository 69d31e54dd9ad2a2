# SPDX-License-Identifier: ISC
"""POSTs to an API with limits: none lost, few refused, as fast as it allows.

FETCHD_LONG=1 sends a thousand (20 s each) and judges rate and latency; else
200, with wide margins: the binary is a sanitizer build on a shared machine.
First the API itself is proved with Python's own client.
"""
import json
import os
import statistics
import time
import urllib.error
import urllib.request

import pytest

from api import Api, Limits

pytestmark = pytest.mark.retries

LONG = bool(os.environ.get("FETCHD_LONG"))
N = 1000 if LONG else 200
WORDS = 40


def ask(i, cost, **more):
    return {"model": "m", "messages": [{"role": "user", "content": f"q{i}"}],
            "max_tokens": cost, **more}


def post(api, body):
    req = urllib.request.Request(api.url(), json.dumps(body).encode())
    try:
        with urllib.request.urlopen(req, timeout=10) as r:
            return r.status, r.headers, r.read()
    except urllib.error.HTTPError as e:
        return e.code, e.headers, e.read()


# -- the API itself -----------------------------------------------------------

@pytest.mark.harness
def test_the_api_counts_requests_and_tokens_in_a_sliding_second():
    lim = Limits(requests=3, tokens=100, slack=0)
    assert [lim.admits(t, 10) for t in (0, 0.1, 0.2, 0.9, 1.0, 1.05, 1.1)] \
        == [True, True, True, False, True, False, True]
    lim = Limits(requests=99, tokens=100, slack=0)
    assert [lim.admits(t, c) for t, c in ((0, 60), (0.5, 50), (0.6, 40), (
        0.9, 1), (1.0, 60), (1.5, 1), (1.6, 40))] == [
        True, False, True, False, True, False, True]
    lim = Limits(requests=50, tokens=1000, slack=0.04)
    assert sum(lim.admits(0, 1) for _ in range(60)) == 52


@pytest.mark.harness
def test_the_api_answers_streams_and_refuses():
    with Api(requests=2, words=3, retry_after=7) as api:
        code, head, body = post(api, ask(1, 5))
        assert code == 200 and json.loads(body)["choices"][0]["message"][
            "content"] == "q1"
        code, head, body = post(api, ask(2, 5, stream=True))
        assert head["content-type"] == "text/event-stream"
        assert body.count(b"data: ") == 4 and body.endswith(
            b"data: [DONE]\n\n")
        code, head, body = post(api, ask(3, 5))
        assert code == 429 and head["retry-after"] == "7"
        assert post(api, "no")[0] == 400
        log = api.log()
    assert [e["status"] for e in log] == [200, 200, 429, 400]
    assert [len(e["sent"]) for e in log] == [1, 3, 0, 0]
    assert log[0]["time"] <= log[0]["sent"][0] <= log[1]["time"]
    assert Api.refused(log) == (1, 4)


# -- the work -----------------------------------------------------------------

def costs(n):
    """A fifth of dear ones, in one piece: there the tokens are the limit."""
    dear = range(2 * n // 5, 3 * n // 5)
    return [300 if i in dear else 80 + 40 * (i % 4) for i in range(n)]


def allowed(costs, requests=50, tokens=10_000):
    """How long the API makes these take, one after another."""
    lim, now = Limits(requests, tokens, 0), 0.0
    for c in costs:
        while not lim.admits(now, c):
            now = lim.recent[0][0] + 1
    return now


def lines(api, spend, **more):
    return "".join(json.dumps(dict(
        custom_id=f"r{i}", url=api.url(), cost={"tokens": c},
        body=ask(i, c, **more))) + "\n" for i, c in enumerate(spend))


def judge(log, res, spend):
    """Nothing lost, nothing twice, few refused, and no slower than asked."""
    assert res.statuses() == [200] * len(spend)
    assert {r["custom_id"] for r in res.records} == {
        f"r{i}" for i in range(len(spend))}
    done = sorted(e["said"] for e in log if e["status"] == 200)
    assert done == sorted(f"q{i}" for i in range(len(spend))), "twice"
    bad, of = Api.refused(log, after=1.0)
    at = [e["time"] for e in log if e["status"] == 200]
    took, ideal = max(at) - min(at), allowed(spend)
    print(f"{took:.2f} s, ideal {ideal:.2f} s, {bad} of {of} refused")
    assert bad <= max(0.02 * of, 0 if LONG else 6), (bad, of)
    assert took <= ideal * (1.1 if LONG else 1.6) + 0.5, (took, ideal)


def run(fetchd, api, spend, *args, **more):
    path = fetchd.file("requests", lines(api, spend, **more))
    r = fetchd.start("--rate-per-host", "50/s", "--budget",
                     "tokens=10000/s", "-c", "100", *args, path, stdin=-3)
    return r, r.finish(timeout=90)


def api_of(**how):
    """Of a busy machine the packets are not as exact as the starts."""
    return Api(slack=0 if LONG else 0.06, words=WORDS, **how)


def test_plain_answers_at_the_limits_of_an_api(fetchd):
    spend = costs(N)
    with api_of() as api:
        _, res = run(fetchd, api, spend, "--body", "json")
        log = api.log()
    judge(log, res, spend)
    for r in res.records:
        said = r["body_json"]["choices"][0]["message"]["content"]
        assert "r" + said[1:] == r["custom_id"]


def test_streams_of_tokens_at_the_limits_of_an_api(fetchd):
    spend = costs(N)
    with api_of(gap=0.01) as api:
        r, res = run(fetchd, api, spend, "--stream", stream=True)
        log = api.log()
    judge(log, res, spend)
    came = {}
    for when, line in r.stamped():
        rec = json.loads(line)
        if rec["type"] == "event":
            came.setdefault(rec["custom_id"], []).append((when, rec["data"]))
    late = []
    for e in log:
        if e["status"] != 200:
            continue
        got = came["r" + e["said"][1:]]
        assert len(got) == WORDS + 1 and got[-1][1] == "[DONE]"
        words = [json.loads(d)["choices"][0]["delta"]["content"]
                 for _, d in got[:-1]]
        assert words == [f"{e['said']}-{i} " for i in range(WORDS)]
        late.append(got[0][0] - e["sent"][0])
    print(f"first token out after {statistics.median(late) * 1e3:.2f} ms, "
          f"at most {max(late) * 1e3:.1f} ms")
    assert statistics.median(late) < (0.01 if LONG else 0.05)


def test_without_options_refusals_cost_time_and_no_item(fetchd):
    """No rate is given: the API's 429 alone slows the run down."""
    n = 60
    with Api(requests=20, retry_after=1) as api:
        path = fetchd.file("requests", lines(api, [10] * n))
        began = time.monotonic()
        res = fetchd("-c", "30", "--retry-delay", "100ms", path, timeout=60)
        log = api.log()
    assert res.statuses() == [200] * n
    assert sum(e["status"] == 200 for e in log) == n
    assert len(log) <= 3 * n and time.monotonic() - began < 30


def test_a_cost_the_api_refuses_for_ever_ends_in_time(fetchd):
    """More than its limit at once: 429 for good."""
    with Api(tokens=100, retry_after=1) as api:
        res = fetchd("--retry-max-time", "1500ms", "--retry-delay", "50ms",
                     stdin=lines(api, [10, 500]), exit=None, timeout=30)
        log = api.log()
    assert res.by(1)["status_code"] == 200
    assert res.by(2)["status_code"] == 429 and res.by(2)["error"] is None
    assert 2 <= sum(e["tokens"] == 500 for e in log) <= 6
