#!/bin/bash
# SPDX-License-Identifier: ISC
# codespell finds common misspellings. Words it does not know, in lower case:
# te, the request header; nd, a macro of man pages; hel, fo, ist, ment, titel,
# compresed, data of tests; nin, number of input bytes; inflight, an option of
# another program; statics, functions that are static; unstall.
cd "$(dirname "$0")/../.." || exit 1
words=te,nd,hel,fo,ist,ment,titel,compresed,nin,inflight,statics,unstall
codespell --quiet-level 3 --ignore-words-list "$words" \
    --skip '*/corpus/*,*/e2e/pages/*,*.golden,*/__pycache__/*' \
    src tests docs examples cmake dev ./*.md || exit 1
echo "no misspelt words"
