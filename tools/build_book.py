"""Build the book into ``_build/html`` and check what came out.

A build fails when a cell raises, when Sphinx warns, when a page is missing or empty, and when a
page would fetch anything from another place. After a build that failed or was interrupted the next
one starts from the sources: Sphinx would not read the faulty page again, and would call it good.
"""

import re
import subprocess
import sys
import time

import site_checks
from clean import remove
from environment import ROOT, draw_figures, no_arguments, prepare, share_cores

BUILD = ROOT / "_build"
SITE = BUILD / "html"
UNFINISHED = BUILD / "unfinished"
ANSI = re.compile(r"\x1b\[[0-9;]*m")
PROGRESS = "progress: "  # so book/_ext/execution_cache.py begins what it says of a chapter
SPHINX = ["-W", "-n", "--keep-going", "-q"]


def follow(command):
    """Run a command; show its progress, and return its exit status and the rest of what it said."""
    told = []
    options = {"text": True, "encoding": "utf-8", "errors": "replace"}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, **options) as process:
        for line in process.stdout:
            if line.startswith(PROGRESS):
                print(f"  {line.removeprefix(PROGRESS)}", end="", flush=True)
            else:
                told.append(line)
    return process.returncode, "".join(told)


def build():
    """Run Jupyter Book; return its exit status."""
    if UNFINISHED.exists():
        remove(SITE)
        remove(BUILD / ".doctrees")
    BUILD.mkdir(exist_ok=True)
    UNFINISHED.touch()
    jupyter_book = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", jupyter_book, "build", str(ROOT), *SPHINX]
    print("Building the book; chapters that are not in the cache are executed", flush=True)
    begun = time.perf_counter()
    status, told = follow(command)
    if status:
        print(told)
        for report in sorted((SITE / "reports").rglob("*.log")):
            print(f"\n{report.name}:", *tail(report), sep="\n")
    else:
        print(f"Pages written; all of it took {time.perf_counter() - begun:.0f} s", flush=True)
    return status


def tail(path, count=30):
    """Return the last lines of a file, without colors."""
    return ANSI.sub("", path.read_text(encoding="utf-8")).splitlines()[-count:]


def main():
    """Build and check; return the exit status."""
    prepare()
    share_cores()
    draw_figures()
    status = build()
    if status:
        print("The book was not built; what is wrong stands above.", file=sys.stderr)
        return status
    site_checks.remove_stale(SITE, ROOT)
    site_checks.remove_unused(SITE)
    found = site_checks.problems(SITE, ROOT)
    if found:
        print("The book was built, but", *found, sep="\n  ", file=sys.stderr)
        return 1
    UNFINISHED.unlink()
    print(f"The book is ready. Open {(SITE / 'index.html').as_uri()}")
    return 0


if __name__ == "__main__":
    no_arguments(__doc__)
    sys.exit(main())
