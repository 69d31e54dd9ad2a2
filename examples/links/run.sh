#!/bin/bash
# SPDX-License-Identifier: ISC
# run.sh: checks the links to three origins on this machine.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common.sh"

cd "$work"
serve "$here/site.py" links.txt log

# Nonzero as soon as something is broken, which is no mistake here.
check()
{
	local status=0

	timeout 60 "$fetchd" -f --only-failed --max-per-host 1 --delay 100ms \
	    -A 'linkcheck (you@example.org)' --retry 1 "$@" || status=$?
	case $status in
	4 | 7 | 8) ;;
	*) echo "fetchd: exit status $status" >&2; exit 1 ;;
	esac
}

check -I -o suspect.jsonl links.txt
jq -r .input suspect.jsonl | check --body none -o broken.jsonl
jq -r -f "$here/report.jq" broken.jsonl

# The origins' own log: how close did two requests of a run to one of them come?
closest=$(sort -k2,3 -k1,1n log | awk '
    BEGIN { least = 9 }
    $2 $3 == before && $1 - last < least { least = $1 - last }
    { before = $2 $3; last = $1 }
    END { printf "%d", least * 1000 }')
echo "$(wc -l <links.txt) links, $(wc -l <suspect.jsonl) suspect," \
    "$(wc -l <broken.jsonl) broken; no two requests to one origin within" \
    "$closest ms"
[ "$(wc -l <broken.jsonl)" -eq "$at" ] && [ "$closest" -ge 50 ]
