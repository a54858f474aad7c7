"""List the tasks of the Makefile with what stands after ``##`` on their lines."""

import re
from pathlib import Path

from environment import no_arguments

MAKEFILE = Path(__file__).resolve().parent.parent / "Makefile"
TASK = re.compile(r"^([a-z][\w-]*):.*?## (.*)$", re.MULTILINE)


def tasks(text):
    """Return the names and the descriptions, in the order of the file."""
    return TASK.findall(text)


if __name__ == "__main__":
    no_arguments(__doc__)
    print("make TASK, where TASK is one of")
    for name, what in tasks(MAKEFILE.read_text(encoding="utf-8")):
        print(f"  {name:<12} {what}")
