#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What no source file may contain: banned calls and declarations, a second
place that sets a fetch's state, comments that cite a document which is not in
the repository. And each file begins with its SPDX line."""

import json
import re
import subprocess

from common import ROOT, TOKEN, bare, done, files, text

# call -> why not, and what instead
CALLS = {
    "strcpy strcat sprintf vsprintf stpcpy gets": "unbounded: struct buf",
    "strncpy strncat": "truncates unseen: struct buf",
    "strtok strtok_r": "writes into its input: struct span",
    "atoi atol atoll atof": "no errors: a parser of our own",
    "rand srand random srandom drand48": "global state",
    "alloca": "unbounded stack",
    "system popen": "a shell",
    "fork vfork": "posix_spawn, and only in io/pool",
    "getaddrinfo gethostbyname gethostbyname_r gethostbyaddr getnameinfo":
        "blocks: io/dns/resolve",
    "localtime gmtime ctime asctime": "hidden static buffer",
    "sleep usleep nanosleep": "blocks the loop",
    "ares_fds": "breaks on descriptors of 1024 and more",
    "event_active event_config_set_max_dispatch_interval": "endless passes",
    "setlocale": "global state",
    "malloc calloc realloc strdup strndup": "base/mem.h",
}
# Where an exception stands: file -> calls allowed there.
ALLOWED = {
    "src/base/mem.c": {"malloc", "calloc", "realloc", "strdup", "strndup"},
}

# The door: the one function that may assign a fetch's state.
DOOR = ("src/core/fetch.c", "fetch_enter")
# A queue at an origin has a state of its own, with a door of its own.
OTHER_STATES = {"src/core/origin/queue.c": "q"}
STATE_ROOMS = ("src/core/", "src/engine", "src/watch", "src/main")


def lines_of(src, pattern):
    for m in re.finditer(pattern, src):
        yield src.count("\n", 0, m.start()) + 1, m


def calls(path, src):
    for words, why in CALLS.items():
        pattern = r"(?<![\w.>])(" + "|".join(words.split()) + r")\s*\("
        for line, m in lines_of(src, pattern):
            if m.group(1) not in ALLOWED.get(path, ()):
                yield f"{path}:{line}: {m.group(1)}(): {why}"


def declarations(path, src):
    for line, m in lines_of(src, r"\btypedef\s+(struct|union|enum)\b"):
        yield f"{path}:{line}: a typedef'd {m.group(1)}"
    for line, m in lines_of(src, r"\b(setjmp|longjmp)\b"):
        yield f"{path}:{line}: {m.group(1)}"


def door_lines():
    out = subprocess.run(
        ["ctags", "--kinds-C=f", "--fields=+ne", "--output-format=json", "-o",
         "-", DOOR[0]], cwd=ROOT, capture_output=True, text=True).stdout
    for row in out.splitlines():
        tag = json.loads(row)
        if tag["name"] == DOOR[1]:
            return range(tag["line"], tag["end"] + 1)
    return range(0)


def states(path, src, door):
    if not path.startswith(STATE_ROOMS):
        return
    for line, m in lines_of(src, r"(\w+)->\s*state\s*=(?!=)"):
        if m.group(1) == OTHER_STATES.get(path):
            continue
        if path != DOOR[0] or line not in door:
            yield f"{path}:{line}: only {DOOR[1]}() assigns a state"


# Documents that are not in the repository, and sections of a document that
# the comment does not name.
CITED = re.compile(r"\b(SPEC|DESIGN|FAULTS|QUEUE|BENCH|LIBRARIES)\b")
SECTION = re.compile(r"\bsections? \d")
NAMED = re.compile(r"\bRFC \d|standard\b|\bUnicode\b|CSS|JSON-LD")


def citations(path, src):
    if path == "tests/lint/banned.py":
        return
    is_c = path.endswith((".c", ".h"))
    for line, m in lines_of(src, TOKEN if is_c else r"(?s).+"):
        comment = m.group(0)
        if is_c and comment[0] in "\"'":
            continue
        cited = CITED.search(comment)
        if cited:
            line += comment.count("\n", 0, cited.start())
            yield f"{path}:{line}: cites {cited.group(0)}: not in the tree"
        elif is_c and SECTION.search(comment) and not NAMED.search(comment):
            yield f"{path}:{line}: a section of which document?"


def opening(path, src):
    head = src.split("\n", 3)[:2]
    if not any("SPDX-License-Identifier: ISC" in line for line in head):
        yield f"{path}: does not open with its SPDX line"
    if path.endswith((".c", ".h")) and not src.startswith("/* SPDX"):
        yield f"{path}: the SPDX comment is not the first line"


def blanks(path, src):
    for n, line in enumerate(src.split("\n"), 1):
        if line != line.rstrip():
            yield f"{path}:{n}: trailing white space"
    if src and not src.endswith("\n"):
        yield f"{path}: no newline at the end"


def main():
    problems = []
    sources = files("src", ".c", ".h")
    door = door_lines()
    for path in sources:
        src = bare(path)
        problems += calls(path, src)
        problems += declarations(path, src)
        problems += states(path, src, door)
    everything = (sources + files("tests", ".c", ".h", ".py", ".sh")
                  + ["dev", "CMakeLists.txt", "tests/CMakeLists.txt"])
    for path in everything:
        problems += opening(path, text(path))
        problems += citations(path, text(path))
        problems += blanks(path, text(path))
    done(problems, f"{len(everything)} files without banned words")


main()
