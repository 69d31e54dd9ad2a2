# SPDX-License-Identifier: ISC
"""--follow: an input that goes on after its end."""
import os
import signal
import subprocess
import threading
import time

import pytest

from harness import row
from origin import response, serve


@pytest.fixture
def fifo(tmp_path):
    path = tmp_path / "q"
    os.mkfifo(path)
    return path


def follow(fetchd, *args, **how):
    how.setdefault("stdin", subprocess.DEVNULL)
    return fetchd.start("--follow", *args, **how)


def end(run, exit=0, **how):
    run.proc.send_signal(signal.SIGTERM)
    return run.finish(exit=exit, quiet=False, **how)


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def cpu(pid):
    with open(f"/proc/{pid}/stat") as f:
        words = f.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("how", ["operand", "-i", "stdin"])
def test_a_fifo_is_a_queue_for_many_writers(fetchd, origin, fifo, how):
    o = origin()
    if how == "stdin":
        fd = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        run = follow(fetchd, stdin=fd)
        os.close(fd)
    else:
        run = follow(fetchd, *(["-i"] if how == "-i" else []), fifo)
    for i in range(5):
        write(fifo, o.url(f"/{i}") + "\n")
        assert run.until_records(i + 1)
    both = [open(fifo, "w"), open(fifo, "w")]
    for i, f in enumerate(both):
        f.write(o.url(f"/both{i}") + "\n")
        f.flush()
        assert run.until_records(6 + i)
        f.close()
    res = end(run)
    assert res.statuses() == [200] * 7
    assert [r["seq"] for r in res.records] == list(range(1, 8))
    assert o.targets() == [f"/{i}" for i in range(5)] + ["/both0", "/both1"]


def test_a_writers_last_line_needs_no_newline(fetchd, origin, fifo):
    """It is not joined with the first one of the next writer, either."""
    o = origin()
    run = follow(fetchd, fifo)
    for i in range(3):
        write(fifo, o.url(f"/{i}"))
        assert run.until_records(i + 1)
    end(run)
    assert o.targets() == ["/0", "/1", "/2"]


def test_a_line_too_long_ends_with_its_writer(fetchd, origin, fifo):
    o = origin()
    run = follow(fetchd, fifo)
    write(fifo, "x" * 2_000_000)
    assert run.until_records(1)
    time.sleep(0.5)     # a writer that came before the end was seen goes on
    write(fifo, o.url() + "\n")
    assert run.until_records(2)
    assert end(run, exit=4).by(2)["status_code"] == 200


def test_no_line_of_hasty_writers_is_lost(fetchd, origin, fifo):
    o = origin()
    run = follow(fetchd, "--body", "none", fifo)
    n, writers = 60, 4

    def write_some(w):
        for i in range(n):
            with open(fifo, "w") as f:
                f.write(o.url(f"/{w}-{i}") + "\n")
    threads = [threading.Thread(target=write_some, args=(w,))
               for w in range(writers)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
        assert not t.is_alive()
    assert run.until_records(n * writers, 30)
    end(run)
    assert sorted(o.targets()) == sorted(
        f"/{w}-{i}" for w in range(writers) for i in range(n))


@pytest.mark.parametrize("how", ["operand", "stdin"])
def test_what_is_appended_to_a_file_is_fetched(fetchd, origin, tmp_path, how):
    o = origin()
    path = tmp_path / "list"
    path.write_text(o.url("/0") + "\n")
    if how == "stdin":
        with open(path) as f:
            run = follow(fetchd, stdin=f)
    else:
        run = follow(fetchd, path)
    assert run.until_records(1)
    for i in range(1, 4):
        with open(path, "a") as f:
            f.write(o.url(f"/{i}") + "\n")
        assert run.until_records(i + 1, 5)
    end(run)
    assert o.targets() == [f"/{i}" for i in range(4)]


def test_half_a_line_of_a_file_waits_for_its_end(fetchd, origin, tmp_path):
    o = origin()
    path = tmp_path / "list"
    path.write_text(o.url("/0") + "\n" + o.url("/ha"))
    run = follow(fetchd, path)
    assert run.until_records(1)
    time.sleep(0.3)
    with open(path, "a") as f:
        f.write("lf\n" + o.url("/left"))
    assert run.until_records(2, 5)
    end(run, exit=75)     # the last line has no end yet: it is left
    assert o.targets() == ["/0", "/half"]


def test_only_the_last_input_is_followed(fetchd, origin, tmp_path, fifo):
    o = origin()
    path = tmp_path / "list"
    path.write_text(o.url("/0") + "\n")
    run = follow(fetchd, "-c", "1", path, fifo)
    write(fifo, o.url("/1") + "\n")
    assert run.until_records(2)
    with open(path, "a") as f:
        f.write(o.url("/never") + "\n")
    write(fifo, o.url("/2") + "\n")
    assert run.until_records(3)
    end(run)
    assert o.targets() == ["/0", "/1", "/2"]
    res = fetchd("--follow", fifo, o.url(), exit=2)
    assert "--follow" in res.stderr


def test_a_pipe_without_a_name_ends_with_its_writer(fetchd, origin):
    o = origin()
    res = fetchd("--follow", stdin=[o.url()], timeout=20)
    assert res.statuses() == [200] and res.exit == 0


def test_a_limit_ends_what_is_followed(fetchd, origin, fifo):
    o = origin()
    run = follow(fetchd, "--limit", "2", fifo)
    write(fifo, "".join(o.url(f"/{i}") + "\n" for i in range(3)))
    res = run.finish()
    assert res.statuses() == [200, 200]


@pytest.mark.parametrize("kind", ["fifo", "file"])
def test_waiting_for_more_takes_no_cpu_time(fetchd, origin, tmp_path, fifo,
                                            kind):
    o = origin()
    path = fifo if kind == "fifo" else tmp_path / "list"
    if kind == "file":
        path.write_text(o.url() + "\n")
    run = follow(fetchd, path)
    if kind == "fifo":
        write(path, o.url() + "\n")
    assert run.until_records(1)
    time.sleep(0.3)
    before = cpu(run.proc.pid)
    time.sleep(2)
    assert cpu(run.proc.pid) - before < 0.1
    end(run)


def test_items_left_at_the_end_are_exit_75(fetchd, origin, fifo):
    gate = threading.Event()

    def handler(req):
        req.conn.hold(gate)
        return response()
    o = origin(serve(handler))
    run = follow(fetchd, "-c", "1", fifo)
    write(fifo, "".join(o.url(f"/{i}") + "\n" for i in range(1000)))
    assert o.until(lambda o: len(o.requests) >= 1)
    run.proc.send_signal(signal.SIGTERM)
    gate.set()
    res = run.finish(exit=75)
    assert len(res.records) < 100


@row(189)
def test_a_followed_file_that_is_truncated_ends_with_a_message(fetchd, origin,
                                                               tmp_path):
    o = origin()
    path = tmp_path / "list"
    path.write_text(o.url("/0") + "\n" + o.url("/1") + "\n")
    run = follow(fetchd, path)
    assert run.until_records(2)
    os.truncate(path, 3)
    res = run.finish(exit=3, quiet=False)
    assert str(path) in res.stderr and "truncated" in res.stderr


@row(189)
@pytest.mark.parametrize("used", [False, True])
def test_a_fifo_that_is_removed_while_it_waits_ends(fetchd, origin, fifo,
                                                    used):
    """No writer can come any more; one that is there still may write."""
    o = origin()
    run = follow(fetchd, fifo)
    if used:
        write(fifo, o.url("/0") + "\n")
        assert run.until_records(1)
    with open(fifo, "w") as f:
        os.unlink(fifo)
        time.sleep(1.2)
        f.write(o.url("/1") + "\n")
    res = run.finish(timeout=20)
    assert o.targets() == (["/0", "/1"] if used else ["/1"])
    assert res.stderr == ""


@row(189)
@pytest.mark.parametrize("used", [False, True])
def test_a_fifo_without_writers_that_is_removed_ends(fetchd, origin, fifo,
                                                     used):
    o = origin()
    run = follow(fetchd, fifo)
    if used:
        write(fifo, o.url("/0") + "\n")
        assert run.until_records(1)
    time.sleep(0.3)
    os.unlink(fifo)
    assert run.finish(timeout=20).stderr == ""


@row(189)
@pytest.mark.parametrize("kind", ["file", "fifo"])
def test_a_followed_input_that_is_removed_is_read_to_its_end(
        fetchd, origin, tmp_path, fifo, kind):
    o = origin()
    path = fifo if kind == "fifo" else tmp_path / "list"
    if kind == "file":
        path.write_text(o.url("/0") + "\n")
    run = follow(fetchd, path)
    f = open(path, "a")
    if kind == "fifo":
        f.write(o.url("/0") + "\n")
        f.flush()
    assert run.until_records(1)
    f.write(o.url("/1") + "\n" + o.url("/2"))
    f.flush()
    os.rename(fetchd.file("new", "http://h.test/\n"), path)
    f.close()
    res = run.finish(timeout=20)
    assert res.statuses() == [200] * 3
    assert sorted(o.targets()) == ["/0", "/1", "/2"]
