#!/usr/bin/env python3
"""Fetches a receiver of mail into target/mail-receiver of the workspace, and prints its folder. Needs pip, and an index of Python packages."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

REQUIREMENTS = pathlib.Path(__file__).resolve().parent / "requirements.txt"
KEPT = REQUIREMENTS.parents[6] / "target" / "mail-receiver"


def prepare() -> None:
    have = KEPT / "requirements.txt"
    if have.exists() and have.read_text() == REQUIREMENTS.read_text():
        return
    shutil.rmtree(KEPT, ignore_errors=True)
    KEPT.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KEPT.parent) as temporary:
        fetched = pathlib.Path(temporary) / "fetched"
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action", "ignore"]
            + ["--no-deps", "--target", str(fetched), "--requirement", str(REQUIREMENTS)],
            check=True,
            stdout=sys.stderr,
        )
        (fetched / "requirements.txt").write_text(REQUIREMENTS.read_text())
        try:
            os.rename(fetched, KEPT)
        except OSError:
            # Another test was faster.
            if not KEPT.exists():
                raise


if __name__ == "__main__":
    prepare()
    print(KEPT)
