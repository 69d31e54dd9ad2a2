#!/bin/bash
# SPDX-License-Identifier: ISC
# .clang-format decides; ./dev fmt mends.
cd "$(dirname "$0")/../.." || exit 1
mapfile -t files < <(find src tests -name '*.[ch]' | sort)
bad=0
for f in "${files[@]}"; do
	clang-format-14 "$f" | cmp -s - "$f" || {
		echo "$f: not as clang-format-14 writes it (./dev fmt)"
		bad=1
	}
done
[ "$bad" -ne 0 ] || echo "${#files[@]} files as clang-format-14 writes them"
exit "$bad"
