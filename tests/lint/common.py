# SPDX-License-Identifier: ISC
"""What the lint scripts share: the list of files, C without its comments."""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def files(folder, *endings):
    """Paths below ROOT/folder, relative to ROOT, sorted."""
    found = []
    for at, folders, names in os.walk(os.path.join(ROOT, folder)):
        folders[:] = [f for f in folders if f not in ("__pycache__", "results")]
        for name in names:
            if name.endswith(endings):
                found.append(os.path.relpath(os.path.join(at, name), ROOT))
    return sorted(found)


def text(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def bare(path):
    """The file without comments and strings, line numbers kept."""
    def blank(m):
        s = m.group(0)
        if s[0] in "\"'":
            return s[0] + s[0]
        return "\n" * s.count("\n") or " "
    return TOKEN.sub(blank, text(path))


def done(problems, summary):
    """Prints what is wrong, or the summary, and exits with 1 or 0."""
    for p in problems:
        print(p)
    if not problems:
        print(summary)
    sys.exit(1 if problems else 0)
