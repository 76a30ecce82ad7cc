#!/usr/bin/env python3
"""Counts what passed, failed and was skipped, over all runners of scripts/test.

    tally.py step NAME STATUS                 one check that is its exit status
    tally.py cases NAME STATUS LOG            a script whose log has PASS, FAIL and SKIP lines
    tally.py ctest NAME STATUS JUNIT.xml      ctest; of doctest programs, every TEST_CASE counts
    tally.py skip NAME WHY                    something that was not run
    tally.py sum                              the sum; exit status 1 if anything failed
    tally.py --self-test

Each of the first four appends one line to the file named by TALLY_FILE and prints it. What cannot
be understood counts as a failure: a crash, a missing report, a script that says nothing.
"""

import os
import re
import sys
import tempfile
import unittest
import xml.etree.ElementTree

CASE = re.compile(r"^(PASS|FAIL|SKIP)(?:\s|$)")
DOCTEST = re.compile(
    r"\[doctest\] test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed\s*\|\s*(\d+) skipped")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
TIMED_OUT = {124, 137}


class Count:
    def __init__(self, passed=0, failed=0, skipped=0, notes=()):
        self.passed, self.failed, self.skipped, self.notes = passed, failed, skipped, list(notes)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.notes += other.notes

    def fail(self, note):
        self.failed += 1
        self.notes.append(note)

    def __str__(self):
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")

    def numbers(self):
        return self.passed, self.failed, self.skipped


def outcome(status):
    return "timed out" if status in TIMED_OUT else f"exit status {status}"


def count_step(status):
    count = Count()
    if status == 0:
        count.passed = 1
    else:
        count.fail(outcome(status))
    return count


def count_cases(status, log):
    count = Count()
    for line in log.splitlines():
        match = CASE.match(line)
        if not match:
            continue
        if match.group(1) == "PASS":
            count.passed += 1
        elif match.group(1) == "SKIP":
            count.skipped += 1
            count.notes.append(line)
        else:
            count.fail(line)
    if status != 0 and not count.failed:
        count.fail(outcome(status))
    if not any(count.numbers()):
        count.fail("no PASS, FAIL or SKIP line")
    return count


def count_program(name, status, output):
    """One test of ctest. The program's own summary counts, if it came to write one."""
    summaries = DOCTEST.findall(output)
    if status in ("notrun", "disabled", "skipped"):
        return Count(failed=1, notes=[f"{name}: not run"]) if status == "notrun" else (
            Count(skipped=1, notes=[f"{name}: {status}"]))
    if not summaries:
        return Count(passed=1) if status == "run" else Count(failed=1, notes=[f"{name}: failed"])
    total, passed, failed, skipped = map(int, summaries[-1])
    count = Count(passed, failed, skipped)
    if failed:
        count.notes.append(f"{name}: {failed} of {total} test cases failed")
    elif status != "run":
        count.fail(f"{name}: failed after its test cases had passed")
    elif total == 0:
        count.fail(f"{name}: has no test cases")
    return count


def count_ctest(status, report):
    count = Count()
    try:
        suite = xml.etree.ElementTree.fromstring(report)
    except xml.etree.ElementTree.ParseError:
        count.fail(f"no report: {outcome(status)}")
        return count
    for case in suite.iter("testcase"):
        output = case.findtext("system-out", "")
        state = case.get("status", "fail")
        # ctest calls a test "notrun" too when it was skipped by its return code.
        skipped = case.find("skipped")
        if state == "notrun" and skipped is not None and "SKIP" in skipped.get("message", ""):
            state = "skipped"
        count.add(count_program(case.get("name", "?"), state, output))
    if not any(count.numbers()):
        count.fail("ctest found no tests")
    if status != 0 and not count.failed:
        count.fail(f"ctest: {outcome(status)}")
    return count


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            # ctest writes control characters of a program's output as they come; XML has none.
            return re.sub(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\ufffe\uffff]", "?",
                          COLOUR.sub("", file.read()))
    except FileNotFoundError:
        return ""


def record(name, count):
    with open(os.environ["TALLY_FILE"], "a", encoding="utf-8") as file:
        file.write(f"{count.passed} {count.failed} {count.skipped} {name}\n")
    print(f"{name}: {count}")
    for note in count.notes:
        print(f"    {note}")


def sum_up(text):
    count = Count()
    for line in text.splitlines():
        passed, failed, skipped, name = line.split(" ", 3)
        count.add(Count(int(passed), int(failed), int(skipped)))
        if int(failed):
            count.notes.append(f"{name}: {failed} failed")
    if not any(count.numbers()):
        count.fail("nothing was run")
    return count


def main(arguments):
    verb, *rest = arguments
    if verb == "--self-test":
        unittest.main(argv=["tally.py"])
    if verb == "sum":
        count = sum_up(read(os.environ["TALLY_FILE"]))
        print("\n".join([*count.notes, str(count)]))
        return 1 if count.failed else 0
    name, value = rest[:2]
    if verb == "step":
        count = count_step(int(value))
    elif verb == "cases":
        count = count_cases(int(value), read(rest[2]))
    elif verb == "ctest":
        count = count_ctest(int(value), read(rest[2]))
    elif verb == "skip":
        count = Count(skipped=1, notes=[value])
    else:
        raise SystemExit(__doc__)
    record(name, count)
    return 1 if count.failed else 0


def doctest_output(total, passed, failed, skipped=0):
    return (f"[doctest] test cases: {total:>4} | {passed:>4} passed | {failed} failed | "
            f"{skipped} skipped\n[doctest] assertions: 9 | 9 passed | 0 failed |\n")


def ctest_report(*cases):
    return "<testsuite>" + "".join(
        f'<testcase name="{name}" status="{status}"><system-out>{output}</system-out></testcase>'
        for name, status, output in cases) + "</testsuite>"


class SelfTest(unittest.TestCase):
    def expect(self, count, *numbers):
        self.assertEqual(count.numbers(), numbers, count.notes)

    def test_a_step_is_its_exit_status(self):
        self.expect(count_step(0), 1, 0, 0)
        self.expect(count_step(1), 0, 1, 0)
        self.assertEqual(count_step(124).notes, ["timed out"])

    def test_each_case_of_a_script_counts(self):
        self.expect(count_cases(0, "noise\nPASS\n"), 1, 0, 0)
        self.expect(count_cases(1, "PASS a\nFAIL b broke\nSKIP c no docker\nPASS d\n"), 2, 1, 1)
        self.expect(count_cases(0, "PASS a\r\nPASS b\r\n"), 2, 0, 0)

    def test_words_that_only_begin_alike_are_not_cases(self):
        self.expect(count_cases(0, "PASSED\n PASS\nSKIPPING x\nFAILURE\nPASS\n"), 1, 0, 0)

    def test_a_script_that_fails_or_says_nothing_is_a_failure(self):
        self.expect(count_cases(0, ""), 0, 1, 0)
        self.expect(count_cases(2, "PASS a\n"), 1, 1, 0)
        self.expect(count_cases(124, "PASS a\n"), 1, 1, 0)
        self.expect(count_cases(0, "FAIL a\n"), 0, 1, 0)

    def test_a_doctest_program_counts_its_test_cases(self):
        report = ctest_report(("base", "run", doctest_output(51, 50, 0, 1)), ("tidy", "run", "ok"),
                              ("wal", "fail", doctest_output(9, 7, 2)))
        self.expect(count_ctest(8, report), 58, 2, 1)

    def test_a_program_that_crashes_is_a_failure(self):
        self.expect(count_ctest(8, ctest_report(("os", "fail", "Segmentation fault"))), 0, 1, 0)

    def test_a_leak_after_all_test_cases_passed_is_a_failure(self):
        report = ctest_report(("os", "fail", doctest_output(4, 4, 0)))
        self.expect(count_ctest(8, report), 4, 1, 0)

    def test_a_program_without_test_cases_is_a_failure(self):
        self.expect(count_ctest(0, ctest_report(("os", "run", doctest_output(0, 0, 0)))), 0, 1, 0)

    def test_a_program_that_was_not_built_is_a_failure(self):
        self.expect(count_ctest(8, ctest_report(("os", "notrun", ""))), 0, 1, 0)

    def test_a_missing_empty_or_broken_report_is_a_failure(self):
        for report in ("", "<testsuite>", "<testsuite></testsuite>"):
            self.expect(count_ctest(0, report), 0, 1, 0)

    def test_a_failure_of_ctest_itself_is_a_failure(self):
        report = ctest_report(("base", "run", doctest_output(3, 3, 0)))
        self.expect(count_ctest(124, report), 3, 1, 0)

    def through_a_file(self, text):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(text)
            file.flush()
            return read(file.name)

    def test_control_characters_do_not_hide_a_result(self):
        report = ctest_report(("os", "run", "\x07\x1b[2J" + doctest_output(2, 2, 0)))
        self.expect(count_ctest(0, self.through_a_file(report)), 2, 0, 0)
        self.expect(count_cases(0, self.through_a_file("\x1b[32mPASS\x1b[0m a\n")), 1, 0, 0)

    def test_what_a_test_printed_just_before_its_summary_does_not_hide_it(self):
        report = ctest_report(("os", "run", "half a line" + doctest_output(2, 2, 0)))
        self.expect(count_ctest(0, report), 2, 0, 0)

    def test_the_sum_is_over_all_runners(self):
        self.assertEqual(str(sum_up("3 0 0 dev\n1 0 0 tidy\n")), "4 passed, 0 failed")
        count = sum_up("3 1 0 dev\n0 0 2 integration test_s3.py\n")
        self.assertEqual(str(count), "3 passed, 1 failed, 2 skipped")
        self.assertEqual(count.notes, ["dev: 1 failed"])

    def test_nothing_run_is_a_failure(self):
        self.expect(sum_up(""), 0, 1, 0)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    sys.exit(main(sys.argv[1:]))
