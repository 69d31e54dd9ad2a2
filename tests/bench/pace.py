# SPDX-License-Identifier: ISC
"""B7: hosts that take their time, and those beside them."""

import os
import subprocess
import time

import measure
from server import Names


# ---- unfair hosts -----------------------------------------------------------

def fast_p95(bench, slow_hosts, dns):
    """When the fast hosts' answers were there, 95th of 100, in seconds."""
    port = bench.nginx.ports["http"]
    path, out = (os.path.join(bench.folder, x) for x in ("b7", "b7.out"))
    with open(path, "w", encoding="ascii") as f:
        for i in range(slow_hosts * 6):
            f.write(f"http://h{i % slow_hosts}.test:{port}/wait10?{i}\n")
        for i in range(90 * 100):
            f.write(f"http://h{100 + i % 90}.test:{port}/soon?{i}\n")
    stamps = []
    start = time.monotonic()
    child = subprocess.Popen(
        [bench.fetchd.binary, path, "-c", "1000", "--max-per-host", "6",
         "--body", "none", "--dns-servers", dns.address],
        preexec_fn=measure.client_cpu, stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL)
    with child.stdout:
        for line in child.stdout:
            if b"/soon?" in line:
                stamps.append(time.monotonic() - start)
    status = child.wait()
    good = status == 0 and len(stamps) == 9000
    return sorted(stamps)[int(0.95 * len(stamps))] if good else None


def b7(bench):
    "a tenth of the hosts answers in 10 s, first in the list"
    if bench.fetchd is None:
        return [], []
    dns = Names()
    try:
        alone, beside = fast_p95(bench, 0, dns), fast_p95(bench, 10, dns)
    finally:
        dns.stop()
    if not alone or not beside:
        return [], [("B7 lost answers", False)]
    return [], [(f"the fast hosts' p95 {beside:.3f} s beside slow ones, "
                 f"{alone:.3f} s alone: {beside / alone:.2f} "
                 "(target <= 1.2)", beside / alone <= 1.2)]
