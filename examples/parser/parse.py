#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A record a line in, a line of JSON out: the headings of a page."""
import json
import re
import sys

for line in sys.stdin:
    record = json.loads(line)
    page = record.get("body") or ""
    found = re.findall(r"<h([1-6])[^>]*>(.*?)</h\1>", page, re.S | re.I)
    headings = [re.sub(r"(<.*?>|\s)+", " ", h).strip() for _, h in found]
    # seq says which record this answers: fetchd checks it and takes it out.
    print(json.dumps({"seq": record["seq"], "headings": headings}), flush=True)
