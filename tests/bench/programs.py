# SPDX-License-Identifier: ISC
"""fetchd, its peers and the ceilings: how each is told to fetch a list. Each
verifies certificates (the ceilings do not), reads every body, and leaves
something from which the answers can be counted."""

import json
import os
import re
import shutil
import subprocess

import measure

HERE = os.path.dirname(os.path.abspath(__file__))


class Job:
    """A list to fetch. count: URLs; size: bytes of all bodies together."""

    def __init__(self, nginx, folder, path, count, size, parallel, sample):
        self.nginx, self.folder, self.path = nginx, folder, path
        self.count, self.size, self.parallel = count, size, parallel
        self.sample = sample   # one URL of the list, for the ceilings
        self.seconds = 3       # how long a ceiling runs
        self.patience = measure.PATIENCE

    def out(self, name):
        return os.path.join(self.folder, name)


class Program:
    name = ""
    binary = ""
    ceiling = False
    limit = None      # it is given at most this many URLs
    most = None       # it has at most so many in flight
    long = False      # run_long can be had

    def installed(self):
        return shutil.which(self.binary) is not None

    def version(self):
        out = subprocess.run([self.binary, "--version"], text=True,
                             capture_output=True, check=False)
        return (out.stdout or out.stderr).split("\n")[0].strip()

    def prepare(self, job):
        """Once a job, not measured."""

    def run(self, job):
        raise NotImplementedError

    def run_long(self, job, lines):
        """A long list, as chunks of bytes: through a pipe where it can.
        Bodies are not kept."""
        raise NotImplementedError

    def measured(self, job, argv, **more):
        return measure.run(argv, server_pid=job.nginx.worker,
                           patience=job.patience, **more)


def judge(run, job, count, size):
    """Sets what the run is out of the row for, if anything."""
    run.count = job.count
    if run.status not in (0, None):
        run.note = f"exit status {run.status}"
    if count != job.count or None not in (size, job.size) \
            and size != job.size:
        run.note = f"{count} of {job.count} answers, {size} bytes"
    return run


class Fetchd(Program):
    name = "fetchd"
    checked = False
    long = True

    def __init__(self, binary):
        self.binary = binary

    def options(self, job):
        return ["-c", str(job.parallel), "--cacert", job.nginx.ca, "--stats"]

    def run(self, job, *options, check=None, pinned=True):
        """check: given the records' path, it says what is wrong with them."""
        out, err = job.out("records.jsonl"), job.out("stderr")
        with open(err, "wb") as f:
            run = self.measured(
                job, [self.binary, job.path, "-o", out, *self.options(job),
                      *options], stderr=f, pinned=pinned)
        with open(err, encoding="utf-8") as f:
            lines = [x for x in f.read().split("\n") if x.startswith("{")]
        if lines:
            run.more = {k: v for k, v in json.loads(lines[-1]).items()
                        if k.startswith(("loop_lag", "conns", "handsh",
                                         "worker", "cpu_"))}
        judge(run, job, *self.counted(out))
        if check and not run.note:
            run.note = check(out)
        os.unlink(out)
        return run

    def run_long(self, job, lines, *options):
        out = job.out("records.jsonl")
        run = self.measured(job, [
            self.binary, "-c", str(job.parallel), "-o", out, "--body", "none",
            *options, "-"], stdin=lines)
        judge(run, job, self.counted(out)[0], None)
        os.unlink(out)
        return run

    @staticmethod
    def counted(path):
        """Good records, and the bytes of their bodies."""
        count = size = 0
        with open(path, "rb") as f:
            for line in f:
                m = SIZE.search(line)
                if OK.search(line) and m:
                    count += 1
                    size += int(m.group(1))
        return count, size


OK = re.compile(rb'"status_code": ?200\b')
SIZE = re.compile(rb'"size_decoded": ?(\d+)')


class Kept(Fetchd):
    """fetchd with --resume, its results on a disk and not on tmpfs; mode None:
    without --resume, on the same disk."""

    def __init__(self, binary, folder, mode):
        super().__init__(binary)
        self.folder, self.mode = folder, mode
        self.name = f"fsync-{mode}" if mode else "fetchd"

    def run(self, job, *options, check=None, pinned=True):
        out = os.path.join(self.folder, "records.jsonl")
        with open(job.out("stderr"), "wb") as f:
            run = self.measured(job, [
                self.binary, job.path, "-o", out, *self.options(job),
                *(("--resume", "--fsync", self.mode) if self.mode else ()),
                *options], stderr=f, pinned=pinned)
        judge(run, job, *self.counted(out))
        for path in out, out + ".journal":
            if os.path.exists(path):
                os.unlink(path)
        return run


class Before(Fetchd):
    """Another build of fetchd, to be held against this one."""
    name = "before"


class Wget2(Program):
    """It says nothing of single answers, so bytes are counted once a job,
    when it writes them, and answers each time by the server."""
    name = binary = "wget2"
    long = True

    def argv(self, job, out):
        return ["wget2", "--no-config", "--quiet", "-i", job.path, "-O", out,
                f"--max-threads={job.parallel}", "--ca-certificate",
                job.nginx.ca, "--no-http2", "--compression=none", "--no-hsts",
                "--no-hpkp", "--no-ocsp", "--tries=1"]

    def prepare(self, job):
        out = job.out("wget2.out")
        subprocess.run(self.argv(job, out), check=False,
                       stdin=subprocess.DEVNULL)
        self.size = os.path.getsize(out)
        os.unlink(out)

    def run(self, job):
        before = job.nginx.requests()
        run = self.measured(job, self.argv(job, "/dev/null"))
        return judge(run, job, job.nginx.requests() - before, self.size)

    def run_long(self, job, lines):
        """From a file: given a pipe (-i -), Debian 12's 1.99.1 reads the list
        and asks for none of it."""
        job.path = job.out("long.list")
        with open(job.path, "wb") as f:
            f.writelines(lines)
        before = job.nginx.requests()
        run = self.measured(job, self.argv(job, "/dev/null"))
        os.unlink(job.path)
        run.says = "list in a file"
        return judge(run, job, job.nginx.requests() - before, None)


class Curl(Program):
    """300 at once are its most (--parallel-max, Debian 12's 7.88)."""
    name = binary = "curl"
    most, long = 300, True

    def prepare(self, job):
        with open(job.path, encoding="ascii") as src, \
                open(job.out("curl.conf"), "w", encoding="ascii") as dst:
            for line in src:
                dst.write(f'url="{line.strip()}"\noutput="/dev/null"\n')

    def fetch(self, job, conf, **more):
        out = job.out("curl.out")
        with open(out, "wb") as f:
            run = self.measured(job, [
                "curl", "-q", "-s", "-Z", "--parallel-max",
                str(min(job.parallel, self.most)), "--http1.1", "--cacert",
                job.nginx.ca, "-w", "%{http_code} %{size_download}\\n",
                "-K", conf], stdout=f, **more)
        with open(out, encoding="ascii") as f:
            sizes = [int(x.split()[1]) for x in f if x.startswith("200 ")]
        return run, len(sizes), sum(sizes)

    def run(self, job):
        run, count, size = self.fetch(job, job.out("curl.conf"))
        return judge(run, job, count, size)

    def run_long(self, job, lines):
        conf = (re.sub(rb"(.+)\n", rb'url="\1"\noutput="/dev/null"\n', chunk)
                for chunk in lines)
        run, count, _ = self.fetch(job, "-", stdin=conf)
        return judge(run, job, count, None)


class Aria2(Program):
    """It makes a file of each page; 16 connections to one host are its most,
    and its list is kept short, as its memory and time grow with it."""
    name, binary, limit = "aria2", "aria2c", 20000

    def prepare(self, job):
        with open(job.path, encoding="ascii") as src, \
                open(job.out("aria2.list"), "w", encoding="ascii") as dst:
            for n, line in enumerate(src):
                dst.write(f"{line.strip()}\n  out={n}\n")

    def run(self, job):
        out = job.out("aria2")
        os.makedirs(out, exist_ok=True)
        run = self.measured(job, [
            "aria2c", "--no-conf", "-q", "-i", job.out("aria2.list"), "-j",
            str(job.parallel), "--dir", out, "--ca-certificate",
            job.nginx.ca, "--file-allocation=none", "--no-netrc",
            "--disable-ipv6"])
        sizes = [e.stat().st_size for e in os.scandir(out)]
        judge(run, job, len(sizes), sum(sizes))
        shutil.rmtree(out)
        return run


class Script(Program):
    """A peer in tests/bench/peers: LIST PARALLEL CA; prints COUNT BYTES."""
    command = ()

    def argv(self, job):
        return [*self.command, job.path, str(job.parallel), job.nginx.ca]

    def environment(self, job):
        return {}

    def run(self, job):
        out = job.out("script.out")
        with open(out, "wb") as f:
            run = self.measured(job, self.argv(job), stdout=f,
                                env=self.environment(job))
        with open(out, encoding="ascii") as f:
            words = [int(w) for w in f.read().split()] or [0, 0]
        return judge(run, job, *words)


class Go(Script):
    name, binary = "go", "go"

    def version(self):
        return subprocess.run(["go", "version"], text=True, check=False,
                              capture_output=True).stdout.strip()

    def prepare(self, job):
        self.program = job.out("gofetch")
        if not os.path.exists(self.program):
            subprocess.run(
                ["go", "build", "-o", self.program,
                 os.path.join(HERE, "peers", "gofetch.go")], check=True,
                env={**os.environ, "GOCACHE": job.out("gocache"),
                     "GOFLAGS": "-mod=mod", "GO111MODULE": "off"})
        self.command = [self.program]


class Aiohttp(Script):
    name, binary, limit = "aiohttp", "/usr/bin/python3", 20000
    command = ["/usr/bin/python3", os.path.join(HERE, "peers", "aio.py")]

    def ask(self, code):
        return subprocess.run([self.binary, "-c", code], check=False,
                              capture_output=True, text=True)

    def installed(self):
        return self.ask("import aiohttp").returncode == 0

    def version(self):
        return "aiohttp " + self.ask(
            "import aiohttp; print(aiohttp.__version__)").stdout.strip()


class Undici(Script):
    name, binary, limit = "undici", "node", 50000
    command = ["node", os.path.join(HERE, "peers", "undici.js")]
    module = "/usr/share/nodejs/undici/package.json"

    def environment(self, job):
        return {"NODE_PATH": "/usr/share/nodejs"}

    def installed(self):
        return super().installed() and os.path.exists(self.module)

    def version(self):
        with open(self.module, encoding="utf-8") as f:
            return "undici " + json.load(f)["version"]


class Wrk(Program):
    """Takes a time, not a count; writes no results."""
    name = binary = "wrk"
    ceiling = True

    def version(self):
        return subprocess.run(["wrk", "-v"], text=True, check=False,
                              capture_output=True).stdout.split("\n")[0]

    def run(self, job):
        out = job.out("wrk.out")
        with open(out, "wb") as f:
            run = self.measured(job, [
                "wrk", "-t1", f"-c{job.parallel}", f"-d{job.seconds}s",
                "--timeout", "30s", job.sample], stdout=f)
        with open(out, encoding="utf-8") as f:
            text = f.read()
        m = re.search(r"(\d+) requests in", text)
        run.count = int(m.group(1)) if m else 0
        if not run.count or "Non-2xx" in text or "Socket errors" in text:
            run.note = "wrk saw errors"
        return run


class STime(Program):
    """Handshakes one after another, each with one GET; does verify."""
    name, binary = "s_time", "openssl"
    ceiling = True

    def version(self):
        return subprocess.run(["openssl", "version"], text=True, check=False,
                              capture_output=True).stdout.strip()

    def run(self, job):
        out = job.out("s_time.out")
        host, _, path = job.sample.removeprefix("https://").partition("/")
        with open(out, "wb") as f:
            run = self.measured(job, [
                "openssl", "s_time", "-new", "-time", str(job.seconds + 2),
                "-connect", host, "-CAfile", job.nginx.ca, "-verify", "3",
                "-www", "/" + path], stdout=f)
        with open(out, encoding="utf-8") as f:
            m = re.search(r"(\d+) connections in", f.read())
        run.count = int(m.group(1)) if m else 0
        if not run.count:
            run.note = "no connections counted"
        return run


def everyone(fetchd, before):
    old = [Before(before)] if before else []
    return [Fetchd(fetchd), *old, Wrk(), STime(), Wget2(), Curl(), Aria2(), Go(),
            Aiohttp(), Undici()]
