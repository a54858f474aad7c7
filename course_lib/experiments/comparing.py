"""Comparisons of activations: tune each, then train it over many seeds."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from course_lib import activations as catalogue
from course_lib._checks import as_array, check_choice, check_finite, check_integer, unknown_name
from course_lib._typing import Array
from course_lib.activations import Activation
from course_lib.experiments.results import Combination, Comparison, Row, find_combination
from course_lib.experiments.tuning import Tuning, as_grid, check_distinct, check_sequence, tune
from course_lib.network import Loss, Network, as_seeds, get_loss, mlp
from course_lib.network._parameters import Parameters
from course_lib.statistics.intervals import check_level
from course_lib.training import Momentum, Optimizer, fit
from course_lib.training.arguments import check_fit_arguments, check_smallest_batch
from course_lib.training.scores import accuracy_for
from course_lib.training.stepping import check_moves

__all__ = ["compare"]

Pair = tuple[ArrayLike, ArrayLike]  # inputs and labels
Kind = tuple[Activation, Mapping[str, Any]]  # an activation and what its setting holds


def compare(
    activations: Sequence[str | Activation],
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    sizes: Sequence[int],
    data: tuple[Pair, Pair, Pair],
    learning_rates: Sequence[float],
    epochs: int,
    seeds: Sequence[int] = range(16),
    optimizer: Callable[[Any], Optimizer] = Momentum,
    batch_size: int | None = 64,
    loss: str | Loss = "cross_entropy",
    tuning_seeds: Sequence[int] = range(10_000, 10_003),
    score: str = "accuracy",
    edge: str = "raise",
    baseline: str | Combination | None = None,
    level: float = 0.95,
    dtype: DTypeLike = np.float32,
    replicas_at_once: int | None = None,
    progress: bool = False,
) -> Comparison:
    """Compare activations, each with the learning rate that suits it, over many seeds.

    For every activation and setting, all learning rates are tried with a few seeds of their own, as
    the replicas of one training, and the one with the best score on the validation data is kept
    (`tune`). Then the seeds of the comparison are trained with it, and only these networks see the
    test data.

    Parameters
    ----------
    activations : sequence of str or Activation
        Names of the catalogue.
    settings : mapping of str to mapping, optional
        For each label the arguments of `course_lib.network.mlp` that it sets, such as
        ``{"initialization": "xavier"}``, and ``"optimizer"`` if it has its own. By default a single
        setting, ``"default"``, that sets nothing.
    sizes : sequence of int
        Units of each layer, from input to output; a setting may have others. A gate gets as many
        units and twice the dense outputs before them, thus more parameters than the other
        activations; the table then says how many (`Comparison.parameter_counts`). To compare at
        about equal parameters, call again with fewer units: two thirds as many where the hidden
        layers are most of the network :cite:p:`shazeer2020glu`.
    data : triple of (x, y)
        For training, validation and test, as `course_lib.training.fit` takes them.
    learning_rates : sequence of float
        Learning rates to try.
    epochs, batch_size, loss
        As for `course_lib.training.fit`.
    seeds : sequence of int
        At least two. A seed determines a network's initial weights, the order of its batches and
        what dropout drops, and is the same for every activation and setting: their scores are
        paired.
    optimizer : callable
        Makes an optimizer from an array with one learning rate for each replica; a class, such as
        ``Adam``, or a function, such as ``lambda rates: Adam(rates, schedule=cosine(1000))``.
    tuning_seeds : sequence of int
        Other ones than `seeds`.
    score : str
        ``"accuracy"`` or ``"loss"``, in tuning and in comparing.
    edge : str
        What to do where the best learning rate is the smallest or largest of `learning_rates`, so
        that the true best may lie outside: ``"raise"`` an error, or ``"note"`` it in the results.
    baseline : str or Activation or (activation, setting), optional
        What the table compares all others with; see `Comparison.against`.
    level : float
        Coverage of all intervals.
    dtype : dtype
        float32 or float64.
    replicas_at_once : int, optional
        Train no more networks than that at once, to need less memory. The results are the same but
        for rounding.
    progress : bool
        Show a bar for each training where someone can see it.

    Returns
    -------
    Comparison
        Which depends on the arguments alone; what one activation and setting scores does not depend
        on the others.

    Raises
    ------
    KeyError
        If an activation, initialization, loss or score is unknown.
    ValueError
        If something occurs twice, seeds are used for tuning and comparing, a number in the data is
        not finite, `optimizer` makes the same one twice or ignores its learning rates, the best
        learning rate is at the edge, or as `mlp` and `fit` raise it. All but the edge is found
        before anything is trained.
    TypeError
        If something is not a sequence, mapping or callable as above, a setting has other arguments,
        or as `mlp` and `fit` do.

    Examples
    --------
    >>> from course_lib import data
    >>> result = compare(
    ...     ["sigmoid", "tanh"], sizes=[2, 8, 2], data=[data.moons(50, seed=i) for i in range(3)],
    ...     learning_rates=[0.01, 0.1, 1.0, 10.0], epochs=5, batch_size=10, score="loss",
    ...     seeds=range(4),
    ... )
    >>> result.scores.shape
    (2, 1, 4)
    >>> [line.learning_rate for line in result.summary()]
    [1.0, 0.1]
    >>> result.parameter_counts[("tanh", "default")]
    42
    """
    check_sequence("activations", activations, "['relu', 'tanh']")
    names = [catalogue.get(activation) for activation in activations]
    options = {"default": {}} if settings is None else settings
    _check_settings(options)
    grid = as_grid(learning_rates)
    check_choice("score", score, ["accuracy", "loss"])
    check_choice("edge", edge, ["raise", "note"])
    check_distinct("activations", [activation.name for activation in names], 1)
    check_distinct("settings", list(options), 1)
    check_distinct("learning_rates", grid, 3 if edge == "raise" else 1)
    seeds, tuning_seeds = _check_seeds(seeds, tuning_seeds)
    check_level(level)
    if replicas_at_once is not None:
        check_integer("replicas_at_once", replicas_at_once)
    kinds = {
        (activation.name, label): (activation, setting)
        for activation in names
        for label, setting in options.items()
    }
    chosen = None if baseline is None else find_combination(baseline, kinds)
    task = _Task(
        sizes, _three_pairs(data, dtype), optimizer, epochs, batch_size, get_loss(loss), score,
        dtype, replicas_at_once, progress,
    )  # fmt: skip
    counts = {
        key: task.rehearse(kind, grid, tuning_seeds, len(seeds)) for key, kind in kinds.items()
    }
    tuning = {key: task.tune(kind, grid, tuning_seeds) for key, kind in kinds.items()}
    if edge == "raise":
        _check_edges(tuning)
    rows: list[Row] = []
    for key, kind in kinds.items():
        best = tuning[key].learning_rate
        measured = task.train(kind, np.full(len(seeds), best), seeds, ["validation", "test"])
        for seed, values in zip(seeds, measured.tolist(), strict=True):
            rows.append(Row(*key, int(seed), best, *values))
    return Comparison(rows, tuning, score, level, chosen, counts)


@dataclass(frozen=True)
class _Task:
    """The settings that all trainings of a comparison have in common, and the steps of one."""

    sizes: Sequence[int]
    data: Mapping[str, tuple[Array, Array]]
    optimizer: Callable[[Any], Optimizer]
    epochs: int
    batch_size: int | None
    loss: Loss
    score: str
    dtype: DTypeLike
    at_once: int | None
    progress: bool

    def tune(self, kind: Kind, learning_rates: Sequence[float], seeds: Sequence[int]) -> Tuning:
        """Train all learning rates with all seeds at once; return which learning rate is best."""
        sign, worst = (1.0, 0.0) if self.score == "accuracy" else (-1.0, -math.inf)
        return tune(
            learning_rates,
            lambda each, own: sign * self.train(kind, each, own.tolist(), ["validation"])[:, 1],
            seeds=seeds,
            worst=worst,
        )

    def train(
        self, kind: Kind, learning_rates: Any, seeds: Sequence[int], parts: Sequence[str]
    ) -> Array:
        """Return training loss and scores on parts of the data: (replicas, 1 + parts)."""
        measured = []
        step = self.at_once or len(seeds)
        for start in range(0, len(seeds), step):
            some = slice(start, start + step)
            network = self.network(kind, seeds[some])
            history = fit(
                network,
                *self.data["train"],
                optimizer=self.make_optimizer(kind, learning_rates[some]),
                loss=self.loss,
                epochs=self.epochs,
                batch_size=self.batch_size,
                # all examples at once have no order, and need not be copied for each replica
                seed=0 if self.batch_size is None else seeds[some],
                progress=self.progress,
            )
            columns = [_or_infinite(history.train_loss[:, -1])]
            columns += [self.measure(network, part) for part in parts]
            measured.append(np.stack(columns, axis=1))
        return np.concatenate(measured)

    def network(self, kind: Kind, seeds: Sequence[int]) -> Network:
        """Return the networks of some seeds before training."""
        activation, setting = kind
        own = {"sizes": self.sizes} | dict(setting)
        own.pop("optimizer", None)
        return mlp(activation=activation, seed=seeds, dtype=self.dtype, **own)

    def make_optimizer(self, kind: Kind, learning_rates: Any) -> Optimizer:
        """Return an optimizer with a learning rate for each replica."""
        make: Callable[[Any], Optimizer] = kind[1].get("optimizer", self.optimizer)
        if not callable(make):
            raise TypeError(
                f"optimizer is {make!r}; expected what makes one from learning rates: a class, "
                f"such as Momentum, or a function"
            )
        return make(np.array(learning_rates))

    def measure(self, network: Network, part: str) -> Array:
        """Return the score of every replica; one that diverged has the worst there is."""
        x, y = self.data[part]
        with np.errstate(over="ignore", invalid="ignore"):
            outputs = network(x)
            if self.score == "loss":
                return _or_infinite(self.loss.function(outputs, y))
            diverged = ~np.isfinite(outputs).all(axis=(-2, -1))
            return np.where(diverged, 0.0, accuracy_for(self.loss, outputs, y))

    def rehearse(
        self, kind: Kind, learning_rates: Sequence[float], tuning_seeds: Sequence[int], n_seeds: int
    ) -> int:
        """Do everything but training, so that errors are raised before hours of work.

        Return how many parameters one network has.
        """
        network = self.network(kind, tuning_seeds[:1])
        self.check_learning_rates(kind, learning_rates)
        optimizer = self.check_optimizers(
            kind, network, np.repeat(learning_rates, len(tuning_seeds))
        )
        self.check_optimizers(kind, network, np.repeat(learning_rates[0], n_seeds))
        for part, (x, y) in self.data.items():
            check_fit_arguments(x, y, optimizer, self.epochs, self.batch_size)
            if part == "train":
                check_smallest_batch(network, len(x), self.batch_size)
            with np.errstate(over="ignore", invalid="ignore"):
                self.loss.function(network(x), y)
            if np.isnan(self.measure(network, part)).any():
                raise ValueError(f"{self.loss.name!r} has no accuracy; expected score='loss'")
        return sum(value[0].size for value in network.parameters.values())

    def check_learning_rates(self, kind: Kind, learning_rates: Sequence[float]) -> None:
        """Raise ValueError if the optimizer does not use the learning rates it is given."""
        optimizer = self.make_optimizer(kind, learning_rates)
        # an optimizer of another library may keep them elsewhere
        own = np.unique(getattr(optimizer, "learning_rate", learning_rates))
        if len(own) == 1 < len(learning_rates):
            raise ValueError(
                f"optimizer makes a {type(optimizer).__name__} with the learning rate {own[0]:g} "
                f"from {list(learning_rates)}; expected one that takes them, such as "
                f"lambda learning_rates: {type(optimizer).__name__}(learning_rates)"
            )

    def check_optimizers(self, kind: Kind, network: Network, learning_rates: Array) -> Optimizer:
        """Make the optimizers that train all learning rates; return the last, or raise."""
        step = self.at_once or len(learning_rates)
        for start in {0, (len(learning_rates) - 1) // step * step}:  # the last part may be smaller
            some = learning_rates[start : start + step]
            optimizer = self.make_optimizer(kind, some)
            # check_moves looks at shapes and dtypes only
            parameters = {
                name: np.empty((len(some), *value.shape[1:]), value.dtype)
                for name, value in network.parameters.items()
            }
            check_moves(optimizer, Parameters(parameters, network.layers))
            if self.make_optimizer(kind, some) is optimizer:
                raise ValueError(
                    f"optimizer makes the same {type(optimizer).__name__} in each call; expected "
                    f"a new one for each training, such as "
                    f"lambda learning_rates: Momentum(learning_rates)"
                )
        return optimizer


def _or_infinite(losses: Any) -> Array:
    """Return losses in float64, infinite where they are NaN."""
    losses = np.asarray(losses, dtype=np.float64)
    return np.where(np.isnan(losses), np.inf, losses)


def _three_pairs(data: Any, dtype: DTypeLike) -> dict[str, tuple[Array, Array]]:
    """Return the parts of the data by name, inputs in the network's dtype."""
    parts = list(data) if isinstance(data, list | tuple) else []
    if len(parts) != 3 or not all(isinstance(p, list | tuple) and len(p) == 2 for p in parts):
        raise TypeError(
            f"data is a {type(data).__name__} of {len(parts)}; expected three pairs of inputs "
            f"and labels, for training, validation and test"
        )
    found = {}
    for part, pair in zip(("train", "validation", "test"), parts, strict=True):
        title = "training" if part == "train" else part
        names = [f"x of the {title} data", f"y of the {title} data"]
        x, y = map(as_array, names, pair)
        with np.errstate(over="ignore"):  # check_finite names what overflows
            found[part] = x.astype(dtype), y
        for name, values in zip(names, found[part], strict=True):
            check_finite(name, values)
    return found


def _check_settings(given: Any) -> None:
    """Raise TypeError unless each label has arguments that a setting may have."""
    if not isinstance(given, Mapping) or not all(isinstance(s, Mapping) for s in given.values()):
        raise TypeError(
            f"settings are {given!r}; expected a mapping of labels to mappings, such as "
            f"{{'xavier': {{'initialization': 'xavier'}}}}"
        )
    fixed = ("activation", "seed", "dtype")
    arguments = [*(name for name in signature(mlp).parameters if name not in fixed), "optimizer"]
    for label, setting in given.items():
        for name in setting:
            if name not in arguments:
                raise TypeError(unknown_name(f"argument of setting {label!r}", name, arguments))


def _check_seeds(seeds: Any, tuning_seeds: Any) -> tuple[list[int], list[int]]:
    both = []
    for name, given, at_least in (("seeds", seeds, 2), ("tuning_seeds", tuning_seeds, 1)):
        own = as_seeds(given)[0]
        if not all(isinstance(seed, int | np.integer) for seed in own):
            raise TypeError(f"{name} are {given!r}; expected integers from 0 on")
        both.append([int(seed) for seed in own if isinstance(seed, int | np.integer)])
        check_distinct(name, both[-1], at_least)
    common = sorted(set(both[0]) & set(both[1]))
    if common:
        raise ValueError(
            f"seeds {common} are there for tuning and for comparing; a learning rate would be "
            f"judged by the networks that it was chosen for; expected other tuning_seeds"
        )
    return both[0], both[1]


def _check_edges(tuning: Mapping[Combination, Tuning]) -> None:
    """Raise ValueError if a best learning rate may lie outside of those that were tried."""
    found = [
        f"{tuned.learning_rate:g} for {activation!r} ({setting}), the "
        f"{'smallest' if tuned.learning_rate == tuned.learning_rates[0] else 'largest'} tried"
        for (activation, setting), tuned in tuning.items()
        if tuned.at_edge
    ]
    if found:
        raise ValueError(
            f"the best learning rate is {', and '.join(found)}; the true best may lie outside, so "
            f"widen learning_rates there, or pass edge='note'"
        )
