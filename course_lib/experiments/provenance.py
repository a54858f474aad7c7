"""Where a result comes from: the date, the machine, and the versions of what computed it."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np

import course_lib

__all__ = ["provenance"]

FOLDER = Path(course_lib.__file__).resolve().parent


def provenance() -> dict[str, str]:
    """Return where what is computed now, in this process, comes from.

    Returns
    -------
    dict of str to str
        Under the names of `course_lib.experiments.trials.WHERE`: ``date`` in UTC as ISO 8601 to
        the second; ``machine``, its processor, number of CPUs and system; ``version`` of this
        library; ``commit`` of its checkout, seven digits and a word where files differ from it,
        empty outside one; ``python`` and ``numpy``, their versions. The commit is looked up once
        in a process.

    Examples
    --------
    >>> list(provenance())
    ['date', 'machine', 'version', 'commit', 'python', 'numpy']
    """
    return {"date": datetime.now(UTC).isoformat(timespec="seconds"), **_lasting()}


@cache
def _lasting() -> dict[str, str]:
    """Return what stays as it is while a process lives."""
    return {
        "machine": f"{_processor()}, {os.cpu_count()} CPUs, {platform.system()}",
        "version": course_lib.__version__,
        "commit": _commit(FOLDER),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def _processor() -> str:
    """Return the name of the processor, as well as the system knows it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{named[0]} ({platform.machine()})" if named else platform.machine()


def _commit(folder: Path) -> str:
    """Return the commit of a checkout, with a word if the library differs from it; or nothing."""
    try:
        # a package that is installed somewhere inside another project's checkout is not part of it
        if Path(_git(folder, "rev-parse", "--show-toplevel")).resolve() != folder.parent:
            return ""
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no", ".")
        return _git(folder, "rev-parse", "--short=7", "HEAD") + (" with changes" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return ""


def _git(folder: Path, *arguments: str) -> str:
    """Return what git prints in a folder."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()
