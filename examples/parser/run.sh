#!/bin/bash
# SPDX-License-Identifier: ISC
# run.sh: the pages of a small shop through selectors, and through parse.py.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common.sh"

cd "$work"
serve "$here/site.py" urls.txt
cp "$here/parse.py" .

timeout 60 "$fetchd" urls.txt --body none --keep-order --extract title,links \
    --css 'price=.price::text' --xpath 'by=//meta[@name="author"]/@content' |
    tee selected.jsonl |
    jq -c '[.url, .extract.title, .extract.price[0], .extract.links[0].url]' |
    head -n 3

timeout 60 "$fetchd" urls.txt --body none --keep-order --exec ./parse.py \
    --workers 2 >parsed.jsonl
jq -c .extract.exec.headings parsed.jsonl | head -n 3

echo "$(jq -r .extract.title selected.jsonl | grep -c '| Shop$') of $at titles," \
    "$(jq -r .extract.exec.headings[1] parsed.jsonl | grep -c '^Details$')" \
    "of $at pages with headings"
[ "$(jq -r .extract.price[0] selected.jsonl | sed -n 3p)" = "3.00 EUR" ]
[ "$(jq -r .extract.exec.headings[0] parsed.jsonl | sed -n 3p)" = "Item 2" ]
