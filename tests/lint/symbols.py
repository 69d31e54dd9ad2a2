#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""From the objects themselves (build/clang): no mutable globals, not even
inside functions; and what conn.c exports is named conn_*."""

import os
import re
import subprocess
import sys

from common import ROOT, done

OBJECTS = os.path.join(ROOT, "build", "clang")
MUTABLE = re.compile(r"^(\.data(?!\.rel\.ro)|\.bss|\.tdata|\.tbss|\*COM\*)")
# A file's exports begin with a word of its path, or that word's plural. Who
# has another, and why:
NAMES = {
    "src/main.c": ["main"],
    "src/engine.c": ["core_"],      # what core/core.h asks of whoever owns it
    "src/options/": ["opts_"],      # the short form, in all its files
    "src/io/dns/": ["resolve_"],    # the noun of the room
    "src/base/check.c": ["fatalx"],
}


def objects():
    for at, _, names in os.walk(OBJECTS):
        for name in names:
            path = os.path.join(at, name)
            m = re.search(r"\.dir/(src/.*\.c)\.o$", path)
            if m:
                yield m.group(1), path


def symbols(path):
    out = subprocess.run(["nm", "-f", "sysv", path], check=True,
                         capture_output=True, text=True).stdout
    for row in out.splitlines():
        cells = [c.strip() for c in row.split("|")]
        if len(cells) == 7 and cells[2]:
            yield cells[0], cells[2], cells[6]


def well_named(src, name):
    words = re.split("[/_]", src[len("src/"):-len(".c")])
    prefixes = [w + "_" for w in words] + [w + "s_" for w in words]
    for path, more in NAMES.items():
        if src.startswith(path):
            prefixes += more
    return name.startswith(tuple(prefixes)) or name in words


def check(src, path):
    for name, kind, section in symbols(path):
        if kind in "DdBbCSs" and MUTABLE.match(section):
            yield f"{src}: {name} is mutable ({section})"
        if kind in "TDRBV" and not well_named(src, name):
            yield f"{src}: exports {name}, which does not carry its stem"


def main():
    found = sorted(objects())
    if not found:
        print("build/clang has no objects: run ./dev build clang")
        sys.exit(1)
    problems = []
    for src, path in found:
        if os.path.exists(os.path.join(ROOT, src)):
            problems += check(src, path)
    done(problems, f"{len(found)} objects: no mutable globals, exports named "
         "after their files")


main()
