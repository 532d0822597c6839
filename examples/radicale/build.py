#!/usr/bin/env python3
"""Packs two consecutive versions of Radicale, each with all it needs, into one executable file.

The versions of everything are pinned and no file carries the time of packing, so packing again gives the same digest.
An artifact that is there is left alone. Needs pip, and an index of Python packages that it reaches.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import zipapp

VERSIONS = ["3.8.3", "3.9.0"]
HERE = pathlib.Path(__file__).resolve().parent
ARTIFACTS = HERE / "artifacts"
START = "from radicale.__main__ import run\nrun()\n"
# The earliest time that the format of the file can tell: 1980-01-02, in any time zone.
FIXED_TIME = 315_619_200


def install(version: str, folder: pathlib.Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "install"]
        + ["--quiet", "--disable-pip-version-check", "--root-user-action", "ignore"]
        + ["--no-compile", "--only-binary", ":all:", "--no-deps", "--target", str(folder)]
        + ["--requirement", str(HERE / "requirements.txt"), f"radicale=={version}"],
        check=True,
        # Some commands would carry the path of this interpreter; nothing here starts them.
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )


def leave_out(folder: pathlib.Path, patterns: list[str]) -> None:
    for pattern in patterns:
        for path in folder.rglob(pattern):
            path.unlink()


def pack(version: str) -> None:
    artifact = ARTIFACTS / f"radicale-{version}.pyz"
    if artifact.exists():
        return
    with tempfile.TemporaryDirectory(dir=ARTIFACTS) as temporary:
        folder = pathlib.Path(temporary) / "radicale"
        install(version, folder)
        # Native code cannot be loaded from an archive; each of these has a twin in Python. The others name this machine.
        leave_out(folder, ["*.so", "bin/*", "direct_url.json", "RECORD"])
        (folder / "__main__.py").write_text(START)
        for path in [folder, *folder.rglob("*")]:
            os.utime(path, (FIXED_TIME, FIXED_TIME))
        packed = pathlib.Path(temporary) / artifact.name
        zipapp.create_archive(folder, packed, interpreter="/usr/bin/env python3", compressed=True)
        packed.chmod(0o755)
        packed.rename(artifact)


if __name__ == "__main__":
    ARTIFACTS.mkdir(exist_ok=True)
    for version in VERSIONS:
        pack(version)
