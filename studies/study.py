"""What all studies have in common: each is a grid, a function and a figure.

A study is a file of this folder. Its docstring asks a question, its function measures one
configuration for many seeds, and ``STUDY`` says for which configurations, seeds and tuned values,
and how the records are drawn. `make` runs it with `course_lib.experiments.sweep`.
"""

import ast
import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from course_lib import plots
from course_lib.experiments import Records, Tune, read_records, sweep
from course_lib.experiments.estimating import estimate
from course_lib.experiments.sweeping import configurations

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / "course_lib" / "bundled" / "results"
BUILD = HERE.parent / "_build" / "studies"


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
        When the last trial was finished.
    commits : list of str
        Of the code.
    """

    trials: int
    configurations: int
    seconds: float
    newest: datetime
    commits: list[str]


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
    return ast.get_docstring(tree).splitlines()[0]


def load(name):
    """Return a study."""
    return importlib.import_module(name).STUDY


def about(records):
    """Return what records say of themselves."""
    trials = {row["trial"]: row for row in records}.values()
    return Stored(
        trials=len(trials),
        configurations=len({row["place"] for row in records}),
        seconds=sum(row["seconds"] for row in trials),
        newest=max(datetime.fromisoformat(row["date"]) for row in trials),
        commits=sorted({row["commit"] for row in trials}),
    )


def records_of(name):
    """Return the records of a study, or None if they were never made."""
    path = FOLDER / f"{name}.parquet"
    return read_records(path) if path.exists() else None


def make(name, *, quick=False, **where):
    """Run a study, store its records and draw its figure; return where these are.

    While it runs, its records are in ``_build/studies``, from where an interrupted run goes on.
    When all is done, those of a whole study move into the package. The figure, and the records of a
    miniature, stay in that folder.

    Parameters
    ----------
    name : str
        Of the study.
    quick : bool
        Whether to run its miniature.
    **where : object
        ``workers`` or ``scheduler``, as for `sweep`.
    """
    study = load(name).miniature() if quick else load(name)
    stem = f"{name}-quick" if quick else name
    BUILD.mkdir(parents=True, exist_ok=True)
    running, done = BUILD / f"{stem}-running.parquet", (BUILD if quick else FOLDER)
    where = {} if study.alone else where
    records = sweep(study.function, **study.asked(), out=running, **where)
    os.replace(running, done / f"{stem}.parquet")
    plots.use_style()
    return [done / f"{stem}.parquet", *plots.save(study.figure(records), BUILD / stem)]


def cost(name, *, quick=False, **where):
    """Return about what it takes to run a study, from a rehearsal."""
    study = load(name).miniature() if quick else load(name)
    return estimate(study.function, **study.asked(), **where)
