r"""Schedules: functions of the step whose factor multiplies an optimizer's learning rate.

A schedule is any function that maps the number of a step, 0 for the first, to a factor from 0 on:
step :math:`t` is made with the learning rate :math:`\eta\, s(t)`. Steps are batches, not epochs: a
training takes ``epochs * math.ceil(examples / batch_size)`` of them. A function of one's own may
return an array with one factor for each replica. Those here are classes, so that they show their
settings, compare and can be pickled; in lower case, because they stand for functions:

- `constant`: the same factor in all steps
- `step_decay` and `milestones`: times a factor every so many steps, or at certain ones
- `cosine`: half a wave from 1 down
- `one_cycle`: up, and down again
- `warmup`: a ramp before any other

When they are over, all stay at their last factor.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import cos, inf, pi
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_number, check_choice, check_integer, check_type, describe

__all__ = [
    "Schedule",
    "check_schedule",
    "constant",
    "cosine",
    "factor_at",
    "milestones",
    "one_cycle",
    "step_decay",
    "warmup",
]

Schedule = Callable[[int], ArrayLike]
"""Maps the number of a step, from 0 on, to the factor of its learning rate."""


class _Settings:
    """The base of the schedules here: they show their settings, and are equal if these are.

    A dataclass would do the same, and take a millisecond of the package's import for each class.
    """

    def __repr__(self) -> str:
        """Return how it is called with its settings."""
        given = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({given})"

    def __eq__(self, other: object) -> bool:
        """Compare class and settings."""
        if type(self) is not type(other):
            return NotImplemented
        return vars(self) == vars(other)

    def __hash__(self) -> int:
        """Hash what is compared."""
        return hash((type(self), *vars(self).values()))


class constant(_Settings):
    """The same factor in all steps; 1 leaves the learning rate as it is.

    Parameters
    ----------
    factor : float
        From 0 on.

    Raises
    ------
    ValueError
        If it is not a finite number from 0 on, or in a call the step is no integer from 0 on.

    Examples
    --------
    >>> constant(0.5)(7)
    0.5
    """

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = as_number("factor", factor, least=0)

    def __call__(self, step: int) -> float:
        """Return the factor."""
        check_step(step)
        return self.factor


class step_decay(_Settings):
    r"""Times a factor :math:`\gamma` every so many steps: :math:`\gamma^{\lfloor t / n \rfloor}`.

    PyTorch's ``StepLR``; with ``every=1`` its ``ExponentialLR``.

    Parameters
    ----------
    every : int
        Steps :math:`n` with the same learning rate.
    factor : float
        :math:`\gamma`, from 0 on.

    Raises
    ------
    ValueError
        If `every` is no integer from 1 on, the factor is not a finite number from 0 on, or in a
        call the step is no integer from 0 on.

    Examples
    --------
    >>> [step_decay(2, factor=0.5)(step) for step in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(self, every: int, factor: float = 0.1) -> None:
        check_integer("every", every)
        self.every = int(every)
        self.factor = as_number("factor", factor, least=0)

    def __call__(self, step: int) -> float:
        """Return the factor of a step."""
        check_step(step)
        return _power(self.factor, step // self.every)


class milestones(_Settings):
    r"""Times a factor :math:`\gamma` at each of some steps, which it then has for the first time.

    PyTorch's ``MultiStepLR``.

    Parameters
    ----------
    at : sequence of int
        Steps in increasing order.
    factor : float
        :math:`\gamma`, from 0 on.

    Raises
    ------
    ValueError
        If the steps are not increasing integers from 1 on, the factor is not a finite number from 0
        on, or in a call the step is no integer from 0 on.
    TypeError
        If `at` is not a sequence.

    Examples
    --------
    >>> [milestones([2, 3], factor=0.5)(step) for step in range(5)]
    [1.0, 1.0, 0.5, 0.25, 0.25]
    """

    def __init__(self, at: Sequence[int], factor: float = 0.1) -> None:
        check_type("at", at, (list, tuple, range, np.ndarray), "steps, such as [500, 800]")
        for step in at:
            check_integer("a step of at", step)
        if not all(one < other for one, other in pairwise(at)):
            raise ValueError(f"at is {list(at)}; expected steps in increasing order")
        self.at = tuple(int(step) for step in at)
        self.factor = as_number("factor", factor, least=0)

    def __call__(self, step: int) -> float:
        """Return the factor of a step."""
        check_step(step)
        return _power(self.factor, bisect_right(self.at, step))


class cosine(_Settings):
    r"""From 1 down to a final factor :math:`f` along half a wave of the cosine.

    Step :math:`t` of :math:`T` has :math:`f + (1 - f) (1 + \cos(\pi t / T)) / 2`, and all from
    :math:`T` on have :math:`f`.

    Parameters
    ----------
    steps : int
        :math:`T`.
    final : float
        :math:`f`, from 0 on.

    Raises
    ------
    ValueError
        If `steps` is no integer from 1 on, `final` is not a finite number from 0 on, or in a call
        the step is no integer from 0 on.

    Notes
    -----
    Loshchilov and Hutter, 2017 :cite:p:`loshchilov2017sgdr`, without their restarts. PyTorch's
    ``CosineAnnealingLR(optimizer, T_max=steps, eta_min=final * learning_rate)``, which rises again
    after its last step; this one stays.

    Examples
    --------
    >>> [round(cosine(4)(step), 3) for step in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    def __init__(self, steps: int, final: float = 0.0) -> None:
        check_integer("steps", steps)
        self.steps = int(steps)
        self.final = as_number("final", final, least=0)

    def __call__(self, step: int) -> float:
        """Return the factor of a step."""
        check_step(step)
        return _cosine(1.0, self.final, min(step, self.steps) / self.steps)


class one_cycle(_Settings):
    r"""Up to 1 in the first part of a training, then down to almost nothing.

    The factor rises from ``1 / div_factor`` to 1 in the first ``pct_start`` of the steps, and falls
    to ``1 / (div_factor * final_div_factor)`` in the others; there it stays.

    Parameters
    ----------
    total_steps : int
        Of the cycle; the last has the last factor.
    pct_start : float
        Fraction of the steps in which the factor rises, from 0 to below 1.
    div_factor, final_div_factor : float
        The first factor is 1 over the first number, the last is that over the second; both above 0.
    anneal_strategy : str
        ``"cos"`` or ``"linear"``: along half a wave of the cosine, or a line.

    Raises
    ------
    ValueError
        If a number is not as above, or in a call the step is no integer from 0 on.
    KeyError
        If there is no such strategy.

    Notes
    -----
    Smith and Topin, 2019 :cite:p:`smith2019super`, in the form of PyTorch's ``OneCycleLR``, whose
    names and defaults these are. The optimizer's learning rate is its ``max_lr``. The momentum is
    left alone, as with its ``cycle_momentum=False``. PyTorch raises an error when the cycle is
    over; this one stays at its last factor.

    Examples
    --------
    >>> schedule = one_cycle(10, anneal_strategy="linear")
    >>> [round(schedule(step), 3) for step in range(10)]
    [0.04, 0.52, 1.0, 0.857, 0.714, 0.571, 0.429, 0.286, 0.143, 0.0]
    """

    def __init__(
        self,
        total_steps: int,
        pct_start: float = 0.3,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        anneal_strategy: str = "cos",
    ) -> None:
        check_integer("total_steps", total_steps)
        check_choice("anneal_strategy", anneal_strategy, ["cos", "linear"])
        self.total_steps = int(total_steps)
        self.pct_start = as_number("pct_start", pct_start, least=0, below=1)
        self.div_factor = as_number("div_factor", div_factor, above=0)
        self.final_div_factor = as_number("final_div_factor", final_div_factor, above=0)
        self.anneal_strategy = anneal_strategy

    def __call__(self, step: int) -> float:
        """Return the factor of a step."""
        check_step(step)
        between = _cosine if self.anneal_strategy == "cos" else _line
        first, last = 1 / self.div_factor, 1 / (self.div_factor * self.final_div_factor)
        # the first step is 0; with few steps the peak may lie before it
        peak, end = self.pct_start * self.total_steps - 1, self.total_steps - 1
        if step < peak:
            return between(first, 1.0, step / peak)
        return between(1.0, last, (min(step, end) - peak) / (end - peak))


class warmup(_Settings):
    r"""A ramp before another schedule.

    In the first :math:`n` steps, the factor rises in a line from :math:`f` to 1, times the first
    factor of the schedule that follows; from step :math:`n` on, that schedule runs from its
    beginning.

    Parameters
    ----------
    steps : int
        :math:`n`.
    then : callable, optional
        The schedule that follows; by default the learning rate stays what it is.
    start_factor : float
        :math:`f`, from 0 to 1. With 0 the first step moves nothing.

    Raises
    ------
    ValueError
        If `steps` is no integer from 1 on, `start_factor` is not a number from 0 to 1, or in a call
        the step is no integer from 0 on.
    TypeError
        If `then` is not callable.

    Notes
    -----
    Goyal et al., 2017 :cite:p:`goyal2017accurate`, who rise in a line too. PyTorch's ``LinearLR``
    before another in ``SequentialLR``, with its name and default for the first factor.

    Examples
    --------
    >>> [warmup(2, step_decay(2, factor=0.5), start_factor=0.5)(step) for step in range(7)]
    [0.5, 0.75, 1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(
        self, steps: int, then: Schedule | None = None, start_factor: float = 1 / 3
    ) -> None:
        check_integer("steps", steps)
        check_schedule("then", then)
        self.steps = int(steps)
        self.then = then
        self.start_factor = as_number("start_factor", start_factor, least=0, most=1)

    def __call__(self, step: int) -> ArrayLike:
        """Return the factor of a step."""
        check_step(step)
        after = max(step - self.steps, 0)
        factor = 1.0 if self.then is None else factor_at(self.then, after)
        if step >= self.steps:
            return factor
        return _line(self.start_factor, 1.0, step / self.steps) * factor


def _power(factor: float, times: int) -> float:
    """Return a power, infinite where it is beyond all floats: `factor_at` names the step."""
    try:
        return float(factor) ** times
    except OverflowError:
        return inf


def _cosine(start: float, end: float, fraction: float) -> float:
    """Return what lies between two numbers, along half a wave of the cosine."""
    return end + (start - end) * (1 + cos(pi * fraction)) / 2


def _line(start: float, end: float, fraction: float) -> float:
    """Return what lies between two numbers, along a line."""
    return start + (end - start) * fraction


def check_step(step: Any) -> None:
    """Raise ValueError unless a step is an integer from 0 on."""
    if type(step) is not int or step < 0:  # the rest takes longer, and a step must not
        check_integer("step", step, least=0)


def check_schedule(name: str, schedule: object) -> None:
    """Raise TypeError unless a schedule is None or a function.

    Examples
    --------
    >>> check_schedule("schedule", "cosine")
    Traceback (most recent call last):
    TypeError: schedule is 'cosine'; expected a function of the step, such as cosine(1000), or None
    """
    if schedule is not None and (isinstance(schedule, type) or not callable(schedule)):
        raise TypeError(
            f"{name} is {describe(schedule)}; expected a function of the step, such as "
            f"cosine(1000), or None"
        )


def factor_at(schedule: Schedule, step: int) -> Any:
    """Return the factor of a step: one number, or an array with one for each replica.

    Raises
    ------
    ValueError
        If the schedule returns something else than finite numbers from 0 on.

    Examples
    --------
    >>> factor_at(lambda step: 1 - step, 3)
    Traceback (most recent call last):
    ValueError: the schedule returned -2 for step 3; expected finite numbers from 0 on, one, or one
    for each replica
    """
    factor = schedule(step)
    if isinstance(factor, float) and 0 <= factor < inf:
        return factor
    try:
        numbers = np.asarray(factor)
    except ValueError:  # ragged
        numbers = np.asarray(None)
    if numbers.dtype.kind in "fiu" and numbers.size and (numbers >= 0).all():
        if np.isfinite(numbers).all():
            return numbers
    raise ValueError(
        f"the schedule returned {factor!r} for step {step}; expected finite numbers from 0 on, "
        f"one, or one for each replica"
    )
