"""Optimizers, clipping, and `fit` for the NumPy network.

A learning rate may be an array with one entry for each replica, so that a sweep over rates is a
single training.
"""

import importlib.util
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, fields
from inspect import signature
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, cast

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_array, check_integer
from course_lib._typing import Array
from course_lib.network import BatchNorm, Loss, Network, as_seeds, get_loss, stream
from course_lib.network._state import VERSION, as_arrays, check_state
from course_lib.network.layers import check_replicated, check_untied, walk

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "History",
    "Momentum",
    "Optimizer",
    "accuracy",
    "clip_norm",
    "clip_value",
    "epoch_batches",
    "fit",
]


# ---------------------------------------------------------------------------------------------
# Optimizers
# ---------------------------------------------------------------------------------------------


class Optimizer(Protocol):
    """What `fit` asks of an optimizer.

    Notes
    -----
    Those here check all of a step before they move anything, so that an error leaves parameters and
    memory as they were, and store what they remember with ``state_dict()``, for
    ``load_state_dict(state)``. `SGD` and `Momentum` move float16 too; `Adam` and `AdamW` reject it.
    """

    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Move the parameters, in place, against the gradients."""


def _for_each(name: str, number: Any, parameter: Array) -> Any:
    """Return a setting shaped to multiply a parameter ``(..., rows, columns)``."""
    values = np.asarray(number, dtype=parameter.dtype)
    if not np.isfinite(values).all():
        raise ValueError(f"{name} is {number!r}, which is beyond the range of {parameter.dtype}")
    if values.ndim == 0:
        return values
    if values.shape != parameter.shape[:-2]:
        raise ValueError(
            f"{name} has shape {values.shape}; expected one number, or one for each replica: "
            f"{parameter.shape[:-2]}"
        )
    return values[..., np.newaxis, np.newaxis]


def _penalized(gradient: Array, decay: Any, parameter: Array) -> Array:
    """Return the gradient of a loss to which the penalty of the weight decay is added."""
    return gradient if not decay.ndim and not decay else gradient + decay * parameter


def _check_rate(learning_rate: Any) -> None:
    if not _are_finite_from_0(learning_rate) or not np.all(np.asarray(learning_rate) > 0):
        raise ValueError(
            f"learning_rate is {learning_rate!r}; expected finite numbers above 0, one, or one "
            f"for each replica"
        )


def _check_decay(weight_decay: Any) -> None:
    if not _are_finite_from_0(weight_decay):
        raise ValueError(
            f"weight_decay is {weight_decay!r}; expected finite numbers from 0 on, one, or one "
            f"for each replica"
        )


def _are_finite_from_0(numbers: Any) -> bool:
    values = as_array("a setting", numbers)
    if values.dtype.kind not in "fiu" or not values.size:
        return False
    return bool((np.isfinite(values) & (values >= 0)).all())


def _check_share(name: str, value: float) -> None:
    if as_array(name, value).ndim or not _are_finite_from_0(value) or not value < 1:
        raise ValueError(f"{name} is {value!r}; expected 0 up to but not including 1")


def _as_plain_numbers(settings: Any, *names: str) -> None:
    """Make settings Python's floats, which leave float32 what it is; NumPy's float64 would not."""
    for name in names:
        setattr(settings, name, float(getattr(settings, name)))


Move = tuple[str, Array, Any, Any, Any]
"""A parameter's name, the parameter, its gradient, and learning rate and decay shaped for it."""


class _Stepping:
    """What the optimizers below share: each step is checked before it is made, and their state."""

    learning_rate: Any
    weight_decay: Any
    _memory: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Words for what is remembered of each parameter, and the attributes that hold it by name."""
    _owners: dict[str, Array]

    def check(self, parameters: Mapping[str, Array]) -> None:
        """Raise an error unless these are parameters that the optimizer can move.

        Raises
        ------
        ValueError
            If what it remembers belongs to other parameters, or a setting does not fit them.
        TypeError
            If a parameter is not an array of floats that can be written to, or of a dtype in which
            the optimizer does not work.
        """
        self._shaped(parameters)
        if self._memory:
            self._check_memory(parameters)

    def _shaped(self, parameters: Mapping[str, Array]) -> list[tuple[Any, Any]]:
        """Check parameters; return learning rate and weight decay, shaped for each."""
        shaped: dict[Any, tuple[Any, Any]] = {}  # most parameters are alike
        found = []
        for name, parameter in parameters.items():
            _check_parameter(name, parameter)
            kind = parameter.dtype, parameter.shape[:-2]
            if kind not in shaped:
                shaped[kind] = self._settings_for(name, parameter)
            found.append(shaped[kind])
        return found

    @np.errstate(over="ignore", under="ignore")  # what becomes infinite or 0 is told
    def _settings_for(self, name: str, parameter: Array) -> tuple[Any, Any]:
        self._check_dtype(name, parameter)
        rate = _for_each("learning_rate", self.learning_rate, parameter)
        if not rate.all():
            raise ValueError(
                f"learning_rate is {self.learning_rate!r}, which is 0 in {parameter.dtype}"
            )
        return rate, _for_each("weight_decay", self.weight_decay, parameter)

    def _check_dtype(self, name: str, parameter: Array) -> None:
        """Raise an error if the optimizer does not work in the dtype of a parameter."""

    def _check_memory(self, parameters: Mapping[str, Array]) -> None:
        """Raise ValueError if what is remembered belongs to another network."""
        known = [name for name in parameters if name in self._owners]
        if any(self._owners[name] is not parameters[name] for name in known) or (
            self._owners and not known
        ):
            raise ValueError(
                "this optimizer remembers the gradients of another network; make a new one for each"
            )
        if not self._owners:
            self._check_loaded(parameters)

    def _check_loaded(self, parameters: Mapping[str, Array]) -> None:
        """Raise ValueError unless a loaded memory is one of these parameters."""
        for attribute in self._memory.values():
            memory = getattr(self, attribute)
            if memory and _forms(memory) != _forms(parameters):
                told = [
                    f"{name}: {ours}, {theirs}"
                    for name, ours, theirs in _unequal(_forms(memory), _forms(parameters))
                ]
                raise ValueError(
                    f"the state that this optimizer has loaded is for other parameters (name: "
                    f"remembered, given): {'; '.join(told)}"
                )

    def _moves(
        self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]
    ) -> Sequence[Move]:
        """Check all, so that nothing is half done; return what each parameter's step needs."""
        _check_fit(parameters, gradients)
        shaped = self._shaped(parameters)
        if self._memory:
            self._check_memory(parameters)
            self._remember(parameters)
        return [
            (name, parameter, gradients[name], *settings)
            for (name, parameter), settings in zip(parameters.items(), shaped, strict=True)
        ]

    def _remember(self, parameters: Mapping[str, Array]) -> None:
        """Make room for what is not remembered yet."""
        for name in parameters.keys() - self._owners.keys():
            self._owners[name] = parameters[name]
            for attribute in self._memory.values():
                getattr(self, attribute).setdefault(name, np.zeros_like(parameters[name]))

    def state_dict(self) -> dict[str, Array]:
        """Return copies of the settings and of all that the optimizer remembers.

        Returns
        -------
        dict of str to ndarray
            The settings by name; what is remembered of each parameter, such as
            ``"velocity.0.weight"``; the name of the ``"class"``, the only text; and the
            ``"version"`` of this form. Arrays alone, for ``np.savez(file, **state)``, which
            ``np.load(file, allow_pickle=False)`` reads.
        """
        state = {"class": np.array(type(self).__name__)}
        state |= {name: np.array(getattr(self, name)) for name in self._settings()}
        for kind, attribute in self._memory.items():
            memory = getattr(self, attribute)
            state |= {f"{kind}.{name}": value.copy() for name, value in memory.items()}
        return state | {"version": VERSION.copy()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Go on with the settings and the memory of a `state_dict`; if it does not fit, unchanged.

        The optimizer then serves the network that it next meets, which must have the parameters
        that are remembered.

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
        arrays, kinds = as_arrays(state), list(self._memory)
        self._check_class(arrays)
        names = {
            name: arrays.get(f"{kinds[0]}.{name}")
            for key in arrays
            for kind, dot, name in [key.partition(".")]
            if dot and kind in kinds
        }
        expected = {f"{kind}.{name}": value for kind in kinds for name, value in names.items()}
        check_state(
            f"this {type(self).__name__}",
            arrays,
            dict.fromkeys(["class", *self._settings()]) | expected,
        )
        settings = {
            name: arrays[name].copy() if arrays[name].ndim else arrays[name].item()
            for name in self._settings()
        }
        self._set(settings)
        for kind, attribute in self._memory.items():
            setattr(self, attribute, {name: arrays[f"{kind}.{name}"].copy() for name in names})
        if self._memory:
            self._owners = {}

    def _check_class(self, arrays: Mapping[str, Array]) -> None:
        """Raise ValueError if a state names another class, which would step otherwise."""
        own = type(self).__name__
        if "class" in arrays and str(arrays["class"]) != own:
            raise ValueError(
                f"the state is that of {arrays['class']}, and this optimizer is {own}; load it "
                f"into an optimizer of its own class; nothing was loaded"
            )

    def _settings(self) -> list[str]:
        return [field.name for field in fields(cast(Any, self)) if field.init]

    def _set(self, settings: dict[str, Any]) -> None:
        """Set all settings, or raise the error with which a new optimizer rejects them."""
        type(self)(**settings)
        vars(self).update(settings)


def _check_parameter(name: str, parameter: Any) -> None:
    _check_in_place(name, parameter, "moved")


def _check_in_place(name: str, parameter: Any, done: str) -> None:
    """Raise an error unless it is an array of floats that can be written to."""
    if not isinstance(parameter, np.ndarray) or parameter.dtype.kind != "f":
        raise TypeError(
            f"{name} is {_kind(parameter)}; expected is an array of floats, {done} in place"
        )
    if not parameter.flags.writeable:
        raise ValueError(f"{name} is an array that cannot be written to; pass a copy of it")


def _check_fit(parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
    """Raise an error unless there is a gradient of the same shape for each parameter alone."""
    _check_gradients(gradients)
    if not isinstance(parameters, Mapping):
        raise TypeError(
            f"parameters is a {type(parameters).__name__}; expected is a mapping of names to "
            f"arrays, such as network.parameters"
        )
    for name, parameter in parameters.items():
        _check_parameter(name, parameter)
    _check_float_gradients(gradients)
    wrong = [
        f"{name} has shape {'none' if parameter is None else parameter}, and its gradient "
        f"{'is missing' if gradient is None else f'has {gradient}'}"
        for name, parameter, gradient in _unequal(_shapes(parameters), _shapes(gradients))
    ]
    if wrong:
        raise ValueError(
            f"gradients do not fit the parameters: {'; '.join(wrong)}; nothing was moved"
        )


def _check_float_gradients(gradients: Mapping[str, Any]) -> None:
    """Raise one TypeError for all gradients that are no arrays of floats; None is one missing."""
    wrong = [
        f"{name} is {_kind(value)}"
        for name, value in gradients.items()
        if value is not None and not _is_float_array(value)
    ]
    if wrong:
        raise TypeError(
            f"gradients: {'; '.join(wrong)}; expected are arrays of floats, as loss_and_gradients "
            f"returns them; nothing was changed"
        )


def _is_float_array(value: Any) -> bool:
    is_array = isinstance(value, np.ndarray | np.generic)
    return value.dtype.kind == "f" if is_array else isinstance(value, float)


def _kind(value: Any) -> str:
    return str(getattr(value, "dtype", f"a {type(value).__name__}"))


def _shapes(arrays: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if value is None else np.shape(value) for name, value in arrays.items()}


def _forms(arrays: Mapping[str, Array]) -> dict[str, str]:
    return {name: f"{value.dtype} of shape {value.shape}" for name, value in arrays.items()}


def _unequal(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return names with both values where two mappings differ; None where one lacks a name."""
    if one == other:
        return []
    both = [(name, one.get(name), other.get(name)) for name in {**one, **other}]
    return [(name, own, its) for name, own, its in both if own != its]


@dataclass
class SGD(_Stepping):
    r"""Stochastic gradient descent: :math:`w \leftarrow w - \eta\, g`.

    With a weight decay, :math:`g + \lambda w` takes the place of the gradient :math:`g`. That is
    the gradient of the loss plus the penalty :math:`\frac{\lambda}{2} \lVert w \rVert^2`, and
    multiplies :math:`w` by :math:`1 - \eta \lambda` in each step.

    Attributes
    ----------
    learning_rate : float or ndarray
        One number, or one for each replica.
    weight_decay : float or ndarray
        :math:`\lambda`, one number from 0 on, or one for each replica. It shrinks all parameters,
        biases and those of normalization too, as in PyTorch.

    Raises
    ------
    ValueError
        If a rate is not a finite number above 0, or a weight decay not one from 0 on.

    Notes
    -----
    Robbins and Monro, 1951 :cite:p:`robbins1951stochastic`; weight decay: Krogh and Hertz, 1991
    :cite:p:`krogh1991simple`.

    Examples
    --------
    >>> w = {"w": np.ones((1, 1))}
    >>> SGD(0.5).step(w, {"w": np.ones((1, 1))})
    >>> w["w"]
    array([[0.5]])
    """

    learning_rate: Any
    weight_decay: Any = 0.0

    def __post_init__(self) -> None:
        """Refuse settings that cannot work."""
        _check_rate(self.learning_rate)
        _check_decay(self.weight_decay)

    @np.errstate(all="ignore")  # an error in the middle would leave the step half done
    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Move the parameters, in place, against the gradients; if anything does not fit, none."""
        for _, parameter, gradient, rate, decay in self._moves(parameters, gradients):
            parameter -= rate * _penalized(gradient, decay, parameter)


@dataclass
class Momentum(_Stepping):
    r"""Gradient descent with momentum.

    The velocity collects gradients, :math:`v \leftarrow \mu v + g`, and moves the weights,
    :math:`w \leftarrow w - \eta v`. With a weight decay, :math:`g + \lambda w` takes the place of
    the gradient, as in `SGD`.

    Attributes
    ----------
    learning_rate, weight_decay
        As for `SGD`.
    momentum : float
        The share :math:`\mu` of the velocity that stays at each step.

    Raises
    ------
    ValueError
        If a rate is not a finite number above 0, the momentum is not in [0, 1), or a weight decay
        is not a finite number from 0 on.

    Notes
    -----
    Polyak, 1964 :cite:p:`polyak1964some`, in the form that PyTorch uses.

    Examples
    --------
    >>> w, g = {"w": np.ones((1, 1))}, {"w": np.ones((1, 1))}
    >>> optimizer = Momentum(0.1, momentum=0.5)
    >>> optimizer.step(w, g)
    >>> optimizer.step(w, g)
    >>> w["w"].round(12)
    array([[0.75]])
    """

    learning_rate: Any
    momentum: float = 0.9
    weight_decay: Any = 0.0
    _memory: ClassVar = MappingProxyType({"velocity": "_velocity"})
    _velocity: dict[str, Array] = field(default_factory=dict, init=False, repr=False)
    _owners: dict[str, Array] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse settings that cannot work."""
        _check_rate(self.learning_rate)
        _check_share("momentum", self.momentum)
        _check_decay(self.weight_decay)
        _as_plain_numbers(self, "momentum")

    @np.errstate(all="ignore")  # an error in the middle would leave the step half done
    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Move the parameters, in place, along the velocity; if anything does not fit, none."""
        for name, parameter, gradient, rate, decay in self._moves(parameters, gradients):
            velocity = self._velocity[name]
            velocity *= self.momentum
            velocity += _penalized(gradient, decay, parameter)
            parameter -= rate * velocity


@dataclass
class Adam(_Stepping):
    r"""Adam: gradients divided by a running estimate of their size.

    With a weight decay, :math:`g + \lambda w` takes the place of the gradient, as in `SGD`. It is
    divided like the gradient, so that parameters with large gradients shrink less; see `AdamW`.

    Attributes
    ----------
    learning_rate, weight_decay
        As for `SGD`.
    beta1, beta2 : float
        How much of the running mean of the gradients, and of their squares, stays at each step.
    eps : float
        Added to the root, so that nothing is divided by 0; above 0.

    Raises
    ------
    ValueError
        If a rate is not a finite number above 0, a beta is not in [0, 1), eps is not a finite
        number above 0 (in the dtype of the parameters too), or a weight decay not one from 0 on.
    TypeError
        In a step, if a parameter is float16: the squares of gradients below 0.0002 vanish in it,
        and those above 255 overflow.

    Notes
    -----
    Kingma and Ba, 2015 :cite:p:`kingma2015adam`; defaults and form are theirs and PyTorch's: with
    :math:`m` and :math:`v` for the running means of :math:`g` and :math:`g^2`, step :math:`t` is

    .. math:: w \leftarrow w - \eta\, \frac{m / (1 - \beta_1^t)}
        {\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    Epsilon is outside the root and after the correction of :math:`v`. Keras and scikit-learn add
    it before, in the other form that the paper gives (the end of its section 2):

    .. math:: w \leftarrow w - \eta\, \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}\,
        \frac{m}{\sqrt{v} + \hat\epsilon}

    That is :math:`\epsilon = \hat\epsilon / \sqrt{1 - \beta_2^t}`: in the first step 32 times
    as much, which shows where gradients are as small as eps. Keras has 1e-7 by default.

    Examples
    --------
    >>> w = {"w": np.ones((1, 1))}
    >>> Adam(0.1).step(w, {"w": np.full((1, 1), 1000.0)})
    >>> w["w"].round(6)
    array([[0.9]])
    """

    learning_rate: Any = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: Any = 0.0
    _memory: ClassVar = MappingProxyType({"mean": "_means", "square": "_squares"})
    _means: dict[str, Array] = field(default_factory=dict, init=False, repr=False)
    _owners: dict[str, Array] = field(default_factory=dict, init=False, repr=False)
    _squares: dict[str, Array] = field(default_factory=dict, init=False, repr=False)
    _steps: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse settings that cannot work."""
        _check_rate(self.learning_rate)
        _check_share("beta1", self.beta1)
        _check_share("beta2", self.beta2)
        if as_array("eps", self.eps).ndim or not _are_finite_from_0(self.eps) or self.eps == 0:
            raise ValueError(f"eps is {self.eps!r}; expected is a finite number above 0")
        _check_decay(self.weight_decay)
        _as_plain_numbers(self, "beta1", "beta2", "eps")

    @np.errstate(all="ignore")  # an error in the middle would leave the step half done
    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Move the parameters, in place; if anything does not fit, none."""
        moves = self._moves(parameters, gradients)
        self._steps += 1
        unbias1 = 1 - self.beta1**self._steps
        unbias2 = 1 - self.beta2**self._steps
        for name, parameter, given, rate, decay in moves:
            gradient = self._decayed(parameter, given, rate, decay)
            mean, square = self._means[name], self._squares[name]
            mean += (1 - self.beta1) * (gradient - mean)
            square += (1 - self.beta2) * (gradient * gradient - square)
            size = np.sqrt(square / unbias2) + self.eps
            parameter -= rate / unbias1 * mean / size

    def _decayed(self, parameter: Array, gradient: Array, rate: Any, decay: Any) -> Array:
        """Return what Adam takes for the gradient."""
        return _penalized(gradient, decay, parameter)

    def _check_dtype(self, name: str, parameter: Array) -> None:
        """Raise an error in float16, and where eps would be 0."""
        if parameter.dtype == np.float16:
            raise TypeError(
                f"{name} is float16, in which the squares of gradients vanish or overflow that "
                f"{type(self).__name__} divides by; train in float32, or with SGD or Momentum"
            )
        if not _for_each("eps", self.eps, parameter):
            raise ValueError(
                f"eps is {self.eps!r}, which is 0 in {parameter.dtype}; pass a larger one"
            )

    def _settings(self) -> list[str]:
        return [*super()._settings(), "steps"]

    @property
    def steps(self) -> int:
        """How many steps it has made, by which the running means are corrected."""
        return self._steps

    def _set(self, settings: dict[str, Any]) -> None:
        steps = settings.pop("steps")
        check_integer("steps", steps, least=0)
        super()._set(settings)
        self._steps = steps


@dataclass
class AdamW(Adam):
    r"""Adam with a weight decay of its own, apart from the gradient.

    Each step first shrinks all parameters alike, :math:`w \leftarrow (1 - \eta \lambda)\, w`, and
    then makes the step of `Adam` without weight decay.

    Attributes
    ----------
    learning_rate, beta1, beta2, eps, weight_decay
        As for `Adam`.

    Raises
    ------
    ValueError
        As `Adam` does.

    Notes
    -----
    Loshchilov and Hutter, 2019 :cite:p:`loshchilov2019decoupled`, in the form that PyTorch uses,
    with its defaults: the decay is multiplied by the learning rate.

    Examples
    --------
    >>> w = {"w": np.ones((1, 1))}
    >>> AdamW(0.1, weight_decay=0.5).step(w, {"w": np.zeros((1, 1))})
    >>> w["w"]
    array([[0.95]])
    """

    weight_decay: Any = 0.01

    def _decayed(self, parameter: Array, gradient: Array, rate: Any, decay: Any) -> Array:
        """Shrink the parameter, in place; return the gradient as it is."""
        parameter *= 1 - rate * decay
        return gradient


# ---------------------------------------------------------------------------------------------
# Clipping
# ---------------------------------------------------------------------------------------------


def clip_norm(gradients: Mapping[str, Array], limit: float) -> Any:
    r"""Shrink gradients, in place, so that their norm is at most a limit.

    All gradients of a replica together are one long vector :math:`g`. Where it is longer than the
    limit it keeps its direction, :math:`g \leftarrow g \min(1, c / (\lVert g \rVert + 10^{-6}))`.

    Parameters
    ----------
    gradients : mapping of str to ndarray
        As `course_lib.network.Network.loss_and_gradients` returns them, each of shape
        ``(..., rows, columns)``.
    limit : float
        The longest norm :math:`c`, finite and above 0.

    Returns
    -------
    ndarray or scalar
        The norm of each replica before clipping, shape ``(...)``.

    Raises
    ------
    ValueError
        If the limit is not a finite number above 0, there are no gradients, or one has fewer than
        two axes.
    TypeError
        If the gradients are not a mapping of names to arrays of floats.

    Notes
    -----
    Pascanu, Mikolov and Bengio, 2013 :cite:p:`pascanu2013difficulty`; the :math:`10^{-6}` is
    PyTorch's. A norm that is not finite is not repaired: as in PyTorch, an infinite gradient
    becomes NaN and the finite ones beside it 0, and a NaN makes them all NaN. Other replicas do
    not notice. Gradients of which only the squares would overflow are clipped as all others.

    Examples
    --------
    >>> gradients = {"w": np.array([[3.0, 4.0]])}
    >>> clip_norm(gradients, 1)
    np.float64(5.0)
    >>> gradients["w"].round(6)
    array([[0.6, 0.8]])
    """
    check_limits(limit=limit)
    _check_gradients(gradients)
    for name, gradient in gradients.items():
        _check_in_place(name, gradient, "clipped")
    if not gradients:
        raise ValueError("there are no gradients; call loss_and_gradients first")
    shapes = [gradient.shape for gradient in gradients.values()]
    if min(map(len, shapes)) < 2:
        raise ValueError(f"gradients have shapes {shapes}; expected (..., rows, columns)")
    norms = _norms(list(gradients.values()))
    with np.errstate(invalid="ignore", under="ignore"):  # an infinite gradient times 0
        factor = np.minimum(1, _within(limit, norms) / (norms + 1e-6))
        factor = factor[..., np.newaxis, np.newaxis]
        for gradient in gradients.values():
            gradient *= factor
    return norms


def _check_gradients(gradients: Any) -> None:
    if not isinstance(gradients, Mapping):
        raise TypeError(
            f"gradients is a {type(gradients).__name__}; expected a mapping of names to arrays, "
            f"as loss_and_gradients returns it"
        )


def _within(limit: float, values: Array) -> float:
    """Return a limit, or the largest number of the values' dtype if it is beyond all of them."""
    return min(limit, float(np.finfo(values.dtype).max))


def _norms(gradients: Sequence[Array]) -> Any:
    """Return the norm of all arrays together, for each replica, without squares that overflow."""
    if any(g.dtype == np.float16 for g in gradients):
        gradients = [g.astype(np.float32) for g in gradients]  # the sum of squares would overflow
    sizes = np.max([np.abs(g).max(axis=(-2, -1)) for g in gradients], axis=0)
    scale = np.where((sizes > 0) & np.isfinite(sizes), sizes, 1)[..., np.newaxis, np.newaxis]
    with np.errstate(over="ignore", under="ignore"):  # infinite is what such a norm is
        squares = [np.square(g / scale).sum(axis=(-2, -1)) for g in gradients]
        return scale[..., 0, 0] * np.sqrt(np.sum(squares, axis=0))


def clip_value(gradients: Mapping[str, Array], limit: float) -> None:
    """Clip each number of the gradients, in place, to between -limit and limit.

    Unlike `clip_norm`, this changes the direction of a step. A NaN stays NaN.

    Parameters
    ----------
    gradients : mapping of str to ndarray
        As `course_lib.network.Network.loss_and_gradients` returns them.
    limit : float
        Finite and above 0.

    Raises
    ------
    ValueError
        If the limit is not a finite number above 0.
    TypeError
        If the gradients are not a mapping of names to arrays of floats.

    Examples
    --------
    >>> gradients = {"w": np.array([[3.0, -0.5]])}
    >>> clip_value(gradients, 1)
    >>> gradients["w"]
    array([[ 1. , -0.5]])
    """
    check_limits(limit=limit)
    _check_gradients(gradients)
    for name, gradient in gradients.items():
        _check_in_place(name, gradient, "clipped")
    for gradient in gradients.values():
        bound = _within(limit, gradient)
        np.clip(gradient, -bound, bound, out=gradient)


def _clip(gradients: Mapping[str, Array], norm: float | None, value: float | None) -> None:
    """Clip as `fit` was told to."""
    if value is not None:
        clip_value(gradients, value)
    if norm is not None:
        clip_norm(gradients, norm)


# ---------------------------------------------------------------------------------------------
# Fit
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class History:
    """What happened during a training, the replica axis first and the epochs last.

    Attributes
    ----------
    train_loss : ndarray, shape (..., epochs)
        Mean loss of the epoch's batches, each taken before its step.
    validation_loss, validation_accuracy : ndarray, shape (..., epochs) or (..., 0)
        After each epoch; without columns where no validation data were given. Accuracy is NaN for
        the mean squared error.
    steps : int
        Updates made.
    best_epoch : ndarray of int, shape (...)
        The epoch, counted from 1, whose weights the network has at the end: the last, or with
        patience the one of the lowest validation loss.
    patience : int or None
        As `fit` was given it.
    last : dict of str to ndarray
        With patience, the parameters and running averages after the last epoch, from which a
        training goes on; empty without, for then the network has them.

    Notes
    -----
    With patience, ``epochs`` counts those until the last replica stopped. A replica that stopped
    earlier has NaN from there on.

    Examples
    --------
    >>> from course_lib.network import mlp
    >>> network, rule = mlp([1, 1]), {"optimizer": SGD(0.1), "loss": "mean_squared_error"}
    >>> history = fit(network, [[1.0]], [[0.0]], **rule, epochs=2)
    >>> again = History.from_state_dict(history.state_dict())  # as np.savez stores it
    >>> fit(network, [[1.0]], [[0.0]], **rule, epochs=3, history=again).train_loss.shape
    (5,)
    """

    train_loss: Array
    validation_loss: Array
    validation_accuracy: Array
    steps: int
    best_epoch: Array
    patience: int | None = None
    last: Mapping[str, Array] = field(default_factory=dict, repr=False)

    def state_dict(self) -> dict[str, Array]:
        """Return all of it as arrays of numbers, for ``np.savez(file, **state)``.

        Returns
        -------
        dict of str to ndarray
            The attributes by name, a patience of None as 0; what is in `last` as
            ``"last.<name>"``; and the ``"version"`` of this form.
        """
        state = {name: np.array(getattr(self, name)) for name in _COLUMNS}
        state |= {"steps": np.array(self.steps), "patience": np.array(self.patience or 0)}
        state |= {f"last.{name}": value.copy() for name, value in self.last.items()}
        return state | {"version": VERSION.copy()}

    @classmethod
    def from_state_dict(cls, state: Mapping[str, ArrayLike]) -> "History":
        """Return the history of a `state_dict`, or of what ``np.load`` opened.

        Parameters
        ----------
        state : mapping of str to array_like
            As `state_dict` returns it.

        Returns
        -------
        History
            Equal to the one whose state it is.

        Raises
        ------
        ValueError
            If entries are missing, unknown or of another version, or their shapes or values do not
            go together, all of which are named.
        TypeError
            If it is not a mapping, or an entry is not numeric.
        """
        arrays = as_arrays(state)
        last = {name: None for name in arrays if name.startswith("last.")}
        check_state("a history", arrays, dict.fromkeys([*_COLUMNS, "steps", "patience"]) | last)
        if problems := _contradictions(arrays):
            raise ValueError(f"the state does not fit a history: {'; '.join(problems)}")
        return cls(
            **{name: arrays[name].copy() for name in _COLUMNS},
            steps=int(arrays["steps"]),
            patience=int(arrays["patience"]) or None,
            last={name.removeprefix("last."): arrays[name].copy() for name in last},
        )


def _contradictions(state: Mapping[str, Array]) -> list[str]:
    """Return what cannot be in a history: counts that are none, or shapes that do not go together.

    Examples
    --------
    >>> from course_lib.network import mlp
    >>> network = mlp([1, 1])
    >>> history = fit(network, [[1.0]], [[0.0]], optimizer=SGD(0.1), loss="mean_squared_error")
    >>> _contradictions(history.state_dict() | {"steps": np.array(-1)})
    ['steps is -1, expected is one integer from 0 on']
    """
    told = [
        f"{name} is {state[name]}, expected is one integer from 0 on"
        for name in ("steps", "patience")
        if state[name].ndim or state[name].dtype.kind not in "iu" or state[name] < 0
    ]
    train, best = state["train_loss"], state["best_epoch"]
    if train.dtype.kind != "f" or train.ndim == 0:
        return [*told, f"train_loss is {_form(train)}, expected are floats of shape (..., epochs)"]
    for name in ("validation_loss", "validation_accuracy"):
        shapes = train.shape, (*train.shape[:-1], 0)
        if state[name].dtype.kind != "f" or state[name].shape not in shapes:
            told.append(f"{name} is {_form(state[name])}, expected are floats of shape {shapes[0]}")
    if state["validation_loss"].shape != state["validation_accuracy"].shape:
        told.append("validation_loss and validation_accuracy have different shapes")
    if best.dtype.kind not in "iu" or best.shape != train.shape[:-1]:
        told.append(f"best_epoch is {_form(best)}, expected are integers of {train.shape[:-1]}")
    elif ((best < 0) | (best > train.shape[-1])).any():
        told.append(f"best_epoch is {best}, expected are integers from 0 to {train.shape[-1]}")
    return told


def _form(values: Array) -> str:
    return f"{values.dtype} of shape {values.shape}"


_COLUMNS = ("train_loss", "validation_loss", "validation_accuracy", "best_epoch")


def accuracy(outputs: Array, y: ArrayLike) -> Any:
    """Return the share of right answers.

    Parameters
    ----------
    outputs : ndarray
        Shape ``(..., batch, classes)``: the largest logit is the answer; or ``(..., batch, 1)``
        with targets 0 and 1: the answer is 1 where the logit is above 0. An output with a NaN, from
        a network that diverged, is no answer and therefore wrong.
    y : array_like
        Labels of shape ``(batch,)`` or ``(..., batch)``; or targets of shape ``(batch, 1)``.

    Returns
    -------
    ndarray or scalar
        Shape ``(...)``, from 0 to 1.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> accuracy(np.array([[0.0, 1.0], [2.0, 1.0]]), [1, 1])
    np.float64(0.5)
    """
    y = as_array("y", y)
    if outputs.shape[-1] == 1:
        answers = outputs[..., 0] > 0
        y = (y[..., 0] if y.shape in (outputs.shape, outputs.shape[-2:]) else y) > 0.5
    else:
        answers = outputs.argmax(axis=-1)
    if y.shape not in (answers.shape[-1:], answers.shape):
        raise ValueError(
            f"labels of shape {y.shape} do not fit outputs of shape {outputs.shape}; expected are "
            f"{answers.shape[-1:]} or {answers.shape}"
        )
    return ((answers == y) & ~np.isnan(outputs).any(axis=-1)).mean(axis=-1)


def epoch_batches(n: int, batch_size: int | None, rng: np.random.Generator) -> Iterator[Array]:
    """Yield the indices of one epoch's batches, in a fresh random order.

    Parameters
    ----------
    n : int
        Examples.
    batch_size : int or None
        Examples in a batch, of which the last may have fewer; None takes all at once, in order.
    rng : Generator
        Advanced by one permutation.

    Yields
    ------
    ndarray of int
        Together they hold each of 0 to n - 1 once.

    Examples
    --------
    >>> [len(batch) for batch in epoch_batches(5, 2, np.random.default_rng(0))]
    [2, 2, 1]
    """
    if batch_size is None:
        yield np.arange(n)
        return
    order = rng.permutation(n)
    for start in range(0, n, batch_size):
        yield order[start : start + batch_size]


def fit(
    network: Network,
    x: ArrayLike,
    y: ArrayLike,
    *,
    optimizer: Optimizer,
    loss: str | Loss = "cross_entropy",
    epochs: int = 1,
    batch_size: int | None = 64,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    patience: int | None = None,
    seed: int | np.random.SeedSequence | Sequence[int] = 0,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    history: History | None = None,
    progress: bool = True,
) -> History:
    """Train a network, in place.

    Batches pass the network in training mode, validation data in evaluation mode; see
    `course_lib.network.Network.forward`.

    Parameters
    ----------
    network : Network
        All its replicas are trained at once.
    x : array_like, shape (examples, features) or (..., examples, features)
        In the network's dtype; with the leading axes of the replicas, each learns from data of its
        own. A view such as ``np.broadcast_to(x, (replicas, *x.shape))`` is not copied as a whole.
    y : array_like, shape (examples,) or (examples, outputs)
        Labels or targets, as the loss wants them; with leading axes if, and only if, `x` has them.
    optimizer : Optimizer
        Such as ``SGD(0.1)`` or ``Adam()``.
    loss : str or Loss
        A name of `course_lib.network.LOSSES`.
    epochs : int
        Passes over the data; with a history, so many more.
    batch_size : int or None
        Examples for each update; None for all.
    validation : (x, y), optional
        Looked at after each epoch, never learned from; with leading axes or without.
    patience : int, optional
        Early stopping: a replica whose validation loss was for so many epochs not below its best
        has stopped, and when all have, the training ends. Each replica then has the weights and
        running averages of its best epoch up to its own stop, as if trained alone; one without any
        finite validation loss has those it stopped with.
    seed : int or sequence of int
        Order of the batches. One number: all replicas see the same order, which is fast and
        isolates what the first weights do. One for each replica: each has its own order, and
        equals that network trained alone with that seed.
    clip_norm, clip_value : float, optional
        Limits for the gradients of each step; see the functions of these names. Where both are
        given, values are clipped first.
    history : History, optional
        What an earlier call returned, to continue its training: the order of the batches and the
        count of the patience go on where they stood. See the notes. Without it a call begins a
        training of its own, whose first epoch has the first order of the seed.
    progress : bool
        Show a bar where someone can see it: in a terminal or a notebook. Setting the environment
        variable ``TQDM_DISABLE=1`` silences it everywhere.

    Returns
    -------
    History
        Losses and accuracies by epoch; those of `history` come first.

    Raises
    ------
    ValueError
        If there are no examples, a number in x or in the targets is not finite, lengths or shapes
        do not fit, a number is below 1, a limit is not a finite number above 0, there is patience
        without validation data, a network with batch normalization would get a single row, two of
        its layers hold the same array, with patience a parameter lacks the axes of the replicas,
        the optimizer remembers another network, or the history has other replicas, another
        patience, or validation losses where there are no validation data now.
    TypeError
        If the network is none of this library's, or the optimizer's step does not take parameters
        and gradients.
    KeyError, TypeError
        As `Network.forward` and the loss do.

    Notes
    -----
    Training in pieces equals training in one, to the last bit, if each piece is given the history
    of those before, and the same optimizer, data and settings::

        history = None
        for _ in range(10):
            history = fit(network, x, y, optimizer=optimizer, history=history)

    Without ``history``, each of the ten calls would take the batches in the same order, that of the
    first epoch. Between the pieces the training can be stored and go on in another process::

        for name, part in [("network", network), ("optimizer", optimizer), ("history", history)]:
            np.savez(f"{name}.npz", **part.state_dict())

    There, build the network and the optimizer anew, ``load_state_dict(np.load("network.npz"))``,
    the optimizer likewise, and ``history = History.from_state_dict(np.load("history.npz"))``. With
    patience the network has its best epoch between the pieces, and the history the last one, from
    which the next piece goes on.

    Criteria for early stopping are compared by Prechelt, 1998 :cite:p:`prechelt1998early`. The
    validation data have then chosen an epoch: how good the network is, only others can tell. The
    optimizer remembers the last step, not that of the best epoch.

    A training that is interrupted, as by Ctrl-C, raises the error and returns no history. The
    network keeps what it learned up to the last step; with patience, each replica has its best
    epoch so far, or its first weights if no epoch was completed.

    Examples
    --------
    >>> from course_lib import data
    >>> from course_lib.network import mlp
    >>> x, y = data.xor()
    >>> network = mlp([2, 8, 2], "tanh", seed=range(3))
    >>> history = fit(network, x, y, optimizer=SGD(1.0), epochs=500, batch_size=None)
    >>> history.train_loss.shape
    (3, 500)
    >>> accuracy(network(x), y)
    array([1., 1., 1.])
    """
    rule = get_loss(loss)
    # everything is looked at before anything is trained
    if not isinstance(network, Network):
        raise TypeError(
            f"network is a {type(network).__name__}; expected a course_lib.network.Network, and "
            f"course_lib.pytorch.fit trains PyTorch modules"
        )
    x, y = network.check_input(x), as_array("y", y)
    check_fit_arguments(x, y, optimizer, epochs, batch_size, network.replicas)
    check_limits(clip_norm=clip_norm, clip_value=clip_value)
    check_untied(network.layers)
    check_moves(optimizer, network.parameters)
    n, own = x.shape[-2], x.shape[:-2]
    check_smallest_batch(network, n, batch_size)
    check_finite("x", x)
    check_finite("y", y)
    check_target_column(y, (n, network.sizes[-1]), rule, own)
    for replica in np.ndindex(own):  # one by one, or labels with a wrong axis might pass as targets
        rule.function(np.zeros((n, network.sizes[-1]), network.dtype), y[replica])
    check_patience(patience, validation)
    check_history(history, network.replicas, patience, validation)
    if validation is not None:
        x_valid, y_valid = check_pair(validation)
        x_valid = network.check_input(x_valid)
        y_valid = as_array("y of the validation data", y_valid)
        check_finite("x of the validation data", x_valid)
        check_finite("y of the validation data", y_valid)
        outputs = network(x_valid)
        rule.function(outputs, y_valid)
        score(rule, outputs, y_valid)
    seeds, replicated = as_seeds(seed)
    if replicated and network.replicas != (len(seeds),):
        raise ValueError(
            f"{len(seeds)} seeds for the order of the batches, but replicas {network.replicas}; "
            f"expected one number, or one for each replica"
        )
    generators = [stream(s, "batches") for s in seeds]
    record, steps, stopping = resume(history, patience, network.replicas)
    skip_epochs(len(record["train"]), n, batch_size, generators)
    bar, state = progress_bar(epochs, progress), _state_of(network)
    best = _best_state(network, state, patience, history)
    # a diverging replica is a result
    with bar, best as keep, np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for _ in range(epochs):
            if not stopping.running.any() and record["train"]:
                break
            total: Any = 0.0
            for rows, answers in _batches(x, y, batch_size, generators):
                value, gradients = network.loss_and_gradients(rows, answers, rule)
                _clip(gradients, clip_norm, clip_value)
                optimizer.step(network.parameters, gradients)
                total = total + value * rows.shape[-2]
                steps += 1
            record["train"].append(total / n)
            if validation is not None:
                outputs = network(x_valid)
                record["loss"].append(rule.function(outputs, y_valid))
                record["accuracy"].append(score(rule, outputs, y_valid))
            keep(stopping.after_epoch(record))
            advance(bar, record)
        last = {} if patience is None else _copies(state)
    return make_history(record, steps, stopping, last)


def _batches(
    x: Array, y: Array, batch_size: int | None, generators: Sequence[np.random.Generator]
) -> Iterator[Sequence[Array]]:
    """Yield the examples of each batch of an epoch, in an order for all replicas or in their own.

    x is ``(*own, examples, features)``, where own are the replicas with data of their own.
    """
    n, own = x.shape[-2], x.shape[:-2]
    for indices in zip(*(epoch_batches(n, batch_size, g) for g in generators), strict=True):
        index = indices[0] if len(indices) == 1 else np.stack(indices)
        yield (x, y) if batch_size is None else take(own, index, x, y)


def _state_of(network: Network) -> dict[str, Array]:
    """Return what an epoch changes: parameters and running averages, the arrays themselves."""
    state = network.parameters
    for name, layer in walk(network.layers):
        if isinstance(layer, BatchNorm):
            state[f"{name}.running_mean"] = layer.running_mean
            state[f"{name}.running_variance"] = layer.running_variance
    return state


def _copies(state: Mapping[str, Array]) -> dict[str, Array]:
    return {name: value.copy() for name, value in state.items()}


@contextmanager
def _best_state(
    network: Network, state: dict[str, Array], patience: int | None, history: History | None
) -> Iterator[Callable[[Array], None]]:
    """Yield a function that keeps the state of some replicas; at the end they are set back to it.

    However the end comes. Without patience there is nothing to set back. A training that goes on
    has its best state in the network, and its last one in the history.
    """
    if patience is None:
        yield lambda replicas: None
        return
    check_replicated(network.layers, network.replicas)  # what they share has no best epoch
    kept = _copies(state)
    if history is not None:
        check_last(history, state)
        for name, value in state.items():
            value[...] = history.last[name]

    def keep(replicas: Array) -> None:
        for name, value in state.items():
            kept[name][replicas] = value[replicas]

    try:
        yield keep
    finally:
        for name, value in state.items():
            value[...] = kept[name]


def take(own: Sequence[int], index: Array, *arrays: Array) -> list[Array]:
    """Return the examples of one batch, of arrays ``(*own, examples, ...)``.

    The index is ``(batch,)`` for all replicas, or ``(replicas, batch)`` with one row for each.
    """
    # an index for every axis: NumPy then gathers these rows alone, also from a broadcast view
    replicas = tuple(axis[..., np.newaxis] for axis in np.indices(own, sparse=True))
    return [array[(*replicas, index)] for array in arrays]


# The helpers below are shared with other modules: `course_lib.pytorch.fit` has the same signature.


def check_history(
    history: Any, replicas: tuple[int, ...], patience: int | None, validation: Any
) -> None:
    """Raise an error unless it is None, or a history that these settings continue."""
    if history is None:
        return
    if not isinstance(history, History):
        raise TypeError(
            f"history is a {type(history).__name__}; expected is what an earlier fit returned, or "
            f"History.from_state_dict"
        )
    shape, columns = history.train_loss.shape, history.validation_loss.shape[-1]
    if shape[:-1] != replicas:
        raise ValueError(f"history has replicas {shape[:-1]}, and this network {replicas}")
    if history.patience != patience:
        raise ValueError(
            f"history was made with patience {history.patience}, and this call has {patience}; "
            f"pass the same to go on"
        )
    if (validation is None) == bool(columns):
        told = "validation losses" if columns else "no validation losses"
        raise ValueError(
            f"history has {told}, and validation is {'None' if columns else 'given'}; pass "
            f"validation data in all calls or in none"
        )


def check_last(history: History, state: Mapping[str, Array]) -> None:
    """Raise ValueError unless the last state of a history fits the network's."""
    check_state("this network", {**history.last, "version": VERSION}, state)


def resume(
    history: History | None, patience: int | None, replicas: tuple[int, ...]
) -> tuple[dict[str, list[Any]], int, "EarlyStopping"]:
    """Return the record, the steps and the early stopping with which a training goes on."""
    stopping = EarlyStopping(patience, replicas)
    record: dict[str, list[Any]] = {"train": [], "loss": [], "accuracy": []}
    if history is None:
        return record, 0, stopping
    for i in range(history.train_loss.shape[-1]):
        record["train"].append(history.train_loss[..., i])
        if history.validation_loss.shape[-1]:
            record["loss"].append(history.validation_loss[..., i])
            record["accuracy"].append(history.validation_accuracy[..., i])
        stopping.after_epoch(record)
    return record, history.steps, stopping


def skip_epochs(
    epochs: int, n: int, batch_size: int | None, generators: Sequence[np.random.Generator]
) -> None:
    """Let generators of the order of batches go on as `epoch_batches` does in so many epochs."""
    for _ in range(epochs):
        for rng in generators:
            next(epoch_batches(n, batch_size, rng))


def check_smallest_batch(network: Network, n: int, batch_size: int | None) -> None:
    """Raise ValueError if batch normalization would meet a batch of one row in an epoch."""
    size = n if batch_size is None else min(batch_size, n)
    if min(size, n % size or size) == 1 and any(
        isinstance(layer, BatchNorm) for _, layer in walk(network.layers)
    ):
        raise ValueError(
            f"{n} examples in batches of {size} leave a batch of one row, which batch "
            f"normalization cannot learn from; choose another batch_size"
        )


def check_fit_arguments(
    x: Any,
    y: Any,
    optimizer: Any,
    epochs: int,
    batch_size: int | None,
    replicas: tuple[int, ...] = (),
) -> None:
    """Raise an error unless there are examples, as many labels, an optimizer, positive counts."""
    shape, given = tuple(x.shape), tuple(y.shape)
    if len(shape) < 2 or shape[:-2] not in ((), replicas) or shape[-2] == 0:
        for_each = f", or {replicas} before these axes for data of each replica" if replicas else ""
        raise ValueError(
            f"x has shape {shape}; expected (examples, features), at least one example in rows"
            f"{for_each}"
        )
    check_optimizer(optimizer)
    if given[: len(shape) - 1] != shape[:-1]:
        raise ValueError(
            f"{shape[-2]} examples in x of shape {shape}, but y has shape {given}; give one each: "
            f"the shape of y begins with {shape[:-1]}, as that of x does"
        )
    check_integer("epochs", epochs)
    if batch_size is not None:
        check_integer("batch_size", batch_size)


def check_finite(name: str, values: Array) -> None:
    """Raise ValueError where numbers are NaN or infinite, which nothing can be learned from.

    Examples
    --------
    >>> check_finite("x", np.array([[0.0, 1.0], [np.nan, np.inf]]))
    Traceback (most recent call last):
    ValueError: x has 2 numbers that are not finite, the first nan at [1, 0]; remove or replace them
    """
    if values.dtype.kind != "f":
        return
    # of an axis along which a view repeats itself, one entry tells all
    once = values[tuple(slice(1 if step == 0 else None) for step in values.strides)]
    # the smallest and the largest are NaN if any is, and need no array of their own
    if not once.size or (np.isfinite(once.min()) and np.isfinite(once.max())):
        return
    wrong = ~np.isfinite(once)
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    raise ValueError(
        f"{name} has {wrong.sum()} number{'s that are' if wrong.sum() > 1 else ' that is'} not "
        f"finite, the first {once[first]} at {list(first)}; remove or replace them"
    )


def check_target_column(y: Array, outputs: Sequence[int], rule: Loss, own: Sequence[int]) -> None:
    """Raise ValueError where targets lack the axis of the one output, or labels have one."""
    rows, units = outputs
    given = y.shape[len(own) :]
    if given == (rows,) and units == 1 and rule.name != "cross_entropy":
        raise ValueError(
            f"y has shape {y.shape}, and the network returns one output for each example, "
            f"{(*own, rows, 1)}; pass y[..., np.newaxis]"
        )
    if given == (rows, 1) and rule.name == "cross_entropy":
        raise ValueError(
            f"y has shape {y.shape}, and labels are {(*own, rows)}, one integer for each example; "
            f"pass y[..., 0]"
        )


def check_patience(patience: int | None, validation: Any) -> None:
    """Raise ValueError unless it is None, or an integer above 0 with validation data."""
    if patience is None:
        return
    check_integer("patience", patience)
    if validation is None:
        raise ValueError(
            f"patience is {patience}, but no validation data say when to stop; pass "
            f"validation=(x, y) with examples that are not trained on"
        )


def check_optimizer(optimizer: Any) -> None:
    """Raise TypeError unless it is something that makes steps."""
    if isinstance(optimizer, type) or not hasattr(optimizer, "step"):
        raise TypeError(f"optimizer is {optimizer!r}; pass an instance, such as SGD(0.1)")


def check_moves(optimizer: Any, parameters: Mapping[str, Array]) -> None:
    """Raise an error unless an optimizer can move these parameters of a NumPy network.

    The optimizers here say themselves what they can move. Of others, their step must take
    parameters and gradients, which those of PyTorch, Keras and other libraries do not.
    """
    check_optimizer(optimizer)
    if isinstance(optimizer, _Stepping):
        optimizer.check(parameters)
    elif hasattr(optimizer, "param_groups") or not _takes_two(optimizer.step):
        kind = type(optimizer)
        raise TypeError(
            f"optimizer is a {kind.__module__}.{kind.__qualname__}, whose step does not take "
            f"parameters and gradients; expected for a course_lib.network.Network is one of "
            f"course_lib.training, such as SGD(0.1), and course_lib.pytorch.fit trains PyTorch "
            f"modules"
        )


def _takes_two(step: Any) -> bool:
    """Return whether a function can be called with two arguments, as far as it tells."""
    try:
        signature(step).bind({}, {})
    except TypeError:
        return False
    except ValueError:  # compiled, and without a signature
        return callable(step)
    return True


def check_limits(**limits: float | None) -> None:
    """Raise ValueError unless each limit is None or a finite number above 0."""
    for name, limit in limits.items():
        if limit is None:
            continue
        number = as_array(name, limit)
        if number.dtype.kind not in "fiu" or number.ndim or not 0 < number < np.inf:
            raise ValueError(f"{name} is {limit!r}; expected a finite number above 0")


def check_pair(validation: Any) -> tuple[Any, Any]:
    """Return (x, y) of the validation data, or raise TypeError."""
    if not isinstance(validation, tuple | list) or len(validation) != 2:
        raise TypeError(
            f"validation is a {type(validation).__name__}; expected a pair of inputs and labels"
        )
    return validation[0], validation[1]


def score(rule: Loss, outputs: Array, y: ArrayLike) -> Any:
    """Return the accuracy, or NaN for a loss that has none."""
    if rule.name == "cross_entropy":
        return accuracy(outputs, y)
    if rule.name == "binary_cross_entropy":
        right = (outputs > 0) == (np.asarray(y) > 0.5)
        return (right & ~np.isnan(outputs)).mean(axis=(-2, -1))  # a NaN is no answer
    return np.full(outputs.shape[:-2], np.nan)


class EarlyStopping:
    """Who goes on and whose epoch was the best so far, each replica for itself.

    Attributes
    ----------
    running : ndarray of bool
        Whether a replica goes on.
    epochs : ndarray of int
        How many each has learned.
    best_epoch : ndarray of int
        Which of them was the best, counted from 1.
    """

    def __init__(self, patience: int | None, replicas: Sequence[int]) -> None:
        # without patience, every loss counts as none: all go on, and the last epoch stays
        self.patience = math.inf if patience is None else patience
        self.running: Array = np.ones(replicas, bool)
        self.epochs: Array = np.zeros(replicas, int)
        self.best_epoch: Array = np.zeros(replicas, int)
        self._best: Array = np.full(replicas, np.inf)
        self._waited: Array = np.zeros(replicas, int)

    def after_epoch(self, record: Mapping[str, list[Any]]) -> Array:
        """Look at the latest validation loss; return which replicas are in their best state."""
        loss = np.nan if self.patience == math.inf else record["loss"][-1]
        self.epochs = self.epochs + self.running
        better = self.running & (loss < self._best)  # NaN never is
        self._best = np.where(better, loss, self._best)
        self._waited = np.where(better, 0, self._waited + 1)
        # as long as no loss was finite, the latest epoch is as good as any
        at_best = np.asarray(better | (self.running & (self._best == np.inf)))
        self.best_epoch = np.where(at_best, self.epochs, self.best_epoch)
        self.running = self.running & (self._waited < self.patience)
        return at_best


def make_history(
    record: Mapping[str, list[Any]],
    steps: int,
    stopping: EarlyStopping,
    last: Mapping[str, Array] | None = None,
) -> History:
    """Stack the epochs as the last axis; those after a replica's stop are NaN."""
    train = np.stack(record["train"], axis=-1)
    empty = np.empty((*train.shape[:-1], 0))
    loss, share = (
        np.stack(record[k], axis=-1) if record[k] else empty for k in ("loss", "accuracy")
    )
    for columns in (train, loss, share):
        columns[np.arange(columns.shape[-1]) >= np.expand_dims(stopping.epochs, -1)] = np.nan
    patience = None if stopping.patience == math.inf else int(stopping.patience)
    return History(train, loss, share, steps, stopping.best_epoch, patience, last or {})


def progress_bar(epochs: int, wanted: bool) -> AbstractContextManager[Any]:
    """Return a tqdm bar where someone can see it, and otherwise a context that does nothing."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    in_notebook = hasattr(shell, "kernel")
    # tqdm reads this variable too, but its bar for notebooks shows itself all the same
    silenced = os.environ.get("TQDM_DISABLE", "0") not in ("", "0")
    if silenced or not wanted or not (in_notebook or sys.stderr.isatty()):
        return nullcontext()
    if importlib.util.find_spec("tqdm") is None:
        return nullcontext()
    if in_notebook and importlib.util.find_spec("ipywidgets") is not None:
        from tqdm.notebook import tqdm
    else:
        from tqdm import tqdm
    bar: AbstractContextManager[Any] = tqdm(total=epochs, unit="epoch", leave=False)
    return bar


def advance(bar: Any, record: Mapping[str, list[Any]]) -> None:
    """Move the bar by one epoch and show the latest loss, averaged over replicas."""
    if hasattr(bar, "update"):
        bar.set_postfix(loss=f"{np.mean(record['train'][-1]):.3f}", refresh=False)
        bar.update()
