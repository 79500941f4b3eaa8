#!/usr/bin/env python3
"""Count the tests in meson's log: count_tests.py TESTLOG.json

A program written with Check counts as many tests as it reports; any other program, and one
that ended before it could report, counts as one.  Prints what failed and, last, the line
"N passed, N failed, N skipped".  Exit status 1 when something failed or nothing passed.
"""
import json
import re
import sys

CHECK_REPORT = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)$", re.M)


def count(entry):
    """(passed, failed, skipped) of one test program."""
    reports = CHECK_REPORT.findall(entry.get("stdout") or "")
    checks = sum(int(r[0]) for r in reports)
    bad = sum(int(r[1]) + int(r[2]) for r in reports)
    result = entry["result"]
    if result == "SKIP":
        return 0, 0, 1
    if result in ("OK", "EXPECTEDFAIL") and bad == 0:
        return checks if reports else 1, 0, 0
    # All tests may have passed and the program failed nonetheless, as with a leak.
    return checks - bad, max(bad, 1), 0


def main(paths):
    entries = []
    for path in paths:
        try:
            with open(path, encoding="utf-8") as log:
                entries += [json.loads(line) for line in log]
        except (OSError, ValueError) as error:
            print(f"test: {path}: {error}", file=sys.stderr)
            return 1
    total = [0, 0, 0]
    for entry in entries:
        numbers = count(entry)
        total = [a + b for a, b in zip(total, numbers)]
        if numbers[1]:
            print(f"test: {entry['name']}: {entry['result']}, {numbers[1]} failed")
        elif numbers[2]:
            print(f"test: {entry['name']}: skipped")
    if total[0] == 0:
        print("test: no test has passed", file=sys.stderr)
    print("{} passed, {} failed, {} skipped".format(*total))
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
