"""Optimizers: SGD, momentum, Adam and AdamW, each a step under its formula.

A learning rate and a weight decay may be arrays with one entry for each replica, so that a sweep
over learning rates is a single training.

To add an optimizer, write it here, as a dataclass derived from
`course_lib.training.stepping.Stepping`. Its fields are its settings; ``remembers`` names what it
keeps of each parameter from one step to the next; ``__post_init__`` checks settings of its own; and
``step`` moves each parameter that ``self.moves(parameters, gradients)`` returns. Storing, loading
and the checks of a step come with the base. `Momentum` is the shortest one with a memory. Then name
it in ``__all__`` here and in ``course_lib/training/__init__.py``, and give it a line in
``OPTIMIZERS`` in ``tests/test_training_optimizers.py``, next to the optimizer of PyTorch whose
steps it must equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_number, check_integer
from course_lib._typing import Array
from course_lib.training.stepping import Stepping, shaped_for

__all__ = ["SGD", "Adam", "AdamW", "Momentum", "Optimizer"]


class Optimizer(Protocol):
    """The interface of an optimizer, which `fit` calls.

    Notes
    -----
    Those here check all of a step before they move anything, so that an error leaves parameters and
    memory as they were, and store what they remember with ``state_dict()``, for
    ``load_state_dict(state)``. `SGD` and `Momentum` move float16 too; `Adam` and `AdamW` reject it.
    """

    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Move the parameters, in place, against the gradients."""


def penalized(gradient: Array, decay: Array, parameter: Array) -> Array:
    """Return the gradient of a loss to which the penalty of the weight decay is added."""
    return gradient if not decay.ndim and not decay else gradient + decay * parameter


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
        biases and those of normalization too, as in PyTorch.

    Raises
    ------
    ValueError
        If a learning rate is not a finite number above 0, or a weight decay not one from 0 on.

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

    learning_rate: ArrayLike
    weight_decay: ArrayLike = 0.0

    @np.errstate(all="ignore")  # an error in the middle would leave the step half done
    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Move the parameters, in place, against the gradients; if anything does not fit, none."""
        for _, parameter, gradient, learning_rate, decay in self.moves(parameters, gradients):
            parameter -= learning_rate * penalized(gradient, decay, parameter)


@dataclass
class Momentum(Stepping):
    r"""Gradient descent with momentum.

    The velocity collects gradients, :math:`v \leftarrow \mu v + g`, and moves the weights,
    :math:`w \leftarrow w - \eta v`. With a weight decay, :math:`g + \lambda w` takes the place of
    the gradient, as in `SGD`.

    Attributes
    ----------
    learning_rate, weight_decay
        As for `SGD`.
    momentum : float
        The fraction :math:`\mu` of the velocity that stays at each step.

    Raises
    ------
    ValueError
        If a learning rate is not a finite number above 0, the momentum is not in [0, 1), or a
        weight decay is not a finite number from 0 on.

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

    learning_rate: ArrayLike
    momentum: float = 0.9
    weight_decay: ArrayLike = 0.0
    remembers: ClassVar = ("velocity",)

    def __post_init__(self) -> None:
        """Raise an error for settings that cannot work."""
        super().__post_init__()
        self.momentum = as_number("momentum", self.momentum, least=0, below=1)

    @np.errstate(all="ignore")  # an error in the middle would leave the step half done
    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Move the parameters, in place, along the velocity; if anything does not fit, none."""
        for name, parameter, gradient, learning_rate, decay in self.moves(parameters, gradients):
            velocity = self.memory["velocity"][name]
            velocity *= self.momentum
            velocity += penalized(gradient, decay, parameter)
            parameter -= learning_rate * velocity


@dataclass
class Adam(Stepping):
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
    steps : int
        How many steps it has made, by which the running means are corrected.

    Raises
    ------
    ValueError
        If a learning rate is not a finite number above 0, a beta is not in [0, 1), eps is not a
        finite number above 0 (in the dtype of the parameters too), or a weight decay not one from 0
        on.
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

    learning_rate: ArrayLike = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: ArrayLike = 0.0
    remembers: ClassVar = ("mean", "square")

    def __post_init__(self) -> None:
        """Raise an error for settings that cannot work."""
        super().__post_init__()
        # Python's floats leave float32 what it is, which those of NumPy would not
        self.beta1 = as_number("beta1", self.beta1, least=0, below=1)
        self.beta2 = as_number("beta2", self.beta2, least=0, below=1)
        self.eps = as_number("eps", self.eps, above=0)
        self.steps = 0

    @np.errstate(all="ignore")  # an error in the middle would leave the step half done
    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Move the parameters, in place; if anything does not fit, none."""
        moves = self.moves(parameters, gradients)
        self.steps += 1
        unbias1 = 1 - self.beta1**self.steps
        unbias2 = 1 - self.beta2**self.steps
        for name, parameter, given, learning_rate, decay in moves:
            gradient = self.decayed(parameter, given, learning_rate, decay)
            mean, square = self.memory["mean"][name], self.memory["square"][name]
            mean += (1 - self.beta1) * (gradient - mean)
            square += (1 - self.beta2) * (gradient * gradient - square)
            size = np.sqrt(square / unbias2) + self.eps
            parameter -= learning_rate / unbias1 * mean / size

    def decayed(
        self, parameter: Array, gradient: Array, learning_rate: Array, decay: Array
    ) -> Array:
        """Return the gradient that Adam works with: that of the penalized loss."""
        return penalized(gradient, decay, parameter)

    def check_dtype(self, name: str, parameter: Array) -> None:
        """Raise an error in float16, and where eps would be 0."""
        if parameter.dtype == np.float16:
            raise TypeError(
                f"{name} is float16, in which the squares of gradients vanish or overflow that "
                f"{type(self).__name__} divides by; train in float32, or with SGD or Momentum"
            )
        shaped_for("eps", self.eps, parameter, nonzero=True)

    def _settings(self) -> list[str]:
        return [*super()._settings(), "steps"]

    def _set(self, settings: dict[str, Any]) -> None:
        steps = settings.pop("steps")
        check_integer("steps", steps, least=0)
        super()._set(settings)
        self.steps = steps


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

    weight_decay: ArrayLike = 0.01

    def decayed(
        self, parameter: Array, gradient: Array, learning_rate: Array, decay: Array
    ) -> Array:
        """Shrink the parameter, in place; return the gradient as it is."""
        parameter *= 1 - learning_rate * decay
        return gradient
