#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""No function over 80 lines, no file over 800; the tables of tests may be
longer.

A function's length is counted from the line of its name to its closing brace.
"""

import json
import subprocess

from common import ROOT, done, files, text

LONGEST = 80
FILE, TEST = 800, 1000


def functions(paths):
    out = subprocess.run(
        ["ctags", "--languages=C,C++", "--langmap=C:.c.h", "--kinds-C=f",
         "--fields=+ne", "--output-format=json", "-o", "-", *paths],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for row in out.splitlines():
        tag = json.loads(row)
        if "end" in tag:
            yield tag["end"] - tag["line"] + 1, tag["path"], tag["name"]


def main():
    sources = files("src", ".c", ".h")
    problems = []
    rows = sorted(functions(sources))
    for n, path, name in rows:
        if n > LONGEST:
            problems.append(f"{path}: {name}() has {n} lines > {LONGEST}")
    for path in sources + files("tests", ".c", ".h", ".py"):
        n = text(path).count("\n")
        limit = FILE if path.startswith("src/") else TEST
        if n > limit:
            problems.append(f"{path}: {n} lines > {limit}")
    n, path, name = rows[-1]
    done(problems, f"{len(rows)} functions in {len(sources)} files; the "
         f"longest is {name}() in {path}: {n} lines")


main()
