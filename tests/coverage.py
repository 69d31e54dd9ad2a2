#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Prints the lines and branches that tests reached, for each folder of src,
from the summary that gcovr wrote: coverage.py SUMMARY.json."""

import collections
import json
import os
import sys

COUNTS = "line_covered", "line_total", "branch_covered", "branch_total"


def percent(covered, total):
    return f"{100 * covered / total:6.1f} %" if total else "       -"


def row(name, counts):
    print(f"{name:24}{percent(*counts[:2])} of {counts[1]:6}"
          f"{percent(*counts[2:])} of {counts[3]:6}")


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        summary = json.load(f)
    folders = collections.defaultdict(lambda: [0, 0, 0, 0])
    for found in summary["files"]:
        folder = os.path.dirname(found["filename"])
        for i, key in enumerate(COUNTS):
            folders[folder][i] += found[key]
    print(f"{'folder':24}{'lines':>18}{'branches':>18}")
    for folder in sorted(folders):
        row(folder, folders[folder])
    row("all", [summary[key] for key in COUNTS])


main()
