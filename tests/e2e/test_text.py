# SPDX-License-Identifier: ISC
"""--format text: what a person sees: why something failed, what to do about a
certificate, colours where they are wanted and nowhere else."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

import pytest

from harness import BINARY
from origin import response, serve

GREEN, YELLOW, RED = "\x1b[32m", "\x1b[33m", "\x1b[31m"


def on_terminal(fetchd, *args, columns=200, env=None):
    """What stands on a terminal that has both outputs, and the exit code."""
    main, term = pty.openpty()
    fcntl.ioctl(term, termios.TIOCSWINSZ,
                struct.pack("HHHH", 24, columns, 0, 0))
    cmd = [BINARY, "--retry", "0", "--progress", "none", "--no-summary",
           *args]
    p = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=term,
                         stderr=term, env=fetchd.env(env))
    os.close(term)
    got = b""
    while True:
        try:
            data = os.read(main, 65536)
        except OSError:
            data = b""
        if not data:
            break
        got += data
    os.close(main)
    return got.decode().replace("\r\n", "\n"), p.wait(20)


@pytest.fixture
def statuses(origin):
    return origin(serve(lambda r: response(
        b"x", status=r.target[1:] + " x")))


def test_a_failure_says_why(fetchd, statuses):
    res = fetchd("--format", "text", "http://127.0.0.1:1/", exit=4)
    assert re.fullmatch(r"---  connect_refused  \d\.\d{3}s  "
                        r"http://127\.0\.0\.1:1/  .*ECONNREFUSED.*\n",
                        res.stdout.decode()), res.stdout
    res = fetchd("--format", "text", "-f", statuses.url("/418"), exit=8)
    assert re.fullmatch(r"418  http_status  \S+  \S+/418  .*\b418\b.*\n",
                        res.stdout.decode()), res.stdout


def test_why_ends_with_the_row_of_the_terminal(fetchd):
    for columns in (77, 80, 83):
        text, _ = on_terminal(fetchd, "http://127.0.0.1:1/", "--color",
                              "never", columns=columns)
        line, = text.splitlines()
        assert "http://127.0.0.1:1/  " in line and len(line) < columns, line
    text, _ = on_terminal(fetchd, "http://127.0.0.1:1/", "--color", "never")
    assert text.endswith("(ECONNREFUSED)\n"), text


def test_the_status_is_in_the_message_of_http_status(fetchd, statuses):
    rec = fetchd("-f", statuses.url("/503"), exit=8).one
    assert rec["error"] == "http_status" and "503" in rec["errormsg"]


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large_names_limit_and_size(fetchd, origin,
                                                       declared):
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
    head += b"Content-Length: 5000\r\n\r\n" if declared else b"\r\n"
    o = origin(lambda c: (c.request(), c.send(head + b"x" * 5000), c.fin()))
    rec = fetchd("--max-filesize", "1k", o.url(), exit=7).one
    assert rec["error"] == "body_too_large"
    assert "1024" in rec["errormsg"] and "--max-filesize" in rec["errormsg"]
    assert ("5000" in rec["errormsg"]) is declared


def test_a_line_of_a_stream_that_is_too_large_is_named_as_such(fetchd,
                                                               origin):
    o = origin(serve(lambda r: response(
        b"x" * (17 << 20), headers=["Content-Type: application/x-ndjson"])))
    rec = fetchd("--stream", o.url(), exit=7).records[-1]
    assert rec["error"] == "body_too_large"
    assert "line of the stream" in rec["errormsg"]
    assert str(16 << 20) in rec["errormsg"]


@pytest.mark.parametrize("bad, cacert", [("stranger", True), ("self", True),
                                         ("name", False)])
def test_a_certificate_that_cannot_be_verified_names_the_options_once(
        fetchd, origin, pki, bad, cacert):
    leaf = pki.leaf("other.test") if bad == "name" else \
        pki.leaf("127.0.0.1", issuer=bad)
    o = origin(tls=leaf.context())
    urls = [o.url(f"/{i}") for i in range(3)]
    res = fetchd("--format", "text", *urls, exit=5)
    assert res.stderr.count("\n") == 1 and " -k " in res.stderr
    assert ("--cacert" in res.stderr) is cacert
    assert fetchd("--format", "text", "-q", *urls, exit=5).stderr == ""
    assert fetchd(*urls, exit=5).stderr == ""


def test_a_terminal_has_the_colour_of_the_class(fetchd, statuses):
    urls = [statuses.url(f"/{n}") for n in (200, 404, 503)]
    text, _ = on_terminal(fetchd, "-c", "1", *urls, "http://127.0.0.1:1/")
    lines = text.splitlines()
    assert sorted(x[:8] for x in lines) == sorted([
        GREEN + "200", YELLOW + "404", RED + "503", RED + "---"])
    assert all(x.count("\x1b") == 2 for x in lines)


@pytest.mark.parametrize("args, env", [
    (["--color", "never"], {}), ([], {"NO_COLOR": "1"}),
    ([], {"NO_COLOR": "false"}), ([], {"TERM": "dumb"}), ([], {"TERM": ""}),
    (["-j"], {}), (["--format", "jsonl", "--color", "always"], {})])
def test_no_colour_where_it_is_not_wanted(fetchd, statuses, args, env):
    text, _ = on_terminal(fetchd, *args, statuses.url("/200"), env=env)
    assert "200" in text and "\x1b" not in text


def test_an_empty_no_color_is_none(fetchd, statuses):
    text, _ = on_terminal(fetchd, statuses.url("/200"), env={"NO_COLOR": ""})
    assert text.startswith(GREEN)


def test_a_pipe_or_file_gets_colours_only_if_forced(fetchd, statuses,
                                                    tmp_path):
    url = statuses.url("/200")
    assert b"\x1b" not in fetchd("--format", "text", url).stdout
    for env in ({}, {"NO_COLOR": "1"}, {"TERM": "dumb"}):
        out = fetchd("--format", "text", "--color", "always", url,
                     env=env).stdout
        assert out.startswith(GREEN.encode()), out
    path = tmp_path / "out"
    text, _ = on_terminal(fetchd, "--format", "text", "-o", str(path), url)
    assert text == "" and "\x1b" not in path.read_text()


@pytest.mark.parametrize("name, warned", [
    ("http_proxy", True), ("https_proxy", True), ("HTTPS_PROXY", True),
    ("all_proxy", True), ("ALL_PROXY", True), ("HTTP_PROXY", False),
    ("no_proxy", False), ("NO_PROXY", False)])
def test_a_proxy_variable_is_one_warning_in_the_cases_of_the_manual(
        fetchd, statuses, name, warned):
    res = fetchd(statuses.url("/200"), quiet=False,
                 env={name: "http://127.0.0.1:1/"})
    assert res.one["status_code"] == 200
    assert res.stderr.count("\n") == warned and (name in res.stderr) is warned
    res = fetchd(statuses.url("/200"), env={name: ""})
    assert res.stderr == ""
