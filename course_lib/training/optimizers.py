"""Optimizers: SGD, momentum, RMSprop, Adam and AdamW, each a step under its formula.

A learning rate and a weight decay may be arrays with one entry for each replica, so that a sweep
over learning rates is a single training.

To add an optimizer, write it here, as a dataclass derived from
`course_lib.training.stepping.Stepping`. Its fields are its settings, the last two ``decay`` and
``schedule``; ``remembers`` names what it keeps of each parameter from one step to the next;
``__post_init__`` checks settings of its own; and ``update`` moves some numbers of a parameter, each
by itself. Storing, loading, the checks of a step and its pieces come with the base. `Momentum` is
the shortest one with a memory. Then name it in ``__all__`` here and in
``course_lib/training/__init__.py``, and give it a line in ``OPTIMIZERS`` in
``tests/test_training_optimizers.py``, next to the optimizer of PyTorch whose steps it must equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_flag, as_number
from course_lib._typing import Array
from course_lib.training.schedules import Schedule
from course_lib.training.stepping import Stepping, shaped_for

__all__ = ["SGD", "Adam", "AdamW", "Momentum", "Optimizer", "RMSprop"]


class Optimizer(Protocol):
    """The interface of an optimizer, which `fit` calls.

    Notes
    -----
    Those here check all of a step before they move anything, so that an error leaves parameters and
    memory as they were, and store what they remember with ``state_dict()``, for
    ``load_state_dict(state)``. `SGD` and `Momentum` move float16 too; the others reject it.
    """

    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Move the parameters, in place, against the gradients."""


def penalized(gradient: Array, decay: Array, parameter: Array) -> Array:
    """Return the gradient of a loss to which the penalty of the weight decay is added."""
    return gradient if not decay.ndim and not decay else gradient + decay * parameter


def check_divides(optimizer: "RMSprop | Adam", name: str, parameter: Array) -> None:
    """Raise an error for a parameter in float16, and where `eps` would be 0."""
    if parameter.dtype == np.float16:
        raise TypeError(
            f"{name} is float16, in which the squares of gradients vanish or overflow that "
            f"{type(optimizer).__name__} divides by; train in float32, or with SGD or Momentum"
        )
    if not 0 < parameter.dtype.type(optimizer.eps) < np.inf:
        shaped_for("eps", optimizer.eps, parameter, nonzero=True)  # finds the words


@dataclass
class SGD(Stepping):
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
        biases and those of normalization too, as in PyTorch, unless `decay` says otherwise.
    decay : str
        ``"all"``, or ``"weights"`` for those of dense layers alone: no bias, nothing of
        normalization, no learned negative slope. For that, steps take ``network.parameters``.
    schedule : callable, optional
        Maps the number of a step, from 0 on, to the factor of its learning rate, such as
        ``cosine(1000)``; see `course_lib.training.schedules`.
    steps : int
        How many steps it has made, no argument.

    Raises
    ------
    ValueError
        If a learning rate is not a finite number above 0, or a weight decay not one from 0 on; in a
        step, if the schedule returns something else than finite numbers from 0 on.
    TypeError
        If the schedule is not callable.
    KeyError
        If `decay` is neither of the two.

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

    A schedule, and a weight decay that leaves biases alone:

    >>> from course_lib.network import mlp
    >>> from course_lib.training import cosine
    >>> network = mlp([2, 1])
    >>> optimizer = SGD(0.1, weight_decay=0.01, decay="weights", schedule=cosine(1000))
    >>> optimizer.step(network.parameters, network.parameters)
    >>> optimizer.steps
    1
    """

    learning_rate: ArrayLike
    weight_decay: ArrayLike = 0.0
    decay: str = "all"
    schedule: Schedule | None = None

    def update(self, parameter: Array, gradient: Array, learning_rate: Array, decay: Array) -> None:
        """Move numbers of a parameter against their gradients."""
        parameter -= learning_rate * penalized(gradient, decay, parameter)


@dataclass
class Momentum(Stepping):
    r"""Gradient descent with momentum.

    The velocity collects gradients, :math:`v \leftarrow \mu v + g`, and moves the weights,
    :math:`w \leftarrow w - \eta v`. With a weight decay, :math:`g + \lambda w` takes the place of
    the gradient, as in `SGD`.

    With Nesterov's variant, the weights move as far as the next step will carry the velocity:
    :math:`w \leftarrow w - \eta\, (g + \mu v)`, with :math:`v` after its update.

    Attributes
    ----------
    learning_rate, weight_decay, decay, schedule, steps
        As for `SGD`.
    momentum : float
        The fraction :math:`\mu` of the velocity that stays at each step.
    nesterov : bool
        Whether to look ahead; needs a momentum above 0.

    Raises
    ------
    ValueError
        As for `SGD`; or if the momentum is not in [0, 1), or 0 with `nesterov`.
    KeyError, TypeError
        As for `SGD`; or if `nesterov` is not True or False.

    Notes
    -----
    Polyak, 1964 :cite:p:`polyak1964some`, in the form that PyTorch uses; Nesterov, 1983
    :cite:p:`nesterov1983method`, as a momentum by Sutskever, Martens, Dahl and Hinton, 2013
    :cite:p:`sutskever2013importance`. They take the gradient ahead of the weights; here, as in
    PyTorch, the weights are those from ahead, so that the gradient is where they are.

    Examples
    --------
    >>> w, g = {"w": np.ones((1, 1))}, {"w": np.ones((1, 1))}
    >>> optimizer = Momentum(0.1, momentum=0.5)
    >>> optimizer.step(w, g)
    >>> optimizer.step(w, g)
    >>> w["w"].round(12)
    array([[0.75]])
    >>> Momentum(0.1, momentum=0.5, nesterov=True).step(w, g)
    >>> w["w"].round(12)
    array([[0.6]])
    """

    learning_rate: ArrayLike
    momentum: float = 0.9
    weight_decay: ArrayLike = 0.0
    nesterov: bool = False
    decay: str = "all"
    schedule: Schedule | None = None
    remembers: ClassVar = ("velocity",)
    added: ClassVar = {**Stepping.added, "nesterov": False}

    def __post_init__(self) -> None:
        """Raise an error for settings that cannot work."""
        super().__post_init__()
        self.momentum = as_number("momentum", self.momentum, least=0, below=1)
        self.nesterov = as_flag("nesterov", self.nesterov)
        if self.nesterov and not self.momentum:
            raise ValueError("momentum is 0; expected one above 0 with nesterov=True")

    def update(
        self, parameter: Array, gradient: Array, learning_rate: Array, decay: Array, velocity: Array
    ) -> None:
        """Move numbers of a parameter along their velocity."""
        descent = penalized(gradient, decay, parameter)
        velocity *= self.momentum
        velocity += descent
        if self.nesterov:
            parameter -= learning_rate * (descent + self.momentum * velocity)
        else:
            parameter -= learning_rate * velocity


@dataclass
class RMSprop(Stepping):
    r"""Gradients divided by the root of a running mean of their squares: a step towards `Adam`.

    With :math:`v \leftarrow \alpha v + (1 - \alpha)\, g^2`, a step is
    :math:`w \leftarrow w - \eta\, g / (\sqrt{v} + \epsilon)`. Each parameter then moves about
    as far as any other, whatever the size of its gradients. With a weight decay,
    :math:`g + \lambda w` takes the place of the gradient, as in `SGD`.

    Attributes
    ----------
    learning_rate, weight_decay, decay, schedule, steps
        As for `SGD`.
    alpha : float
        How much of the running means stays at each step.
    eps : float
        Added to the root, so that nothing is divided by 0; above 0.
    momentum : float
        With it the quotient takes the place of the gradient in a step of `Momentum`.
    centered : bool
        Whether to divide by the standard deviation of the gradient instead: the root of
        :math:`v - m^2`, with the running mean :math:`m` of the gradient.

    Raises
    ------
    ValueError
        As for `SGD`; or if `alpha` or the momentum is not in [0, 1), or `eps` is not a finite
        number above 0, in the dtype of the parameters too.
    KeyError, TypeError
        As for `SGD`; or if `centered` is not True or False; or in a step, if a parameter is
        float16.

    Notes
    -----
    Tieleman and Hinton, 2012 :cite:p:`tieleman2012rmsprop`; centered: Graves, 2013
    :cite:p:`graves2013generating`. Defaults and form are PyTorch's, with epsilon outside the root.
    Where rounding makes :math:`v - m^2` negative it counts as 0, where PyTorch has NaN.

    It is `Adam` with :math:`\beta_1 = 0`, :math:`\beta_2 = \alpha` and without the correction by
    :math:`1 - \beta_2^t`: as :math:`v` starts at 0, the first step is
    :math:`1 / \sqrt{1 - \alpha}`, by default 10 times, as long.

    Examples
    --------
    >>> w = {"w": np.ones((1, 1))}
    >>> RMSprop(0.01).step(w, {"w": np.full((1, 1), 1000.0)})
    >>> w["w"].round(6)
    array([[0.9]])
    """

    learning_rate: ArrayLike = 1e-2
    alpha: float = 0.99
    eps: float = 1e-8
    weight_decay: ArrayLike = 0.0
    momentum: float = 0.0
    centered: bool = False
    decay: str = "all"
    schedule: Schedule | None = None
    remembers: ClassVar = ("square", "mean", "velocity")
    added: ClassVar = {}

    def __post_init__(self) -> None:
        """Raise an error for settings that cannot work."""
        super().__post_init__()
        self.alpha = as_number("alpha", self.alpha, least=0, below=1)
        self.eps = as_number("eps", self.eps, above=0)
        self.momentum = as_number("momentum", self.momentum, least=0, below=1)
        self.centered = as_flag("centered", self.centered)

    def update(
        self,
        parameter: Array,
        given: Array,
        learning_rate: Array,
        decay: Array,
        square: Array,
        mean: Array,
        velocity: Array,
    ) -> None:
        """Move numbers of a parameter against their gradients, over the root of their squares."""
        gradient = penalized(given, decay, parameter)
        square += (1 - self.alpha) * (gradient * gradient - square)
        velocity *= self.momentum
        velocity += gradient / (np.sqrt(self.variance(gradient, square, mean)) + self.eps)
        parameter -= learning_rate * velocity

    def variance(self, gradient: Array, square: Array, mean: Array) -> Array:
        """Return what the gradient is divided by the root of."""
        if not self.centered:
            return square
        mean += (1 - self.alpha) * (gradient - mean)
        return np.maximum(square - mean * mean, 0)

    def check_dtype(self, name: str, parameter: Array) -> None:
        """Raise an error in float16, and where `eps` would be 0."""
        check_divides(self, name, parameter)


@dataclass
class Adam(Stepping):
    r"""Adam: gradients divided by a running estimate of their size.

    With a weight decay, :math:`g + \lambda w` takes the place of the gradient, as in `SGD`. It is
    divided like the gradient, so that parameters with large gradients shrink less; see `AdamW`.

    Attributes
    ----------
    learning_rate, weight_decay, decay, schedule
        As for `SGD`.
    beta1, beta2 : float
        How much of the running mean of the gradients, and of their squares, stays at each step.
    eps : float
        Added to the root, so that nothing is divided by 0; above 0.
    steps : int
        How many steps it has made, by which the running means are corrected; no argument.

    Raises
    ------
    ValueError
        As for `SGD`; or if a beta is not in [0, 1), or `eps` is not a finite number above 0, in the
        dtype of the parameters too.
    KeyError, TypeError
        As for `SGD`; or in a step, if a parameter is float16: the squares of gradients below 0.0002
        vanish in it, and those above 255 overflow.

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
    as much, which shows where gradients are as small as `eps`. Keras has 1e-7 by default.

    Examples
    --------
    >>> w = {"w": np.ones((1, 1))}
    >>> Adam(0.1).step(w, {"w": np.full((1, 1), 1000.0)})
    >>> w["w"].round(6)
    array([[0.9]])
    """

    learning_rate: ArrayLike = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: ArrayLike = 0.0
    decay: str = "all"
    schedule: Schedule | None = None
    remembers: ClassVar = ("mean", "square")
    added: ClassVar = {"decay": "all"}

    def __post_init__(self) -> None:
        """Raise an error for settings that cannot work."""
        super().__post_init__()
        # Python's floats leave float32 what it is, which those of NumPy would not
        self.beta1 = as_number("beta1", self.beta1, least=0, below=1)
        self.beta2 = as_number("beta2", self.beta2, least=0, below=1)
        self.eps = as_number("eps", self.eps, above=0)

    def update(
        self,
        parameter: Array,
        given: Array,
        learning_rate: Array,
        decay: Array,
        mean: Array,
        square: Array,
    ) -> None:
        """Move numbers of a parameter by their running means."""
        gradient = self.decayed(parameter, given, learning_rate, decay)
        mean += (1 - self.beta1) * (gradient - mean)
        square += (1 - self.beta2) * (gradient * gradient - square)
        unbias1, unbias2 = 1 - self.beta1**self.steps, 1 - self.beta2**self.steps
        size = np.sqrt(square / unbias2) + self.eps
        parameter -= learning_rate / unbias1 * mean / size

    def decayed(
        self, parameter: Array, gradient: Array, learning_rate: Array, decay: Array
    ) -> Array:
        """Return the gradient that Adam works with: that of the penalized loss."""
        return penalized(gradient, decay, parameter)

    def check_dtype(self, name: str, parameter: Array) -> None:
        """Raise an error in float16, and where `eps` would be 0."""
        check_divides(self, name, parameter)


@dataclass
class AdamW(Adam):
    r"""Adam with a weight decay of its own, apart from the gradient.

    Each step first shrinks all parameters alike, :math:`w \leftarrow (1 - \eta \lambda)\, w`, and
    then makes the step of `Adam` without weight decay.

    Attributes
    ----------
    learning_rate, beta1, beta2, eps, weight_decay, decay, schedule, steps
        As for `Adam`.

    Raises
    ------
    KeyError, TypeError, ValueError
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

    weight_decay: ArrayLike = 0.01

    def decayed(
        self, parameter: Array, gradient: Array, learning_rate: Array, decay: Array
    ) -> Array:
        """Shrink the parameter, in place; return the gradient as it is."""
        parameter *= 1 - learning_rate * decay
        return gradient
