#!/bin/bash
# SPDX-License-Identifier: ISC
# run.sh [N]: N chat completions (10,000), once plain and once as streams.
set -euo pipefail

n=${1:-10000}
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../common.sh"

cd "$work"
limit=$((n / 25 + 60)) # seconds for each run
printf 'Authorization: Bearer sk-stand-in\n' >key
"$python" "$here/batch.py" "$n" >batch.jsonl

jq -c -f "$here/cost.jq" batch.jsonl >plain.jsonl
jq -c -f "$here/stream.jq" plain.jsonl >stream.jsonl

ask()
{
	timeout "$limit" "$fetchd" --base-url "$at" -H @key -c 200 \
	    --rate-per-host 49 --budget tokens=9800/s "$@"
}

# What the API itself has seen.
judge()
{
	jq -n -r --arg name "$1" --argjson n "$n" '
	    [inputs] | group_by(.status == 200)
	    | (map(select(.[0].status == 200))[0] // []) as $let_in
	    | (map(select(.[0].status != 200))[0] // []) as $refused
	    | ($let_in[-1].time - $let_in[0].time) as $took
	    | "\($name): \($let_in | length) let in, \($refused | length) refused,"
	      + " \($took * 10 | round / 10) s,"
	      + " \($let_in | map(.tokens) | add / ([$took, 1] | max) | round)"
	      + " tokens/s",
	      (if ($let_in | length) != $n then error("not each once") else empty end),
	      (if ($refused | length) > 5 + $n / 50 then error("too many refused")
	       else empty end)' log
}

serve "$here/api.py" log
ask --body json -o answers.jsonl plain.jsonl
jq -e -n --argjson n "$n" '
    [inputs | select(.error == null and .status_code == 200)
        | .body_json.choices[0].message.content]
    | length == $n and (unique | length) == $n' answers.jsonl >/dev/null ||
    { echo "plain: not every request has its answer" >&2; exit 1; }
judge plain
: >log

ask --stream stream.jsonl | jq -n -c --unbuffered -f "$here/answers.jq" \
    >texts.jsonl
jq -e -n --argjson n "$n" '
    [inputs | select(.error == null and .status_code == 200)
        | select(.text | endswith(" word7")) | .text]
    | length == $n and (unique | length) == $n' texts.jsonl >/dev/null ||
    { echo "streams: not every request has its answer" >&2; exit 1; }
judge streams
head -n 1 texts.jsonl
