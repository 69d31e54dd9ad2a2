#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""No function over 80 lines, no file over 800; the tables of tests may be
longer.

A function's length is counted from the line of its name to its closing brace.
"""

import json
import math
import os
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


def percentile(lengths, share):
    return lengths[max(0, math.ceil(share * len(lengths)) - 1)]


def main():
    sources = files("src", ".c", ".h")
    problems = []
    rows = sorted(functions(sources))
    lengths = [row[0] for row in rows] or [0]
    median, p90 = percentile(lengths, 0.5), percentile(lengths, 0.9)
    for n, path, name in rows:
        if n > LONGEST:
            problems.append(f"{path}: {name}() has {n} lines > {LONGEST}")
    for path in sources + files("tests", ".c", ".h", ".py"):
        n = text(path).count("\n")
        limit = FILE if path.startswith("src/") else TEST
        if n > limit:
            problems.append(f"{path}: {n} lines > {limit}")
    figures = (f"{len(rows)} functions: median {median}, p90 {p90}, "
               f"longest {lengths[-1]} lines")
    if problems:
        problems.append(figures)
    done(problems, figures)


main()
