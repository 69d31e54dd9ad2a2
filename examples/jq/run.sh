#!/bin/bash
# SPDX-License-Identifier: ISC
# run.sh: makes a file of records and runs the recipes of README.md on it.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common.sh"

cd "$work"
mkdir bin
ln -s "$fetchd" bin/fetchd
PATH=$work/bin:$PATH
serve "$here/../links/site.py" links.txt log
awk '{ print NR "\t" $0 "\tred\tblue" }' links.txt >table.tsv

# As README.md has it. Some links fail, so it ends with 4.
timeout 60 fetchd links.txt --include-headers --include-attempts --stats \
    -o records.jsonl 2>stats.json || [ $? -eq 4 ]

# A file for each ```sh block.
awk '/^```sh$/ { file = sprintf("recipe-%02d", ++n); next }
    /^```/ { file = "" }
    file { print >file }' "$here/README.md"

for recipe in recipe-*; do
	echo "== $(head -n 1 "$recipe")"
	timeout 60 bash -eu "$recipe" >out
	head -n 12 out
	[ -s out ] || { echo "$recipe gave nothing" >&2; exit 1; }
done
