"""Two versions of the library in one process, the older one from a worktree of its own."""

import importlib
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEFORE = "264f8a8"  # the commit with which speed is compared


def library(folder=None):
    """Import activations, network and training of this library, or of that in another folder.

    The one imported last is the one that a later ``import course_lib`` finds; import ours last.
    """
    if folder is not None:
        check_library(Path(folder))
    for name in [name for name in sys.modules if name.split(".")[0] == "course_lib"]:
        del sys.modules[name]
    sys.path.insert(0, str(folder or ROOT))
    try:
        names = ("activations", "network", "training")
        return [importlib.import_module(f"course_lib.{name}") for name in names]
    finally:
        del sys.path[0]


def check_library(folder):
    """End the program if a folder has no library: Python would find ours instead."""
    if not (folder / "course_lib" / "__init__.py").is_file():
        raise SystemExit(f"{folder} has no course_lib; expected a checkout, as of git worktree add")


@contextmanager
def checkout(commit=BEFORE, folder=None):
    """Yield a folder that holds a commit, or None, with a word about it, where there is no such.

    It is the given folder, or a worktree that is removed afterwards. A download without history
    has none.
    """
    if folder is not None:
        check_library(folder)
        yield Path(folder).resolve()
        return
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "worktree"
        problem = _git("worktree", "add", "--detach", str(path), commit)
        if problem:
            print(f"Without commit {commit}: {problem}", flush=True)
            yield None
            return
        try:
            yield path
        finally:
            _git("worktree", "remove", "--force", str(path))


def _git(*arguments):
    """Run git in this repository; return the last line of what it complains about, if anything."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        return "git is not installed"
    return done.stderr.strip().splitlines()[-1] if done.returncode else ""
