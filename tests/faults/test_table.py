"""The fault table: what may go wrong, how it is made to, what must happen then, and whether it does. tests/faults/run
prints it; each row is a test of its own."""
import argparse
import collections
import concurrent.futures
import os
import sys
import time
import unittest

from rows_disk import Disk, Resume
from rows_input import Data, Model
from rows_plugins import Plugins
from rows_process import Environment, Limits, Signals, Streams

NONE_RUN = 77  # ctest: skipped
CASES = [Disk, Resume, Signals, Streams, Limits, Environment, Data, Model, Plugins]


class Outcome(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.trouble, self.reason = "", ""

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.trouble += self.failures[-1][1]

    def addError(self, test, err):
        super().addError(test, err)
        self.trouble += self.errors[-1][1]

    def addSubTest(self, test, subtest, err):
        if err:
            self.trouble += f"{subtest}\n{self._exc_info_to_string(err, test)}"

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.reason = reason


def method_of(test):
    return getattr(type(test), test.id().rsplit(".", 1)[1])


def all_rows(names=()):
    found = [case(name) for case in CASES for name in unittest.defaultTestLoader.getTestCaseNames(case)]
    found.sort(key=lambda test: (CASES.index(type(test)), method_of(test).__code__.co_firstlineno))
    return [test for test in found if not names or any(name in test.id() for name in names)]


def hold(test):
    """(state, what was measured, seconds, trouble)"""
    outcome, start = Outcome(), time.monotonic()
    test.run(outcome)
    seconds = time.monotonic() - start
    if outcome.reason:
        return "not run", outcome.reason, seconds, ""
    return "NOT" if outcome.trouble else "held", test.measured, seconds, outcome.trouble


def main():
    parser = argparse.ArgumentParser(prog="tests/faults/run")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--all", action="store_true", default=os.environ.get("BERTH_FAULTS_ALL") == "1")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    tests = all_rows(arguments.names)
    if not tests:
        sys.exit(f"no row is named like {' or '.join(arguments.names)}")
    for case in CASES:
        case.setUpClass()
    started, troubles, counts = time.monotonic(), [], collections.Counter()
    reasons = collections.Counter()
    try:
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            if arguments.markdown:
                print("| fault | injected by | must happen | result |\n|---|---|---|---|")
            for number, (test, (state, measured, seconds, trouble)) in enumerate(zip(tests, pool.map(hold, tests)), 1):
                fault, injected, must = method_of(test).row
                counts[state] += 1
                reasons[measured] += state == "not run"
                if arguments.markdown:
                    cells = (fault, injected, must, f"{state}: {measured}")
                    print("|", " | ".join(cell.replace("|", "\\|") for cell in cells), "|")
                else:
                    print(f"{number:3} {state:7} {seconds:4.1f} s  {fault}\n{'':15}by: {injected}\n{'':15}must: {must}\n"
                          f"{'':15}result: {measured or '-'}   ({test.id().split('.', 1)[1]})", flush=True)
                if trouble:
                    troubles.append((test.id(), trouble))
    finally:
        for case in CASES:
            case.tearDownClass()
    for reason, count in reasons.items():
        if count:
            print(f"\n== NOT RUN: {count} of {len(tests)} rows: {reason}", file=sys.stderr)
    for name, trouble in troubles:
        print(f"\n== {name}\n{trouble}", file=sys.stderr)
    print(f"\n{counts['held']} of {len(tests)} rows hold, {counts['NOT']} do not, {counts['not run']} were not run; "
          f"{time.monotonic() - started:.0f} s", file=sys.stderr if arguments.markdown else sys.stdout)
    if arguments.all and counts["not run"]:
        sys.exit("each row was to be run (--all, BERTH_FAULTS_ALL=1)")
    sys.exit(NONE_RUN if counts["not run"] == len(tests) else int(counts["NOT"] > 0))


if __name__ == "__main__":
    main()
