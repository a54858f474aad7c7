"""Time ``import course_lib``, and of its rooms, beside ``import numpy``, in fresh processes.

The processes take turns. Each imports one thing and tells how long that took; the start of Python
itself does not count. A round gives the ratio of two times, and printed are the median over all
rounds and the quartiles. ``import course_lib`` imports nothing before a room is asked for; so the
three rooms that a training needs have the same target. They bring NumPy's random numbers, which
``import numpy`` does not.
"""

import statistics
import subprocess
import sys

import turns
from stored import Table, add_target, parser, report, target_table
from versions import ROOT

ROUNDS = 31
AIM = 1.15
TIMED = "import time; start = time.perf_counter()\n{}\nprint(time.perf_counter() - start)"
ROOMS = "from course_lib import activations, network, training"
STATEMENTS = (
    "import numpy",
    "import numpy.random",
    "import course_lib.activations",
    "import course_lib.network",
    "import course_lib.training",
    "import course_lib",
    ROOMS,
)


def seconds_of(statement):
    """Return how long a fresh process takes for an import, once Python has started."""
    done = subprocess.run(
        [sys.executable, "-c", TIMED.format(statement)],
        cwd=ROOT,  # which Python looks in first
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def main(arguments=None):
    """Time every statement; print a table of times and one of targets."""
    options = parser(__doc__).parse_args(arguments)
    seconds_of(ROOMS)  # compiles
    taken = {name: [] for name in (STATEMENTS[::5] if options.quick else STATEMENTS)}
    for _ in range(2 if options.quick else ROUNDS):
        for statement, seconds in taken.items():
            seconds.append(seconds_of(statement))
    times = Table(["statement", "median, ms", "over import numpy"])
    targets = target_table("statement")
    for statement, seconds in taken.items():
        measured = turns.ratio(seconds, taken["import numpy"])
        times.add(f"`{statement}`", f"{statistics.median(seconds) * 1e3:.1f}", measured)
        if statement in ("import course_lib", ROOMS):
            add_target(targets, [f"`{statement}`"], "over `import numpy`", measured, AIM)
    report("imports", {"Time of an import": times, "Targets": targets}, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
