#!/usr/bin/env python3
"""Finds programs of a Debian package, or fetches them into target/PACKAGE of the workspace, and prints their folder.

    fetch.py [PACKAGE PROGRAM..]

Without arguments it is Prometheus with promtool. They are unpacked and not installed: nothing is started on this machine. Needs apt-get, and an
index of Debian packages.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

PACKAGE, *PROGRAMS = sys.argv[1:] or ["prometheus", "prometheus", "promtool"]
KEPT = pathlib.Path(__file__).resolve().parents[7] / "target" / PACKAGE


def run(*argv: str, folder: pathlib.Path) -> None:
    # What they say is no answer to the one who asks for a folder.
    subprocess.run(argv, check=True, cwd=folder, stdout=sys.stderr)


def download(folder: pathlib.Path) -> None:
    try:
        run("apt-get", "download", PACKAGE, folder=folder)
    except subprocess.CalledProcessError:
        # A machine that was just set up knows no packages yet.
        run("apt-get", "update", folder=folder)
        run("apt-get", "download", PACKAGE, folder=folder)


def fetched() -> pathlib.Path:
    found = KEPT / "usr" / "bin"
    if all((found / program).exists() for program in PROGRAMS):
        return found
    KEPT.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KEPT.parent) as temporary:
        folder = pathlib.Path(temporary)
        download(folder)
        [package] = folder.glob(f"{PACKAGE}_*.deb")
        run("dpkg-deb", "--extract", str(package), "unpacked", folder=folder)
        try:
            os.rename(folder / "unpacked", KEPT)
        except OSError:
            # Another test was faster.
            if not KEPT.exists():
                raise
    return found


def installed() -> pathlib.Path | None:
    paths = [shutil.which(program) for program in PROGRAMS]
    folders = {pathlib.Path(path).parent for path in paths if path}
    return folders.pop() if all(paths) and len(folders) == 1 else None


if __name__ == "__main__":
    print(installed() or fetched())
