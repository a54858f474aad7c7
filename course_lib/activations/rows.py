"""Arrays as rows: what functions over one axis, or over several, have in common."""

from collections.abc import Callable
from math import prod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_integer
from course_lib._typing import Array
from course_lib.numerics import BLOCK, Kernel, as_float

__all__ = ["Axis", "axes_of", "by_blocks", "check_axis", "rows_of"]

Axis = int | tuple[int, ...] | None
"""An axis, several that count as one, or None for all."""

Prepared = TypeVar("Prepared")


def axes_of(x: ArrayLike, axis: Axis) -> tuple[Array, tuple[int, ...]]:
    """Return `x` as `course_lib.numerics.as_float` does, and its axes, from 0 on and in order.

    Parameters
    ----------
    x : array_like
        At least one axis.
    axis : int or tuple of int, optional
        Negative ones count from the end; None stands for all.

    Returns
    -------
    array : ndarray
        float16, float32 or float64.
    axes : tuple of int
        At least one.

    Raises
    ------
    TypeError
        If an axis is not an integer, or `x` has a dtype that `as_float` rejects.
    ValueError
        If `x` has no such axis, an axis is given twice, or none is.

    Examples
    --------
    >>> axes_of([[1.0]], (-1, 0))[1], axes_of([[1.0]], None)[1]
    ((0, 1), (0, 1))
    >>> axes_of([1.0], 1)
    Traceback (most recent call last):
    ValueError: x has shape (1,) and no axis 1; an array with that axis is needed
    """
    array = as_float(x)
    if axis is None:
        given: tuple[Any, ...] = tuple(range(array.ndim))
    else:
        check_axis(axis)
        given = axis if isinstance(axis, tuple) else (axis,)
    found = []
    for one in given:
        if not -array.ndim <= one < array.ndim:
            raise ValueError(
                f"x has shape {array.shape} and no axis {one}; an array with that axis is needed"
            )
        found.append(int(one) % array.ndim)
    if not found:
        raise ValueError(
            f"axis is {axis} and x has shape {array.shape}; expected at least one axis"
        )
    if len(set(found)) < len(found):
        raise ValueError(f"axis is {axis} for x of shape {array.shape}; expected each axis once")
    return array, tuple(sorted(found))


def check_axis(axis: Any) -> None:
    """Raise TypeError unless it is an integer, a tuple of them, or None.

    Examples
    --------
    >>> check_axis([0, 1])
    Traceback (most recent call last):
    TypeError: axis is [0, 1]; expected an integer, a tuple of them, or None for all axes
    """
    try:
        for one in axis if isinstance(axis, tuple) else (() if axis is None else (axis,)):
            as_integer("axis", one)
    except TypeError:
        raise TypeError(
            f"axis is {axis!r}; expected an integer, a tuple of them, or None for all axes"
        ) from None


def rows_of(x: ArrayLike, axis: Axis) -> tuple[Array, np.dtype[Any], Kernel]:
    """Return `x` as rows of a new matrix in float64; its dtype; a function to restore both.

    Parameters
    ----------
    x : array_like
        As for `axes_of`, with its errors.
    axis : int or tuple of int, optional
        What becomes a row: several axes are one, in the order in which `x` has them.

    Returns
    -------
    rows : ndarray of float64
        Shape ``(rows, n)``, a copy.
    dtype : dtype
        Of `x`.
    restore : callable
        Gives rows of that shape the shape and dtype of `x`.

    Examples
    --------
    >>> rows, dtype, restore = rows_of([[1, 2], [3, 4]], 0)
    >>> rows
    array([[1., 3.],
           [2., 4.]])
    """
    array, axes = axes_of(x, axis)
    ends = tuple(range(array.ndim - len(axes), array.ndim))
    last = array if axes == ends else np.moveaxis(array, axes, ends)
    shape = last.shape

    def restore(rows: Array) -> Array:
        values = rows.reshape(shape).astype(array.dtype, copy=False)
        return values if axes == ends else np.moveaxis(values, ends, axes)

    size = prod(shape[: -len(axes)]), prod(shape[-len(axes) :])
    return last.reshape(size).astype(np.float64), array.dtype, restore


def by_blocks(
    rows: Array, prepare: Callable[[Array], Prepared], *formulas: Callable[[Prepared], Array]
) -> list[Array]:
    """Apply formulas to some rows at a time, so that what is between stays in the cache.

    Parameters
    ----------
    rows : ndarray of float64
        Shape ``(rows, n)``.
    prepare : callable
        What the formulas share: takes some of the rows.
    *formulas : callable
        Take what `prepare` returns, and return an array with a line for each row.

    Returns
    -------
    list of ndarray
        The results of each formula, for all rows.

    Examples
    --------
    >>> by_blocks(np.eye(2), lambda rows: rows + 1, np.negative)
    [array([[-2., -1.],
           [-1., -2.]])]
    """
    count, length = rows.shape
    step = max(1, BLOCK // max(length, 1))
    if count <= step:
        prepared = prepare(rows)
        return [formula(prepared) for formula in formulas]
    results: list[Array] = []
    for start in range(0, count, step):
        block = slice(start, start + step)
        prepared = prepare(rows[block])
        parts = [formula(prepared) for formula in formulas]
        results = results or [np.empty((count, part.shape[-1])) for part in parts]
        for result, part in zip(results, parts, strict=True):
            result[block] = part
    return results
