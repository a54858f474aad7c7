"""List the studies with what they cost and how old their records are, or run one.

    python studies                     # lists them
    python studies dropout             # makes the records of one anew, and its figure
    python studies dropout --quick     # its miniature, in about a minute
    python studies dropout --dry-run   # what it would cost

An interrupted study goes on from where it was. The exit status is 0; 1 where trials failed; 2 where
it cannot be run; and 130 after an interrupt.
"""

import argparse
import os
import sys
from datetime import UTC, datetime

import study

PER_MINUTE, PER_HOUR = 60, 3600


def main(arguments=None):
    """List the studies or run one; return the exit status."""
    options = parser().parse_args(arguments)
    if options.name is None:
        print(*listed(datetime.now(UTC).replace(tzinfo=None)), sep="\n")
        return 0
    if options.name not in study.names():
        return told(f"unknown study {options.name!r}; expected one of {', '.join(study.names())}")
    where = {"scheduler": options.scheduler} if options.scheduler else {"workers": options.workers}
    try:
        if options.dry_run:
            print(study.cost(options.name, quick=options.quick, **where))
            return 0
        files = study.make(options.name, quick=options.quick, **where)
    except KeyboardInterrupt:
        return told("interrupted; the same command goes on from here", 130)
    except (ValueError, OSError, ImportError) as error:
        return told(" ".join(str(error).split()))
    print("wrote", *(os.path.relpath(path) for path in files))
    return finished(study.read_records(files[0]))


def parser():
    """Return what reads the arguments."""
    own = argparse.ArgumentParser(
        prog="python studies", description="List the studies, or run one."
    )
    own.add_argument("name", nargs="?", metavar="NAME", help="of a study; none lists them")
    own.add_argument("--quick", action="store_true", help="run its miniature, in about a minute")
    own.add_argument("--dry-run", action="store_true", help="rehearse, and say what it costs")
    where = own.add_mutually_exclusive_group()
    cores = os.cpu_count() or 1
    where.add_argument("--workers", type=int, default=cores, help=f"processes; here {cores}")
    where.add_argument("--scheduler", metavar="ADDRESS", help="of Dask, tcp://10.0.0.1:8786")
    return own


def listed(now):
    """Return a line for each study: its name, cost, age and question."""
    yield f"{'study':24}{'trials':>7}{'one core':>10}{'age':>9}  question"
    for name in study.names():
        records = study.records_of(name)
        row = f"{'none':>7}{'':19}" if records is None else facts(study.about(records), now)
        yield f"{name:24}{row}  {study.question(name)}"


def facts(stored, now):
    """Return how many trials there are, what they cost on one core, and how old they are."""
    days = (now - stored.newest).days
    return f"{stored.trials:7,}{duration(stored.seconds):>10}{f'{days} d':>9}"


def duration(seconds):
    """Return a duration in minutes, or in hours.

    >>> duration(90), duration(5400), duration(20)
    ('2 min', '1.5 h', '20 s')
    """
    if seconds < PER_MINUTE:
        return f"{seconds:.0f} s"
    hours = seconds / PER_HOUR
    return f"{seconds / PER_MINUTE:.0f} min" if hours < 1 else f"{hours:.1f} h"


def finished(records):
    """Say what the records are; return whether trials failed."""
    stored = study.about(records)
    print(f"{stored.trials:,} trials, {duration(stored.seconds)} on one core")
    errors = sorted({row["error"] for row in records if row["error"]})
    return told(f"some trials failed: {errors[0]}", 1) if errors else 0


def told(message, status=2):
    """Write what is wrong; return an exit status."""
    print(f"python studies: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
