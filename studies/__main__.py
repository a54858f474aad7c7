"""List the studies with what they cost and how old their records are, or run one.

    python studies                     # lists them
    python studies dropout             # makes the records of one anew, and its figure
    python studies dropout --quick     # its miniature, in about a minute
    python studies dropout --dry-run   # what it would cost

An interrupted study goes on from where it was, and trials that failed are run again. The exit
status is 0; 1 where trials failed; 2 where it cannot be run; and 130 after an interrupt.
"""

import argparse
import os
import sys
import textwrap
from datetime import UTC, datetime

import study

PER_MINUTE, PER_HOUR = 60, 3600
WIDTH = 100  # columns of the list
TOLD = (ValueError, TypeError, KeyError, OSError, ImportError, RuntimeError)


def main(arguments=None):
    """List the studies or run one; return the exit status."""
    try:
        options = parser().parse_args(arguments)
        study.check_library()
        if options.name is None and options == parser().parse_args([]):
            print(*listed(datetime.now(UTC)), sep="\n")
            return 0
        return run(options)
    except KeyboardInterrupt:
        return told("interrupted; the same command goes on from here", 130)
    except TOLD as error:
        return told(in_one_line(error))


def run(options):
    """Run a study, or say what it costs; return the exit status."""
    if not options.name:
        raise ValueError(
            f"no study is named; expected NAME, one of {', '.join(study.names())} "
            f"(make study NAME=dropout, or python studies dropout)"
        )
    where = {"workers": options.workers, "scheduler": options.scheduler}
    if options.dry_run:
        print(study.cost(options.name, quick=options.quick, **where))
        return 0
    study.load(options.name)
    before = study.unfinished(options.name, quick=options.quick)
    if before is not None and len(before):
        print(f"going on after {counted(study.about(before).trials)}", flush=True)
    files = study.make(options.name, quick=options.quick, **where)
    return finished(study.about(study.read_records(files[0])), *map(os.path.relpath, files))


class OneLine(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message):
        """Tell what is wrong, and exit."""
        raise SystemExit(told(f"{message}; see {self.prog} --help"))


def parser():
    """Return what reads the arguments."""
    own = OneLine(prog="python studies", description="List the studies, or run one.")
    own.add_argument("name", nargs="?", metavar="NAME", help="of a study; none lists them")
    own.add_argument("--quick", action="store_true", help="run its miniature, in about a minute")
    own.add_argument("--dry-run", action="store_true", help="rehearse, and say what it costs")
    where = own.add_mutually_exclusive_group()
    where.add_argument(
        "--workers", type=int, metavar="N", help="processes; default: one for each core"
    )
    where.add_argument("--scheduler", metavar="ADDRESS", help="of Dask, tcp://10.0.0.1:8786")
    return own


# ---------------------------------------------------------------------------------------------
# Words
# ---------------------------------------------------------------------------------------------


def listed(now):
    """Yield lines about the studies: name, trials, cost, age and question, and then notes."""
    names = study.names()
    room = max(map(len, ["study", *names]))
    head = f"{'study':{room}}  {'trials':>7}  {'one core':>8}  {'age':>8}  "
    yield f"{head}question"
    notes = []
    for name in names:
        records = study.records_of(name)
        facts = f"{'never made':>27}" if records is None else in_columns(study.about(records), now)
        yield from textwrap.wrap(
            study.question(name),
            WIDTH,
            initial_indent=f"{name:{room}}  {facts}  ",
            subsequent_indent=" " * len(head),
        ) or [f"{name:{room}}  {facts}"]
        notes += noted(name, records)
    yield from ["", *notes] if notes else []


def in_columns(stored, now):
    """Return how many trials there are, what they cost on one core, and how old they are."""
    return f"{stored.trials:7,}  {duration(stored.seconds):>8}  {age(now - stored.newest):>8}"


def noted(name, records):
    """Yield what is to be done about a study."""
    command = f"make study NAME={name}"
    if records is not None and not study.is_current(name, records):
        yield f"{name}: its records come from other settings than it has now; {command}"
    before = study.unfinished(name)
    if before is not None:
        done = counted(study.about(before).trials if len(before) else 0)
        yield f"{name}: {done} of a run that is not finished; {command} goes on with it"


def duration(seconds):
    """Return a duration in seconds, minutes or hours.

    >>> duration(90), duration(5400), duration(20)
    ('2 min', '1.5 h', '20 s')
    """
    if round(seconds) < PER_MINUTE:
        return f"{seconds:.0f} s"
    minutes = round(seconds / PER_MINUTE)
    return f"{minutes} min" if minutes < PER_HOUR / PER_MINUTE else f"{seconds / PER_HOUR:.1f} h"


def age(difference):
    """Return how long ago something was, in days."""
    days = max(0, difference.days)
    return "today" if not days else f"{days} day{'s' * (days != 1)}"


def counted(trials):
    """Return a number of trials."""
    return f"{trials:,} trial{'s' * (trials != 1)}"


def finished(stored, records, *figure):
    """Say what was made; return the exit status."""
    print(f"{counted(stored.trials)}, {duration(stored.seconds)} on one core")
    if stored.errors:
        return told(
            f"some trials failed ({in_one_line(stored.errors[0])}); the records stay in {records} "
            f"and replace none; mend it, and the same command runs them again, and no other",
            1,
        )
    if len(stored.commits) > 1:
        print("from more than one commit:", ", ".join(c or "no commit" for c in stored.commits))
    print("wrote", records, *figure)
    return 0


def in_one_line(error):
    """Return what an error says."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.strerror}{f': {error.filename}' if error.filename is not None else ''}"
    elif isinstance(error, KeyError) and error.args:
        text = str(error.args[0])
    return " ".join(text.split()) or type(error).__name__


def told(message, status=2):
    """Write what is wrong; return an exit status."""
    print(f"python studies: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
