# SPDX-License-Identifier: ISC
# What the examples' run.sh have in common; sourced, with `here` set.
# Leaves: $fetchd, $work (a folder that goes when the script ends), serve.

python=/usr/bin/python3
[ -x "$python" ] || python=python3

find_fetchd()
{
	local built="$here/../../build/release/fetchd"

	if [ -n "${FETCHD-}" ]; then
		readlink -f "$FETCHD"
	elif [ -x "$built" ]; then
		readlink -f "$built"
	else
		command -v fetchd || {
			echo "no fetchd: ./dev build, or set FETCHD" >&2
			return 1
		}
	fi
}

if ! command -v jq >/dev/null; then
	echo "jq is missing: apt install jq" >&2
	exit 1
fi
fetchd=$(find_fetchd)
work=$(mktemp -d)
server=

finish()
{
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

# serve PROGRAM [ARGUMENTS]: starts a stand-in and waits until it says, in a
# line on its standard output, where it listens: $at.
serve()
{
	local up

	mkfifo "$work/up"
	"$python" "$@" >"$work/up" &
	server=$!
	exec 3<"$work/up"
	read -r -t 20 up <&3 || { echo "the stand-in did not start" >&2; exit 1; }
	at=$up
}
