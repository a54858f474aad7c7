"""Regenerate ``requirements.lock`` from ``requirements.txt``.

The lock holds one version of each package, with markers, for every Python from 3.11 to 3.13 on
Linux, macOS and Windows. The packages that only a CUDA build of torch needs are left out: torch
pins them itself, and a CPU build, which satisfies the same pin, has none of them.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
BIN = Path(sys.executable).parent
CUDA = re.compile(r"^(cuda|nvidia|triton)\b")
HEADER = """\
# Every package that requirements.txt brings, with its exact version, for Python 3.11 to 3.13 on
# Linux, macOS and Windows. Made by tools/lock.py (`make lock`); do not edit it by hand.
# The packages of a CUDA build of torch are left out: torch pins them itself, and a CPU build of
# the same version, where one is on offer, has none of them.
"""


def direct(text):
    """Return the lines of requirements.txt that name a package."""
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("-")]


def locked(text):
    """Return the lines to keep of what the resolver printed."""
    lines = (line.rstrip() for line in text.splitlines())
    return [x for x in lines if x and not x.startswith(("#", "-")) and not CUDA.match(x)]


def main():
    """Resolve and write; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="change no version without need")
    keep = parser.parse_args().keep
    uv = shutil.which("uv", path=os.pathsep.join([str(BIN), os.environ.get("PATH", "")]))
    if uv is None:
        print(
            "Making the lock needs uv; install it with: python -m pip install uv", file=sys.stderr
        )
        return 1
    command = [uv, "pip", "compile", "-", "--universal", "--python-version", "3.11"]
    # One version for all Pythons, so that stored outputs are the same everywhere.
    command += ["--fork-strategy", "fewest", "--prerelease", "disallow"]
    command += ["--no-header", "--no-annotate", "--quiet"]
    names = direct((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    if keep and LOCK.exists():
        command += ["--constraints", str(LOCK)]
    done = subprocess.run(command, input="\n".join(names), capture_output=True, text=True)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return done.returncode
    LOCK.write_text(HEADER + "\n".join(locked(done.stdout)) + "\n", encoding="utf-8")
    print(f"{LOCK.name}: {len(locked(done.stdout))} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
