#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The error table: codes are lower snake case, stand there once, and each is
named by a test."""

import re

from common import done, files, text

ROW = re.compile(r'^ERR\((\w+),\s*"([^"]*)"', re.M)


def main():
    rows = ROW.findall(text("src/base/error_table.h"))
    problems = []
    if not rows:
        problems.append("src/base/error_table.h: no rows found")
    tests = "\n".join(text(p) for p in files("tests/e2e", ".py")
                      + files("tests/unit", ".c"))
    for i, (ident, code) in enumerate(rows):
        if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", code):
            problems.append(f"{code}: not lower snake case")
        if ident != "E_" + code.upper():
            problems.append(f"{ident}: the code {code} has another name")
        if code in [c for _, c in rows[:i]]:
            problems.append(f"{code}: stands there twice")
        if not re.search(rf"\b({code}|{ident})\b", tests):
            problems.append(f"{code}: no test names it")
    done(problems, f"{len(rows)} error codes, each named by a test")


main()
