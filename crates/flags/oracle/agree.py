#!/usr/bin/env python3
"""Asks flagd's own evaluators for JavaScript and Python what `tidegate-flags` is asked, and compares the answers.

Random rules as people write them (`questions.py`), version 2 of the hash for JavaScript and 3 for Python, as those evaluators
have it. Any difference ends the run with an error. Where the evaluators differ among themselves is told in `differences.json`, and asked as
well. Needs npm and pip, and indexes that they reach; what is fetched stays in the target directory.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
from collections import Counter

sys.dont_write_bytecode = True

from questions import Questions  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PACKAGES = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "oracle"
NPM = ["@openfeature/flagd-core@4.0.1", "@openfeature/core@1.9.1"]
ANSWER = ["cargo", "run", "--quiet", "--locked", "--package", "tidegate-flags", "--example", "answer"]
PIP = ["openfeature-flagd-core==2.0.0"]


def fetch() -> None:
    PACKAGES.mkdir(parents=True, exist_ok=True)
    if not (PACKAGES / "node_modules").exists():
        subprocess.run(["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(PACKAGES), *NPM], check=True)
    if not (PACKAGES / "python").exists():
        quiet = ["--quiet", "--disable-pip-version-check", "--root-user-action", "ignore"]
        command = [sys.executable, "-m", "pip", "install", *quiet, "--target", str(PACKAGES / "python"), *PIP]
        subprocess.run(command, check=True)


def ask(command: list, questions: list) -> list:
    text = "".join(json.dumps(question) + "\n" for question in questions)
    asked = subprocess.run(command, input=text, capture_output=True, text=True, cwd=ROOT)
    if asked.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{asked.stderr}")
    answers = [json.loads(line) for line in asked.stdout.splitlines()]
    assert len(answers) == len(questions), f"{len(answers)} answers to {len(questions)} questions"
    return answers


def known(languages: list) -> int:
    """The differences that are known: each has to be there still, and docs/flags.md tells them."""
    wrong = 0
    differences = json.loads((HERE / "differences.json").read_text())
    for language, hash_version, command in [("Tidegate", 2, ANSWER), *languages]:
        for difference, answer in zip(differences, ask(command, [question(one, hash_version) for one in differences])):
            told = " ".join(word for word in [answer["reason"], answer["variant"], answer["code"]] if word)
            if difference["answers"].get(language) != told:
                print(f"  {language} answers {told}: {difference['title']}")
                wrong += 1
    print(f"known differences: {len(differences)}, answered otherwise than they are told: {wrong}")
    return wrong


def question(difference: dict, hash_version: int) -> dict:
    flag = difference["flag"] | ({"metadata": {"hashVersion": 3}} if hash_version == 3 else {})
    return {"flags": {"flags": {"flag": flag}}, "key": "flag", "context": difference["context"], "now": 1_795_000_000}


def compare(language: str, questions: list, command: list) -> int:
    ours, theirs = ask(ANSWER, questions), ask(command, questions)
    different = [case for case in zip(questions, ours, theirs) if case[1] != case[2]]
    reasons = Counter(our["reason"] for our in ours)
    print(f"{language}: {len(questions)} questions ({', '.join(f'{n} {r}' for r, n in sorted(reasons.items()))})")
    for question, our, their in different[:5]:
        print(f"  {json.dumps(question)}\n    ours   {our}\n    theirs {their}")
    print(f"  answered otherwise: {len(different)}")
    return len(different)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--questions", type=int, default=5000)
    arguments.add_argument("--fetch", action="store_true", help="fetch the packages and stop")
    options = arguments.parse_args()
    fetch()
    if options.fetch:
        return 0
    languages = [
        ("JavaScript", 2, ["node", str(HERE / "answer.mjs"), str(PACKAGES)]),
        ("Python", 3, [sys.executable, str(HERE / "answer.py"), str(PACKAGES / "python")]),
    ]
    wrong = known(languages)
    for language, hash_version, command in languages:
        source = Questions(options.seed, hash_version)
        wrong += compare(language, [source.question() for _ in range(options.questions)], command)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
