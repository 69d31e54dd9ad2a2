#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Functions named is_, has_, may_ or can_ only look: they return something and
take no pointer through which they could change what they look at."""

import json
import re
import subprocess

from common import ROOT, done, files

# on_has_class, on_is_...: handlers of events that are named so.
PREDICATE = re.compile(r"^(?!on_)(?:\w+_)?(is|has|may|can)_")


def functions(paths):
    out = subprocess.run(
        ["ctags", "--languages=C", "--langmap=C:.c.h", "--kinds-C=f",
         "--fields=+nSt", "--output-format=json", "-o", "-", *paths],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for row in out.splitlines():
        yield json.loads(row)


def parameters(signature):
    """The parameters, split at the commas outside of parentheses."""
    depth, start = 0, 1
    for i, c in enumerate(signature):
        depth += (c == "(") - (c == ")")
        if (c == "," and depth == 1) or depth == 0:
            yield signature[start:i].strip()
            start = i + 1


def may_change(parameter):
    """Whether it is a pointer or an array whose target is not const."""
    target = re.split(r"[*\[]", parameter, 1)
    return len(target) > 1 and not re.search(r"\bconst\b", target[0])


def check(tag):
    if tag.get("typeref") == "typename:void":
        yield "returns nothing"
    for parameter in parameters(tag["signature"]):
        if may_change(parameter):
            yield f"may change its parameter `{parameter}`: const, or a verb"


def main():
    problems, n = [], 0
    for tag in functions(files("src", ".c", ".h")):
        if PREDICATE.search(tag["name"]):
            n += 1
            problems += [f"{tag['path']}:{tag['line']}: {tag['name']}() {what}"
                         for what in check(tag)]
    done(problems, f"{n} functions named is_, has_, may_, can_ change nothing")


main()
