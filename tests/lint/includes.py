#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Who may include whom, and who owns which third-party header.

A folder's row holds for all its files; a file directly in src has its own row.
A file or header without a row is refused.
"""

import fnmatch
import os
import re

from common import ROOT, bare, done, files, text

# folder or file of src -> what its include lines may begin with
ROOMS = {
    "base": ["base/"],
    "codec": ["codec/", "base/"],
    "store": ["store/", "codec/", "base/"],
    "io": ["io/", "base/"],  # and IO_CODECS
    "worker": ["worker/", "codec/frame.h", "codec/decode.h", "codec/url/url.h",
               "codec/json", "codec/media_type.h", "base/"],
    "core": ["core/", "io/", "codec/", "base/", "options/options.h"],
    "options": ["options/", "codec/", "base/"],
    "engine": ["engine", "options/options.h", "core/", "io/", "store/",
               "codec/", "base/"],
    "watch": ["watch", "engine", "options/options.h", "core/", "io/", "codec/",
              "base/"],
    "inputs": ["inputs", "options/options.h", "io/source.h", "codec/", "base/"],
    "verify": ["verify", "inputs.h", "options/options.h", "io/source.h",
               "io/sink.h", "store/scan.h", "codec/", "base/"],
    "main": [""],
}

# what io does not interpret, but hands through
IO_CODECS = [
    ("src/io/pool/", ["codec/frame.h"]),
    ("src/io/sink_frames.c", ["codec/compress.h"]),
    ("src/io/source.c", ["codec/unpack.h"]),
]

# third-party header -> the files that own it
OWNERS = {
    "event2/*": ["src/io/*", "src/engine.c", "src/verify.c"],
    "openssl/*": ["src/io/conn/*", "src/io/tls/*", "src/io/digest.c"],
    "ares*.h": ["src/io/dns/*"],
    "llhttp.h": ["src/codec/http/*"],
    "zlib.h": ["src/codec/decode*", "src/codec/compress.c"],
    "brotli/*": ["src/codec/decode*"],
    "zstd*.h": ["src/codec/decode*", "src/codec/compress.c"],
    "sqlite3.h": ["src/store/*"],
    "xxhash.h": ["src/store/*"],
    "idn2.h": ["src/codec/url/*"],
    "libxml/*": ["src/worker/*"],
    "pcre2.h": ["src/worker/select/regex.c", "src/worker/version.c"],
    "iconv.h": ["src/worker/charset/*"],
    "seccomp.h": ["src/worker/sandbox*.c", "src/worker/version.c"],
}

# The headers of the C library and the system that every folder may include ...
LIBC = """assert ctype errno float inttypes limits locale math signal stdalign
stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string strings time
unistd fcntl poll netdb pthread getopt endian dirent pwd syslog ftw glob
termios sched spawn execinfo malloc sys/* netinet/* arpa/* net/* linux/*
""".split()

# ... except these, in folders that do no I/O.
IO_HEADERS = """unistd fcntl poll netdb pthread signal dirent spawn termios
sched sys/socket sys/epoll sys/select sys/uio sys/stat sys/ioctl sys/wait
sys/un sys/mman sys/eventfd""".split()
WITHOUT_IO = ["core", "codec"]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)


def room_of(path):
    parts = path.split("/")
    if len(parts) > 2:
        return parts[1]
    return re.sub(r"[._].*", "", parts[1])


def matches(name, patterns):
    return any(fnmatch.fnmatch(name, p) for p in patterns)


def own(path, room, name):
    if "/" not in name and not os.path.exists(os.path.join(ROOT, "src", name)):
        return "the include line carries no folder"
    if any(path.startswith(p) and name in names for p, names in IO_CODECS):
        return None
    if not any(name.startswith(p) for p in ROOMS[room]):
        return f"{room} may not include it"
    return None


def system(path, room, name):
    for pattern, owners in OWNERS.items():
        if fnmatch.fnmatch(name, pattern):
            if matches(path, owners):
                return None
            return "it belongs to " + ", ".join(owners)
    stem = name[:-2] if name.endswith(".h") else name
    if not matches(stem, LIBC):
        return "it has no owner in tests/lint/includes.py"
    if room in WITHOUT_IO and matches(stem, IO_HEADERS):
        return f"{room} does no I/O"
    return None


def check(path):
    room = room_of(path)
    if room not in ROOMS:
        yield f"{path}: no rule for it in tests/lint/includes.py"
        return
    src = text(path)
    for m in INCLUDE.finditer(src):
        line = src.count("\n", 0, m.start()) + 1
        rule = own if m.group(1) == '"' else system
        wrong = rule(path, room, m.group(2))
        if wrong:
            yield f"{path}:{line}: {m.group(2)}: {wrong}"


def opaque(path):
    """Headers below core do not name struct fetch, and those of io do not show
    the types of libevent and OpenSSL, except to their own files (NAME_int.h,
    tls*)."""
    words = [r"struct\s+fetch\b"]
    if path.startswith("src/io/") and not re.search(r"/tls|_int\.h$", path):
        words += [r"\bevbuffer\b", r"\bbufferevent\b", r"\bSSL(_CTX)?\b"]
    src = bare(path)
    for word in words:
        for m in re.finditer(word, src):
            line = src.count("\n", 0, m.start()) + 1
            yield f"{path}:{line}: {m.group(0)} in a header that must not name it"


def main():
    problems = []
    all_files = files("src", ".c", ".h")
    for path in all_files:
        problems += check(path)
        if path.endswith(".h") and room_of(path) in ("io", "codec", "store", "base"):
            problems += opaque(path)
    done(problems, f"{len(all_files)} files follow the include rules")


main()
