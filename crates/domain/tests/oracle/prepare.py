#!/usr/bin/env python3
"""Fetches what the oracle needs into target/calendar-oracle of the workspace. Needs pip, and an index of Python packages."""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
PACKAGES = HERE.parents[3] / "target" / "calendar-oracle"


def prepare() -> None:
    fetched = PACKAGES / "requirements.txt"
    if fetched.exists() and fetched.read_text() == REQUIREMENTS.read_text():
        return
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action", "ignore"]
        + ["--upgrade", "--no-deps", "--target", str(PACKAGES), "--requirement", str(REQUIREMENTS)],
        check=True,
    )
    fetched.write_text(REQUIREMENTS.read_text())


if __name__ == "__main__":
    prepare()
