"""What the catalogue says of an activation: one row, which can be called and differentiated."""

from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property, partial
from inspect import Parameter, signature
from types import FunctionType, MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import check_choice
from course_lib._typing import Array, Pull
from course_lib.activations import groups, simplex, softmax_family
from course_lib.activations.fused import Form, fast_form, fused
from course_lib.numerics import as_float

__all__ = ["PULLBACKS", "Activation"]

PULLBACKS: Mapping[Callable[..., Array], Callable[..., tuple[Array, Pull]]] = MappingProxyType(
    {**softmax_family.PULLBACKS, **simplex.PULLBACKS, **groups.PULLBACKS}
)
"""For every function over an axis, what gives its value and its vector-Jacobian product."""


def keyword_parameters(
    function: Callable[..., Any], others: Collection[str] = ()
) -> dict[str, Any]:
    """Return the keyword parameters of a function, and others of these names, with their defaults.

    Examples
    --------
    >>> keyword_parameters(groups.maxout), keyword_parameters(partial(groups.maxout, pieces=3))
    ({'pieces': 2}, {'pieces': 3})
    """
    return {
        name: parameter.default
        for name, parameter in signature(function).parameters.items()
        if parameter.kind is Parameter.KEYWORD_ONLY or name in others
    }


def _unwrapped(function: Any) -> tuple[Any, dict[str, Any]]:
    """Return a function without the parameters that a reader fixed, and these."""
    given: dict[str, Any] = {}
    while isinstance(function, partial):
        function, given = function.func, {**function.keywords, **given}
    return function, given


def _entry(table: Mapping[Any, Any], function: Any) -> Any:
    """Return what a table has for a function, or None: not every callable object has a hash."""
    return table.get(function) if isinstance(function, FunctionType) else None


@dataclass(frozen=True)
class Activation:
    r"""One row of the catalogue: a function, its derivative and what is known about it.

    For a function of your own a name, the function and its derivative are enough; what is not
    stated counts as unknown, and it has no kinks. What is said of range, kinks, gain and so on
    holds for the default parameters. Over an axis, the range is that of an entry, `lipschitz` is in
    the 2-norm, and kinks are not listed.

    Attributes
    ----------
    name : str
        The key of `CATALOGUE`.
    function, derivative : callable
        The pair. For a function over an axis the derivative is its Jacobian matrix.
    formula, derivative_formula : str
        LaTeX.
    range : tuple of float, optional
        Infimum and supremum of the values in exact arithmetic. None where it is not known, as all
        three here.
    lipschitz : float, optional
        The largest absolute value of the derivative, infinite where it has no bound or the function
        itself jumps.
    monotonic : bool, optional
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
        For a function of your own over an axis: takes `x` and `axis`, and returns the value and a
        callable, from a gradient with respect to the value to that with respect to `x`. See
        `pullback`. Without it the derivative serves, at the cost of a Jacobian. The functions of
        this package have theirs in `course_lib.activations.activation.PULLBACKS`.
    source : str
        A key of the bibliography.
    pytorch, jax, keras, tensorflow : str
        How it is written in ``torch.nn``, ``jax.nn``, ``keras.activations`` and TensorFlow, with
        the options that make it the same function; empty where there is none. The same means: the
        same values in exact arithmetic. Slopes at kinks are conventions and may be others there,
        and infinite inputs may give NaN where ours give limits: `course_lib.frameworks.spellings`
        lists both. See `spelled_out`.

    Examples
    --------
    One of your own, which networks and `course_lib.meanfield` take:

    >>> cube = Activation("cube", lambda x: x**3, lambda x: 3 * x**2)
    >>> cube(2.0), cube.vjp([2.0], [1.0])
    (8.0, array([12.]))
    >>> from course_lib.network import mlp
    >>> mlp([2, 4, 1], cube)
    Network(2-4-1, ['cube'], float64)
    """

    name: str
    function: Callable[..., Array]
    derivative: Callable[..., Array]
    formula: str = ""
    derivative_formula: str = ""
    range: tuple[float, float] | None = None
    lipschitz: float | None = None
    monotonic: bool | None = None
    source: str = ""
    kinks: tuple[float, ...] = ()
    kink_derivatives: tuple[float, ...] = ()
    ulps: tuple[float, float] = (float("inf"), float("inf"))
    rests_on: tuple[str, ...] = ()
    gain: float | None = None
    kind: str = "elementwise"
    pullback_rule: Callable[..., tuple[Array, Pull]] | None = None
    pytorch: str = ""
    jax: str = ""
    keras: str = ""
    tensorflow: str = ""

    def __post_init__(self) -> None:
        """Raise an error for what cannot be an activation."""
        if not isinstance(self.name, str) or not self.name:
            raise TypeError(f"name is {self.name!r}; expected text, such as 'cube'")
        for field in ("function", "derivative"):
            if not callable(getattr(self, field)):
                raise TypeError(
                    f"{field} of {self.name!r} is {getattr(self, field)!r}; expected a function "
                    f"of an array, such as np.tanh"
                )
        check_choice("kind", self.kind, ["elementwise", "axis", "groups"])

    @property
    def elementwise(self) -> bool:
        """Whether every output depends on the input at its own place alone."""
        return self.kind == "elementwise"

    @property
    def parameters(self) -> dict[str, Any]:
        """The keyword parameters of the function, and its axis, with their defaults."""
        return keyword_parameters(self.function, () if self.elementwise else ("axis",))

    def __call__(self, x: ArrayLike, **parameters: Any) -> Array:
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
        >>> from course_lib.activations import get
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

    def pullback(
        self, x: ArrayLike, **parameters: Any
    ) -> tuple[Array, Callable[[ArrayLike], Array]]:
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
        >>> from course_lib.activations import get
        >>> value, pull = get("softmax").pullback([0.0, 0.0])
        >>> value, pull([1.0, 0.0])
        (array([0.5, 0.5]), array([ 0.25, -0.25]))
        """
        x = as_float(x)
        if not self.elementwise:
            value, pull = self._over_axis(x, **parameters)
            return value, partial(self._carry, x, np.shape(value), pull)
        others = deepcopy(parameters) if parameters else {}
        times_derivative = partial(self._times_derivative, x, others)
        value = self.function(x, **parameters)
        self._check_shape("function", x, value)
        return value, partial(self._carry, x, x.shape, times_derivative)

    def value_and_derivative(self, x: ArrayLike, **parameters: Any) -> tuple[Array, Array]:
        """Return the value and the derivative in one pass: the fast form, which trainings use.

        Parameters
        ----------
        x : array_like
            As for the function, which must be elementwise.
        **parameters
            Those of the function; random numbers are the same in both.

        Returns
        -------
        value, derivative : ndarray or scalar
            In the shape and dtype of `x`.

        Raises
        ------
        TypeError, ValueError
            As the function does; ValueError over an axis, where `pullback` is what you need.

        Notes
        -----
        Where `course_lib.activations.fused.FUSED` has a form for this pair, float32 and float64 are
        within 4 ULP, for parameters from 1e-3 to 1e3, and have the same bits on every processor;
        a 0 may have lost its sign. Otherwise, as for float16, other parameters and functions made
        of lines, the function and its derivative are called.

        Examples
        --------
        >>> from course_lib.activations import get
        >>> get("tanh").value_and_derivative([0.0, 20.0])
        (array([0., 1.]), array([1.0000000e+00, 1.6993417e-17]))
        """
        x = as_float(x)
        if not self.elementwise:
            raise ValueError(
                f"{self.name!r} is not elementwise, and its derivative would be a whole Jacobian; "
                f"use pullback(x), which returns the value and its vector-Jacobian product"
            )
        form = self._fast_form(parameters)
        if form is not None and x.dtype.itemsize > 2 and x.dtype.isnative:
            value, derivative = fused(form, x)
            return value[()], derivative[()]
        others = deepcopy(parameters)
        value, derivative = self.function(x, **parameters), self.derivative(x, **others)
        self._check_shape("function", x, value)
        self._check_shape("derivative", x, derivative)
        return value, derivative

    def fast_pullback(
        self, x: ArrayLike, **parameters: Any
    ) -> tuple[Array, Callable[[ArrayLike], Array]]:
        """Return what `pullback` does in the fast form, which trainings use.

        Parameters
        ----------
        x, **parameters
            As for `pullback`.

        Returns
        -------
        value, pull
            As from `pullback`. Where `value_and_derivative` has a fast form, they are made of it,
            with its bounds; gated linear units are within 5 ULP, where their gates are normal
            numbers; others are those of `pullback`.

        Raises
        ------
        TypeError, ValueError
            As `pullback` does.

        Examples
        --------
        >>> from course_lib.activations import get
        >>> value, pull = get("swiglu").fast_pullback([3.0, 100.0])
        >>> value, pull([1.0])
        (array([300.]), array([100.,   3.]))
        """
        x = as_float(x)
        if x.dtype.itemsize == 2 or not x.dtype.isnative:
            return self.pullback(x, **parameters)
        if self.elementwise:
            form = self._fast_form(parameters)
            if form is None:
                return self.pullback(x, **parameters)
            value, derivative = fused(form, x)
            return value[()], partial(self._carry, x, x.shape, partial(np.multiply, derivative))
        function, given = _unwrapped(self.function)
        rule = _entry(groups.FAST_PULLBACKS, function)
        if rule is None:
            return self.pullback(x, **parameters)
        value, pull = rule(x, **{**given, **parameters})
        return value, partial(self._carry, x, np.shape(value), pull)

    def _fast_form(self, parameters: Mapping[str, Any]) -> Form | None:
        """Return the fast form of this very pair, if there is one that serves."""
        return self._form_with(parameters) if parameters else self._own_form

    @cached_property
    def _own_form(self) -> Form | None:
        """The fast form for the row's own parameters; what a row is made of does not change."""
        return self._form_with({})

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: not the form, which another version may not have."""
        return {name: value for name, value in vars(self).items() if name != "_own_form"}

    def _form_with(self, parameters: Mapping[str, Any]) -> Form | None:
        function, given = _unwrapped(self.function)
        derivative, also = _unwrapped(self.derivative)
        pair = {**given, **parameters}, {**also, **parameters}
        forms = [fast_form(function, derivative, chosen) for chosen in pair]
        # what has a form is a number: the arrays of others could not be compared so
        return forms[0] if None not in forms and pair[0] == pair[1] else None

    def _times_derivative(
        self, x: Array, parameters: Mapping[str, Any], grad_output: Array
    ) -> Array:
        product = self.derivative(x, **parameters) * grad_output
        self._check_shape("derivative", x, product)
        return product

    def _check_shape(self, which: str, x: Array, result: Array) -> None:
        """Raise ValueError if a function of the reader's own changes the shape."""
        if np.shape(result) != x.shape:
            raise ValueError(
                f"the {which} of {self.name!r} returned shape {np.shape(result)} for x of shape "
                f"{x.shape}; expected the same, or another kind than 'elementwise'"
            )

    def _over_axis(self, x: Array, **parameters: Any) -> tuple[Array, Pull]:
        """Return the value and its pull: in closed form where there is one for the function."""
        function, given = _unwrapped(self.function)
        known = _entry(PULLBACKS, function)
        rule = self.pullback_rule if known is None else partial(known, **given)
        return self._by_derivative(x, **parameters) if rule is None else rule(x, **parameters)

    def _by_derivative(self, x: Array, **parameters: Any) -> tuple[Array, Pull]:
        """Return the value and its pull by the derivative, over an axis a whole Jacobian."""
        value, derivative = self.function(x, **parameters), self.derivative(x, **parameters)
        axis = {**self.parameters, **parameters}.get("axis", -1)

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
        pull: Pull,
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
