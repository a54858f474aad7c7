r"""Fast forms for float32 made from those of float64: tables of a curve and its derivatives.

Where a law of addition takes many passes, a few terms of Taylor's series around the nearest node
take fewer, if nodes are close. The tables come from a form in float64, which gives the same bits on
every processor, and so do they.

The largest errors, in ULP among normal results:

============ ===== ==========
function     value derivative
============ ===== ==========
GELU         2.24  1.98
GELU by tanh 1.67  2.24
quick GELU   2.25  2.18
SiLU         1.50  2.17
Mish         2.29  2.51
============ ===== ==========

They are those of all float32 numbers from 2^-13 to 120 in absolute value and of every 33rd of the
others, which ``benchmarks/exhaustive.py --fast --fraction 0.03`` checks, beside the float64 of the
catalogue. Swish is within 2.3 and 2.9 for 150 betas drawn from 1e-3 to 1e3, 120,000 numbers each.
"""

from functools import lru_cache
from math import ceil, log2, sqrt
from typing import Any, NamedTuple

import numpy as np

from course_lib._typing import Array
from course_lib.activations.fused.pieces import Both, Form, by_blocks
from course_lib.activations.nodes import as_tables, whole

__all__ = ["Span", "tabulated"]


class Span(NamedTuple):
    """Where a function is curved: left of it lies 0, right of it the input itself."""

    least: float
    most: float
    zero: float
    """Of the derivative: it takes the place of the three nodes next to it, because from any other
    node the digits of the derivative would cancel there."""
    per_unit: int = 1024
    """Nodes in a unit, so many that the fourth term of a value is too small for float32."""


def tabulated(x: Array, form: Form, span: Span, unit: float = 1.0, **parameters: float) -> Both:
    r"""Return value and derivative of float32, from tables of a form in float64.

    With a node a and what is left, :math:`d = x - a`, without an error, they are
    :math:`f + d\,(f' + d f''/2)` and :math:`f' + d\,(f'' + d f'''/2)`.

    Parameters
    ----------
    x : ndarray of float32
        A block.
    form : callable
        Takes a block of float64, and the parameters.
    span : Span
        In units.
    unit : float
        So many units are a step of 1 in `x`: for swish, its `beta`.
    **parameters : float
        Of `form`. The tables of the last 16 are kept, up to 3 MB each; new ones take some 0.05 s.

    Returns
    -------
    value, derivative : ndarray
        New arrays; where `x` is beyond the span, exactly 0 and 0, or `x` and 1.

    Examples
    --------
    >>> from course_lib.activations import silu, silu_grad
    >>> from course_lib.activations.fused import FUSED
    >>> x = np.float32([-200.0, 0.0, 200.0])
    >>> tabulated(x, FUSED[silu, silu_grad], Span(-112, 24, -1.2784645))
    (array([ -0.,   0., 200.], dtype=float32), array([-0. ,  0.5,  1. ], dtype=float32))
    """
    table = _table(form, span, unit, tuple(parameters.items()))
    least, most = table.nodes[0], table.nodes[-1]
    if x.min() >= least and x.max() <= most:
        return _from_table(x, table)
    value, derivative = _from_table(np.clip(x, least, most), table)
    np.copyto(value, x, where=x > most)
    return value, derivative


class _Table(NamedTuple):
    """How many nodes lie in a unit, the number of the first, and what is known there in float32."""

    per_unit: Array
    first: int
    nodes: Array
    value: Array
    derivative: Array
    second: Array
    third_half: Array


_HALF = np.array(0.5, np.float32)


def _from_table(x: Array, table: _Table) -> Both:
    node = x * table.per_unit
    index = whole(node, table.first)
    d = table.nodes.take(index, out=node, mode="clip")
    np.subtract(x, d, out=d)
    at_node = table.derivative.take(index, mode="clip")
    change = table.second.take(index, mode="clip")
    change *= d
    value = change * _HALF
    value += at_node
    value *= d
    derivative = table.third_half.take(index, mode="clip")
    derivative *= d
    derivative *= d
    derivative += change
    derivative += at_node
    value += table.value.take(index, out=at_node, mode="clip")
    return value, derivative


@lru_cache(maxsize=16)
def _table(form: Form, span: Span, unit: float, parameters: tuple[Any, ...]) -> _Table:
    """Return the tables of a form.

    In each node's cell the derivative is a parabola through three of its points: the node, where
    nothing may be lost, and where Chebyshev's second polynomial is 0, which is nearly the best.
    """
    per_unit = span.per_unit * 2 ** ceil(log2(unit))
    first, last = round(span.least / unit * per_unit), round(span.most / unit * per_unit)
    middles, step = np.arange(first, last + 1) / per_unit, sqrt(0.5) / 2 / per_unit
    nodes, zero = middles.copy(), round(span.zero / unit * per_unit) - first
    nodes[zero - 1 : zero + 2] = np.float32(span.zero / unit)
    left, right = (  # not too near to a node that has moved
        np.where(np.abs(end) < step / 4, side * step / 4, end)
        for side, end in ((-1, middles - step - nodes), (1, middles + step - nodes))
    )
    with np.errstate(all="ignore"):
        (value, derivative), (_, at_left), (_, at_right) = (
            by_blocks(form, place, **dict(parameters))
            for place in (nodes, nodes + left, nodes + right)
        )
        to_left, to_right = (at_left - derivative) / left, (at_right - derivative) / right
        third_half = (to_right - to_left) / (right - left)
        second = to_right - third_half * right
    tables = as_tables(np.float32, nodes, value, derivative, second, third_half)
    return _Table(np.array(per_unit, np.float32), first, *tables)
