# SPDX-License-Identifier: ISC
"""Seeded runs in which anything may go wrong; `./dev chaos N [FIRST]` makes
more of them. A seed that fails is run again by `./dev chaos 1 SEED`."""
import os

import pytest

import chaos

FIRST, COUNT = map(int, os.environ.get("FETCHD_CHAOS", "1:20").split(":"))


@pytest.mark.retries
@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_whatever_goes_wrong_each_item_begun_has_one_record(
        fetchd, origin, dns, leaf, pki, seed):
    plan, res = chaos.run(seed, fetchd, origin, dns, leaf, pki)
    print(plan, "exit", res.exit, "records", len(res.records))
