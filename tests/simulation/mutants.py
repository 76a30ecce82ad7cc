#!/usr/bin/env python3
"""Breaks one rule of the product at a time, and says whether the simulated world notices.

    tests/simulation/mutants.py             all; exit status 1 if one that is expected to die lives
    tests/simulation/mutants.py NAME...     these
    tests/simulation/mutants.py --list

Each mutant is built in a copy of the tree, in $MUTANTS_DIR (/tmp/walwrap-mutants), never in yours.
$MUTANTS_HISTORIES says how many histories each gets (3000), $MUTANTS_RUN what the builds and runs
are begun with ("nice").
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import mutant_table

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
COPY = pathlib.Path(os.environ.get("MUTANTS_DIR", "/tmp/walwrap-mutants"))
HISTORIES = os.environ.get("MUTANTS_HISTORIES", "3000")
RUN = os.environ.get("MUTANTS_RUN", "nice").split()
MOST_SECONDS = 600
PROGRAMS = ("simulation_tests", "simulation_small_worlds_tests")


def make_copy():
    """What differs is copied, so that the next run builds little."""
    for source in ROOT.rglob("*"):
        name = source.relative_to(ROOT)
        if {".git", "build", "__pycache__"} & set(name.parts) or not source.is_file():
            continue
        copy = COPY / name
        if copy.exists() and copy.read_bytes() == source.read_bytes():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, copy)
    if not (COPY / "build/dev/build.ninja").exists():
        subprocess.run(["cmake", "--preset", "dev", *os.environ.get("MUTANTS_CMAKE", "").split()],
                       cwd=COPY, check=True, stdout=subprocess.DEVNULL)


def build():
    built = subprocess.run([*RUN, "cmake", "--build", "build/dev", "-j2", "--target",
                            *PROGRAMS], cwd=COPY, capture_output=True, text=True,
                           check=False)
    if built.returncode != 0:
        print(built.stdout[-3000:])
    return built.returncode == 0


def run_part(program):
    """(killed, what was said)"""
    environment = {**os.environ, "SIM_HISTORIES": HISTORIES, "SIM_MOST_FAILURES": "1",
                   "SIM_SHRINK": "0"}
    try:
        ran = subprocess.run(["nice", "build/dev/tests/%s" % program], cwd=COPY,
                             env=environment, capture_output=True, text=True, errors="replace",
                             timeout=MOST_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return True, "it does not end"
    if ran.returncode < 0:
        return True, f"signal {-ran.returncode}"
    said = re.search(r"ERROR: ([^\n]*)", ran.stdout)
    return ran.returncode != 0, said.group(1)[:150] if said else ""


def run():
    killed, said = run_part(PROGRAMS[0])
    return (killed, said) if killed else run_part(PROGRAMS[1])


def try_mutant(mutant):
    path = COPY / mutant.file
    original = path.read_text("utf-8")
    if original.count(mutant.old) != 1:
        return None, f"its text is {original.count(mutant.old)} times in {mutant.file}"
    path.write_text(original.replace(mutant.old, mutant.new), "utf-8")
    try:
        if not build():
            return None, "it does not build"
        return run()
    finally:
        path.write_text(original, "utf-8")


def main():
    wanted = sys.argv[1:]
    mutants = [m for m in mutant_table.MUTANTS if not wanted or m.name in wanted]
    if wanted == ["--list"]:
        for mutant in mutant_table.MUTANTS:
            print(f"{mutant.name:28} {mutant.rule}")
        return 0
    make_copy()
    killed = survived = broken = 0
    unexpected = []
    for mutant in mutants:
        begun = time.monotonic()
        is_killed, said = try_mutant(mutant)
        if is_killed is None:
            broken += 1
            verdict = "BROKEN"
        elif is_killed:
            killed += 1
            verdict = "killed"
        else:
            survived += 1
            verdict = "SURVIVED"
        if is_killed is None or (not is_killed and not mutant.lives_because):
            unexpected.append(mutant.name)
        print(f"{verdict:8} {mutant.name:28} {mutant.rule:40} {time.monotonic() - begun:4.0f} s  "
              f"{said or mutant.lives_because}", flush=True)
    print(f"mutants: {killed} killed, {survived} survived, {broken} broken")
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main())
