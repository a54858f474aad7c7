"""The base of all optimizers: it checks a whole step before making it, and stores its memory.

`Stepping` is the class that those in `course_lib.training.optimizers` are derived from; its
docstring says what it asks of them. `check_moves` is how `course_lib.training.fit` finds out before
a training whether an optimizer can make steps for a network at all.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from operator import is_, mul
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import (
    check_choice,
    check_integer,
    check_numbers,
    check_shape,
    check_type,
    takes,
)
from course_lib._typing import Array
from course_lib.network._state import VERSION, as_arrays, check_state
from course_lib.training.schedules import Schedule, check_schedule, factor_at

__all__ = ["Stepping", "check_gradients", "check_in_place", "check_moves", "check_optimizer"]

Move = tuple[str, Array, Array, Array, Array]
"""A parameter's name, the parameter, its gradient, and learning rate and decay shaped for it."""

_NO_DECAY = np.zeros(())

PIECE = 2**15
"""How many numbers of a large parameter move at a time: what a step makes of them stays in the
cache of a core. The step then takes about 0.6 of the time; see `pieces`."""

LARGE = 2**19
"""Up to so many numbers a cache holds a parameter whole, and calls cost more than they save."""


class Stepping:
    """The base of an optimizer: checks each step, keeps its memory, stores and loads its state.

    A derived class is a dataclass whose fields are its settings, with ``learning_rate`` and
    ``weight_decay`` among them, and the last two as here. It names in `remembers` what it keeps of
    each parameter, such as ``("velocity",)``, zeros of its shape and dtype at first, and says in
    `update` how numbers move. Further settings are checked in its ``__post_init__``, which calls
    this one.

    One that needs more than each number by itself, such as the norm of a gradient, has a `step` of
    its own instead, made from what `moves` returns. It finds what it remembers in
    ``self.memory["velocity"]``, by the names of the parameters.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Signs(Stepping):
    ...     learning_rate: float = 0.1
    ...     weight_decay: float = 0.0
    ...     decay: str = "all"
    ...     schedule: Schedule | None = None
    ...
    ...     def update(self, parameter, gradient, learning_rate, decay):
    ...         parameter -= learning_rate * np.sign(gradient)
    >>> w = {"w": np.ones((1, 1))}
    >>> Signs(0.25).step(w, {"w": np.full((1, 1), 1000.0)})
    >>> w["w"]
    array([[0.75]])
    """

    learning_rate: ArrayLike
    weight_decay: ArrayLike
    decay: str = "all"
    schedule: Schedule | None = None
    remembers: ClassVar[tuple[str, ...]] = ()
    added: ClassVar[Mapping[str, object]] = {"decay": "all", "steps": 0}
    """What the states of earlier releases lack, and what it was then."""

    def __post_init__(self) -> None:
        """Raise an error for settings that cannot work; begin with an empty memory."""
        check_numbers("learning_rate", self.learning_rate, above=0)
        check_numbers("weight_decay", self.weight_decay, least=0)
        check_choice("decay", self.decay, ["all", "weights"])
        check_schedule("schedule", self.schedule)
        self.steps = 0
        self.memory: dict[str, dict[str, Array]] = {kind: {} for kind in self.remembers}
        self._owners: dict[str, Array] = {}
        self._kept: dict[object, tuple[ArrayLike, Array]] = {}

    @np.errstate(all="ignore")  # an error in the middle would leave the step half done
    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Move the parameters, in place, against the gradients; if anything does not fit, none."""
        kept = self.memory.values()
        for name, *arrays in self.moves(parameters, gradients):
            for piece in pieces(*arrays, *[memory[name] for memory in kept]):
                self.update(*piece)

    def update(self, *arrays: Any) -> None:
        """Move some numbers of a parameter, each by itself, and what is remembered of them.

        Parameters
        ----------
        *arrays : ndarray
            The parameter and its gradient; learning rate and weight decay, shaped for them; and
            what is remembered, in the order of `remembers`.
        """
        raise NotImplementedError(f"{type(self).__name__} has neither an update nor a step")

    @np.errstate(over="ignore", under="ignore")  # an error names these
    def check(self, parameters: Mapping[str, Array]) -> None:
        """Raise an error unless these are parameters that the optimizer can move.

        Raises
        ------
        ValueError
            If what it remembers belongs to other parameters, or a setting does not fit them.
        TypeError
            If a parameter is not an array of floats that can be written to, or of a dtype in which
            the optimizer does not work; or if the decay is for weights, and the parameters do not
            say which of them these are.
        """
        self._shaped(parameters)
        if self._has_owner():
            self._check_memory(parameters)

    def check_dtype(self, name: str, parameter: Array) -> None:
        """Raise an error if the optimizer does not work in the dtype of a parameter."""

    def moves(
        self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]
    ) -> Sequence[Move]:
        """Check the whole step before any parameter moves; return what each needs, in order.

        Raises
        ------
        ValueError
            As `check`; or if a gradient is missing, unknown or of another shape, or the schedule
            returns something else than finite numbers from 0 on.
        TypeError
            As `check`; or if gradients are not a mapping to arrays of floats.
        """
        check_gradients(gradients)
        shaped = self._shaped_now(parameters)
        _check_fit(parameters, gradients)
        self._count(parameters)
        return [
            (name, parameter, gradients[name], *settings)
            for (name, parameter), settings in zip(parameters.items(), shaped, strict=True)
        ]

    def begin(self, parameters: Mapping[str, Array]) -> dict[str, tuple[Array, ...]]:
        """Check and count a step that `move_part` makes, some replicas at a time.

        Returns
        -------
        dict of str to tuple of ndarray
            For each name the parameter, its learning rate and weight decay, and what is remembered.

        Raises
        ------
        TypeError, ValueError
            As `moves` does, but for what concerns gradients.
        """
        shaped = self._shaped_now(parameters)
        self._count(parameters)
        return {
            name: (parameter, *settings, *(kept[name] for kept in self.memory.values()))
            for (name, parameter), settings in zip(parameters.items(), shaped, strict=True)
        }

    @np.errstate(all="ignore")
    def move_part(
        self,
        begun: Mapping[str, tuple[Array, ...]],
        replicas: slice,
        gradients: Mapping[str, Array],
    ) -> None:
        """Move some replicas, by their gradients, in the step that `begin` returned.

        Raises
        ------
        TypeError, ValueError
            If the gradients do not fit, before any of these replicas moves.
        """
        part = {
            name: [array[replicas] if array.ndim else array for array in arrays]
            for name, arrays in begun.items()
        }
        _check_fit({name: parameter for name, (parameter, *_) in part.items()}, gradients)
        for name, (parameter, *others) in part.items():
            for piece in pieces(parameter, gradients[name], *others):
                self.update(*piece)

    def _shaped_now(self, parameters: Mapping[str, Array]) -> list[tuple[Array, Array]]:
        """Check parameters; return what `_shaped` does for the step that is about to be made."""
        expected = "a mapping of names to arrays, such as network.parameters"
        check_type("parameters", parameters, Mapping, expected)
        factor = None if self.schedule is None else factor_at(self.schedule, self.steps)
        return self._shaped(parameters, factor)

    def _count(self, parameters: Mapping[str, Array]) -> None:
        """Check the memory, make room for new parameters and count the step."""
        if self._has_owner() and not self._belongs_to(parameters):
            self._check_memory(parameters)
            self._make_room(parameters)
        self.steps += 1

    def _has_owner(self) -> bool:
        """Return whether an earlier step of one network would change those of another."""
        return bool(self.remembers) or self.schedule is not None

    def _belongs_to(self, parameters: Mapping[str, Array]) -> bool:
        """Return whether all of these parameters were there in an earlier step."""
        return bool(parameters) and all(
            map(is_, map(self._owners.get, parameters), parameters.values())
        )

    def _shaped(
        self, parameters: Mapping[str, Array], factor: Any = None
    ) -> list[tuple[Array, Array]]:
        """Check parameters; return learning rate and weight decay, shaped for each."""
        decaying = parameters if self.decay == "all" else weights_of(parameters)
        shaped: dict[object, tuple[Array, Array]] = {}  # most parameters are alike
        found = []
        for name, parameter in parameters.items():
            check_in_place(name, parameter, "moved")
            kind = parameter.dtype, parameter.shape[:-2]
            if kind not in shaped:
                shaped[kind] = self._settings_for(name, parameter, factor)
            found.append(shaped[kind] if name in decaying else (shaped[kind][0], _NO_DECAY))
        return found

    def _settings_for(self, name: str, parameter: Array, factor: Any) -> tuple[Array, Array]:
        """Return learning rate and weight decay, shaped for a parameter."""
        self.check_dtype(name, parameter)
        learning_rate = self._learning_rate_for(parameter, factor)
        return learning_rate, self._fitted("weight_decay", self.weight_decay, parameter)

    def _fitted(
        self, name: str, number: ArrayLike, parameter: Array, *, nonzero: bool = False
    ) -> Array:
        """Return what `shaped_for` makes of a setting, the same array as long as that stays."""
        kind = name, parameter.dtype, parameter.shape[:-2]
        before, values = self._kept.get(kind, (None, _NO_DECAY))
        if before is not number or isinstance(number, np.ndarray | list):  # these may change
            values = shaped_for(name, number, parameter, nonzero=nonzero)
            self._kept[kind] = number, values
        return values

    def _learning_rate_for(self, parameter: Array, factor: Any) -> Array:
        """Return the learning rate of this step, which a schedule may make 0."""
        if factor is None:
            return self._fitted("learning_rate", self.learning_rate, parameter, nonzero=True)
        try:
            both_floats = isinstance(self.learning_rate, float) and isinstance(factor, float)
            # the product of Python's floats takes a tenth of the time
            times = mul if both_floats else np.multiply
            return shaped_for("learning_rate", times(self.learning_rate, factor), parameter)
        except ValueError as error:
            raise ValueError(
                f"the schedule returned {factor!r} for step {self.steps}, by which the learning "
                f"rate {self.learning_rate!r} cannot be multiplied: {error}"
            ) from None

    def _check_memory(self, parameters: Mapping[str, Array]) -> None:
        """Raise ValueError if what is remembered belongs to another network."""
        known = [name for name in parameters if name in self._owners]
        if any(self._owners[name] is not parameters[name] for name in known) or (
            self._owners and not known
        ):
            does = "remembers the gradients" if self.remembers else "counts the steps"
            raise ValueError(f"this optimizer {does} of another network; make a new one for each")
        if not self._owners:
            self._check_loaded(parameters)

    def _check_loaded(self, parameters: Mapping[str, Array]) -> None:
        """Raise ValueError unless a loaded memory is one of these parameters."""
        for memory in self.memory.values():
            if memory and _forms(memory) != _forms(parameters):
                wrong = [
                    f"{name}: {ours}, {theirs}"
                    for name, ours, theirs in _unequal(_forms(memory), _forms(parameters))
                ]
                raise ValueError(
                    f"the state that this optimizer has loaded is for other parameters (name: "
                    f"remembered, given): {'; '.join(wrong)}"
                )

    def _make_room(self, parameters: Mapping[str, Array]) -> None:
        """Start the memory of new parameters with zeros."""
        for name, parameter in parameters.items():
            if name not in self._owners:
                self._owners[name] = parameter
                for memory in self.memory.values():
                    memory.setdefault(name, np.zeros_like(parameter))

    def state_dict(self) -> dict[str, Array]:
        """Return copies of the settings and of all that the optimizer remembers.

        Returns
        -------
        dict of str to ndarray
            The settings by name; what is remembered of each parameter, such as
            ``"velocity.0.weight"``; the ``"steps"`` made; the name of the ``"class"``; and the
            ``"version"`` of this form. Arrays alone, for ``np.savez(file, **state)``, which
            ``np.load(file, allow_pickle=False)`` reads. The class and ``"decay"`` are text. A
            schedule is a function, and not in it.
        """
        state = {"class": np.array(type(self).__name__)}
        state |= {name: np.array(getattr(self, name)) for name in self._settings()}
        for kind, memory in self.memory.items():
            state |= {f"{kind}.{name}": value.copy() for name, value in memory.items()}
        return state | {"version": VERSION.copy()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Go on with the settings and the memory of a `state_dict`; if it does not fit, unchanged.

        The optimizer then serves the network that it next meets, which must have the parameters
        that are remembered. It keeps the schedule that it was made with, and goes on with it at the
        step that the state has come to. States of earlier releases lack ``"decay"``, which was
        ``"all"``, and but for Adam ``"steps"``, which then count from 0; with a schedule, that is
        an error.

        Parameters
        ----------
        state : mapping of str to array_like
            What `state_dict` of an optimizer of this class returned, or ``np.load`` of its file.

        Raises
        ------
        ValueError
            If it is the state of another class, entries are missing or unknown, or a shape, dtype,
            setting or version does not fit.
        TypeError
            If it is not a mapping, or an entry is not numeric.
        """
        arrays = self._completed(as_arrays(state))
        self._check_class(arrays)
        names = {
            name: arrays.get(f"{self.remembers[0]}.{name}")
            for key in arrays
            for kind, dot, name in [key.partition(".")]
            if dot and kind in self.remembers
        }
        memory = {f"{kind}.{name}": names[name] for kind in self.remembers for name in names}
        expected = dict.fromkeys(["class", *self._settings()]) | memory
        check_state(f"this {type(self).__name__}", arrays, expected)
        self._set(
            {
                name: arrays[name].copy() if arrays[name].ndim else arrays[name].item()
                for name in self._settings()
            }
        )
        for kind in self.remembers:
            self.memory[kind] = {name: arrays[f"{kind}.{name}"].copy() for name in names}
        self._owners = {}

    def _completed(self, arrays: dict[str, Array]) -> dict[str, Array]:
        """Return a state with what those of earlier releases lack."""
        lacking = {
            name: np.array(value)
            for name, value in self.added.items()
            if name != "steps" or self.schedule is None  # where would it go on?
        }
        return lacking | arrays

    def _check_class(self, arrays: Mapping[str, Array]) -> None:
        """Raise ValueError if a state names another class, which would step otherwise."""
        own = type(self).__name__
        if "class" in arrays and str(arrays["class"]) != own:
            raise ValueError(
                f"the state is that of {arrays['class']}, and this optimizer is {own}; load it "
                f"into an optimizer of its own class; nothing was loaded"
            )

    def _settings(self) -> list[str]:
        """Return the names of what is stored beside the memory."""
        names = [field.name for field in fields(cast(Any, self)) if field.init]
        return [*(name for name in names if name != "schedule"), "steps"]

    def _set(self, settings: dict[str, Any]) -> None:
        """Set all settings, or raise the error with which a new optimizer rejects them."""
        check_integer("steps", settings["steps"], least=0)
        type(self)(**{name: value for name, value in settings.items() if name != "steps"})
        vars(self).update(settings)


def pieces(parameter: Array, *others: Array) -> Iterable[tuple[Array, ...]]:
    """Return views of arrays, piece by piece: of large ones, at most `PIECE` numbers of the first.

    What is done to each number by itself comes to the same, in less time: the results in between
    stay in the cache.

    Parameters
    ----------
    parameter : ndarray
        Of any shape.
    *others : ndarray
        Each has its shape, or as many axes, of which some have length 1, or none.

    Examples
    --------
    >>> w, rates = np.zeros((2, 1000, 300)), np.ones((2, 1, 1))
    >>> [(part.shape, rate.shape) for part, rate in pieces(w, rates)][-2:]
    [((109, 300), (1, 1)), ((19, 300), (1, 1))]
    """
    if parameter.size <= LARGE:
        return [(parameter, *others)]
    # what is a view of the parameter is read before that moves
    if any(np.may_share_memory(parameter, other) for other in others if other is not parameter):
        return [(parameter, *others)]
    arrays = (parameter, *others)
    if all(
        array.ndim == 0 or (array.shape == parameter.shape and array.flags.c_contiguous)
        for array in arrays
    ):  # all numbers in a row: fewer pieces
        arrays = tuple(array.reshape(-1) if array.ndim else array for array in arrays)
    return _cut(*arrays)


def _cut(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """Yield the pieces of arrays: some entries along the first axis, or the pieces of each."""
    first = arrays[0]
    entries = PIECE * len(first) // first.size
    if entries:
        for start in range(0, len(first), entries):
            yield tuple(_part(array, slice(start, start + entries)) for array in arrays)
    else:
        for i in range(len(first)):
            yield from _cut(*(_part(array, i) for array in arrays))


def _part(array: Array, index: int | slice) -> Array:
    """Return a part along the first axis, where an array has one that it does not repeat."""
    if array.ndim == 0 or (len(array) == 1 and isinstance(index, slice)):
        return array
    return array[0 if len(array) == 1 else index]


def weights_of(parameters: Mapping[str, Array]) -> Collection[str]:
    """Return which parameters are the weights of dense layers, as those of a network say.

    Raises
    ------
    TypeError
        If they do not say it.

    Examples
    --------
    >>> weights_of({"0.weight": np.ones((1, 2))})
    Traceback (most recent call last):
    TypeError: decay is 'weights', but the parameters are a dict that does not say which of them are
    weights; pass network.parameters itself, or decay='all'
    """
    weights: Collection[str] | None = getattr(parameters, "weights", None)
    if weights is None:
        raise TypeError(
            f"decay is 'weights', but the parameters are a {type(parameters).__name__} that does "
            f"not say which of them are weights; pass network.parameters itself, or decay='all'"
        )
    return weights


def shaped_for(name: str, number: ArrayLike, parameter: Array, *, nonzero: bool = False) -> Array:
    """Return a setting shaped to multiply a parameter ``(..., rows, columns)``.

    Raises
    ------
    ValueError
        If a number is beyond the range of the parameter's dtype, or 0 in it where `nonzero` is set;
        or there is neither one number nor one for each replica.

    Examples
    --------
    >>> shaped_for("learning_rate", [0.1, 0.2], np.ones((2, 4, 3))).shape
    (2, 1, 1)
    """
    values = np.asarray(number, dtype=parameter.dtype)
    if not np.isfinite(values).all():
        raise ValueError(f"{name} is {number!r}, which is beyond the range of {parameter.dtype}")
    if nonzero and not values.all():
        raise ValueError(
            f"{name} is {number!r}, which is 0 in {parameter.dtype}; pass a larger one"
        )
    if values.ndim == 0:
        return values
    expected = f"one number, or one for each replica: {parameter.shape[:-2]}"
    check_shape(values.shape == parameter.shape[:-2], expected, **{name: values})
    return values[..., np.newaxis, np.newaxis]


def check_in_place(name: str, value: object, done: str) -> None:
    """Raise an error unless something is an array of floats that can be written to.

    Parameters
    ----------
    name : str
        Of the parameter or gradient.
    value : object
        What the caller passed.
    done : str
        What is about to happen to it, such as ``"moved"``.

    Examples
    --------
    >>> check_in_place("w", [1.0], "clipped")
    Traceback (most recent call last):
    TypeError: w is a list; expected an array of floats, which can be clipped in place
    """
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        raise TypeError(
            f"{name} is {_kind(value)}; expected an array of floats, which can be {done} in place"
        )
    if not value.flags.writeable:
        raise ValueError(f"{name} is an array that cannot be written to; pass a copy of it")


def check_gradients(gradients: object) -> None:
    """Raise TypeError unless gradients are a mapping."""
    expected = "a mapping of names to arrays, as loss_and_gradients returns it"
    check_type("gradients", gradients, Mapping, expected)


def _check_fit(parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
    """Raise one error for all gradients that are missing, unknown, misshapen or no floats."""
    if len(gradients) == len(parameters) and all(
        map(_fits, parameters.values(), map(gradients.get, parameters))
    ):
        return  # a quick look; what follows finds the words
    wrong = [
        f"{name} is {_kind(value)}"
        for name, value in gradients.items()
        if value is not None and not _is_float_array(value)
    ]
    if wrong:
        raise TypeError(
            f"gradients: {'; '.join(wrong)}; expected arrays of floats, as loss_and_gradients "
            f"returns them; nothing was moved"
        )
    wrong = [
        f"{name} has shape {'none' if parameter is None else parameter}, and its gradient "
        f"{'is missing' if gradient is None else f'has {gradient}'}"
        for name, parameter, gradient in _unequal(_shapes(parameters), _shapes(gradients))
    ]
    if wrong:
        raise ValueError(
            f"gradients do not fit the parameters: {'; '.join(wrong)}; nothing was moved"
        )


def _fits(parameter: Array, gradient: Array | None) -> bool:
    return (
        type(gradient) is np.ndarray
        and gradient.shape == parameter.shape
        and gradient.dtype.kind == "f"
    )


def _is_float_array(value: object) -> bool:
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype.kind == "f"
    return isinstance(value, float)


def _kind(value: object) -> str:
    return str(getattr(value, "dtype", f"a {type(value).__name__}"))


def _shapes(arrays: Mapping[str, Array]) -> dict[str, object]:
    return {name: None if value is None else np.shape(value) for name, value in arrays.items()}


def _forms(arrays: Mapping[str, Array]) -> dict[str, object]:
    return {name: f"{value.dtype} of shape {value.shape}" for name, value in arrays.items()}


def _unequal(
    one: Mapping[str, object], other: Mapping[str, object]
) -> list[tuple[str, object, object]]:
    """Return names with both values where two mappings differ; None where one lacks a name."""
    if one == other:
        return []
    both = [(name, one.get(name), other.get(name)) for name in {**one, **other}]
    return [(name, own, its) for name, own, its in both if own != its]


def check_optimizer(optimizer: object) -> None:
    """Raise TypeError unless an optimizer is an instance with a method `step`.

    Examples
    --------
    >>> check_optimizer("sgd")
    Traceback (most recent call last):
    TypeError: optimizer is 'sgd'; pass an instance, such as SGD(0.1)
    """
    if isinstance(optimizer, type) or not hasattr(optimizer, "step"):
        raise TypeError(f"optimizer is {optimizer!r}; pass an instance, such as SGD(0.1)")


def check_moves(optimizer: object, parameters: Mapping[str, Array]) -> None:
    """Raise an error unless an optimizer can move these parameters of a NumPy network.

    The optimizers here say themselves what they can move. Of others, their step must take
    parameters and gradients, which those of PyTorch, Keras and other libraries do not.
    """
    check_optimizer(optimizer)
    if isinstance(optimizer, Stepping):
        optimizer.check(parameters)
    elif hasattr(optimizer, "param_groups") or not takes(2, getattr(optimizer, "step", None)):
        kind = type(optimizer)
        raise TypeError(
            f"optimizer is a {kind.__module__}.{kind.__qualname__}, whose step does not take "
            f"parameters and gradients; expected for a course_lib.network.Network one of "
            f"course_lib.training, such as SGD(0.1); course_lib.pytorch.fit trains PyTorch modules"
        )
