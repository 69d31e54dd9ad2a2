# SPDX-License-Identifier: ISC
"""Every command of the README runs as it stands there.

Each fenced block of commands (sh, console) is run by bash, unchanged, one
after another in one directory, in namespaces where example.com and its kin are
a site on loopback with a certificate of the tests' authority. What a console
block shows must come out. Only the package manager is a stand-in, which checks
the list of packages.
"""
import json
import os
import re
import shutil
import subprocess

import pytest

from harness import BINARY, SANITIZER, TOP, with_etc
from origin import Origin, response, serve

README = os.path.join(TOP, "README.md")
NAMES = ["example.com", "example.org", "api.example.com"]
PAGE = (b"<title>Example</title><meta name=author content=Ann>"
        b"<h1>Hello</h1><p class=price>7</p><a href=/moved>there</a>\n")
# A failed item, or a run that was told to stop; never wrong usage.
EXPECTED = {4, 5, 7, 8, 75}
# Differ from run to run.
VOLATILE = re.compile(r"time_|timestamp$")


def blocks(*kinds):
    with open(README, encoding="utf-8") as f:
        text = f.read()
    found = re.findall(r"^```(\w*)\n(.*?)^```", text, re.M | re.S)
    assert all(kind for kind, _ in found), "a block without its kind"
    return [(kind, body) for kind, body in found if kind in kinds]


def site(req):
    path, host = req.target, req.header("host")
    if path == "/reset":
        return None
    if path == "/missing":
        return response(b"nothing here\n", status="404 Not Found")
    if path == "/moved":
        return response(status="301 Moved", headers=["Location: /"])
    if host == "api.example.com" and path.startswith("/stream/"):
        return response(b"data: one\n\ndata: two\n\n",
                        headers=["Content-Type: text/event-stream"])
    if host == "api.example.com":
        assert path == "/upload" or \
            req.header("authorization") == "Bearer s3cret", req.headers
        return response(req.body if path != "/upload" else b"{}",
                        status="201 Created",
                        headers=["Content-Type: application/json"])
    return response(PAGE, headers=["Content-Type: text/html"])


class Shell:
    """Runs blocks in one directory, where the README's names lead to us."""

    def __init__(self, tmp, pki):
        self.tmp = tmp
        self.bin = tmp / "bin"
        self.bin.mkdir()
        os.symlink(BINARY, self.bin / "fetchd")
        hosts = tmp / "hosts"
        hosts.write_text("127.0.0.1 localhost " + " ".join(NAMES) + "\n")
        self.wrap = with_etc(hosts=str(hosts))
        self.env = {k: v for k, v in os.environ.items()
                    if not k.lower().endswith("_proxy")}
        self.env.update(PATH=f"{self.bin}:{self.env['PATH']}",
                        SSL_CERT_FILE=pki.ca, TERM="xterm", LC_ALL="C.UTF-8")
        self.work = tmp / "work"
        self.work.mkdir()

    def stub(self, name, text):
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)

    def run(self, block, netns, cwd=None, timeout=120):
        """stdout of the block; no command of it may be wrong."""
        script = self.tmp / "block.sh"
        script.write_text('set -o pipefail\n'
                          'trap \'echo "FAILED $? $BASH_COMMAND" >&3\' ERR\n'
                          + block)
        failed = self.tmp / "failed"
        with open(failed, "w") as out:
            res = subprocess.run(
                [*netns.wrap, *self.wrap, "timeout", "-k", "5", str(timeout),
                 "bash", "-c", f"exec 3>'{failed}'; . '{script}'"],
                cwd=cwd or self.work, env=self.env, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
            assert out is not None
        print(block, res.stdout, res.stderr, sep="\n")
        assert res.returncode != 124, "it does not end"
        assert not SANITIZER.search(res.stderr), res.stderr
        for line in failed.read_text().splitlines():
            _, status, command = line.split(" ", 2)
            assert int(status) in EXPECTED, (line, res.stderr)
            assert command.startswith(("fetchd", "jq", "wait", "sort",
                                       "uniq")), line
        assert "unknown option" not in res.stderr, res.stderr
        return res.stdout


@pytest.fixture
def shell(tmp_path, pki):
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    return Shell(tmp_path, pki)


@pytest.fixture
def web(netns, pki):
    """The site, at the README's names, and the namespace it is in."""
    ns = netns()
    leaf = pki.leaf(*NAMES)
    with Origin(serve(site), tls=leaf.context(), port=443,
                netns=ns.path) as o:
        yield ns, o


def files(shell):
    """What the README speaks of and does not make itself."""
    work = shell.work
    requests = [c for _, c in blocks("console") if "cat requests" in c][0]
    (work / "requests.jsonl").write_text(
        "".join(x + "\n" for x in requests.splitlines()
                if x.startswith('{"id": ')))
    (work / "token.txt").write_text("s3cret\n")
    (work / "headers.txt").write_text("Authorization: Bearer s3cret\n")
    shutil.copy(os.path.join(TOP, "examples", "parser", "parse.py"),
                work / "parse.py")


def is_install(block):
    return "cmake" in block


def transcript(block):
    """(command, what it prints) of a console block."""
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


@pytest.mark.slow
def test_every_command_runs_as_it_stands(shell, web):
    ns, o = web
    files(shell)
    ran = 0
    for kind, block in blocks("sh", "console"):
        if is_install(block):
            continue
        if kind == "sh":
            shell.run(block, ns)
            ran += 1
            continue
        for command, output in transcript(block):
            assert shell.run(command, ns) == output
            ran += 1
    assert ran > 14
    work = shell.work
    records = [json.loads(x) for x in open(work / "again.jsonl")]
    assert [r["input"] for r in records] == ["https://example.com/reset"]
    assert (work / "page.html").read_bytes() == PAGE
    broken = [json.loads(x) for x in open(work / "broken.jsonl")]
    assert {r["error"] for r in broken} == {"http_status", "empty_reply"}
    upload = [r for r in o.requests if r.target == "/upload"][0]
    assert PAGE in upload.body


def test_the_record_that_is_shown_is_the_one_that_comes(shell, web):
    ns, _ = web
    (_, shown), = blocks("json")
    want = json.loads(shown)
    got = json.loads(shell.run("fetchd https://example.com/ | jq .\n", ns))
    assert list(got) == list(want)
    for key in want:
        if VOLATILE.search(key):
            assert isinstance(got[key], str) == isinstance(want[key], str)
            assert got[key] is not None, key
        elif key != "remote_ip":
            assert got[key] == want[key], key


@pytest.mark.slow
def test_it_installs_from_a_clone_as_it_says(shell, netns, tmp_path):
    """With plain CMake, into a /usr/local of its own."""
    block, = [b for _, b in blocks("sh") if is_install(b)]
    clone = tmp_path / "clone"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, check=True,
                            capture_output=True).stdout.split(b"\0")
    for name in filter(None, (x.decode() for x in listed)):
        if name.startswith("tests/") and not name.startswith("tests/bench/"):
            continue
        to = clone / name
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.path.join(TOP, name), to)
    (shell.bin / "fetchd").unlink()
    shell.stub("sudo", '#!/bin/sh\nexec "$@"\n')
    shell.stub("apt", '#!/bin/sh\necho "$@" >"$APT_SAID"\n')
    shell.env["APT_SAID"] = str(tmp_path / "apt")
    local = tmp_path / "local"
    local.mkdir()
    shell.wrap = ["unshare", "--mount", "--propagation", "private", "sh",
                  "-c", f"mount --bind {local} /usr/local && exec \"$@\"",
                  "sh"]
    out = shell.run(block, netns(), cwd=clone, timeout=600)
    assert re.search(r"^fetchd \d+\.\d+\.\d+$", out, re.M), out[-500:]
    assert (local / "bin" / "fetchd").exists()
    assert list(local.glob("**/fetchd-worker"))
    assert list(local.glob("**/fetchd.1"))
    with open(os.path.join(TOP, "dev")) as f:
        dev = re.search(r"^\tbuild\)\s+echo (.*?) ;;", f.read(),
                        re.M | re.S)[1]
    said = (tmp_path / "apt").read_text().split()
    assert said[0] == "install"
    assert sorted(said[1:]) == sorted(dev.replace("\\\n", " ").split())


def test_the_headings_are_those_people_look_for():
    with open(README, encoding="utf-8") as f:
        heads = re.findall(r"^## (.*)$", f.read(), re.M)
    wanted = ["Install", "Quick start", "Recipes", "Output", "Retries",
              "Rate limits", "Monitoring", "Exit codes", "FAQ",
              "Documentation"]
    assert [h for h in heads if h in wanted] == wanted


