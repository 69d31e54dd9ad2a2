# SPDX-License-Identifier: ISC
"""What examples/ and the README show works as it stands there.

Each example's run.sh judges its own outcome; here it runs small. The commands
in the documents are held against --help.
"""
import os
import re
import shutil
import subprocess

import pytest

from harness import BINARY, SANITIZER, TOP

NEEDS_JQ = pytest.mark.skipif(shutil.which("jq") is None,
                              reason="jq is not installed")
DOCUMENTS = ["README.md", "examples/chat/README.md",
             "examples/links/README.md", "examples/jq/README.md",
             "examples/parser/README.md"]


def run(name, *args):
    """Ends within two minutes, with all that it started."""
    res = subprocess.run(
        ["timeout", "-k", "5", "120",
         os.path.join(TOP, "examples", name, "run.sh"), *args],
        env=dict(os.environ, FETCHD=BINARY), stdin=subprocess.DEVNULL,
        capture_output=True, text=True)
    print(res.stdout, res.stderr)
    assert res.returncode == 0, res.stderr
    assert not SANITIZER.search(res.stderr)
    return res.stdout


@NEEDS_JQ
def test_chat_completions_come_plain_and_as_streams():
    out = run("chat", "120")
    assert "plain: 120 let in" in out and "streams: 120 let in" in out
    assert "Fact " in out


@NEEDS_JQ
def test_broken_links_are_found():
    out = run("links")
    assert "50 links, 23 suspect, 20 broken" in out


@NEEDS_JQ
def test_pages_are_parsed_by_selectors_and_by_a_program():
    out = run("parser")
    assert "40 of 40 titles, 40 of 40 pages with headings" in out
    assert '["Item 0","Details"]' in out


@NEEDS_JQ
def test_every_jq_recipe_gives_something():
    out = run("jq")
    assert out.count("== ") >= 15


def commands(text):
    """The arguments of each fetchd in the fenced blocks."""
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S):
        block = re.sub(r"\\\n", " ", block)
        for m in re.finditer(r"(?:^|[\s(])fetchd ([^|>#\n]*)", block):
            yield m[1]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_name_options_that_exist(fetchd, name):
    text = fetchd("--help", json=False).stdout.decode()
    known = set(re.findall(r"--[a-z0-9-]+", text))
    known |= {"--no-" + x[2:] for x in known}
    with open(os.path.join(TOP, name), encoding="utf-8") as f:
        used = list(commands(f.read()))
    assert used
    for args in used:
        for option in re.findall(r"(?<!\S)--[a-z][a-z0-9-]*", args):
            assert option in known, args
