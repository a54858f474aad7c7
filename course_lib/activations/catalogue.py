"""The table of all activations: what each is, what is known about it, and its names elsewhere.

The table is the gallery in the book, the parametrization of the tests, and the index of this
package.
"""

import ast
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from inspect import Parameter, signature
from math import sqrt
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib import _constants
from course_lib._checks import unknown_name
from course_lib._typing import Array
from course_lib.activations import over_axis, piecewise, smooth
from course_lib.numerics import as_float

__all__ = ["CATALOGUE", "Activation", "get", "spelled_out"]


@dataclass(frozen=True)
class Activation:
    r"""One row of the catalogue: a function, its derivative and what is known about it.

    What is said of range, kinks, gain and so on holds for the default parameters. Over an axis, the
    range is that of an entry, `lipschitz` is in the 2-norm, and kinks are not listed.

    Attributes
    ----------
    name : str
        The key of `CATALOGUE`.
    function, derivative : callable
        The pair. For a function over an axis the derivative is its Jacobian matrix.
    formula, derivative_formula : str
        LaTeX.
    range : tuple of float
        Infimum and supremum of the values in exact arithmetic.
    lipschitz : float
        The largest slope, in absolute value.
    monotonic : bool
        Whether it never decreases.
    kinks : tuple of float
        Where the derivative does not exist.
    kink_derivatives : tuple of float
        The conventional value of the derivative there.
    ulps : tuple of float
        Bounds of the error in float64, of the function and of its derivative, in units in the last
        place; 0.5 is what rounding costs. They hold for parameters from 1e-3 to 1e3 in absolute
        value. The error of logsumexp is counted in units of its largest input, where that is larger
        than the result. float16 and float32 are within 0.51. Infinite where nothing is promised.
    rests_on : tuple of str
        The functions of NumPy that function and derivative call in float64 and that differ between
        machines in the last place; the bounds hold where each is within 1 ULP (tanh: 2.2), as on
        all platforms that were tried. Where there are none, results have the same bits everywhere.
    gain : float, optional
        The factor on :math:`1/\sqrt{\text{fan-in}}` that keeps the variance of activations at 1:
        :math:`1/\sqrt{\mathrm{E}[f(x)^2]}` for a standard normal :math:`x`, correctly rounded. It
        is a number here, and not computed by `course_lib.meanfield.gain`, so that a seed draws the
        same weights on every machine. None over an axis.
    kind : str
        ``"elementwise"``; ``"axis"``, where an output depends on a whole axis and the derivative is
        a Jacobian matrix; or ``"groups"``, where each input serves one output and the derivative
        has the shape of the input.
    pullback_rule : callable, optional
        For a function over an axis: takes `x` and `axis`, and returns the value and a callable,
        from a gradient with respect to the value to that with respect to `x`. See `pullback`. A row
        with a function of your own needs none: its derivative serves, at the cost of a Jacobian.
    source : str
        A key of the bibliography.
    pytorch, jax, keras, tensorflow : str
        How it is written in ``torch.nn``, ``jax.nn``, ``keras.activations`` and TensorFlow, with
        the options that make it the same function; empty where there is none. See `spelled_out`.
    """

    name: str
    function: Callable[..., Any]
    derivative: Callable[..., Any]
    formula: str
    derivative_formula: str
    range: tuple[float, float]
    lipschitz: float
    monotonic: bool
    source: str
    kinks: tuple[float, ...] = ()
    kink_derivatives: tuple[float, ...] = ()
    ulps: tuple[float, float] = (float("inf"), float("inf"))
    rests_on: tuple[str, ...] = ()
    gain: float | None = None
    kind: str = "elementwise"
    pullback_rule: Callable[..., tuple[Any, Callable[[Array], Array]]] | None = None
    pytorch: str = ""
    jax: str = ""
    keras: str = ""
    tensorflow: str = ""

    @property
    def elementwise(self) -> bool:
        """Whether every output depends on the input at its own place alone."""
        return self.kind == "elementwise"

    @property
    def parameters(self) -> dict[str, Any]:
        """The keyword parameters of the function and their defaults."""
        return {
            name: parameter.default
            for name, parameter in signature(self.function).parameters.items()
            if parameter.kind is Parameter.KEYWORD_ONLY
        }

    def __call__(self, x: ArrayLike, **parameters: Any) -> Any:
        """Return the function's value; parameters such as `axis` are passed on."""
        return self.function(x, **parameters)

    def vjp(self, x: ArrayLike, grad_output: ArrayLike, **parameters: Any) -> Array:
        """Carry a gradient backwards: the vector-Jacobian product at `x`.

        Parameters
        ----------
        x : array_like
            Where the function was evaluated.
        grad_output : array_like
            Gradient with respect to the function's value, in its shape.
        **parameters
            Those of the function, and its axis.

        Returns
        -------
        ndarray
            Gradient with respect to `x`, in its shape and dtype.

        Raises
        ------
        ValueError
            If `grad_output` has another shape than the function's value.

        Examples
        --------
        >>> get("leaky_relu").vjp([-1.0, 1.0], [10.0, 10.0], negative_slope=0.2)
        array([ 2., 10.])
        """
        x = as_float(x)
        if self.elementwise:
            return self._carry(
                x, x.shape, partial(self._times_derivative, x, parameters), grad_output
            )
        value, pull = self._over_axis(x, **parameters)
        return self._carry(x, np.shape(value), pull, grad_output)

    def pullback(self, x: ArrayLike, **parameters: Any) -> tuple[Any, Callable[[ArrayLike], Array]]:
        """Return the value at `x` and its `vjp`: over an axis, the two share most of the work.

        Parameters
        ----------
        x : array_like
            As for the function.
        **parameters
            Those of the function, and its axis; random numbers are the same in both.

        Returns
        -------
        value : ndarray or scalar
            The function's value.
        pull : callable
            Takes a gradient with respect to the value, as `vjp` does, and returns that with respect
            to `x`. It holds a few arrays of the size of `x`, which must not change before.

        Raises
        ------
        TypeError, ValueError
            As the function does; `pull` raises ValueError for a gradient of another shape.

        Examples
        --------
        >>> value, pull = get("softmax").pullback([0.0, 0.0])
        >>> value, pull([1.0, 0.0])
        (array([0.5, 0.5]), array([ 0.25, -0.25]))
        """
        x = as_float(x)
        if not self.elementwise:
            value, pull = self._over_axis(x, **parameters)
            return value, partial(self._carry, x, np.shape(value), pull)
        times_derivative = partial(self._times_derivative, x, deepcopy(parameters))
        return self.function(x, **parameters), partial(self._carry, x, x.shape, times_derivative)

    def _times_derivative(self, x: Array, parameters: Mapping[str, Any], grad_output: Array) -> Any:
        return self.derivative(x, **parameters) * grad_output

    def _over_axis(self, x: Array, **parameters: Any) -> tuple[Any, Callable[[Array], Array]]:
        """Return the value and its pull: in closed form where the table has it for the function."""
        function: Any = self.function
        given: dict[str, Any] = {}
        while isinstance(function, partial):  # parameters fixed by a reader
            function, given = function.func, {**function.keywords, **given}
        rule = self.pullback_rule
        if function in _RULES:
            rule = partial(_RULES[function], **given)
        elif rule in _RULES.values():  # of the row that this one was made from
            rule = None
        return self._by_derivative(x, **parameters) if rule is None else rule(x, **parameters)

    def _by_derivative(self, x: Array, **parameters: Any) -> tuple[Any, Callable[[Array], Array]]:
        """Return the value and its pull by the derivative, over an axis a whole Jacobian."""
        value, derivative = self.function(x, **parameters), self.derivative(x, **parameters)
        axis = parameters.get("axis", -1)

        def pull(grad_output: Array) -> Array:
            u = (
                np.moveaxis(grad_output, axis, -1)
                if grad_output.ndim == x.ndim
                else grad_output[..., None]
            )
            if self.kind == "axis":
                return np.moveaxis((u[..., np.newaxis, :] @ derivative)[..., 0, :], -1, axis)
            repeated = np.tile(u, x.shape[axis] // max(u.shape[-1], 1))
            return derivative * np.moveaxis(repeated, -1, axis)

        return value, pull

    def _carry(
        self,
        x: Array,
        shape: tuple[int, ...],
        pull: Callable[[Array], Any],
        grad_output: ArrayLike,
    ) -> Array:
        grad_output = as_float(grad_output, "grad_output")
        if grad_output.shape != shape:
            raise ValueError(
                f"grad_output has shape {grad_output.shape}; {self.name} of x with shape {x.shape} "
                f"has shape {shape}, and so must grad_output"
            )
        with np.errstate(all="ignore"):
            return np.asarray(pull(grad_output), x.dtype)


_INF = float("inf")


_ROWS = (
    # lines
    Activation(
        name="identity",
        function=piecewise.identity,
        derivative=piecewise.identity_grad,
        formula=r"x",
        derivative_formula=r"1",
        range=(-_INF, _INF),
        lipschitz=1,
        monotonic=True,
        gain=1.0,
        ulps=(0, 0),
        source="rosenblatt1958perceptron",
        pytorch="Identity",
        jax="identity",
        keras="linear",
        tensorflow="identity",
    ),
    Activation(
        name="relu",
        function=piecewise.relu,
        derivative=piecewise.relu_grad,
        formula=r"\max(0, x)",
        derivative_formula=r"1 \text{ if } x > 0, \text{ else } 0",
        range=(0, _INF),
        lipschitz=1,
        monotonic=True,
        gain=sqrt(2),
        ulps=(0, 0),
        source="nair2010rectified",
        kinks=(0.0,),
        kink_derivatives=(0.0,),
        pytorch="ReLU",
        jax="relu",
        keras="relu",
        tensorflow="nn.relu",
    ),
    Activation(
        name="leaky_relu",
        function=piecewise.leaky_relu,
        derivative=piecewise.leaky_relu_grad,
        formula=r"x \text{ if } x > 0, \text{ else } s\,x",
        derivative_formula=r"1 \text{ if } x > 0, \text{ else } s",
        range=(-_INF, _INF),
        lipschitz=1,
        monotonic=True,
        gain=1.4141428569978354,
        ulps=(0.5, 0),
        source="maas2013rectifier",
        kinks=(0.0,),
        kink_derivatives=(0.01,),
        pytorch="LeakyReLU",
        jax="leaky_relu",
        keras="leaky_relu(negative_slope=0.01)",
        tensorflow="nn.leaky_relu(alpha=0.01)",
    ),
    Activation(
        name="prelu",
        function=piecewise.prelu,
        derivative=piecewise.prelu_grad,
        formula=r"x \text{ if } x > 0, \text{ else } s\,x",
        derivative_formula=r"1 \text{ if } x > 0, \text{ else } s",
        range=(-_INF, _INF),
        lipschitz=1,
        monotonic=True,
        gain=1.3719886811400708,
        ulps=(0.5, 0),
        source="he2015delving",
        kinks=(0.0,),
        kink_derivatives=(0.25,),
        pytorch="PReLU",
        jax="leaky_relu(negative_slope=0.25)",
        keras="leaky_relu(negative_slope=0.25)",
        tensorflow="nn.leaky_relu(alpha=0.25)",
    ),
    Activation(
        name="rrelu",
        function=piecewise.rrelu,
        derivative=piecewise.rrelu_grad,
        formula=r"x \text{ if } x > 0, \text{ else } s\,x, \; s \sim U(l, u)",
        derivative_formula=r"1 \text{ if } x > 0, \text{ else } s",
        range=(-_INF, _INF),
        lipschitz=1,
        monotonic=True,
        gain=1.378479664546057,
        ulps=(2, 0.5),
        source="xu2015empirical",
        kinks=(0.0,),
        kink_derivatives=((1 / 8 + 1 / 3) / 2,),
        pytorch="RReLU",
    ),
    Activation(
        name="threshold",
        function=piecewise.threshold,
        derivative=piecewise.threshold_grad,
        formula=r"x \text{ if } x > \theta, \text{ else } v",
        derivative_formula=r"1 \text{ if } x > \theta, \text{ else } 0",
        range=(0, _INF),
        lipschitz=1,  # where it does not jump
        monotonic=True,
        gain=sqrt(2),
        ulps=(0, 0),
        source="collobert2011torch7",
        kinks=(0.0,),
        kink_derivatives=(0.0,),
        pytorch="Threshold(threshold=0, value=0)",
        keras="threshold(threshold=0, default_value=0)",
    ),
    Activation(
        name="relu6",
        function=piecewise.relu6,
        derivative=piecewise.relu6_grad,
        formula=r"\min(\max(0, x), 6)",
        derivative_formula=r"1 \text{ if } 0 < x < 6, \text{ else } 0",
        range=(0, 6),
        lipschitz=1,
        monotonic=True,
        gain=1.4142135650950736,
        ulps=(0, 0),
        source="krizhevsky2010convolutional",
        kinks=(0.0, 6.0),
        kink_derivatives=(0.0, 0.0),
        pytorch="ReLU6",
        jax="relu6",
        keras="relu6",
        tensorflow="nn.relu6",
    ),
    Activation(
        name="hard_tanh",
        function=piecewise.hard_tanh,
        derivative=piecewise.hard_tanh_grad,
        formula=r"\max(-1, \min(x, 1))",
        derivative_formula=r"1 \text{ if } |x| < 1, \text{ else } 0",
        range=(-1, 1),
        lipschitz=1,
        monotonic=True,
        gain=1.3920361404483097,
        ulps=(0, 0),
        source="collobert2004large",
        kinks=(-1.0, 1.0),
        kink_derivatives=(0.0, 0.0),
        pytorch="Hardtanh",
        jax="hard_tanh",
        keras="hard_tanh",
    ),
    Activation(
        name="hard_sigmoid",
        function=piecewise.hard_sigmoid,
        derivative=piecewise.hard_sigmoid_grad,
        formula=r"\max(0, \min((x + 3)/6, 1))",
        derivative_formula=r"\tfrac16 \text{ if } |x| < 3, \text{ else } 0",
        range=(0, 1),
        lipschitz=1 / 6,
        monotonic=True,
        gain=1.897840424729559,
        ulps=(1.5, 0.5),
        source="courbariaux2015binaryconnect",
        kinks=(-3.0, 3.0),
        kink_derivatives=(0.0, 0.0),
        pytorch="Hardsigmoid",
        jax="hard_sigmoid",
        keras="hard_sigmoid",
    ),
    Activation(
        name="sparse_sigmoid",
        function=piecewise.sparse_sigmoid,
        derivative=piecewise.sparse_sigmoid_grad,
        formula=r"\max(0, \min((x + 1)/2, 1))",
        derivative_formula=r"\tfrac12 \text{ if } |x| < 1, \text{ else } 0",
        range=(0, 1),
        lipschitz=1 / 2,
        monotonic=True,
        gain=1.6243215587888256,
        ulps=(0.5, 0),
        source="martins2016softmax",
        kinks=(-1.0, 1.0),
        kink_derivatives=(0.0, 0.0),
        jax="sparse_sigmoid",
        keras="sparse_sigmoid",
    ),
    Activation(
        name="hard_shrink",
        function=piecewise.hard_shrink,
        derivative=piecewise.hard_shrink_grad,
        formula=r"x \text{ if } |x| > \lambda, \text{ else } 0",
        derivative_formula=r"1 \text{ if } |x| > \lambda, \text{ else } 0",
        range=(-_INF, _INF),
        lipschitz=_INF,  # it jumps
        monotonic=True,
        gain=1.015796354719734,
        ulps=(0, 0),
        source="donoho1994ideal",
        kinks=(-0.5, 0.5),
        kink_derivatives=(0.0, 0.0),
        pytorch="Hardshrink",
        keras="hard_shrink",
    ),
    Activation(
        name="soft_shrink",
        function=piecewise.soft_shrink,
        derivative=piecewise.soft_shrink_grad,
        formula=r"\mathrm{sign}(x)\,\max(0, |x| - \lambda)",
        derivative_formula=r"1 \text{ if } |x| > \lambda, \text{ else } 0",
        range=(-_INF, _INF),
        lipschitz=1,
        monotonic=True,
        gain=1.5443605282801334,
        ulps=(0.5, 0),
        source="donoho1995denoising",
        kinks=(-0.5, 0.5),
        kink_derivatives=(0.0, 0.0),
        pytorch="Softshrink",
        keras="soft_shrink",
    ),
    # parabolas
    Activation(
        name="squared_relu",
        function=piecewise.squared_relu,
        derivative=piecewise.squared_relu_grad,
        formula=r"\max(0, x)^2",
        derivative_formula=r"2 \max(0, x)",
        range=(0, _INF),
        lipschitz=_INF,
        monotonic=True,
        gain=0.816496580927726,
        ulps=(0.5, 0),
        source="so2021primer",
    ),
    Activation(
        name="hard_swish",
        function=piecewise.hard_swish,
        derivative=piecewise.hard_swish_grad,
        formula=r"x \max(0, \min((x + 3)/6, 1))",
        derivative_formula=r"\tfrac{2x + 3}{6} \text{ if } |x| < 3, \text{ else } 0 \text{ or } 1",
        range=(-3 / 8, _INF),
        lipschitz=3 / 2,
        monotonic=False,
        gain=1.7366572127665416,
        ulps=(2.5, 1.5),
        source="howard2019searching",
        kinks=(-3.0, 3.0),
        kink_derivatives=(0.0, 1.0),
        pytorch="Hardswish",
        jax="hard_swish",
        keras="hard_swish",
    ),
    Activation(
        name="sparse_plus",
        function=piecewise.sparse_plus,
        derivative=piecewise.sparse_plus_grad,
        formula=r"0, \; (x + 1)^2/4, \; x",
        derivative_formula=r"\max(0, \min((x + 1)/2, 1))",
        range=(0, _INF),
        lipschitz=1,
        monotonic=True,
        gain=1.3803368628588104,
        ulps=(1.5, 0.5),
        source="martins2016softmax",
        jax="sparse_plus",
        keras="sparse_plus",
    ),
    # sigmoids
    Activation(
        name="sigmoid",
        function=smooth.sigmoid,
        derivative=smooth.sigmoid_grad,
        formula=r"\frac{1}{1 + e^{-x}}",
        derivative_formula=r"\sigma(x)\,(1 - \sigma(x))",
        range=(0, 1),
        lipschitz=1 / 4,
        monotonic=True,
        gain=1.8462285453386054,
        ulps=(3, 3),
        rests_on=("exp",),
        source="verhulst1845recherches",
        pytorch="Sigmoid",
        jax="sigmoid",
        keras="sigmoid",
        tensorflow="nn.sigmoid",
    ),
    Activation(
        name="log_sigmoid",
        function=smooth.log_sigmoid,
        derivative=smooth.log_sigmoid_grad,
        formula=r"\log \sigma(x)",
        derivative_formula=r"\sigma(-x)",
        range=(-_INF, 0),
        lipschitz=1,
        monotonic=True,
        gain=1.0418668355353018,
        ulps=(2, 3),
        rests_on=("exp", "log1p"),
        source="cox1958regression",
        pytorch="LogSigmoid",
        jax="log_sigmoid",
        keras="log_sigmoid",
        tensorflow="math.log_sigmoid",
    ),
    Activation(
        name="tanh",
        function=smooth.tanh,
        derivative=smooth.tanh_grad,
        formula=r"\frac{e^x - e^{-x}}{e^x + e^{-x}}",
        derivative_formula=r"1 - \tanh^2 x",
        range=(-1, 1),
        lipschitz=1,
        monotonic=True,
        gain=1.5925374197228315,
        ulps=(2.5, 3),
        rests_on=("exp", "tanh"),
        source="lecun1998efficient",
        pytorch="Tanh",
        jax="tanh",
        keras="tanh",
        tensorflow="nn.tanh",
    ),
    Activation(
        name="lecun_tanh",
        function=smooth.lecun_tanh,
        derivative=smooth.lecun_tanh_grad,
        formula=r"1.7159 \tanh(2x/3)",
        derivative_formula=r"1.7159 \cdot \tfrac23 (1 - \tanh^2(2x/3))",
        range=(-1.7159, 1.7159),
        lipschitz=1.7159 * 2 / 3,
        monotonic=True,
        gain=1.1543694539761429,
        ulps=(2.5, 2.5),
        rests_on=("exp",),
        source="lecun1998efficient",
    ),
    Activation(
        name="softsign",
        function=smooth.softsign,
        derivative=smooth.softsign_grad,
        formula=r"\frac{x}{1 + |x|}",
        derivative_formula=r"\frac{1}{(1 + |x|)^2}",
        range=(-1, 1),
        lipschitz=1,
        monotonic=True,
        gain=2.3375333631085398,
        ulps=(2, 3.5),
        source="bergstra2009quadratic",
        pytorch="Softsign",
        jax="soft_sign",
        keras="softsign",
        tensorflow="nn.softsign",
    ),
    Activation(
        name="tanh_shrink",
        function=smooth.tanh_shrink,
        derivative=smooth.tanh_shrink_grad,
        formula=r"x - \tanh x",
        derivative_formula=r"\tanh^2 x",
        range=(-_INF, _INF),
        lipschitz=1,
        monotonic=True,
        gain=2.3383675301021216,
        ulps=(2.5, 3),
        rests_on=("exp", "tanh"),
        source="collobert2011torch7",
        pytorch="Tanhshrink",
        keras="tanh_shrink",
    ),
    # soft versions of ReLU
    Activation(
        name="softplus",
        function=smooth.softplus,
        derivative=smooth.softplus_grad,
        formula=r"\log(1 + e^{\beta x})/\beta",
        derivative_formula=r"\sigma(\beta x)",
        range=(0, _INF),
        lipschitz=1,
        monotonic=True,
        gain=1.0418668355353018,
        ulps=(4, 3),
        rests_on=("exp", "log1p"),
        source="dugas2001incorporating",
        pytorch="Softplus",
        jax="softplus",
        keras="softplus",
        tensorflow="nn.softplus",
    ),
    Activation(
        name="squareplus",
        function=smooth.squareplus,
        derivative=smooth.squareplus_grad,
        formula=r"\tfrac12 (x + \sqrt{x^2 + b})",
        derivative_formula=r"\tfrac12 (1 + x/\sqrt{x^2 + b})",
        range=(0, _INF),
        lipschitz=1,
        monotonic=True,
        gain=0.816496580927726,
        ulps=(2, 4),
        source="barron2021squareplus",
        jax="squareplus",
        keras="squareplus",
    ),
    Activation(
        name="elu",
        function=smooth.elu,
        derivative=smooth.elu_grad,
        formula=r"x \text{ if } x > 0, \text{ else } \alpha (e^x - 1)",
        derivative_formula=r"1 \text{ if } x > 0, \text{ else } \alpha e^x",
        range=(-1, _INF),
        lipschitz=1,
        monotonic=True,
        gain=1.2451983007007066,
        ulps=(2, 3),
        rests_on=("exp", "expm1"),
        source="clevert2016fast",
        pytorch="ELU",
        jax="elu",
        keras="elu",
        tensorflow="nn.elu",
    ),
    Activation(
        name="celu",
        function=smooth.celu,
        derivative=smooth.celu_grad,
        formula=r"x \text{ if } x > 0, \text{ else } \alpha (e^{x/\alpha} - 1)",
        derivative_formula=r"1 \text{ if } x > 0, \text{ else } e^{x/\alpha}",
        range=(-1, _INF),
        lipschitz=1,
        monotonic=True,
        gain=1.2451983007007066,
        ulps=(3, 2.5),
        rests_on=("exp", "expm1"),
        source="barron2017continuously",
        pytorch="CELU",
        jax="celu",
        keras="celu",
    ),
    Activation(
        name="selu",
        function=smooth.selu,
        derivative=smooth.selu_grad,
        formula=r"\lambda x \text{ if } x > 0, \text{ else } \lambda \alpha (e^x - 1)",
        derivative_formula=r"\lambda \text{ if } x > 0, \text{ else } \lambda \alpha e^x",
        range=(-_constants.SELU_PRODUCT, _INF),
        lipschitz=_constants.SELU_PRODUCT,  # just left of 0
        monotonic=True,
        gain=1.0,
        ulps=(2.5, 3),
        rests_on=("exp", "expm1"),
        source="klambauer2017self",
        kinks=(0.0,),
        kink_derivatives=(_constants.SELU_PRODUCT,),
        pytorch="SELU",
        jax="selu",
        keras="selu",
        tensorflow="nn.selu",
    ),
    # the input times a gate
    Activation(
        name="gelu",
        function=smooth.gelu,
        derivative=smooth.gelu_grad,
        formula=r"x\,\Phi(x)",
        derivative_formula=r"\Phi(x) + x\,\varphi(x)",
        range=(_constants.GELU_MINIMUM, _INF),
        lipschitz=_constants.GELU_LIPSCHITZ,  # at sqrt(2), where gelu'' is 0
        monotonic=False,
        gain=1.5335304411955353,
        ulps=(2, 1.5),
        source="hendrycks2016gaussian",
        pytorch="GELU",
        jax="gelu(approximate=False)",
        keras="gelu",
        tensorflow="nn.gelu",
    ),
    Activation(
        name="gelu_tanh",
        function=smooth.gelu_tanh,
        derivative=smooth.gelu_tanh_grad,
        formula=r"\tfrac x2 (1 + \tanh(\sqrt{2/\pi}\,(x + 0.044715\,x^3)))",
        derivative_formula=(
            r"\sigma(w)\,(1 + x\,w'\,(1 - \sigma(w))), \; w = 2\sqrt{2/\pi}\,(x + 0.044715\,x^3)"
        ),
        range=(_constants.GELU_TANH_MINIMUM, _INF),
        lipschitz=_constants.GELU_TANH_LIPSCHITZ,
        monotonic=False,
        gain=1.533580521666147,
        ulps=(2, 3),
        source="hendrycks2016gaussian",
        pytorch="GELU(approximate='tanh')",
        jax="gelu",
        keras="gelu(approximate=True)",
        tensorflow="nn.gelu(approximate=True)",
    ),
    Activation(
        name="quick_gelu",
        function=smooth.quick_gelu,
        derivative=smooth.quick_gelu_grad,
        formula=r"x\,\sigma(1.702\,x)",
        derivative_formula=r"\sigma(w)\,(1 + w\,(1 - \sigma(w))), \; w = 1.702\,x",
        range=(_constants.QUICK_GELU_MINIMUM, _INF),
        lipschitz=_constants.SILU_LIPSCHITZ,
        monotonic=False,
        gain=1.5394587622988314,
        ulps=(2, 1.5),
        source="hendrycks2016gaussian",
    ),
    Activation(
        name="silu",
        function=smooth.silu,
        derivative=smooth.silu_grad,
        formula=r"\frac{x}{1 + e^{-x}}",
        derivative_formula=r"\sigma(x)\,(1 + x\,(1 - \sigma(x)))",
        range=(_constants.SILU_MINIMUM, _INF),
        lipschitz=_constants.SILU_LIPSCHITZ,
        monotonic=False,
        gain=1.676532470331091,
        ulps=(2, 1.5),
        source="elfwing2018sigmoid",
        pytorch="SiLU",
        jax="silu",
        keras="silu",
        tensorflow="nn.silu",
    ),
    Activation(
        name="swish",
        function=smooth.swish,
        derivative=smooth.swish_grad,
        formula=r"x\,\sigma(\beta x)",
        derivative_formula=r"\sigma(\beta x)\,(1 + \beta x\,(1 - \sigma(\beta x)))",
        range=(_constants.SILU_MINIMUM, _INF),
        lipschitz=_constants.SILU_LIPSCHITZ,  # for any beta
        monotonic=False,
        gain=1.676532470331091,
        ulps=(2, 1.5),
        source="ramachandran2017searching",
        jax="swish",
        keras="swish",
        tensorflow="nn.swish",
    ),
    Activation(
        name="mish",
        function=smooth.mish,
        derivative=smooth.mish_grad,
        formula=r"x \tanh(\log(1 + e^x))",
        derivative_formula=(
            r"\frac{e^x\,(4(x + 1) + 4 e^{2x} + e^{3x} + e^x(4x + 6))}{(2 e^x + e^{2x} + 2)^2}"
        ),
        range=(_constants.MISH_MINIMUM, _INF),
        lipschitz=_constants.MISH_LIPSCHITZ,
        monotonic=False,
        gain=1.486847581273208,
        ulps=(2, 3.5),
        source="misra2020mish",
        pytorch="Mish",
        jax="mish",
        keras="mish",
    ),
    # waves, bells, exponentials
    Activation(
        name="sine",
        function=smooth.sine,
        derivative=smooth.sine_grad,
        formula=r"\sin x",
        derivative_formula=r"\cos x",
        range=(-1, 1),
        lipschitz=1,
        monotonic=False,
        gain=1.5208666231788148,
        ulps=(1, 1),
        rests_on=("cos", "sin"),
        source="sitzmann2020implicit",
    ),
    Activation(
        name="gaussian",
        function=smooth.gaussian,
        derivative=smooth.gaussian_grad,
        formula=r"e^{-x^2}",
        derivative_formula=r"-2x\,e^{-x^2}",
        range=(0, 1),
        lipschitz=_constants.GAUSSIAN_LIPSCHITZ,  # at 1/sqrt(2)
        monotonic=False,
        gain=1.4953487812212205,
        ulps=(1.5, 2),
        source="broomhead1988multivariable",
    ),
    Activation(
        name="exponential",
        function=smooth.exponential,
        derivative=smooth.exponential_grad,
        formula=r"e^x",
        derivative_formula=r"e^x",
        range=(0, _INF),
        lipschitz=_INF,
        monotonic=True,
        gain=0.36787944117144233,
        ulps=(1, 1),
        rests_on=("exp",),
        source="nelder1972generalized",
        keras="exponential",
        tensorflow="exp",
    ),
    # over an axis
    Activation(
        name="softmax",
        function=over_axis.softmax,
        derivative=over_axis.softmax_jacobian,
        formula=r"\frac{e^{x_i}}{\sum_j e^{x_j}}",
        derivative_formula=r"p_i\,(\delta_{ij} - p_j)",
        range=(0, 1),
        lipschitz=1 / 2,
        monotonic=False,
        ulps=(0.8, 2.25),
        source="bridle1990probabilistic",
        kind="axis",
        pullback_rule=over_axis.softmax_pullback,
        pytorch="Softmax(dim=-1)",
        jax="softmax",
        keras="softmax",
        tensorflow="nn.softmax",
    ),
    Activation(
        name="softmin",
        function=over_axis.softmin,
        derivative=over_axis.softmin_jacobian,
        formula=r"\frac{e^{-x_i}}{\sum_j e^{-x_j}}",
        derivative_formula=r"p_i\,(p_j - \delta_{ij})",
        range=(0, 1),
        lipschitz=1 / 2,
        monotonic=False,
        ulps=(0.8, 2.25),
        source="bridle1990probabilistic",
        kind="axis",
        pullback_rule=over_axis.softmin_pullback,
        pytorch="Softmin(dim=-1)",
    ),
    Activation(
        name="log_softmax",
        function=over_axis.log_softmax,
        derivative=over_axis.log_softmax_jacobian,
        formula=r"x_i - \log \sum_j e^{x_j}",
        derivative_formula=r"\delta_{ij} - p_j",
        range=(-_INF, 0),
        lipschitz=_INF,  # the square root of the length
        monotonic=False,
        ulps=(1.75, 1),
        rests_on=("log1p",),
        source="bridle1990probabilistic",
        kind="axis",
        pullback_rule=over_axis.log_softmax_pullback,
        pytorch="LogSoftmax(dim=-1)",
        jax="log_softmax",
        keras="log_softmax",
        tensorflow="nn.log_softmax",
    ),
    Activation(
        name="logsumexp",
        function=over_axis.logsumexp,
        derivative=over_axis.logsumexp_grad,
        formula=r"\log \sum_j e^{x_j}",
        derivative_formula=r"p_j",
        range=(-_INF, _INF),
        lipschitz=1,
        monotonic=True,
        ulps=(2.5, 0.8),
        rests_on=("log1p",),
        source="blanchard2021accurately",
        kind="groups",
        pullback_rule=over_axis.logsumexp_pullback,
        jax="logsumexp(axis=-1)",
        tensorflow="math.reduce_logsumexp(axis=-1)",
    ),
    Activation(
        name="maxout",
        function=over_axis.maxout,
        derivative=over_axis.maxout_grad,
        formula=r"\max_j x_{ij}",
        derivative_formula=r"1 \text{ for the largest, else } 0",
        range=(-_INF, _INF),
        lipschitz=1,
        monotonic=True,
        ulps=(0, 0),
        source="goodfellow2013maxout",
        kind="groups",
        pullback_rule=over_axis.maxout_pullback,
    ),
    Activation(
        name="glu",
        function=over_axis.glu,
        derivative=over_axis.glu_grad,
        formula=r"a\,\sigma(b)",
        derivative_formula=r"\sigma(b), \; a\,\sigma'(b)",
        range=(-_INF, _INF),
        lipschitz=_INF,  # it grows with a
        monotonic=False,
        ulps=(3, 3),
        source="dauphin2017language",
        kind="groups",
        pullback_rule=over_axis.gated_pullback(smooth.sigmoid, smooth.sigmoid_grad),
        pytorch="GLU",
        jax="glu",
        keras="glu",
    ),
    Activation(
        name="reglu",
        function=over_axis.reglu,
        derivative=over_axis.reglu_grad,
        formula=r"a \max(0, b)",
        derivative_formula=r"\max(0, b), \; a\,[b > 0]",
        range=(-_INF, _INF),
        lipschitz=_INF,
        monotonic=False,
        ulps=(0.5, 0.5),
        source="shazeer2020glu",
        kind="groups",
        pullback_rule=over_axis.gated_pullback(piecewise.relu, piecewise.relu_grad),
    ),
    Activation(
        name="geglu",
        function=over_axis.geglu,
        derivative=over_axis.geglu_grad,
        formula=r"a\,b\,\Phi(b)",
        derivative_formula=r"b\,\Phi(b), \; a\,(\Phi(b) + b\,\varphi(b))",
        range=(-_INF, _INF),
        lipschitz=_INF,
        monotonic=False,
        ulps=(4, 4),
        source="shazeer2020glu",
        kind="groups",
        pullback_rule=over_axis.gated_pullback(smooth.gelu, smooth.gelu_grad),
    ),
    Activation(
        name="swiglu",
        function=over_axis.swiglu,
        derivative=over_axis.swiglu_grad,
        formula=r"a\,b\,\sigma(b)",
        derivative_formula=r"b\,\sigma(b), \; a\,\sigma(b)\,(1 + b\,(1 - \sigma(b)))",
        range=(-_INF, _INF),
        lipschitz=_INF,
        monotonic=False,
        ulps=(2.5, 2.5),
        source="shazeer2020glu",
        kind="groups",
        pullback_rule=over_axis.gated_pullback(smooth.silu, smooth.silu_grad),
    ),
)

CATALOGUE: Mapping[str, Activation] = MappingProxyType({row.name: row for row in _ROWS})
"""All activations by name."""

_RULES = {row.function: row.pullback_rule for row in _ROWS if row.pullback_rule is not None}


def get(name: str | Activation) -> Activation:
    """Return the activation of that name.

    Parameters
    ----------
    name : str or Activation
        A key of `CATALOGUE`; an `Activation` is returned as it is.

    Returns
    -------
    Activation
        The row of the table.

    Raises
    ------
    KeyError
        If there is none of that name; the nearest is suggested.

    Examples
    --------
    >>> get("tanh").lipschitz
    1
    """
    if isinstance(name, Activation):
        return name
    if not isinstance(name, str) or name not in CATALOGUE:
        raise KeyError(unknown_name("activation", name, CATALOGUE))
    return CATALOGUE[name]


def spelled_out(name: str) -> tuple[str, dict[str, Any]]:
    """Split the name of a framework's function, as the table writes it, from its options.

    Parameters
    ----------
    name : str
        Such as ``"relu"`` or ``"gelu(approximate=False)"``.

    Returns
    -------
    name : str
        The function's name, with dots where it lies in a module.
    options : dict
        Keyword arguments.

    Examples
    --------
    >>> spelled_out("gelu(approximate=False)")
    ('gelu', {'approximate': False})
    """
    plain, _, _ = name.partition("(")
    call = ast.parse(name, mode="eval").body
    keywords = call.keywords if isinstance(call, ast.Call) else []
    return plain, {str(k.arg): ast.literal_eval(k.value) for k in keywords}
