#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A record a line in, a line of JSON out: the headings of a page."""
import json
import re
import sys

for line in sys.stdin:
    page = json.loads(line).get("body") or ""
    found = re.findall(r"<h([1-6])[^>]*>(.*?)</h\1>", page, re.S | re.I)
    headings = [re.sub(r"(<.*?>|\s)+", " ", h).strip() for _, h in found]
    print(json.dumps({"headings": headings}), flush=True)
