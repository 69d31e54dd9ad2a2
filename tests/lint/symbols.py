#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""From the objects (build/clang): there are no mutable globals, not even
inside functions, and the exports of conn.c are named conn_*."""

import re

from common import done
from objects import symbols

MUTABLE = re.compile(r"^(\.data(?!\.rel\.ro)|\.bss|\.tdata|\.tbss|\*COM\*)")
# The exports of a file begin with a word of its path, or that word's plural.
# The exceptions, and why:
NAMES = {
    "src/main.c": ["main"],
    "src/options/": ["opts_"],      # the short form, in all its files
    "src/io/dns/": ["resolve_"],    # the noun of the folder
    "src/base/check.c": ["fatalx"],
}
# The mutable globals there are, and why.
GLOBALS = {
    # CHECK() has no argument by which it could find an engine's trace; the
    # list is read only while the process ends.
    ("src/base/check.c", "reports"),
}


def well_named(src, name):
    words = re.split("[/_]", src[len("src/"):-len(".c")])
    prefixes = [w + "_" for w in words] + [w + "s_" for w in words]
    for path, more in NAMES.items():
        if src.startswith(path):
            prefixes += more
    return name.startswith(tuple(prefixes)) or name in words


def check(src, rows):
    for name, kind, section in rows:
        if kind in "DdBbCSs" and MUTABLE.match(section) and \
                (src, name) not in GLOBALS:
            yield f"{src}: {name} is mutable ({section})"
        if kind in "TDRBV" and not well_named(src, name):
            yield f"{src}: exports {name}, which does not begin with its file's name"


def main():
    problems = []
    table = symbols()
    for src, rows in table.items():
        problems += check(src, rows)
    done(problems, f"{len(table)} objects: no mutable globals, exports named "
         "after their files")


main()
