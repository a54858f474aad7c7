"""Make ``.venv-oldest`` with the lowest versions that pyproject.toml declares, and test there.

What the project declares as its lowest versions is what this installs, each exactly; what these
need in turn is the newest that fits. Then the unit tests run. Left out are the notebooks and the
site, whose stored outputs and pages belong to the locked versions, the atlas, whose verdicts belong
to those that it names, and the test that compares the environment with the lock. Style and types
are checked with the locked tools alone.

Where a plain installation of torch brings more than is wanted, install the build of your choice,
of the same version, into ``.venv-oldest`` first, as the README says of ``.venv``. Where the lowest
is not on offer, name another: ``--torch 2.13.0``.
"""

import argparse
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import install

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv-oldest"
LOWEST = re.compile(r"^([\w.-]+)\s*>=\s*([\w.]+)")
# What the lowest versions need in turn, where the newest no longer serves them.
NEIGHBORS = ["pyparsing<3.3"]  # 3.3 warns of the names by which Matplotlib 3.8 calls it
LEFT_OUT = [
    "--ignore=tests/test_atlas_live.py",
    "--ignore=tests/test_notebooks.py",
    "--ignore=tests/test_site.py",
    "--deselect=tests/test_repository.py::test_installed_versions_are_the_locked_ones",
]


def lowest(text, torch=None):
    """Return what to install: the lowest version of everything that a pyproject.toml names.

    A bound from below becomes an exact version, and any other requirement stays as it is. Extras
    of the project itself are made of what is listed already.
    """
    table = tomllib.loads(text)
    project = table["project"]
    named = [*table["build-system"]["requires"], *project["dependencies"]]
    named += [line for extra in project["optional-dependencies"].values() for line in extra]
    own = re.compile(re.escape(project["name"]) + r"\b")
    pinned = [LOWEST.sub(r"\1==\2", line) for line in named if not own.match(line)]
    if torch:
        pinned = [f"torch=={torch}" if line.startswith("torch==") else line for line in pinned]
    return list(dict.fromkeys(pinned))


def run(command):
    """Run a command in the top folder; return its exit status."""
    return subprocess.call([str(part) for part in command], cwd=ROOT)


def main(arguments):
    """Install and test; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch", help="another version of torch than the lowest")
    torch = parser.parse_args(arguments).torch
    wanted = lowest((ROOT / "pyproject.toml").read_text(encoding="utf-8"), torch)
    python = install.python_of(VENV)
    if not python.exists() and run([sys.executable, "-m", "venv", VENV]):
        return 1
    print("Installing", *wanted, flush=True)
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    own = ["--no-deps", "--no-build-isolation", "-e", "."]
    if run([*pip, *wanted, *NEIGHBORS]) or run([*pip, *own]):
        print("These versions cannot be installed together; see above.", file=sys.stderr)
        return 1
    return run([python, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", *LEFT_OUT])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
