#!/usr/bin/env python3
"""Asks `tidegate calendar batch` random questions and compares its answers with the oracle's.

usage: compare.py [--cases N] [--seed S] -- COMMAND...   (COMMAND is run with `--config DIR` at its end)
"""

import argparse
import datetime
import json
import pathlib
import random
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import prepare  # noqa: E402

prepare.prepare()
sys.path.insert(0, str(prepare.PACKAGES))

import zoneinfo  # noqa: E402

# The package's release of the database, not the machine's.
zoneinfo.reset_tzpath(to=())

import answers  # noqa: E402
import worlds  # noqa: E402

CASES_OF_A_WORLD = 200
SHOWN_MAX = 10


def ask(command, folder, requests):
    text = "".join(json.dumps(request) + "\n" for request in requests)
    run = subprocess.run([*command, "--config", str(folder)], input=text, capture_output=True, text=True, check=False)
    lines = run.stdout.splitlines()
    if run.returncode != 0 or len(lines) != len(requests):
        sys.exit(f"{len(lines)} answers to {len(requests)} requests, exit code {run.returncode}\n{run.stderr}")
    return [json.loads(line) for line in lines]


def is_late(text):
    return text is not None and datetime.datetime.fromisoformat(text.partition("[")[0]) >= answers.LIMIT


def alike(expected, given):
    if "error" in expected:
        return set(given) == {"error"}
    if expected.get("at", "") is None and is_late(given.get("at")):
        return True
    if expected.get("closes", "") is None and is_late(given.get("closes")):
        expected = {key: value for key, value in expected.items() if key != "closes"}
    return all(given.get(key) == value for key, value in expected.items())


def compare(command, seed, count):
    """The differences of one world."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        world, written = worlds.world(chance, folder)
        tenants = {}
        for tenant in written:
            tenants[tenant["id"]] = answers.Tenant(tenant, world)
            tenants[tenant["id"]].id = tenant["id"]
        requests = [worlds.request(chance, tenants, world) for _ in range(count)]
        given = ask(command, folder, requests)
        differences = []
        for request, answer in zip(requests, given):
            expected = answers.answer(request, tenants, world)
            if not alike(expected, answer):
                files = [(folder / file).read_text() for file in ("tidegate.yaml", "tenants.yaml")]
                differences.append({"seed": seed, "request": request, "oracle": expected, "tidegate": answer, "files": files})
        return differences


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    left, seed, differences = options.cases, options.seed, []
    while left > 0:
        differences += compare(options.command, seed, min(left, CASES_OF_A_WORLD))
        left, seed = left - CASES_OF_A_WORLD, seed + 1
    for difference in differences[:SHOWN_MAX]:
        print(json.dumps(difference, indent=1))
    print(f"{len(differences)} differences in {options.cases} cases, seeds {options.seed} to {seed - 1}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
