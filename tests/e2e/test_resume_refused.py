# SPDX-License-Identifier: ISC
"""When --resume must not go on: another run's journal, a changed input, damage,
a lock. Each time exit 3 and a message, no request, and nothing changed, byte
for byte; then the way on that the message names.
"""
import errno
import os
import re
import struct
import subprocess
import time

import pytest

from crashes import Pages, Shim, below, exactly_once, read_jsonl, snapshot
from harness import row
from origin import response, serve

URLS = 1200


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    with Pages(tmp_path_factory.mktemp("pages")) as p:
        yield p


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    return Shim(tmp_path_factory.mktemp("shim"))


class Half:
    """A run that was killed when a part of its items was done."""

    args = ["urls", "-o", "out.jsonl", "--resume"]

    def __init__(self, fetchd, pages, tmp):
        self.fetchd, self.pages, self.dir = fetchd, pages, tmp / "work"
        self.dir.mkdir()
        self.urls = [pages.url(f"/i/{i}") for i in range(1, URLS + 1)]
        self.list = self.dir / "urls"
        self.list.write_text("\n".join(self.urls) + "\n")
        self.out, self.journal = self.dir / "out.jsonl", \
            self.dir / "out.jsonl.journal"

    def kill(self, *args, at=600, **how):
        """at: how many records there are at least."""
        r = self.fetchd.start(*(args or self.args), "--rate", "3000/s",
                              cwd=self.dir, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, **how)
        end = time.monotonic() + 20
        while not self.out.exists() or \
                self.out.read_bytes().count(b"\n") < at:
            assert r.proc.poll() is None and time.monotonic() < end
            time.sleep(0.002)
        r.proc.kill()
        r.proc.wait()
        return self

    def refused(self, *args, exit=3, **how):
        """Returns the message, on one line and without "fetchd: "."""
        before, place = snapshot(self.dir), self.pages.place()
        res = self.fetchd(*(args or self.args), cwd=self.dir, exit=exit,
                          stdout=subprocess.DEVNULL, **how)
        assert snapshot(self.dir) == before
        assert self.pages.place() == place, "it sent requests"
        assert res.stderr.startswith("fetchd: "), res.stderr
        return res.stderr[8:]

    def completes(self, *args, urls=None, exit=0, **how):
        res = self.fetchd(*(args or self.args), cwd=self.dir, exit=exit,
                          stdout=subprocess.DEVNULL, quiet=False, **how)
        exactly_once(read_jsonl(str(self.out)), urls or self.urls)
        return res


@pytest.fixture
def half(fetchd, pages, tmp_path):
    return Half(fetchd, pages, tmp_path)


# ---- another command, another input ----

@pytest.mark.parametrize("args", [
    ["--body", "base64"], ["--fields", "seq,url,error"], ["-X", "HEAD"],
    ["--include-headers"], ["-H", "X-A: b"]], ids=lambda a: a[0])
def test_options_that_change_records_are_refused(half, args):
    half.kill()
    said = half.refused(*half.args, *args)
    assert "--resume-force" in said and "option" in said
    half.completes()


def test_options_that_change_no_record_may_change(half):
    half.kill()
    half.completes(*half.args, "-c", "9", "--max-per-host", "3",
                   "--max-time", "20", "--fsync", "record")


def test_resume_force_goes_on_with_other_options(half):
    half.kill()
    half.completes(*half.args, "--resume-force", "--include-headers")
    kept = read_jsonl(str(half.out))
    assert len({"header" in r for r in kept}) == 2


def change(half, how):
    text = half.list.read_text()
    if how == "shorter":
        half.list.write_text(text[:2000])
    elif how == "empty":
        half.list.write_text("")
    elif how == "changed":
        half.list.write_text(text.replace("/i/5\n", "/i/6\n"))
    elif how == "line removed":
        half.list.write_text(text.replace(half.urls[9] + "\n", ""))
    elif how == "line before":
        half.list.write_text(half.urls[0] + "\n" + text)
    elif how == "gone":
        half.list.unlink()


@pytest.mark.parametrize("how", ["shorter", "empty", "changed",
                                 "line removed", "line before", "gone"])
def test_an_input_that_has_changed_is_refused(half, how):
    half.kill()
    good = half.list.read_text()
    change(half, how)
    said = half.refused()
    assert "urls" in said, said
    if how != "gone":
        assert "--resume-force" in said, said
    half.list.write_text(good)
    half.completes()


def test_resume_force_goes_on_with_a_changed_input(half):
    half.kill()
    change(half, "changed")
    half.completes("--resume-force", *half.args)


def test_an_input_with_another_name_is_refused(half):
    half.kill()
    (half.dir / "other").write_text(half.list.read_text())
    said = half.refused("other", *half.args[1:])
    assert "--resume-force" in said, said
    half.completes()


def test_an_input_in_front_of_the_other_is_refused(half):
    half.kill()
    (half.dir / "other").write_text(half.list.read_text())
    half.refused("other", *half.args)
    half.completes()


@pytest.mark.parametrize("finished", [False, True])
def test_lines_that_were_appended_are_items(half, finished):
    if finished:
        half.completes()
    else:
        half.kill()
    more = [half.pages.url(f"/i/more{i}") for i in range(100)]
    with open(half.list, "a") as f:
        f.write("\n".join(more) + "\n")
    place = half.pages.place()
    half.completes(urls=half.urls + more)
    hits = half.pages.hits(place)
    assert all(hits[f"GET /i/more{i}"] == 1 for i in range(100))
    if finished:
        assert sum(hits.values()) == 100


def test_a_last_line_that_has_become_longer_is_refused(half):
    """Without its newline it was an item; now it is another one."""
    half.list.write_text("\n".join(half.urls))
    half.completes()
    with open(half.list, "a") as f:
        f.write("/more\n")
    half.refused()
    half.list.write_text("\n".join(half.urls) + "\n")
    half.completes()


# ---- outputs ----

def test_an_output_that_is_shorter_than_the_journal_says_is_refused(half):
    half.kill()
    good = half.out.read_bytes()
    half.out.write_bytes(good[:5000])
    said = half.refused()
    assert "out.jsonl" in said and "shorter" in said, said
    half.out.write_bytes(good)
    half.completes()


def test_an_output_that_is_gone_is_refused(half):
    half.kill()
    good = half.out.read_bytes()
    half.out.unlink()
    half.refused()
    half.out.write_bytes(good)
    half.completes()


def test_a_results_file_without_a_journal_is_refused(half):
    half.out.write_text("what was there\n")
    said = half.refused()
    assert "--append" in said and "--overwrite" in said, said


def test_a_journal_without_resume_is_refused(half):
    half.kill()
    said = half.refused("urls", "-o", "out.jsonl", "--journal",
                        "out.jsonl.journal")
    assert "--resume" in said, said


# ---- damage ----

def damage(half, at):
    raw = bytearray(half.journal.read_bytes())
    raw[at] ^= 0x40
    half.journal.write_bytes(raw)


def end_of(journal):
    """Without the zeros of its reserve, if it has any."""
    return len(journal.read_bytes().rstrip(b"\0"))


def test_damage_before_the_end_is_refused_with_its_offset(half):
    half.completes()
    with open(half.list, "a") as f:
        f.write("\n".join(half.urls) + "\n")
    half.kill(at=URLS + 700)
    # A finished run, compacted at the start of this one, and checkpoints.
    damage(half, end_of(half.journal) // 2)
    said = half.refused()
    assert re.search(r"\b(offset|byte) \d+", said), said
    assert "--journal-salvage" in said, said


def test_a_journal_can_be_salvaged(half):
    half.kill()
    damage(half, end_of(half.journal) // 2)
    before = half.journal.read_bytes()
    half.refused()
    half.completes("--journal-salvage", *half.args)
    kept = [n for n in below(half.dir) if "damaged" in n]
    assert len(kept) == 1
    assert (half.dir / kept[0]).read_bytes() == before


def test_a_torn_tail_is_tolerated(half):
    """Cut at each of some places within the last frames."""
    half.kill()
    end, raw = end_of(half.journal), half.journal.read_bytes()
    files = snapshot(half.dir)
    for cut in (1, 2, 3, 5, 9, 17):
        for name, data in files.items():
            (half.dir / name).write_bytes(data)
        half.journal.write_bytes(raw[:end - cut])
        half.completes()


@pytest.mark.parametrize("junk", [b"not a journal at all, just some text\n",
                                  b"\0" * 5000, b"{}\n", b"\xff" * 64],
                         ids=["text", "zeros", "json", "ff"])
def test_a_file_that_is_no_journal_is_refused(half, junk):
    half.journal.write_bytes(junk)
    half.refused()


def test_a_journal_of_a_newer_version_is_refused(half):
    """The version is a number near the beginning; see docs/journal.md."""
    half.kill()
    raw = half.journal.read_bytes()
    half.journal.write_bytes(newer(raw))
    said = half.refused()
    assert "newer" in said, said
    half.journal.write_bytes(raw)
    half.completes()


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def newer(raw):
    head = raw[:16] + struct.pack("<I", struct.unpack("<I", raw[16:20])[0] + 1)
    return head + struct.pack("<I", crc32c(head)) + raw[24:]


# ---- two at once ----

@pytest.mark.parametrize("what", ["both", "journal", "output"])
@row(203)
def test_the_second_run_on_the_same_files_is_refused(fetchd, origin,
                                                     tmp_path, what):
    o = origin(serve(lambda r: response(b"ok") if r.target != "/stay"
                     else lambda c: c.stay()))
    (tmp_path / "urls").write_text(o.url("/1") + "\n" + o.url("/stay") + "\n")
    first = {"both": ["-o", "out.jsonl", "--resume"],
             "journal": ["-o", "out.jsonl", "--journal", "j"],
             "output": ["-o", "out.jsonl", "--journal", "j"]}[what]
    second = {"both": first,
              "journal": ["-o", "other.jsonl", "--resume", "--journal", "j"],
              "output": ["-o", "out.jsonl", "--append"]}[what]
    r = fetchd.start("urls", *first, cwd=tmp_path, stdin=subprocess.DEVNULL)
    assert o.until(lambda o: len(o.requests) == 2)
    res = fetchd("urls", *second, cwd=tmp_path, exit=3, timeout=10)
    assert "locked" in res.stderr or "another" in res.stderr, res.stderr
    assert len(o.requests) == 2 and not (tmp_path / "other.jsonl").exists()
    r.proc.kill()
    r.proc.wait()


# ---- where the journal is ----

@row(220)
def test_a_folder_that_cannot_be_written_to_ends_the_run_at_its_start(
        plain, pages, tmp_path):
    at = tmp_path / "ro"
    at.mkdir()
    (tmp_path / "urls").write_text(pages.url("/i/1") + "\n")
    root = os.getuid() == 0
    if root:
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs",
                               str(at)], capture_output=True, text=True)
        if made.returncode != 0:
            pytest.skip("cannot mount: " + made.stderr)
    else:
        at.chmod(0o555)
    place = pages.place()
    try:
        res = plain("urls", "-o", "out.jsonl", "--journal", "ro/j",
                    cwd=tmp_path, exit=3)
    finally:
        if root:
            subprocess.run(["umount", "-l", str(at)], check=True)
    assert "ro/j" in res.stderr, res.stderr
    assert pages.place() == place
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("error", [errno.ENOLCK, errno.EOPNOTSUPP],
                         ids=["ENOLCK", "EOPNOTSUPP"])
@row(220)
def test_a_file_system_without_locks_ends_the_run_at_its_start(
        plain, shim, pages, tmp_path, error):
    (tmp_path / "urls").write_text(pages.url("/i/1") + "\n")
    place = pages.place()
    res = plain("urls", "-o", "out.jsonl", "--resume", cwd=tmp_path, exit=3,
                env=shim.env(tmp_path, f"lock *journal* {error} 1 0"))
    assert "journal" in res.stderr and "lock" in res.stderr, res.stderr
    assert pages.place() == place


@row(220)
def test_a_network_file_system_is_warned_of(plain, shim, pages, tmp_path):
    (tmp_path / "urls").write_text(pages.url("/i/1") + "\n")
    res = plain("urls", "-o", "out.jsonl", "--resume", cwd=tmp_path, exit=0,
                env=shim.env(tmp_path, fs="0x6969"), quiet=False)
    assert "network" in res.stderr and "journal" in res.stderr, res.stderr


# ---- inputs ----

@row(189)
def test_an_input_cut_while_it_is_read_leaves_a_journal_to_resume_from(
        fetchd, pages, tmp_path):
    """More than the reader takes at once: the file ends where it must not."""
    urls = [pages.url(f"/i/{i}" + "x" * 7000) for i in range(1, 5001)]
    good = "\n".join(urls) + "\n"
    path, out = tmp_path / "urls", tmp_path / "out.jsonl"
    path.write_text(good)
    args = ["urls", "-o", "out.jsonl", "--resume", "--body", "none",
            "--fields", "seq,url,error"]
    r = fetchd.start(*args, "--rate", "3000/s", cwd=tmp_path,
                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    end = time.monotonic() + 20
    while not out.exists() or out.read_bytes().count(b"\n") < 100:
        assert time.monotonic() < end
        time.sleep(0.002)
    os.truncate(path, 1000)
    res = r.finish(exit=3, quiet=False)
    assert "urls" in res.stderr and "truncated" in res.stderr, res.stderr
    done = read_jsonl(str(out))
    assert len(done) < len(urls)
    path.write_text(good)
    place = pages.place()
    fetchd(*args, cwd=tmp_path, exit=0, stdout=subprocess.DEVNULL)
    records = read_jsonl(str(out))
    assert sorted(r["seq"] for r in records) == list(range(1, len(urls) + 1))
    assert all(r["url"] == urls[r["seq"] - 1] for r in records)
    assert sum(pages.hits(place).values()) == len(urls) - len(done)


@row(191)
def test_an_input_inside_the_output_directory_is_refused(fetchd, pages,
                                                         tmp_path):
    (tmp_path / "bodies" / "sub").mkdir(parents=True)
    (tmp_path / "bodies" / "sub" / "urls").write_text(pages.url("/i/1") + "\n")
    place = pages.place()
    before = snapshot(tmp_path)
    for name in ("bodies/sub/urls", str(tmp_path / "bodies/sub/urls")):
        res = fetchd(name, "-O", "bodies", cwd=tmp_path, exit=2)
        assert "bodies" in res.stderr, res.stderr
    assert snapshot(tmp_path) == before and pages.place() == place


# ---- the clock ----

@pytest.mark.parametrize("by", [-86400, 86400])
@row(218)
def test_a_clock_that_was_set_between_two_runs(plain, shim, origin, tmp_path,
                                               by):
    """A hold of Retry-After that was running is neither a day longer nor
    forgotten; the run ends as it must."""
    held = []

    def handler(req):
        if req.target == "/held" and not held:
            held.append(req.time)
            return response(b"", "503 Busy", ["Retry-After: 4"])
        return response(b"ok")
    o = origin(serve(handler))
    (tmp_path / "urls").write_text(
        "".join(o.url(x) + "\n" for x in ("/a", "/held", "/c")))
    args = ["urls", "-o", "out.jsonl", "--resume", "--retry", "3",
            "--max-per-host", "1"]
    r = plain.start(*args, cwd=tmp_path, stdin=subprocess.DEVNULL)
    journal = tmp_path / "out.jsonl.journal"
    assert o.until(lambda o: held)
    size, end = journal.stat().st_size, time.monotonic() + 3
    while journal.stat().st_size == size and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.1)
    r.proc.kill()
    r.proc.wait()
    res = plain(*args, cwd=tmp_path, exit=0, timeout=30,
                env=shim.env(tmp_path, clock=by))
    records = read_jsonl(str(tmp_path / "out.jsonl"))
    assert sorted(r["seq"] for r in records) == [1, 2, 3]
    again = [r.time for r in o.requests if r.target == "/held"]
    assert len(again) == 2 and res.wall < 12
    if by < 0:
        assert again[1] - again[0] >= 3.5, again
