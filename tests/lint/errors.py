#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The tables of errors and of parse errors: codes are lower snake case and
unique over both tables, and a test names each."""

import re

from common import done, files, text

ROW = re.compile(r'^(?:ERR|PARSE)\((\w+),\s*"([^"]*)"', re.M)
# Identifiers leave out what their prefix says already.
TABLES = [("src/base/error_table.h", "E_", ""),
          ("src/base/parse_error_table.h", "PARSE_", "(WORKER_|PARSE_)")]


def check(path, prefix, implied, seen, tests):
    rows = ROW.findall(text(path))
    problems = [] if rows else [f"{path}: no rows found"]
    for ident, code in rows:
        if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", code):
            problems.append(f"{code}: not lower snake case")
        if ident != prefix + re.sub("^" + implied, "", code.upper()):
            problems.append(f"{ident}: not the identifier of {code}")
        if code in seen:
            problems.append(f"{code}: in two rows")
        if not re.search(rf"\b({code}|{ident})\b", tests):
            problems.append(f"{code}: no test names it")
        seen.add(code)
    return problems


def main():
    tests = "\n".join(text(p) for p in files("tests/e2e", ".py")
                      + files("tests/unit", ".c"))
    problems, seen = [], set()
    for path, prefix, implied in TABLES:
        problems += check(path, prefix, implied, seen, tests)
    done(problems, f"{len(seen)} error codes, each named by a test")


main()
