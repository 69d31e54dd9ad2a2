#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Calls point one way: no knot of source files is larger than four.

A knot is a set of files in which each one reaches every other through the
functions and tables it uses (a strongly connected component of the graph of
linker symbols). Callbacks that are registered at run time do not count.
"""

import collections
import sys

from common import done
from objects import symbols

LARGEST = 4
DEFINED = "TDRBV"


def graph(table):
    """file -> file -> the symbols that the first uses of the second."""
    owner = {name: src for src, rows in table.items()
             for name, kind, _ in rows if kind in DEFINED}
    edges = {src: collections.defaultdict(list) for src in table}
    for src, rows in table.items():
        for name, kind, _ in rows:
            used = owner.get(name) if kind == "U" else None
            if used not in (None, src):
                edges[src][used].append(name)
    return edges


def knots(edges):
    """Tarjan's strongly connected components, as sorted lists of files."""
    index, low, stack, found = {}, {}, [], []

    def visit(v):
        index[v] = low[v] = len(index)
        stack.append(v)
        for w in edges[v]:
            if w not in index:
                visit(w)
                low[v] = min(low[v], low[w])
            elif w in stack:
                low[v] = min(low[v], index[w])
        if low[v] == index[v]:
            at = stack.index(v)
            found.append(sorted(stack[at:]))
            del stack[at:]

    for v in edges:
        if v not in index:
            visit(v)
    return found


def folder(knot):
    """The folder of src that most of its files are in."""
    folders = collections.Counter(src.split("/")[1] for src in knot)
    return folders.most_common(1)[0][0]


def describe(knot, edges):
    """The knot, then each edge inside it with the symbols that make it."""
    yield (f"{folder(knot)}: a knot of {len(knot)} files > {LARGEST}: "
           + " ".join(knot))
    for src in knot:
        for used, names in sorted(edges[src].items()):
            if used in knot:
                yield f"    {src} -> {used}: {' '.join(sorted(names))}"


def main():
    sys.setrecursionlimit(10000)
    edges = graph(symbols())
    largest, problems = collections.Counter(), []
    for knot in knots(edges):
        where = folder(knot)
        largest[where] = max(largest[where], len(knot))
        if len(knot) > LARGEST:
            problems += describe(knot, edges)
    sizes = ", ".join(f"{where} {n}" for where, n in sorted(largest.items())
                      if "." not in where)
    done(problems, f"{len(edges)} files; the largest knot of each folder: "
         + sizes)


main()
