r"""Reverse-mode automatic differentiation of single numbers, readable in one sitting.

A `Value` stores which values it was computed from, and its derivative with respect to each of them:
the local derivatives. They are computed together with the expression, so that each backward rule
stands in the line of its forward. `Value.backward` then needs the chain rule alone. It goes from
the result to the inputs and sums, for each value, over all values that were computed from it:

.. math::

    \frac{\partial f}{\partial v}
    = \sum_{u \text{ computed from } v} \frac{\partial f}{\partial u} \frac{\partial u}{\partial v}

One such backward pass gives the derivatives with respect to all inputs, at the cost of a few times
the expression itself. `course_lib.network` does the same with whole layers, and PyTorch with
tensors. Here every step is a number that can be looked at.
"""

import math
import threading
from collections.abc import Iterable, Iterator
from copy import deepcopy
from numbers import Real
from typing import Any

from course_lib import activations
from course_lib.activations import Activation

__all__ = ["Value"]


class Value:
    """A number together with the values and operation that it was computed from.

    The operators ``+ - * / **`` take values and plain numbers, on either side, and return a value.

    Parameters
    ----------
    data : float
        The number.
    operation : str
        The name of the operation that gave it; empty for an input.
    parents : iterable of (Value, float)
        What it was computed from, each with the derivative of this value with respect to it. The
        operators fill it; an operation of your own does the same.

    Attributes
    ----------
    data, operation, parents
        As above. A value is computed once: after a change of an input's `data`, compute the
        expression again.
    grad : float
        The derivative of the value whose `backward` was called last, among those computed from this
        one, with respect to this one; 0 before.

    Raises
    ------
    TypeError
        If `data` is no real number, such as an array, text, a bool or a complex number, which
        operators raise too; or if `parents` are not pairs of a value and a real number.
    ValueError
        From the logarithm of a number that is not above 0, from such a number to the power of a
        value, and from a number below 0 to a power that is not an integer.
    ZeroDivisionError, OverflowError
        From operators, as Python's floats do. A power that has no finite derivative raises
        the first as well, such as the square root of 0.

    Notes
    -----
    Linnainmaa, 1976 :cite:p:`linnainmaa1976taylor` carried derivatives back through the steps of a
    program. For networks, Rumelhart, Hinton and Williams, 1986 :cite:p:`rumelhart1986learning`. The
    survey of Baydin et al., 2018 :cite:p:`baydin2018automatic` tells the history and the variants.

    Values are compared by identity only, so that each is a node of its own: compare their `data`.
    ``copy.deepcopy`` copies a value with all that it was computed from, however long the chain, and
    ``pickle`` stores it so.

    Examples
    --------
    >>> x, y = Value(3), Value(-2)
    >>> z = x * y + x**2
    >>> z.backward()
    >>> z.data, x.grad, y.grad  # y + 2x, and x
    (3.0, 4.0, 3.0)

    An operation that is missing, with its backward rule:

    >>> def sine(x):
    ...     return Value(math.sin(x.data), "sin", [(x, math.cos(x.data))])
    >>> sine(2 * x).backward()
    >>> x.grad == 2 * math.cos(6)
    True
    """

    # arrays leave the operators to this class, which raises TypeError
    __array_ufunc__ = None

    def __init__(
        self,
        data: float,
        operation: str = "",
        parents: "Iterable[tuple[Value, float]]" = (),
    ) -> None:
        self.data = _as_number(data)
        self.grad = 0.0
        self.operation = operation
        self.parents = tuple(_as_pair(pair) for pair in _as_list(parents))

    def __repr__(self) -> str:
        """Return number and gradient."""
        return f"Value({self.data:g}, grad={self.grad:g})"

    def __add__(self, other: "Value | float") -> "Value":
        """Return the sum; both derivatives are 1."""
        other = _as_value(other)
        return Value(self.data + other.data, "+", [(self, 1.0), (other, 1.0)])

    def __sub__(self, other: "Value | float") -> "Value":
        """Return the difference."""
        other = _as_value(other)
        return Value(self.data - other.data, "-", [(self, 1.0), (other, -1.0)])

    def __mul__(self, other: "Value | float") -> "Value":
        """Return the product; the derivative with respect to each factor is the other one."""
        other = _as_value(other)
        return Value(self.data * other.data, "*", [(self, other.data), (other, self.data)])

    def __truediv__(self, other: "Value | float") -> "Value":
        """Return the quotient."""
        other = _as_value(other)
        quotient = self.data / other.data
        return Value(quotient, "/", [(self, 1 / other.data), (other, -quotient / other.data)])

    def __pow__(self, exponent: "Value | float") -> "Value":
        """Return the power: of any base with a plain number, of a base above 0 with a value."""
        x = self.data
        if isinstance(exponent, Value):
            n = exponent.data
            expected = "bases above 0; to the power of a plain number, others too"
            _check(x > 0, f"{x:g} to the power of a Value", expected)
            parents = [(self, n * x ** (n - 1)), (exponent, x**n * math.log(x))]
            return Value(x**n, "**", parents)
        n = _as_number(exponent)
        expected = "bases from 0 on, or integer powers"
        _check(x >= 0 or n.is_integer(), f"{x:g} to the power {n:g}", expected)
        # x**0 has the derivative 0 everywhere, but 0**-1 would raise an error
        return Value(x**n, f"**{n:g}", [(self, n * x ** (n - 1) if n else 0.0)])

    def __neg__(self) -> "Value":
        """Return the value with the other sign."""
        return Value(-self.data, "-", [(self, -1.0)])

    def exp(self) -> "Value":
        """Return e to this power, which is its own derivative."""
        power = math.exp(self.data)
        return Value(power, "exp", [(self, power)])

    def log(self) -> "Value":
        """Return the natural logarithm; the value must be above 0."""
        _check(self.data > 0, f"the logarithm of {self.data:g}", "numbers above 0")
        return Value(math.log(self.data), "log", [(self, 1 / self.data)])

    def tanh(self) -> "Value":
        """Return the hyperbolic tangent."""
        return self.apply("tanh")

    def apply(self, activation: str | Activation) -> "Value":
        """Apply an elementwise activation of the catalogue.

        At a kink, the derivative is that of the catalogue's convention.

        Parameters
        ----------
        activation : str or Activation
            A name of the catalogue, or one of its rows.

        Raises
        ------
        KeyError
            If there is no such activation.
        ValueError
            If it is not elementwise.

        Examples
        --------
        >>> Value(-2).apply("relu").data
        0.0
        >>> x = Value(-2)
        >>> x.apply("leaky_relu(negative_slope=0.2)").backward()
        >>> x.grad
        0.2
        """
        row = activations.get(activation)
        if not row.elementwise:
            raise ValueError(
                f"{row.name!r} takes a whole axis, and a Value is one number; expected "
                f"elementwise activations"
            )
        derivative = float(row.derivative(self.data))
        return Value(float(row(self.data)), row.name, [(self, derivative)])

    # a plain number on the left becomes an input of the expression

    def __radd__(self, other: float) -> "Value":
        """Return number + value."""
        return _as_value(other) + self

    def __rsub__(self, other: float) -> "Value":
        """Return number - value."""
        return _as_value(other) - self

    def __rmul__(self, other: float) -> "Value":
        """Return number * value."""
        return _as_value(other) * self

    def __rtruediv__(self, other: float) -> "Value":
        """Return number / value."""
        return _as_value(other) / self

    def __rpow__(self, other: float) -> "Value":
        """Return number ** value; the number must be above 0."""
        return _as_value(other) ** self

    def backward(self) -> None:
        """Set `grad` of all values that this one was computed from, and of itself to 1.

        Notes
        -----
        Each call overwrites, like `course_lib.network.Network.backward`: calling it twice gives
        the same gradients, and nothing has to be set to 0 between two steps. PyTorch adds to the
        gradients of earlier calls; here, the gradient of two losses is that of their sum,
        ``(a + b).backward()``. Values that this one does not depend on keep their gradients.

        Examples
        --------
        >>> x = Value(3)
        >>> (x * x).backward()  # used twice, so two contributions
        >>> x.grad
        6.0
        """
        values = self._parents_first()
        for value in values:
            value.grad = 0.0
        self.grad = 1.0
        for value in reversed(values):
            for parent, derivative in value.parents:
                parent.grad += derivative * value.grad

    def __deepcopy__(self, memo: dict[int, Any]) -> "Value":
        """Return a copy with copies of all values before it, one after the other."""
        for value in self._parents_first():
            if id(value) not in memo:
                twin = memo[id(value)] = object.__new__(type(value))
                state = vars(value).copy()
                parents = tuple([(memo[id(parent)], by) for parent, by in state.pop("parents")])
                if type(value) is not Value or state.keys() != _PLAIN:  # not numbers and text alone
                    state = deepcopy(state, memo)
                twin.__dict__.update(state, parents=parents)
        twin = memo[id(self)]
        return twin

    def __reduce_ex__(self, protocol: Any) -> tuple[object, ...]:
        """Return the state for a pickle, the values before this one first, each once.

        While they are written, each finds its own parents written already, so that a long chain
        needs no deeper recursion than a short one.
        """
        state = self.__dict__
        if not _writing.chain and self.parents:
            state = {"": _Chain(self._parents_first()[:-1]), **state}
        return object.__new__, (type(self),), state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the state from a pickle."""
        state.pop("", None)
        self.__dict__.update(state)

    def _parents_first(self) -> "list[Value]":
        """Return all values that this one depends on, each once, after its parents."""
        ordered: list[Value] = []
        seen: set[Value] = set()
        waiting = [(self, False)]  # a stack of our own: a recursion would end at 1,000 steps
        while waiting:
            value, parents_are_done = waiting.pop()
            if parents_are_done:
                ordered.append(value)
            elif value not in seen:
                seen.add(value)
                waiting.append((value, True))
                waiting.extend((parent, False) for parent, _ in value.parents)
        return ordered


class _Writing(threading.local):
    """Whether this thread is writing a chain of values into a pickle."""

    chain = False


_writing = _Writing()


class _Chain:
    """Values in the order in which a pickle is to hold them; read back, they are a list."""

    def __init__(self, values: list[Value]) -> None:
        self._values = values

    def __reduce__(self) -> tuple[object, ...]:
        """Return a list that is written item by item."""
        return list, (), None, self._one_by_one()

    def _one_by_one(self) -> "Iterator[Value | _End]":
        _writing.chain = True
        try:
            yield from self._values
            yield _End()
        except GeneratorExit:  # writing failed
            _writing.chain = False
            raise


class _End:
    """The end of a chain in a pickle; read back, it is the number 0."""

    def __reduce__(self) -> tuple[object, ...]:
        """Record that the chain is written."""
        _writing.chain = False
        return int, ()


def _as_list(parents: Any) -> list[object]:
    """Return parents as a list, or raise TypeError."""
    if not isinstance(parents, Iterable):
        raise TypeError(f"parents is a {type(parents).__name__}; expected pairs {_PAIR}")
    return list(parents)


def _as_pair(pair: Any) -> "tuple[Value, float]":
    """Return a parent and the derivative with respect to it, or raise TypeError."""
    if not isinstance(pair, tuple | list) or len(pair) != 2 or not isinstance(pair[0], Value):
        given = repr(pair) if isinstance(pair, Value | Real) else f"a {type(pair).__name__}"
        raise TypeError(f"{given} among the parents; expected pairs {_PAIR}")
    return pair[0], pair[1]


_PLAIN = {"data", "grad", "operation"}
_PAIR = "(value, derivative with respect to it) in a list"


def _as_value(given: "Value | float") -> Value:
    """Turn a plain number into an input; return a value unchanged."""
    return given if isinstance(given, Value) else Value(given)


def _as_number(given: object) -> float:
    """Return a real number as a float, or raise TypeError."""
    if isinstance(given, bool) or not isinstance(given, Real):
        raise TypeError(
            f"a Value of {type(given).__name__}; expected one real number: take arrays apart, "
            f"or use course_lib.network for them"
        )
    return float(given)


def _check(defined: bool, what: str, expected: str) -> None:
    """Raise ValueError unless the result is a real number with derivatives."""
    if not defined:
        raise ValueError(f"{what} is no real number or has no derivative; expected {expected}")
