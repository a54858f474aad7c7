"""Sweeps, reports and data from a shell: ``python -m course_lib sweep``, ``report`` and ``data``.

The exit status is 0 where all went well; 1 where some trials failed, which the last line says; 2
where it cannot be run as it was asked for, or cannot go on, with one line that says why; 130 after
an interrupt (Ctrl-C), and 143 where a sweep was asked to end (SIGTERM, as clusters and ``docker
stop`` send it). Both leave a usable file.
"""

import argparse
import math
import re
import shlex
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path
from typing import Any, NoReturn

from course_lib._checks import check_choice
from course_lib.data.loading import DATASETS, listed, load
from course_lib.experiments.estimating import estimate
from course_lib.experiments.progress import counted
from course_lib.experiments.records import Records
from course_lib.experiments.report_pages import as_page, headline
from course_lib.experiments.reporting import Report
from course_lib.experiments.spec import Spec, read_spec, shipped_specs
from course_lib.experiments.storing import read_records
from course_lib.experiments.sweeping import check_sweep, sweep

__all__ = ["main"]

PROGRAM = "python -m course_lib"
DONE, FAILED, WRONG, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143  # exit status
TOLD = (ValueError, TypeError, KeyError, OSError, ImportError, RuntimeError)
ROWS = 40  # configurations in a figure: the best
LARGEST = 1e300  # that axes can hold
LONGEST = 100  # characters of the name of a figure's file


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of this process.

    Returns
    -------
    int
        0, 1, 2, 130 or 143, as the module says.

    Examples
    --------
    >>> main(["report", "nowhere.parquet"])
    2
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options = _parser().parse_args(given)
        status: int = options.run(options)
    except KeyboardInterrupt as error:
        return _told(*_how_it_ended(error))
    except TOLD as error:
        return _told(_in_one_line(error), WRONG)
    return status


class _Terminated(KeyboardInterrupt):
    """What SIGTERM becomes: an interrupt, after which the command ends with a status of its own."""


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM interrupt what is done within, once: what is left to do then is to end."""
    before = signal.getsignal(signal.SIGTERM)

    def interrupt(*_: object) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise _Terminated

    try:
        signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not in the main thread, where Python gets no signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _how_it_ended(error: KeyboardInterrupt) -> tuple[str, int]:
    """Return a word and an exit status for an interrupt."""
    return (
        ("terminated", TERMINATED) if type(error) is _Terminated else ("interrupted", INTERRUPTED)
    )


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Tell what is wrong, and exit."""
        raise SystemExit(_told(f"{message}; see {self.prog} --help", WRONG))


def _parser() -> argparse.ArgumentParser:
    """Return what reads the arguments."""
    parser = _Parser(prog=PROGRAM, description="Large experiments, reports on them, and data.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_sweep(commands.add_parser("sweep", help="run a sweep that a file describes"))
    _add_report(commands.add_parser("report", help="make tables and figures of records"))
    _add_data(commands.add_parser("data", help="list the data sets, and fetch what is named"))
    return parser


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a sweep."""
    shipped = ", ".join(shipped_specs())
    parser.set_defaults(run=_sweep)
    parser.add_argument("spec", metavar="SPEC", help=f"a file SPEC.toml, or one of: {shipped}")
    parser.add_argument("--out", required=True, metavar="FILE", help="a Parquet file for records")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, default=1, metavar="N", help="processes; default 1")
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="of Dask, such as tcp://10.0.0.1:8786"
    )
    parser.add_argument("--resume", action="store_true", help="go on with what FILE holds")
    parser.add_argument(
        "--retry",
        action="store_true",
        help="go on, and run trials again that ended in an error, after the function was mended",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="check all, rehearse a few trials, say what it costs"
    )


def _add_report(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a report."""
    parser.set_defaults(run=_report)
    parser.add_argument("records", metavar="FILE", help="of a sweep, finished or not")
    parser.add_argument("--out", metavar="FOLDER", help="default: FILE-report, without .parquet")
    parser.add_argument(
        "--by", metavar="VALUE", help="what ranks; default: the score of the tuning"
    )
    parser.add_argument("--smaller", action="store_true", help="a smaller VALUE is better")
    parser.add_argument(
        "--baseline", metavar="LABEL", help="configuration to compare with; default: the best"
    )


def _add_data(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of what lists and fetches data."""
    parser.set_defaults(run=_data)
    parser.add_argument("names", nargs="*", metavar="NAME", help="fetch all of this data set")


# ---------------------------------------------------------------------------------------------
# Data
# ---------------------------------------------------------------------------------------------


def _data(options: argparse.Namespace) -> int:
    """Fetch the data sets that are named, or list all."""
    for name in options.names:
        check_choice("data set", name, DATASETS)
    for name in options.names:
        load(name, full=True)
        print(f"{name}: all of it is there")
    if not options.names:
        print(*listed(), sep="\n")
    return DONE


# ---------------------------------------------------------------------------------------------
# Sweeps
# ---------------------------------------------------------------------------------------------


def _sweep(options: argparse.Namespace) -> int:
    """Run a sweep, or say what it costs; SIGTERM ends it like Ctrl-C."""
    with _terminable():
        return _swept(options)


def _swept(options: argparse.Namespace) -> int:
    """Run a sweep, or say what it costs."""
    spec = read_spec(options.spec)
    asked: dict[str, Any] = {
        "seeds": spec.seeds,
        "tune": spec.tune,
        "replicas": spec.replicas,
        "out": options.out,
        "resume": options.resume or options.retry,
        "retry": options.retry,
    }
    try:
        if options.dry_run:
            return _dry_run(spec, asked, options)
        records = sweep(
            spec.function,
            spec.grid,
            **asked,
            workers=options.workers,
            scheduler=options.scheduler,
        )
    except FileExistsError:
        return _told(
            f"{options.out} has results already; go on with them with --resume, or choose another "
            f"file",
            WRONG,
        )
    except KeyboardInterrupt as error:
        how, status = _how_it_ended(error)
        return _told(_interrupted(how, options.out), status)
    return _finished(records, options.out)


def _dry_run(spec: Spec, asked: dict[str, Any], options: argparse.Namespace) -> int:
    """Check everything, rehearse, and print what it would cost."""
    done = check_sweep(spec.function, spec.grid, **asked)
    del asked["out"], asked["resume"], asked["retry"]
    found = estimate(
        spec.function,
        spec.grid,
        **asked,
        done=done,
        workers=options.workers,
        scheduler=options.scheduler,
    )
    print(*filter(None, [spec.question, str(found)]), sep="\n")
    print(f"{options.out} was not written")
    if found.errors:
        print(f"{counted(len(found.errors), 'rehearsed trial')} failed: {_flat(found.errors[0])}")
    return FAILED if found.errors else DONE


def _finished(records: Records, out: str) -> int:
    """Say what came of a sweep."""
    report = Report(records)
    measured = counted(len(report.groups), "configuration")
    print(f"{out}: {counted(len(records), 'record')} of {measured}")
    grown = sum(bool(choice.widened) for choice in report.choices)
    edges = [f"{c.label} ({c.phase})" for c in report.choices if c.at_edge and not c.flat]
    flat = sum(choice.flat for choice in report.choices)
    if grown:
        print(f"{counted(grown, 'grid')} widened, as the best value was at the edge")
    if edges:
        print(f"the best {report.tuning['name']} is at the edge still: {'; '.join(edges)}")
    if flat:
        print(f"{counted(flat, 'grid')} flat: neither end is shown to be worse than the choice")
    print(f"for tables and figures: {PROGRAM} report {shlex.quote(out)}")
    if report.failures:
        print(
            f"{counted(len(report.failures), 'trial')} failed, the first of them with "
            f"{_flat(report.failures[0].error)}; --retry runs them again"
        )
    return FAILED if report.failures else DONE


def _interrupted(how: str, out: str) -> str:
    """Return what a sweep has left that was ended."""
    try:
        kept = len(set(read_records(out).values("trial")))
    except (OSError, ValueError, KeyError):
        return f"{how} before a trial was finished"
    return f"{how}; {out} holds {counted(kept, 'trial')}, and --resume goes on from there"


# ---------------------------------------------------------------------------------------------
# Reports
# ---------------------------------------------------------------------------------------------


def _report(options: argparse.Namespace) -> int:
    """Write tables and figures."""
    path = Path(options.records)
    folder = _folder(options.out or path.with_name(f"{path.name.removesuffix('.parquet')}-report"))
    report = Report(
        read_records(path), by=options.by, smaller=options.smaller, baseline=options.baseline
    )
    told, drawn = headline(report), _drawn(report)
    folder.mkdir(exist_ok=True)
    figures = {_saved(figure, folder / stem): text for stem, (figure, text) in drawn.items()}
    page = as_page(report, title=path.name, command=_command(options), figures=figures)
    (folder / "report.md").write_text(page, encoding="utf-8")
    print(*told, f"{folder / 'report.md'}, with {counted(len(figures), 'figure')}", sep="\n")
    return DONE


def _folder(given: str | Path) -> Path:
    """Return where a report is written, or raise an error if it cannot be there."""
    folder = Path(given)
    if not folder.parent.is_dir():
        raise FileNotFoundError(
            f"the folder {folder.parent} of {folder.name} does not exist; make it first"
        )
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; choose a folder with --out")
    return folder


def _drawn(report: Report) -> dict[str, tuple[Any, str]]:
    """Return figures with what they show, by the names of their files without the ending."""
    try:
        from course_lib import plots
        from course_lib.plots.reports import closed
    except ModuleNotFoundError as error:
        told = 'figures need Matplotlib; install it with: pip install "why-networks-bend[plots]"'
        raise ModuleNotFoundError(told, name=error.name) from None
    plots.use_style()
    drawn: dict[str, tuple[Any, str]] = {}
    for name in report.values:
        found = [(s.label, (s.mean, s.low, s.high)) for s in report.summaries(name)]
        best = {_literal(label): ends for label, ends in found if _drawable(ends)}
        best = dict(list(best.items())[:ROWS])
        if best:
            text = f"{name} of {counted(len(best), 'configuration')}, from the best on"
            label = _literal(f"{name}, {100 * report.level:g}% interval")
            drawn[_stem(name, drawn)] = closed(plots.intervals(best, xlabel=label)), text
    curves = {_literal(label): curve for label, curve in report.curves().items()}
    if curves:
        tuned, score = report.tuning["name"], report.tuning["score"]
        figure = plots.tuning_curves(curves, xlabel=_literal(tuned), ylabel=_literal(score))
        text = f"{score} against {tuned}, for {counted(len(curves), 'configuration')}"
        drawn["tuning"] = closed(figure), text
    return drawn


def _literal(text: str) -> str:
    """Return text in which Matplotlib finds no formula."""
    return text.replace("$", r"\$")


def _drawable(ends: tuple[float, float, float]) -> bool:
    """Return whether a mean is there, and axes can hold it with its interval."""
    return not math.isnan(ends[0]) and not any(abs(end) > LARGEST for end in ends)


def _stem(name: str, taken: Iterable[str]) -> str:
    """Return the name of the file of a figure, without the ending; each value has its own."""
    stem = f"results-{re.sub(r'[^0-9A-Za-z_-]', '_', name)}"[:LONGEST]
    lower = {other.lower() for other in taken}  # some systems know no capitals
    numbered = (f"{stem}-{n}" for n in count(2))
    return next(own for own in chain([stem], numbered) if own.lower() not in lower)


def _saved(figure: Any, path: Path) -> str:
    """Write a figure; return the name of the file that a page shows."""
    from course_lib.plots import save

    return save(figure, path)[-1].name


def _command(options: argparse.Namespace) -> str:
    """Return the command that makes a report."""
    words = ["report", options.records]
    for name in ("out", "by", "baseline"):
        given = getattr(options, name)
        words += [f"--{name}", given] if given else []
    return f"{PROGRAM} {shlex.join(words)}{' --smaller' * options.smaller}"


# ---------------------------------------------------------------------------------------------
# Words
# ---------------------------------------------------------------------------------------------


def _told(message: str, status: int) -> int:
    """Write a line about what is wrong; return an exit status."""
    print(f"{PROGRAM}: {message}", file=sys.stderr)
    return status


def _in_one_line(error: BaseException) -> str:
    """Return what an error says."""
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename is not None else ""
        return _flat(f"{error.strerror}{where}")
    return _flat(str(error.args[0]) if error.args else type(error).__name__)


def _flat(text: str) -> str:
    """Return text in one line."""
    return " ".join(text.split())


if __name__ == "__main__":
    sys.exit(main())
