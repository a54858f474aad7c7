"""What all studies have in common: each is a grid, a function and a figure.

A study is a file of this folder. Its docstring asks a question, its function measures one
configuration for many seeds, and ``STUDY`` says for which configurations, seeds and tuned values,
and how the records are drawn. `make` runs it with `course_lib.experiments.sweep`.
"""

import ast
import hashlib
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

import course_lib
from course_lib._checks import check_choice, sweeps_module
from course_lib.experiments import Records, Tune, read_records, sweep
from course_lib.experiments.estimating import estimate
from course_lib.experiments.journal import journal_of
from course_lib.experiments.locking import locked
from course_lib.experiments.sweeping import check_sweep, configurations, header_of
from course_lib.experiments.trials import canonical
from course_lib.experiments.workers import run_trials

HERE = Path(__file__).resolve().parent
LIBRARY = HERE.parent / "course_lib"
FOLDER = LIBRARY / "bundled" / "results"
BUILD = HERE.parent / "_build" / "studies"
CHANGED = ("grid", "seeds", "tune", "replicas")  # what a miniature may have otherwise


@dataclass(frozen=True)
class Study:
    """An experiment that is too long for a page.

    Parameters
    ----------
    function, grid, seeds, tune, replicas
        As for `course_lib.experiments.sweep`.
    figure : callable
        Takes the records, of the whole study or of the miniature, and returns a figure.
    quick : dict
        What the miniature has instead, so that it takes a minute: ``grid``, ``seeds`` or ``tune``.
    alone : bool
        Whether its trials measure times, and so run one after another in this process.
    """

    function: Callable[..., Mapping[str, Any]]
    grid: Any
    seeds: Sequence[int]
    figure: Callable[[Records], Any]
    quick: Mapping[str, Any]
    tune: Tune | None = None
    replicas: int | None = None
    alone: bool = False

    def __post_init__(self):
        """Check the names of what the miniature changes."""
        for name in self.quick:
            check_choice("entry of quick", name, CHANGED)

    def miniature(self):
        """Return the study with the grid, seeds and tuned values of the miniature."""
        return replace(self, **self.quick, quick={})

    def asked(self):
        """Return the arguments of `sweep` that say what is run."""
        return {
            "grid": configurations(self.grid),
            "seeds": self.seeds,
            "tune": self.tune,
            "replicas": self.replicas,
        }


@dataclass(frozen=True)
class Stored:
    """What the records of a study say of themselves.

    Attributes
    ----------
    trials, configurations : int
        How many there are.
    seconds : float
        Of all trials, as if one had run after another.
    newest : datetime
        When the last trial was finished, in UTC.
    commits : list of str
        Of the code.
    errors : list of str
        Of the trials that failed, each once.
    """

    trials: int
    configurations: int
    seconds: float
    newest: datetime
    commits: list[str]
    errors: list[str]


# ---------------------------------------------------------------------------------------------
# Which there are
# ---------------------------------------------------------------------------------------------


def names():
    """Return the names of all studies."""
    return sorted(path.stem for path in HERE.glob("*.py") if _assigns(path, "STUDY"))


def _assigns(path, name):
    """Return whether a module assigns a name; it is not imported."""
    tree = ast.parse(path.read_text("utf-8"))
    assigned = [node.targets for node in tree.body if isinstance(node, ast.Assign)]
    return any(ast.unparse(target) == name for targets in assigned for target in targets)


def question(name):
    """Return what a study asks: the first line of its docstring."""
    tree = ast.parse((HERE / f"{name}.py").read_text("utf-8"))
    return (ast.get_docstring(tree) or "").partition("\n")[0]


def load(name, *, quick=False):
    """Return a study, or its miniature; raise KeyError if there is none of that name."""
    check_choice("study", name, names())
    study = importlib.import_module(name).STUDY
    return study.miniature() if quick else study


def check_library():
    """Raise ImportError unless the library that is imported is the one beside this folder.

    Records say from which commit they come, which is that of the library.
    """
    imported = Path(course_lib.__file__).resolve().parent
    if imported != LIBRARY.resolve():
        raise ImportError(
            f"course_lib is imported from {imported}; expected {LIBRARY}; install that one "
            f"(`make install`), or set PYTHONPATH={LIBRARY.parent}"
        )


# ---------------------------------------------------------------------------------------------
# What is stored
# ---------------------------------------------------------------------------------------------


def about(records):
    """Return what records say of themselves; raise ValueError if they are not those of a sweep."""
    if "trial" not in records.columns:
        raise ValueError("the records have no column 'trial'; expected those of a sweep")
    trials = {row["trial"]: row for row in records}.values()
    return Stored(
        trials=len(trials),
        configurations=len({row["place"] for row in records}),
        seconds=sum(row["seconds"] for row in trials),
        newest=max(datetime.fromisoformat(row["date"]) for row in trials),
        commits=sorted({row["commit"] for row in trials}),
        errors=sorted({row["error"] for row in records if row["error"]}),
    )


def records_of(name):
    """Return the records of a study, or None if they were never made."""
    path = FOLDER / f"{name}.parquet"
    return read_records(path) if path.exists() else None


def unfinished(name, *, quick=False):
    """Return the records of a run that was interrupted or goes on, or None if there is none."""
    path = _running(_stem(name, quick))
    there = path.exists() or journal_of(path).exists()
    return read_records(path) if there else None


def is_current(name, records):
    """Return whether records come from the settings that a study has today."""
    study = load(name)
    header = header_of(study.function, **study.asked())
    return canonical(header) == canonical(records.header)


def _stem(name, quick):
    """Return how the files of a study, or of its miniature, are named."""
    return f"{name}-quick" if quick else name


def _running(stem):
    """Return where the records of a study are while it runs."""
    return BUILD / f"{stem}-running.parquet"


# ---------------------------------------------------------------------------------------------
# Runs
# ---------------------------------------------------------------------------------------------


def make(name, *, quick=False, workers=None, scheduler=None):
    """Run a study, store its records and draw its figure; return where these are.

    While it runs, its records are in ``_build/studies``, from where an interrupted run goes on.
    When all is done, those of a whole study move into the package. The figure, and the records of a
    miniature, stay in that folder; and so do records with errors, which replace none: the next call
    runs the trials that failed again, and no other.

    Parameters
    ----------
    name : str
        Of the study.
    quick : bool
        Whether to run its miniature.
    workers : int, optional
        How many processes; by default, one for each core.
    scheduler : str, optional
        Of a cluster of Dask instead, whose workers need not have this folder.

    Returns
    -------
    list of Path
        First the records, then, if all went well, the figure.

    Raises
    ------
    KeyError, ValueError, TypeError, OSError, ImportError
        If it cannot be run; nothing was run then. OSError also if a disk is full.
    RuntimeError
        If the figure cannot be drawn, or a cluster cannot run the trials.
    KeyboardInterrupt
        Where it is interrupted; the same call goes on from there.
    """
    study = load(name, quick=quick)
    where = _where(name, study, workers, scheduler)
    stem = _stem(name, quick)
    BUILD.mkdir(parents=True, exist_ok=True)
    running, done = _running(stem), (BUILD if quick else FOLDER) / f"{stem}.parquet"
    with locked(done):
        pass  # before hours of work
    _check_resumed(study, running)
    records = sweep(study.function, **study.asked(), out=running, retry=True, **where)
    if about(records).errors:
        return [running]
    files = _drawn(study, records, BUILD / stem)  # first: where it fails, the next call draws again
    records.to_parquet(done)
    running.unlink()
    return [done, *files]


def cost(name, *, quick=False, workers=None, scheduler=None):
    """Return about what it takes to run a study, or what is left of it, from a rehearsal."""
    study = load(name, quick=quick)
    where = _where(name, study, workers, scheduler)
    done = _check_resumed(study, _running(_stem(name, quick)))
    return estimate(study.function, **study.asked(), done=done, **where)


def _where(name, study, workers, scheduler):
    """Return the arguments of `sweep` that say where trials run."""
    if study.alone:
        if workers not in (None, 1) or scheduler is not None:
            raise ValueError(
                f"{name} measures times, so that its trials run one after another, here; leave "
                f"out workers and scheduler"
            )
        return {}
    if scheduler is not None:
        send_modules(scheduler)
        return {"scheduler": scheduler}
    return {"workers": sweeps_module("joblib").cpu_count() if workers is None else workers}


def _check_resumed(study, running):
    """Return what an earlier run has done, by trial; raise ValueError if it was another one."""
    if not (running.exists() or journal_of(running).exists()):
        return {}
    try:
        return check_sweep(study.function, **study.asked(), out=running, retry=True)
    except ValueError as error:
        told = str(error).removesuffix("; choose another file")
        files = f"{running.name} and {journal_of(running).name}"
        raise ValueError(f"{told}; remove {files} in {BUILD} to begin anew") from None


def _drawn(study, records, path):
    """Draw the figure, and return its files."""
    from course_lib import plots

    plots.use_style()
    try:
        return plots.save(study.figure(records), path)
    except Exception as error:
        raise RuntimeError(
            f"all trials are done, but the figure failed ({type(error).__name__}: {error}); mend "
            f"it, and the same command draws it and stores the records"
        ) from error


def send_modules(scheduler):
    """Let the workers of a cluster import the modules of this folder, which they need not have.

    They get them as an archive. Functions that are pickled by value would not do: what a module
    caches is lost with every trial, and functions under `functools.cache` cannot be pickled so.

    Parameters
    ----------
    scheduler : str
        Its address.

    Raises
    ------
    ConnectionError
        If it does not answer or has no workers.
    """
    run_trials(abs, [], lambda trial, outcome: [], scheduler=scheduler)  # is it there?
    modules = [path for path in sorted(HERE.glob("*.py")) if path.stem != "__main__"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in modules)).hexdigest()
    with TemporaryDirectory() as folder:
        archive = Path(folder, f"studies-{digest[:12]}.zip")
        with ZipFile(archive, "w") as file:
            for path in modules:
                file.write(path, path.name)
        with sweeps_module("distributed").Client(scheduler, set_as_default=False) as client:
            client.upload_file(str(archive))
