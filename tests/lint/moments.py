#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A moment of the monotonic clock is named _at_us, a span _us: what is set to
the present moment, or compared with it, is a moment."""

import re

from common import bare, done, files

NOW = r"(?:[\w>.-]*\bnow_us\b(?!\()|\b\w+_now_us\([^()]*\))"
NAME = r"(?<![\w>.\]])(?:[\w\]]+(?:->|\.))*(\w+_us)\b"
# Only whole sides of an assignment or a comparison: x - now_us is a span.
RULES = [
    re.compile(rf"{NAME}\s*=\s*{NOW}\s*[;+]"),
    re.compile(rf"{NAME}\s*[<>]=?\s*{NOW}(?!\s*[-+*/])"),
    re.compile(rf"(?<![\w>.\]]){NOW}\s*[<>]=?\s*{NAME}(?!\s*[-+*/(])"),
]


def check(path, src):
    for rule in RULES:
        for m in rule.finditer(src):
            name, before = m.group(1), src[:m.start()].rstrip()
            if name.endswith(("at_us", "now_us")) or before[-1] in "+-*/":
                continue
            line = src.count("\n", 0, m.start()) + 1
            yield f"{path}:{line}: {name} is a moment: name it ..._at_us"


def main():
    problems, n = [], 0
    for path in files("src", ".c", ".h"):
        src = bare(path)
        n += len(re.findall(r"\w_at_us\b", src))
        problems += check(path, src)
    done(problems, f"{n} uses of moments, named ..._at_us")


main()
