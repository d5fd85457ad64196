#!/usr/bin/env python3
"""Compares the program's assessments with the reference's, history by history.

    compare.py --program coldtrail --seed N --count K [--keep DIR]

Exact things (verdicts, reasons, instants, dates) must be equal; numbers to 1e-9 relative. Exit code 1 and the first
differences when they are not.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SKIPPED = {"provenance"}


def differences(ours, theirs, path=""):
    """Yields (path, ours, theirs) wherever two JSON values differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(set(ours) | set(theirs)):
            if key not in SKIPPED:
                yield from differences(ours.get(key), theirs.get(key), f"{path}/{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (left, right) in enumerate(zip(ours, theirs)):
            yield from differences(left, right, f"{path}/{index}")
    elif is_number(ours) and is_number(theirs):
        if not math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-6):
            yield path, ours, theirs
    elif ours != theirs:
        yield path, ours, theirs


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def compare(program, case):
    about = json.loads((case / "case.json").read_text())
    files = ["--registry", case / "registry.json", "--readings", case / "readings.csv", "--as-of", about["as_of"]]
    ours = {one["unit"]: one for one in run([program, "assess", *files, "--json"])}
    theirs = {one["unit"]: one for one in run([sys.executable, HERE / "assess.py", *files])}
    if set(ours) != set(theirs):
        yield "units", sorted(ours), sorted(theirs)
    for unit in sorted(set(ours) & set(theirs)):
        for path, left, right in differences(ours[unit], theirs[unit]):
            yield f"{unit}{path}", left, right


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--program", required=True)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--count", type=int, default=50)
    options.add_argument("--keep")
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(options.keep or temporary)
        make = [sys.executable, HERE / "histories.py", "--seed", options.seed, "--count", options.count, "--out", folder]
        subprocess.run(list(map(str, make)), check=True, stdout=subprocess.DEVNULL)
        cases = sorted(path.parent for path in folder.glob("*/case.json"))
        wrong = 0
        for case in cases:
            found = list(compare(options.program, case))
            wrong += bool(found)
            for path, left, right in found[:6]:
                print(f"{case.name} {path}: ours {json.dumps(left)}, reference {json.dumps(right)}")
        print(f"{len(cases)} histories of seed {options.seed}, {wrong} differ")
        return 1 if wrong or not cases else 0


if __name__ == "__main__":
    raise SystemExit(main())
