# SPDX-License-Identifier: ISC
"""Fixtures of the end-to-end tests, and what holds after every run.

Each run of fetchd goes through harness.Fetchd, which checks the invariants of
every record; so a test only says what is special to it. This file hands out
fixtures, counts which error codes were seen, and prints with --rows the table
row -> test -> outcome.
"""
import contextlib
import os
import re
import sys

import pytest

HERE = os.path.dirname(__file__)
sys.path.insert(0, HERE)

pytest.register_assert_rewrite("harness")

import harness  # noqa: E402
from certs import Pki  # noqa: E402
from dnsserver import DnsServer  # noqa: E402
from evil import Evil  # noqa: E402
from origin import Origin, response, serve  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--rows", action="store_true",
                     help="print each fault row with its tests")


def pytest_configure(config):
    config.addinivalue_line("markers", "row(*n): fault rows a test proves")
    config.addinivalue_line("markers", "slow: takes more than ten seconds")
    config.addinivalue_line("markers", "harness: needs no fetchd")
    config.addinivalue_line("markers", "retries: --retry 0 is not added")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Tally(config), "tally")


def pytest_make_parametrize_id(val):
    """Short names, whatever bytes a test is about."""
    if isinstance(val, (bytes, str)) and len(val) > 40:
        return f"{val[:12]!r}..{len(val)}"
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    have = os.access(harness.BINARY, os.X_OK)
    for item in items:
        for m in item.iter_markers("row"):
            item.user_properties.append(("rows", list(m.args)))
        if not have and not item.get_closest_marker("harness"):
            item.add_marker(pytest.mark.skip(
                reason=f"{harness.BINARY} is not built"))


class Tally:
    """Which rows and error codes the session proved."""

    def __init__(self, config):
        self.config = config
        self.rows, self.codes, self.files = {}, set(), set()
        self.skipped = set()

    def pytest_runtest_logreport(self, report):
        props = report.user_properties
        name = os.path.basename(report.nodeid.split("::")[0])
        if report.skipped:
            self.skipped.add(name)
        if report.when == "call" or report.outcome != "passed":
            self.files.add(name)
            for key, rows in props:
                if key == "rows":
                    for n in rows:
                        self.rows.setdefault(n, {})[report.nodeid] = \
                            report.outcome
        if report.when == "teardown":
            for key, codes in props:
                if key == "codes":
                    self.codes.update(codes)

    def unproved(self):
        """Codes that no record showed: (those nothing excuses, those that a
        file with skipped tests is about)"""
        said = ""
        for name in self.skipped:
            with open(os.path.join(HERE, name)) as f:
                said += f.read()
        missing = sorted({*harness.ERRORS, *harness.PARSE_ERRORS}
                         - self.codes - set(harness.NOT_PRODUCED))
        return ([c for c in missing if not re.search(rf"\b{c}\b", said)],
                [c for c in missing if re.search(rf"\b{c}\b", said)])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session):
        """The last promise, once all files have run: every code is made."""
        wanted = {f for f in os.listdir(HERE) if re.match(r"test_.*\.py$", f)}
        if (not os.access(harness.BINARY, os.X_OK) or self.files != wanted
                or self.config.option.keyword
                or self.config.option.markexpr):
            return
        missing, excused = self.unproved()
        outcome, why = "passed", None
        if missing:
            outcome, why = "failed", f"never seen: {' '.join(missing)}"
        elif excused:
            outcome, why = "skipped", ("test_errors.py", 0, "Skipped: their "
                                       f"tests were: {' '.join(excused)}")
        self.report(session, outcome, why)

    def report(self, session, outcome, why):
        from _pytest.reports import TestReport
        name = "test_every_error_code_is_produced_by_some_test"
        rep = TestReport(f"test_errors.py::{name}",
                         ("test_errors.py", 0, name), {}, outcome, why, "call")
        tr = self.config.pluginmanager.get_plugin("terminalreporter")
        tr.stats.setdefault(rep.outcome, []).append(rep)
        if outcome == "failed":
            session.exitstatus = 1

    def pytest_terminal_summary(self, terminalreporter):
        if not self.config.getoption("--rows"):
            return
        tr = terminalreporter
        tr.section("fault rows")
        for n in sorted(self.rows):
            for node, outcome in sorted(self.rows[n].items()):
                tr.line(f"{n:4}  {node.split('e2e/')[-1]:90} {outcome}")
        lost = sorted({*harness.ROWS_A, *harness.ROWS_B, *harness.ROWS_C}
                      - set(self.rows))
        if lost:
            tr.line(f"rows without a test in this run: {lost}")


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def leaf(pki):
    """A good certificate: names under .test, the addresses of loopback."""
    return pki.leaf("a.test", "b.test", "c.test", "*.hosts.test", "127.0.0.1",
                    "127.0.0.2", "127.0.0.3", "::1")


@pytest.fixture
def fetchd(request, tmp_path, pki):
    """fetchd(args..., stdin=...) -> harness.Result, invariants checked."""
    runner = harness.Fetchd(tmp_path, pki.ca,
                            bool(request.node.get_closest_marker("retries")))
    yield runner
    runner.clean_up()
    request.node.user_properties.append(("codes", sorted(runner.codes)))


@pytest.fixture
def plain(tmp_path, pki):
    """The same of a build without sanitizers."""
    if not os.access(harness.PLAIN, os.X_OK):
        pytest.skip(f"{harness.PLAIN} is not built")
    runner = harness.Fetchd(tmp_path, pki.ca, binary=harness.PLAIN)
    yield runner
    runner.clean_up()


@pytest.fixture
def origin():
    """origin(script, ..., tls=context) -> a started Origin."""
    with contextlib.ExitStack() as stack:
        def make(*scripts, **how):
            return stack.enter_context(Origin(*scripts, **how))
        yield make


@pytest.fixture
def evil(fetchd, tmp_path):
    """evil(paths, args...) -> harness.Result: pages whose parser does what
    they say, see evil.py."""
    with Evil(fetchd, tmp_path) as e:
        yield e


@pytest.fixture
def tls(leaf):
    """A fresh context with the good certificate."""
    return leaf.context()


@pytest.fixture
def dns():
    with DnsServer() as server:
        yield server


@pytest.fixture(scope="session")
def control():
    """A host that always answers; faults elsewhere must not touch it."""
    with Origin(serve(lambda r: response(b"control"))) as o:
        yield o


@pytest.fixture
def probe(fetchd, origin, control):
    """probe(script, ...) -> harness.Probe: a faulty exchange, one after it on
    the same origin, and a control host beside them."""
    return harness.Prober(fetchd, origin, control)


@pytest.fixture
def netns():
    """netns(*commands) -> a network namespace with lo up."""
    with contextlib.ExitStack() as stack:
        yield lambda *cmds: stack.enter_context(harness.NetNs(*cmds))


@pytest.fixture(scope="session")
def nginx(tmp_path_factory, leaf):
    with harness.Nginx(tmp_path_factory.mktemp("nginx"), leaf) as n:
        yield n
