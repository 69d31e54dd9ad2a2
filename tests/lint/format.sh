#!/bin/bash
# SPDX-License-Identifier: ISC
# All C sources are formatted by .clang-format; ./dev fmt does it.
cd "$(dirname "$0")/../.." || exit 1
mapfile -t files < <(find src tests -name '*.[ch]' | sort)
bad=0
for f in "${files[@]}"; do
	clang-format-14 "$f" | cmp -s - "$f" || {
		echo "$f: not formatted: run ./dev fmt"
		bad=1
	}
done
[ "$bad" -ne 0 ] || echo "${#files[@]} files are formatted"
exit "$bad"
