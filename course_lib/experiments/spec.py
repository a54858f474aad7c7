"""Sweeps in files: a TOML file says what is run, and is checked before anything is.

.. code-block:: toml

    question = "Does a deeper network learn more?"
    function = "train_network"     # one of FUNCTIONS, or "module:name"
    seeds = 16                     # 0 to 15, or a list
    replicas = 8                   # at most so many seeds at once; by default all

    [fixed]                        # arguments of the function that never change
    width = 32
    epochs = 4

    [grid]                         # arguments that do: every combination is a configuration
    depth = [1, 2, 4]
    activation = ["relu", "tanh"]

    [tune]                         # as of course_lib.experiments.standard.Tune
    name = "learning_rate"
    values = [0.001, 0.01, 0.1, 1.0]
    score = "validation_accuracy"
    budget = "epochs"              # doubled for the check; "none" leaves it out

Several tables ``[[grid]]`` instead of one are several grids, one after another. The function
``"train_network_torch"`` does the same by PyTorch, where ``device = "cuda"`` may be fixed.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields
from importlib import import_module
from importlib.resources import files
from inspect import Parameter, signature
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Any

from course_lib._checks import check_integer, unknown_name
from course_lib.experiments.standard import Tune, as_seed_tuple, check_configuration
from course_lib.experiments.torch_trials import check_training_torch, train_network_torch
from course_lib.experiments.training_trials import check_training, train_network
from course_lib.experiments.trials import as_plain, canonical

__all__ = ["FUNCTIONS", "Spec", "SpecError", "parse_spec", "read_spec", "shipped_specs"]

Function = Callable[..., Mapping[str, Any]]
Place = tuple[str | int, ...]  # of something in a file: names of tables and keys, places in lists


@dataclass(frozen=True)
class Known:
    """A function that comes with the course, and what can be checked before it is called.

    Attributes
    ----------
    function : callable
        Takes seeds, and arguments by name.
    check : callable
        Takes the same arguments without the seeds, and raises an error if one cannot be used.
    scores : tuple of str
        Those of its values that may be tuned for: no test data, and the larger, the better.
    """

    function: Function
    check: Callable[..., None]
    scores: tuple[str, ...]


SCORES = ("validation_accuracy",)

FUNCTIONS: Mapping[str, Known] = MappingProxyType(
    {
        "train_network": Known(train_network, check_training, SCORES),
        "train_network_torch": Known(train_network_torch, check_training_torch, SCORES),
    }
)
"""The functions that a file may call by name."""

WRONG = (KeyError, NotImplementedError, TypeError, ValueError, ArithmeticError, MemoryError)
KEYS = ("question", "function", "seeds", "replicas", "fixed", "grid", "tune")
FIRST_TUNING_SEED, MOST_SEEDS = 10_000, 1_000_000


class SpecError(ValueError):
    """Something in a file is wrong; the message begins with its name and the line."""


@dataclass(frozen=True)
class Spec:
    """A sweep that a file describes.

    Attributes
    ----------
    question : str
        What it answers; may be empty.
    function : callable
        What is studied.
    grid : tuple of dict
        The configurations, in their order.
    seeds : tuple of int
        Of the result.
    tune : Tune or None
        What is tuned for each configuration.
    replicas : int or None
        How many seeds at most are trained at once.
    """

    question: str
    function: Function
    grid: tuple[dict[str, Any], ...]
    seeds: tuple[int, ...]
    tune: Tune | None
    replicas: int | None


def shipped_specs() -> dict[str, str]:
    """Return the text of the files that come with the course, by their names.

    Examples
    --------
    >>> list(shipped_specs())
    ['trainable-depth', 'who-is-to-blame']
    """
    folder = files("course_lib.experiments") / "specs"
    found = [entry for entry in folder.iterdir() if entry.name.endswith(".toml")]
    return {
        entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8")
        for entry in sorted(found, key=lambda entry: entry.name)
    }


def read_spec(path: str | Path) -> Spec:
    """Read a sweep from a file, or one that comes with the course.

    Parameters
    ----------
    path : str or Path
        Of a TOML file in UTF-8, or a name of `shipped_specs`.

    Returns
    -------
    Spec
        All of it checked: that the function exists and has these arguments; that lists are not
        empty, nothing is there twice, seeds do not overlap; and for the `FUNCTIONS` of the course
        that every configuration can be run.

    Raises
    ------
    SpecError
        If something is wrong, with the line, what was given and what is expected.
    FileNotFoundError
        If there is neither such a file nor such a name.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> spec = read_spec("trainable-depth")
    >>> spec.question[:26], len(spec.grid), spec.tune.name
    ('To which depth does a tanh', 91, 'learning_rate')
    """
    shipped = shipped_specs()
    if not Path(path).exists():
        if str(path) in shipped:
            return parse_spec(shipped[str(path)], f"{path}.toml")
        told = unknown_name("spec", str(path), shipped)
        raise FileNotFoundError(f"there is no file {str(path)!r}: {told}, or a path")
    if Path(path).is_dir():
        raise IsADirectoryError(f"{path} is a folder; expected a file, such as sweep.toml")
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")  # some editors begin with a mark
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SpecError(f"{path}, line {line}: this is not UTF-8; save the file as UTF-8") from None
    return parse_spec(text, str(path))


def parse_spec(text: str, title: str = "spec") -> Spec:
    r"""Return the sweep that the text of a file describes.

    Parameters
    ----------
    text : str
        TOML.
    title : str
        How errors call it.

    Returns
    -------
    Spec
        As `read_spec` returns it.

    Raises
    ------
    SpecError
        As `read_spec`.

    Examples
    --------
    >>> parse_spec("function = 'train_network'\nsedes = 3")
    Traceback (most recent call last):
    course_lib.experiments.spec.SpecError: spec, line 2: unknown key 'sedes'; did you mean 'seeds'?
    Expected: question, function, seeds, replicas, fixed, grid, tune
    """
    return _Reader(text, title).spec()


class _Reader:
    """The text of a file, what it holds, and the line of everything in it."""

    def __init__(self, text: str, title: str) -> None:
        self.lines = text.replace("\r\n", "\n").split("\n")
        self.title = title
        try:
            self.content = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise SpecError(self.syntax(str(error))) from None

    def syntax(self, message: str) -> str:
        """Return the message for text that is no TOML."""
        found = re.search(r"(.*) \(at line (\d+), column (\d+)\)", message)
        last = max(i for i, line in enumerate(["x", *self.lines]) if line.strip())
        line, told = (found[2], f"{found[1]} in column {found[3]}") if found else (last, message)
        return f"{self.title}, line {line}: this is no TOML: {told}"

    def line(self, place: Place) -> int | None:
        """Return the first line of the statement that sets something.

        It stands behind the longest part of the text that is whole and does not have it.
        """
        before = 0
        for n in range(1, len(self.lines) + 1):
            try:
                content = tomllib.loads("\n".join(self.lines[:n]))
            except tomllib.TOMLDecodeError:
                continue
            if place and _holds(content, place):
                return before + 1
            before = n
        return None

    def error(self, place: Place, message: str) -> SpecError:
        """Return an error with the line of what is wrong."""
        line = self.line(place)
        return SpecError(f"{self.title}{f', line {line}' if line else ''}: {message}")

    @contextmanager
    def located(self, place: Place, *names: Mapping[str, Place]) -> Iterator[None]:
        """Raise what is raised within as a SpecError, at the first of some names that it tells."""
        try:
            yield
        except SpecError:
            raise
        except WRONG as error:
            quoted = isinstance(error, KeyError) and error.args  # its text is a representation
            message = str(error.args[0] if quoted else error) or type(error).__name__
            message = message.replace("budget=None", 'budget = "none"')  # as TOML writes it
            told = [found for some in names if (found := _first_of(some, message))]
            raise self.error(told[0] if told else place, message) from None

    # What a file holds, in the order in which it is checked

    def spec(self) -> Spec:
        """Return the sweep."""
        self.check_keys((), KEYS, ("function", "seeds", "grid"))
        question = self.typed(("question",), str, "text", "")
        function, known = self.function()
        tune = self.tune(known)
        seeds, replicas = self.seeds(), self.replicas()
        grid: dict[str, dict[str, Any]] = {}
        for place in self.grids():
            names = self.names(place)
            self.check_arguments(function, names, place, tune)
            names |= {"seeds": ("seeds",), "budget": ("tune", "budget")}
            for configuration in self.configurations(place):
                with self.located(place, names, _texts(configuration, names)):
                    check_configuration(configuration, seeds, tune)
                    _check_known(known, configuration, tune)
                with self.located(place):
                    _add(grid, configuration)
        return Spec(question, function, tuple(grid.values()), seeds, tune, replicas)

    def seeds(self) -> tuple[int, ...]:
        """Return the seeds of the result."""
        with self.located(("seeds",)):
            return _as_seeds("seeds", self.content["seeds"], 0)

    def replicas(self) -> int | None:
        """Return how many seeds at most are trained at once."""
        replicas: int | None = self.content.get("replicas")
        if replicas is not None:
            with self.located(("replicas",)):
                check_integer("replicas", replicas)
        return replicas

    def names(self, place: Place) -> dict[str, Place]:
        """Return where the arguments of a grid stand."""
        fixed: dict[str, Place] = {name: ("fixed", name) for name in self.table(("fixed",))}
        return fixed | {name: (*place, name) for name in self.at(place)}

    def function(self) -> tuple[Function, Known | None]:
        """Return the function and, if it comes with the course, what is known of it."""
        given = self.typed(("function",), str, f"{', '.join(FUNCTIONS)} or 'module:name'", "")
        module, colon, name = given.partition(":")
        if not colon:
            if given not in FUNCTIONS:
                told = unknown_name("function", given, [*FUNCTIONS, "module:name"])
                raise self.error(("function",), told)
            return FUNCTIONS[given].function, FUNCTIONS[given]
        try:
            loaded = import_module(module)
        except (Exception, SystemExit) as error:  # whatever a module does when it is imported
            told = f"cannot import {module!r} ({type(error).__name__}: {error}); expected a module"
            raise self.error(("function",), told) from None
        if not callable(found := getattr(loaded, name, None)):
            public = [k for k, v in vars(loaded).items() if callable(v) and k[0] != "_"]
            told = unknown_name(f"function of {module}", name, public)
            raise self.error(("function",), told)
        known = [k for k in FUNCTIONS.values() if k.function is found]
        return found, known[0] if known else None

    def tune(self, known: Known | None) -> Tune | None:
        """Return what is tuned."""
        if "tune" not in self.content:
            return None
        given = dict(self.table(("tune",)))
        names = [field.name for field in fields(Tune)]
        needed = [field.name for field in fields(Tune) if field.default is MISSING]
        self.check_keys(("tune",), names, needed)
        if given["budget"] == "none":
            given["budget"] = None
        with self.located(("tune",), {name: ("tune", name) for name in names}):
            if "seeds" in given:
                given["seeds"] = _as_seeds("seeds", given["seeds"], FIRST_TUNING_SEED)
            tune = Tune(**given)
            if known is not None and tune.score not in known.scores:
                raise KeyError(unknown_name("score", tune.score, known.scores))
        return tune

    def grids(self) -> list[Place]:
        """Return where the grids are."""
        grid = self.content["grid"]
        if isinstance(grid, dict) and grid:
            return [("grid",)]
        if isinstance(grid, list) and grid and all(isinstance(e, dict) and e for e in grid):
            return [("grid", i) for i in range(len(grid))]
        raise self.error(
            ("grid",),
            f"grid is {grid!r}; expected a table with a list of values for each argument, such as "
            f"depth = [1, 2], or several tables [[grid]] of these",
        )

    def configurations(self, place: Place) -> Iterator[dict[str, Any]]:
        """Yield every combination of the values of a grid."""
        table, fixed = self.at(place), self.table(("fixed",))
        for name, values in table.items():
            if name in fixed:
                told = f"{name} is in [grid] and in [fixed]; expected it in one of them"
                raise self.error((*place, name), told)
            self.check_values((*place, name), name, values)
        for name, value in fixed.items():
            self.check_values(("fixed", name), name, [value])
        for values in product(*table.values()):
            yield {**fixed, **dict(zip(table, values, strict=True))}

    # Checks

    def check_values(self, place: Place, name: str, values: Any) -> None:
        """Raise SpecError unless an argument has a list of different values."""
        if not isinstance(values, list) or not values:
            hint = "" if values == [] else f"such as [{values!r}], or one value in [fixed]"
            told = f"{name} is {values!r}; expected a list of values, {hint or 'at least one'}"
            raise self.error(place, told)
        with self.located(place):
            texts = [canonical(as_plain(name, value)) for value in values]
        if len(set(texts)) < len(texts):
            raise self.error(place, f"{name} is {values!r}; expected each value once")

    def check_keys(self, place: Place, expected: Sequence[str], needed: Sequence[str]) -> None:
        """Raise SpecError unless a table has keys that it may have, and all that it needs."""
        table, kind = self.at(place), f"key of [{place[-1]}]" if place else "key"
        for name in table:
            if name not in expected:
                raise self.error((*place, name), unknown_name(kind, name, expected))
        for name in needed:
            if name not in table:
                told = f"{kind} {name!r} is missing; expected: {', '.join(needed)}"
                told += ' (budget = "none" doubles nothing)' * (name == "budget")
                raise self.error(place, told)

    def check_arguments(
        self, function: Function, names: Mapping[str, Place], place: Place, tune: Tune | None
    ) -> None:
        """Raise SpecError unless a function takes these arguments and needs no others."""
        try:
            parameters = list(signature(function).parameters.values())
        except ValueError:  # compiled, and without a signature
            return
        given = dict(names) if tune is None else {**names, tune.name: ("tune", "name")}
        own = getattr(function, "__name__", "the function")
        if not parameters or parameters[0].kind is Parameter.KEYWORD_ONLY:
            raise self.error(("function",), f"{own} takes no seeds; expected {own}(seeds, ...)")
        taken = [p for p in parameters[1:] if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
        expected = [parameter.name for parameter in taken]
        if not any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters):
            for name in given:
                if name not in expected:
                    told = unknown_name(f"argument of {own}", name, expected)
                    raise self.error(given[name], told)
        for parameter in taken:
            if parameter.default is Parameter.empty and parameter.name not in given:
                told = f"{own} needs {parameter.name!r}; expected it in [grid], [fixed] or [tune]"
                raise self.error(place, told)

    def at(self, place: Place) -> Any:
        """Return what stands somewhere."""
        found: Any = self.content
        for step in place:
            found = found[step]
        return found

    def table(self, place: Place) -> Mapping[str, Any]:
        """Return a table, empty where it is missing."""
        return self.typed(place, dict, f"a table [{place[-1]}]", {})

    def typed(self, place: Place, kind: type, expected: str, missing: Any) -> Any:
        """Return something of a type, or what stands for it where it is missing."""
        value = self.at(place) if _holds(self.content, place) else missing
        if not isinstance(value, kind):
            raise self.error(place, f"{place[-1]} is {value!r}; expected {expected}")
        return value


def _first_of(names: Mapping[str, Place], message: str) -> Place | None:
    """Return where that of some names stands that a message tells first."""
    found = {
        where.start(): place
        for name, place in names.items()
        if (where := re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message))
    }
    return found[min(found)] if found else None


def _texts(configuration: Mapping[str, Any], names: Mapping[str, Place]) -> dict[str, Place]:
    """Return where texts stand that are arguments, without parameters such as "(alpha=2)"."""
    texts = {name: text for name, text in configuration.items() if isinstance(text, str)}
    return {text.split("(")[0]: names[name] for name, text in texts.items() if text}


def _holds(content: Any, place: Place) -> bool:
    """Return whether something is there."""
    for step in place:
        if isinstance(step, int):
            if not isinstance(content, list) or len(content) <= step:
                return False
        elif not isinstance(content, dict) or step not in content:
            return False
        content = content[step]
    return True


def _add(grid: dict[str, dict[str, Any]], configuration: dict[str, Any]) -> None:
    """Add a configuration under its JSON, or raise ValueError if it is there already."""
    if (text := canonical(configuration)) in grid:
        raise ValueError(f"a configuration is there twice: {configuration}; expected each once")
    grid[text] = configuration


def _as_seeds(name: str, given: Any, first: int) -> tuple[int, ...]:
    """Return seeds from a list, or so many of them."""
    if isinstance(given, list):
        return as_seed_tuple(name, given)
    try:
        check_integer(name, given)
    except ValueError as error:
        raise ValueError(f"{error}, or a list of integers") from None
    if given > MOST_SEEDS:
        raise ValueError(f"{name} is {given}; expected at most {MOST_SEEDS:,}")
    return tuple(range(first, first + given))


def _check_known(known: Known | None, configuration: dict[str, Any], tune: Tune | None) -> None:
    """Raise an error unless a function of the course can be called with a configuration."""
    if known is not None and tune is None:
        known.check(**configuration)
    elif known is not None and tune is not None:
        for value in (tune.values[0], tune.values[-1]):
            known.check(**configuration, **{tune.name: value})
