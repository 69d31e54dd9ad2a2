# SPDX-License-Identifier: ISC
"""The table of errors against the standard's facts and the tests' own.

That every code is produced by some test is judged at the end of a whole run
(conftest.Tally), from the records that were seen; codes that no run can make
are listed with their reasons in harness.NOT_PRODUCED.
"""
import re

import pytest

import harness

pytestmark = pytest.mark.harness


def test_codes_are_lower_snake_case():
    for code in harness.ERRORS:
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", code)


def test_every_exit_class_is_one_of_the_contract():
    for code, e in harness.ERRORS.items():
        assert e.exit in (3, 4, 5, 7, 8, 47, 75), code


def test_certificate_codes_exit_5_and_nothing_else_does():
    for code, e in harness.ERRORS.items():
        assert (e.exit == 5) == code.startswith("tls_cert_"), code


def test_the_phase_is_the_codes_prefix():
    for code, e in harness.ERRORS.items():
        head = code.split("_")[0]
        if head in ("dns", "connect", "decode", "output"):
            assert e.phase == head, code
        if head == "tls" and code != "tls_record_error":
            assert e.phase == "tls", code


def test_the_list_of_codes_without_a_test_stays_short():
    assert len(harness.NOT_PRODUCED) <= 8
    assert all(harness.NOT_PRODUCED.values())
