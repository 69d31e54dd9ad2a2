# SPDX-License-Identifier: ISC
"""What a power loss leaves of a directory.

log = Log(path) reads what shim.c recorded; log.crash(at, kind, rng, where)
writes into the directory `where` a state that is possible if the power had
failed before entry `at`. A file's bytes are certain once the file was synced, a
name (new, renamed, removed) once the directory it is in was; of everything
else it depends on kind what is there:

    dropped    nothing
    torn       of each file and directory the oldest part, and the last write of
               it half: then zeros to the end of the page
    shuffled   any of it, in any combination, with zeros in the gaps
    prefix     of each file and directory the oldest part (whole writes)
    all        everything: what a kill -9 leaves

Knows nothing of fetchd.
"""
import os
import re

KINDS = ("dropped", "torn", "shuffled", "prefix", "all")
PAGE = 4096


class Entry:
    def __init__(self, m, path, path2, data):
        self.call = m[1].decode()
        self.ino, self.offset, self.n = int(m[2]), int(m[3]), int(m[4])
        self.error = int(m[7])
        self.path, self.path2, self.data = path, path2, data

    def __repr__(self):
        return (f"<{self.call} {self.path} {self.path2} {self.ino} "
                f"{self.offset}+{self.n} error {self.error}>")


def read(path):
    """The entries of a log."""
    with open(path, "rb") as f:
        raw = f.read()
    head = re.compile(rb"(\w+) (\d+) (-?\d+) (\d+) (\d+) (\d+) (\d+)\n")
    out, at = [], 0
    while at < len(raw):
        m = head.match(raw, at)
        n, n1, n2 = int(m[4]), int(m[5]), int(m[6])
        at = m.end()
        names = raw[at:at + n1].decode(), raw[at + n1:at + n1 + n2].decode()
        at += n1 + n2
        data = raw[at:at + n]
        at += n
        out.append(Entry(m, *(os.path.normpath(x) if x else "" for x in names),
                         data))
    return out


def there(top):
    """(path, inode, bytes or None for a directory) of all beneath it."""
    out = []
    for at, dirs, names in os.walk(os.path.realpath(top)):
        for name in dirs:
            path = os.path.join(at, name)
            out.append((path, os.stat(path).st_ino, None))
        for name in names:
            path = os.path.join(at, name)
            with open(path, "rb") as f:
                out.append((path, os.stat(path).st_ino, f.read()))
    return out


class File:
    """Bytes: what is certain, and the writes that are not yet."""

    def __init__(self, certain=b""):
        self.certain, self.loose = bytearray(certain), []

    def sync(self):
        for e in self.loose:
            apply(self.certain, e)
        self.loose = []

    def after(self, kind, rng):
        out, loose = bytearray(self.certain), self.loose
        if kind == "all":
            picked = loose
        elif kind == "dropped":
            picked = []
        elif kind == "shuffled":
            picked = [e for e in loose if rng.random() < 0.6]
        else:
            picked = loose[:rng.randint(0, len(loose))]
        for e in picked:
            apply(out, e)
        if kind == "torn" and len(picked) < len(loose):
            tear(out, loose[len(picked)], rng)
        return bytes(out)


def apply(out, e, data=None):
    if e.call == "truncate":
        del out[e.offset:]
    if e.call in ("truncate", "extend"):
        out.extend(bytes(max(0, e.offset - len(out))))
    elif e.call == "write":
        data = e.data if data is None else data
        out.extend(bytes(max(0, e.offset - len(out))))
        out[e.offset:e.offset + len(data)] = data


def tear(out, e, rng):
    """A part of the write; the rest of its page was not written."""
    if e.call != "write":
        return
    part = rng.randint(0, e.n)
    end = min(e.offset + e.n, (e.offset + part) // PAGE * PAGE + PAGE)
    apply(out, e, e.data[:part] + bytes(max(0, end - e.offset - part)))


class Log:
    """before: what there was at the start, see there(); all of it certain."""

    def __init__(self, path, top, before=()):
        self.entries, self.top = read(path), os.path.realpath(top)
        self.before = before

    def syncs(self):
        """The places of calls that made something durable."""
        return [i for i, e in enumerate(self.entries)
                if e.call == "sync" and e.error == 0]

    def last_synced(self, suffix, at):
        """Of the calls before entry `at`: the place of the last one that
        synced a file whose name ends so, or None."""
        return next((i for i in reversed(range(at))
                     if self.entries[i].call == "sync"
                     and self.entries[i].error == 0
                     and self.entries[i].path.endswith(suffix)), None)

    def bytes_at(self, at, path):
        """What a file (relative) had before entry `at`, synced or not."""
        files, names = self._names(at, "all", None)
        found = names.get(os.path.join(self.top, path))
        return found.after("all", None) if found else b""

    def crash(self, at, kind, rng, where):
        """Returns the names of the files (relative) with their bytes."""
        files, names = self._names(at, kind, rng)
        out = {}
        for path, ino in names.items():
            rel = os.path.relpath(path, self.top)
            to = os.path.join(where, rel)
            if ino == "dir":
                os.makedirs(to, exist_ok=True)
                continue
            # A file in a directory whose own name was lost is lost.
            if os.path.dirname(path) not in names and \
                    os.path.dirname(path) != self.top:
                continue
            os.makedirs(os.path.dirname(to), exist_ok=True)
            out[rel] = ino.after(kind, rng)
            with open(to, "wb") as f:
                f.write(out[rel])
            os.chmod(to, 0o600)
        return out

    def _names(self, at, kind, rng):
        """path -> File, or "dir", as the directories have it."""
        files = {}      # inode -> File
        certain = {}    # names that are durable
        loose = []      # (call, path, path2, File), not yet durable
        for path, ino, data in self.before:
            certain[path] = "dir" if data is None else File(data)
            files[ino] = certain[path]
        for e in self.entries[:at]:
            if e.error != 0 or e.call == "reserve":
                continue
            if e.call == "create":
                files[e.ino] = File()
                loose.append(("create", e.path, "", files[e.ino]))
            elif e.call == "mkdir":
                loose.append(("create", e.path, "", "dir"))
            elif e.call in ("rename", "link", "unlink", "rmdir"):
                loose.append((e.call, e.path, e.path2, files.get(e.ino)))
            elif e.call == "sync" and e.ino in files and \
                    not self._is_dir(e.path):
                files[e.ino].sync()
            elif e.call == "sync":
                loose = self._sync_dir(e.path, certain, loose)
            elif e.ino in files:
                files[e.ino].loose.append(e)
        if kind == "all":
            picked = loose
        elif kind == "dropped":
            picked = []
        elif kind == "shuffled":
            picked = [x for x in loose if rng.random() < 0.6]
        else:
            picked = loose[:rng.randint(0, len(loose))]
        for op in picked:
            rename(certain, op)
        return files, certain

    def _is_dir(self, path):
        return path == self.top or any(
            e.call == "mkdir" and e.path == path for e in self.entries) or \
            any(p == path and data is None for p, _, data in self.before)

    def _sync_dir(self, path, certain, loose):
        """All that was done to names in that directory. A rename from one to
        another is one step, certain when the one it leads to is."""
        left = []
        for op in loose:
            if os.path.dirname(op[2] or op[1]) == path:
                rename(certain, op)
            else:
                left.append(op)
        return left


def rename(names, op):
    call, path, path2, what = op
    if call == "create":
        names[path] = what
    elif call == "rename" and (path in names or what is not None):
        # Its source may have a name that is not durable.
        names[path2] = names.pop(path, what)
    elif call == "link" and (path in names or what is not None):
        names[path2] = names.get(path, what)
    elif call in ("unlink", "rmdir"):
        names.pop(path, None)
