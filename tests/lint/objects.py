# SPDX-License-Identifier: ISC
"""The symbols of the compiled sources, as nm reads them from build/clang."""

import os
import re
import subprocess
import sys

from common import ROOT

OBJECTS = os.path.join(ROOT, "build", "clang")
HEADER = re.compile(r"(?:Undefined symbols|Symbols) from (.*):$")


def objects():
    """Source path -> object path, for each source that still exists."""
    found = {}
    for at, _, names in os.walk(OBJECTS):
        for name in names:
            path = os.path.join(at, name)
            m = re.search(r"\.dir/(src/.*\.c)\.o$", path)
            if m and os.path.exists(os.path.join(ROOT, m.group(1))):
                found[m.group(1)] = path
    if not found:
        print("build/clang has no objects: run ./dev build clang")
        sys.exit(1)
    return dict(sorted(found.items()))


def symbols():
    """Source path -> list of (name, kind, section)."""
    paths = objects()
    sources = {path: src for src, path in paths.items()}
    out = subprocess.run(["nm", "-f", "sysv", *paths.values()], check=True,
                         capture_output=True, text=True).stdout
    table, rows = {src: [] for src in paths}, []
    for line in out.splitlines():
        m = HEADER.match(line)
        if m:
            rows = table[sources[m.group(1)]]
            continue
        cells = [c.strip() for c in line.split("|")]
        if len(cells) == 7 and cells[2]:
            rows.append((cells[0], cells[2], cells[6]))
    return table
