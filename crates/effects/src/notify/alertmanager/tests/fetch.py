#!/usr/bin/env python3
"""Finds Alertmanager, or fetches Debian's into target/prometheus-alertmanager of the workspace; prints its program and the folder to start it in.

Debian's build looks for its templates where its package would be installed. Of the copy that is unpacked here this one path is made the folder
that it is started in, in as many bytes; everything else of it is as Debian built it. Needs apt-get, and an index of Debian packages.
"""

import os
import pathlib
import shutil
import subprocess
import sys

FETCH = pathlib.Path(__file__).resolve().parents[3] / "gates" / "metric" / "tests" / "prometheus" / "fetch.py"
PACKAGE = "prometheus-alertmanager"
TEMPLATES = "/usr/share/prometheus/alertmanager"
HERE = "./" * (len(TEMPLATES) // 2)
COPY = "prometheus-alertmanager-here"


def fetched() -> tuple[pathlib.Path, pathlib.Path]:
    asked = [sys.executable, str(FETCH), PACKAGE, PACKAGE]
    said = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    folder = pathlib.Path(said.strip())
    program, copy = folder / PACKAGE, folder / COPY
    if not copy.exists():
        bytes = program.read_bytes().replace(TEMPLATES.encode(), HERE.encode())
        part = folder / f"{COPY}.{os.getpid()}"
        part.write_bytes(bytes)
        part.chmod(0o755)
        part.rename(copy)
    return copy, folder.parents[1] / TEMPLATES.lstrip("/")


if __name__ == "__main__":
    # Upstream's is called so, and has its templates in it.
    for name, folder in [("alertmanager", "/"), (PACKAGE, TEMPLATES)]:
        found = shutil.which(name)
        if found and os.path.isdir(folder):
            print(found, folder, sep="\n")
            break
    else:
        print(*fetched(), sep="\n")
