#!/usr/bin/env python3
"""Breaks one rule of the product at a time, and says whether the simulated world notices.

    tests/simulation/mutants.py             all; exit status 1 if one that is expected to die lives
    tests/simulation/mutants.py NAME...     these
    tests/simulation/mutants.py --list

Each mutant is built in a copy of the tree, in $MUTANTS_DIR (/tmp/walwrap-mutants), never in yours.
$MUTANTS_HISTORIES says how many histories each gets (3000), $MUTANTS_RUN what the builds and runs
are begun with ("nice"). The histories come first, and the small worlds only for a mutant that
survives them. A run ends at its first failure, and after ten minutes, which the build does not use.
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
# The tests of the simulator itself say nothing of the product.
OF_ITSELF = "a seed makes*,a script says*"


def names_in(root):
    names = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return {name for name in names if not {".git", "build", "__pycache__"} & set(name.parts)}


def make_copy():
    """What differs is copied, so that the next run builds little."""
    wanted = names_in(ROOT)
    for name in names_in(COPY) - wanted if COPY.exists() else ():
        if name.suffix in (".cpp", ".hpp"):  # the build takes every source that it finds
            (COPY / name).unlink()
    for name in wanted:
        source, copy = ROOT / name, COPY / name
        if copy.exists() and copy.read_bytes() == source.read_bytes():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, copy)
    if not (COPY / "build/dev/build.ninja").exists():
        subprocess.run(["cmake", "--preset", "dev", *os.environ.get("MUTANTS_CMAKE", "").split()],
                       cwd=COPY, check=True, stdout=subprocess.DEVNULL)


def build(program):
    built = subprocess.run([*RUN, "cmake", "--build", "build/dev", "-j2", "--target", program],
                           cwd=COPY, capture_output=True, text=True, check=False)
    if built.returncode != 0:
        print(built.stdout[-3000:])
    return built.returncode == 0


def run_part(program, most_seconds):
    """(killed, what was said)"""
    environment = {**os.environ, "SIM_HISTORIES": HISTORIES, "SIM_MOST_FAILURES": "1",
                   "SIM_SHRINK": "0"}
    command = [*RUN, f"build/dev/tests/{program}", "--abort-after=1",
               f"--test-case-exclude={OF_ITSELF}"]
    try:
        ran = subprocess.run(command, cwd=COPY, env=environment, capture_output=True, text=True,
                             errors="replace", timeout=most_seconds, check=False)
    except subprocess.TimeoutExpired:
        return True, "it does not end"
    if ran.returncode < 0:
        return True, f"signal {-ran.returncode}"
    return ran.returncode != 0, reason_in(ran.stdout)


def reason_in(output):
    """What is wrong: of a history, of a regression, or what the test program says."""
    for pattern in (r" tries: ([^\n]*)", r"values: CHECK\( ([^\n]*)", r"ERROR: ([^\n]*)"):
        said = re.search(pattern, output)
        if said:
            return said.group(1).removesuffix(" ==  )")[:100]
    return ""


def run():
    """None instead of whether it was killed: it does not build."""
    left = MOST_SECONDS
    for program in PROGRAMS:
        if not build(program):
            return None, "it does not build"
        begun = time.monotonic()
        killed, said = run_part(program, left)
        left -= time.monotonic() - begun
        if killed:
            return True, f"{said} ({MOST_SECONDS - left:.0f} s)"
    return False, ""


def try_mutant(mutant):
    path = COPY / mutant.file
    original = path.read_text("utf-8")
    if original.count(mutant.old) != 1:
        return None, f"its text is {original.count(mutant.old)} times in {mutant.file}"
    path.write_text(original.replace(mutant.old, mutant.new), "utf-8")
    try:
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
