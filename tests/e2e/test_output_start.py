# SPDX-License-Identifier: ISC
"""-o is opened for writing only when nothing else can be wrong any more: a
mistake leaves the old file as it was."""
import os
import signal
import tempfile
import threading

import pytest

from origin import response, serve

OLD = "what was there before\n"


@pytest.fixture
def out(tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_text(OLD)
    return path


def mistakes(tmp_path):
    """Arguments that are wrong, each with its exit status."""
    (tmp_path / "list").write_text("http://127.0.0.1:1/\n")
    (tmp_path / "no.pem").write_text("no certificate\n")
    (tmp_path / "dir").mkdir(exist_ok=True)
    good = str(tmp_path / "list")
    return {
        "unknown option": ([good, "--no-such"], 2),
        "bad value": ([good, "-c", "x"], 2),
        "conflict": ([good, "--only-ok", "--only-failed"], 2),
        "no input": ([], 2),
        "second input is missing": ([good, str(tmp_path / "none")], 3),
        "second input is a directory": ([good, str(tmp_path / "dir")], 3),
        "a JSON operand": ([good, '{"url": "x"}'], 2),
        "no cacert": ([good, "--cacert", str(tmp_path / "none")], 2),
        "bad cacert": ([good, "--cacert", str(tmp_path / "no.pem")], 2),
        "no exec": ([good, "--exec", "no-such-program"], 2),
        "bad css": ([good, "--css", "a=p["], 2),
        "bad xpath": ([good, "--xpath", "a=//p["], 2),
        "bad regex": ([good, "--regex", "a=("], 2),
        "bad resolve": ([good, "--resolve", "x"], 2),
        "bad servers": ([good, "--dns-servers", "x"], 2),
        "bad interface": ([good, "--interface", "no-such-device"], 2),
        "bad header": ([good, "-H", "x"], 2),
        "bad file": ([good, "-H", f"@{tmp_path}/none"], 3),
        "bad fields": ([good, "--fields", "nix"], 2),
    }


@pytest.mark.parametrize("which", [
    "unknown option", "bad value", "conflict", "no input",
    "second input is missing", "second input is a directory",
    "a JSON operand", "no cacert", "bad cacert", "no exec", "bad css",
    "bad xpath", "bad regex", "bad resolve", "bad servers", "bad interface",
    "bad header", "bad file", "bad fields"])
def test_a_mistake_leaves_the_old_file_as_it_was(fetchd, tmp_path, out,
                                                 which):
    args, status = mistakes(tmp_path)[which]
    res = fetchd("-o", str(out), *args, exit=status)
    assert res.stderr.startswith("fetchd: ")
    assert out.read_text() == OLD
    new = tmp_path / "new.jsonl"
    fetchd("-o", str(new), *args, exit=status)
    assert not new.exists()


def test_an_input_that_cannot_be_read_leaves_the_old_file(plain):
    if os.getuid() != 0:
        pytest.skip("needs root, to be another user")

    def become_nobody():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    with tempfile.TemporaryDirectory(dir="/tmp") as top:
        os.chmod(top, 0o755)
        out, secret = os.path.join(top, "out"), os.path.join(top, "secret")
        for path, mode in ((out, 0o666), (secret, 0o600)):
            with open(path, "w") as f:
                f.write(OLD)
            os.chmod(path, mode)
        res = plain("-o", out, secret, preexec=become_nobody, trust=False,
                    exit=3)
        assert "Permission denied" in res.stderr and secret in res.stderr
        with open(out) as f:
            assert f.read() == OLD


@pytest.mark.parametrize("reads", [
    lambda p: [p], lambda p: ["-i", p], lambda p: ["-H", f"@{p}", "x"],
    lambda p: ["-d", f"@{p}", "x"], lambda p: ["-u", f"@{p}", "x"],
    lambda p: ["--oauth2-bearer", f"@{p}", "x"],
    lambda p: ["-F", f"f=@{p}", "x"], lambda p: ["-F", f"f=<{p}", "x"],
    lambda p: ["--json-data", f"@{p}", "x"],
    lambda p: ["--cacert", p, "x"]])
def test_what_is_read_is_never_the_output(fetchd, out, reads):
    os.link(out, str(out) + ".link")
    for path in (str(out), str(out) + ".link"):
        res = fetchd("-o", str(out), *reads(path), exit=2, trust=False)
        assert "is also an input" in res.stderr and path in res.stderr
    assert out.read_text() == OLD


def test_a_run_replaces_the_file(fetchd, origin, out):
    fetchd("-o", str(out), origin().url())
    assert OLD not in out.read_text() and out.read_text().count("\n") == 1


def test_an_output_that_cannot_be_opened_is_named_and_nothing_is_fetched(
        fetchd, origin, tmp_path):
    o = origin()
    for path in (tmp_path, tmp_path / "none" / ("x" * 200)):
        res = fetchd("-o", str(path), o.url(), exit=3)
        assert res.stderr.startswith("fetchd: --output: ")
        assert str(path) in res.stderr
    assert o.conns == []


def test_a_fifo_waits_for_its_reader(fetchd, origin, tmp_path):
    """As a shell's > would: nothing is fetched before somebody reads."""
    o = origin(serve(lambda r: response(b"x")))
    path = tmp_path / "fifo"
    os.mkfifo(path)
    run = fetchd.start("-o", str(path), o.url())
    assert not run.until(lambda out, err: False, timeout=0.5)
    assert o.conns == []
    got = []
    t = threading.Thread(target=lambda: got.append(path.read_bytes()))
    t.start()
    run.finish(20, 0)
    t.join(10)
    assert got[0].count(b"\n") == 1 and len(o.requests) == 1


def test_a_signal_ends_the_wait_for_a_reader(fetchd, origin, tmp_path):
    o = origin()
    path = tmp_path / "fifo"
    os.mkfifo(path)
    run = fetchd.start("-o", str(path), o.url())
    assert not run.until(lambda out, err: False, timeout=0.5)
    run.kill(signal.SIGTERM)
    assert run.proc.wait(10) in (75, -signal.SIGTERM)
    assert o.conns == []


def test_long_file_names_are_never_cut_in_messages(fetchd, tmp_path):
    deep = tmp_path
    for c in "abcde":
        deep = deep / (c * 250)
    none = str(deep / "none")
    for args, status in ((["-i", none], 3), (["--cacert", none, "x"], 2),
                         (["-H", f"@{none}", "x"], 3),
                         (["-o", none, "http://127.0.0.1:1/"], 3),
                         (["--exec", none, "x"], 2)):
        res = fetchd(*args, exit=status)
        assert none in res.stderr, args
