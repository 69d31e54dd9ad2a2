#!/bin/bash
# SPDX-License-Identifier: ISC
# clang-tidy with the checks of .clang-tidy, over all sources, as build/clang
# compiles them.
cd "$(dirname "$0")/../.." || exit 1
[ -e build/clang/compile_commands.json ] || {
	echo "build/clang is not configured: run ./dev build clang"
	exit 1
}
mapfile -t files < <(find src -name '*.c' | sort)
printf '%s\0' "${files[@]}" |
    xargs -0 -n 8 -P "$(nproc)" clang-tidy-14 -p build/clang --quiet \
    2>/dev/null || exit 1
echo "${#files[@]} files without warnings of clang-tidy"
