#!/usr/bin/env python3
"""Checks the rules of the house style that a program can check.

    tests/tidy.py               the tree this file is in; exit status 1 if a rule is broken
    tests/tidy.py --self-test   that each rule finds what it is for, in a bad example of its own

The rules are functions from a tree (path -> text) to findings, so that the self-test can hand them
trees that never were on disk.
"""

import pathlib
import subprocess
import sys

import tidy_cases
import tidy_layers
import tidy_text

ROOT = pathlib.Path(__file__).resolve().parent.parent

RULES = (
    tidy_layers.module_table,
    tidy_layers.no_circles,
    tidy_layers.folder_sizes,
    tidy_layers.pure_units,
    tidy_layers.only_os_calls_posix,
    tidy_layers.close_on_exec,
    tidy_layers.atomic_file,
    tidy_layers.try_stands_alone,
    tidy_layers.one_meaning_in_a_module,
    tidy_text.three_paths,
    tidy_text.public_headers,
    tidy_text.sizes,
    tidy_text.commented_out_code,
    tidy_text.todo_has_issue,
    tidy_text.documents,
    tidy_text.incidents,
    tidy_text.forbidden_words,
    tidy_text.plain_words,
    tidy_text.conflict_markers,
)


def _paths():
    """What git tracks or would track; in a tree without git, everything but build directories."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in ROOT.rglob("*")
            if not {".git", "build", "__pycache__"} & set(path.relative_to(ROOT).parts)]


def read_tree():
    tree = {}
    for path in _paths():
        if path.is_file() and not path.is_symlink():
            # Binary files are named by documents and must exist; no rule reads their text.
            tree[path.relative_to(ROOT).as_posix()] = path.read_text("utf-8", errors="replace")
    return tree


def check(tree):
    findings = 0
    for rule in RULES:
        for path, line, message in rule(tree):
            print(f"{path}:{line}: {message} [{rule.__name__}]")
            findings += 1
    print(f"tidy: {len(RULES)} rules, {len(tree)} files, {findings} findings")
    return findings


def self_test():
    """Each bad example is found by its rule at its line; no good example is found by any."""
    failures = []
    for rule in RULES:
        bad = tidy_cases.BAD.get(rule.__name__, ())
        if not bad:
            failures.append(f"{rule.__name__} has no bad example")
        for name, tree, expected in bad:
            found = [(path, line) for path, line, _ in rule(tree)]
            if expected not in found:
                failures.append(f"{rule.__name__} misses {name!r} at {expected}: found {found}")
    for name, tree in tidy_cases.GOOD:
        for rule in RULES:
            for path, line, message in rule(tree):
                failures.append(f"{rule.__name__} wrongly finds {name!r}: {path}:{line}: {message}")
    cases = sum(len(bad) for bad in tidy_cases.BAD.values()) + len(tidy_cases.GOOD)
    print("\n".join([*failures, f"tidy self-test: {cases} examples, {len(failures)} failures"]))
    return len(failures)


if __name__ == "__main__":
    sys.exit(1 if (self_test() if "--self-test" in sys.argv[1:] else check(read_tree())) else 0)
