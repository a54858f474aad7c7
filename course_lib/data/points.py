"""Points in a plane, whose geometry is known."""

import numpy as np

from course_lib._checks import as_number, check_integer
from course_lib._typing import Array

__all__ = ["moons", "spirals", "xor"]


def xor() -> tuple[Array, Array]:
    """Return the four points of exclusive or.

    Returns
    -------
    x : ndarray of float64, shape (4, 2)
        (0, 0), (0, 1), (1, 0), (1, 1).
    y : ndarray of int64, shape (4,)
        1 where exactly one coordinate is 1.

    Notes
    -----
    The example of what one layer cannot do in the book of
    Minsky and Papert, 1969 :cite:p:`minsky1969perceptrons`.

    Examples
    --------
    >>> x, y = xor()
    >>> y.tolist()
    [0, 1, 1, 0]
    """
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return x, (x.sum(axis=1) == 1).astype(np.int64)


def spirals(
    n: int = 100, *, classes: int = 2, turns: float = 1.0, noise: float = 0.02, seed: int = 0
) -> tuple[Array, Array]:
    """Return points on interleaved spirals.

    Parameters
    ----------
    n : int
        Points on each spiral.
    classes : int
        Spirals; at least 2.
    turns : float
        How often each winds around the origin.
    noise : float
        Standard deviation of a normal displacement, where the spirals end at radius 1.
    seed : int
        For the displacement and the places along the spiral.

    Returns
    -------
    x : ndarray of float64, shape (n * classes, 2)
        Points, spiral by spiral.
    y : ndarray of int64, shape (n * classes,)
        Which spiral.

    Raises
    ------
    ValueError
        If a count is not an integer or too small, the noise is not a number from 0 on, or `turns`
        is not finite.

    Notes
    -----
    After the two spirals of Lang and Witbrock, 1988 :cite:p:`lang1988learning`.

    Examples
    --------
    >>> x, y = spirals(50, classes=3)
    >>> x.shape, np.unique(y, return_counts=True)[1].tolist()
    ((150, 2), [50, 50, 50])
    """
    check_integer("n", n)
    check_integer("classes", classes, least=2)
    turns, noise = as_number("turns", turns), as_number("noise", noise, least=0)
    rng = np.random.default_rng(seed)
    radius = np.sqrt(rng.uniform(0.01, 1, (classes, n)))  # even density along the arm
    angle = 2 * np.pi * (turns * radius + np.arange(classes)[:, np.newaxis] / classes)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    points += noise * rng.standard_normal(points.shape)
    return points.reshape(-1, 2), _classes(classes, n)


def moons(n: int = 100, *, noise: float = 0.1, seed: int = 0) -> tuple[Array, Array]:
    """Return points on two interleaved half circles.

    Parameters
    ----------
    n : int
        Points on each half circle.
    noise : float
        Standard deviation of a normal displacement; the half circles have radius 1.
    seed : int
        For the displacement and the places along the half circles.

    Returns
    -------
    x : ndarray of float64, shape (2 * n, 2)
        Points, one half circle after the other.
    y : ndarray of int64, shape (2 * n,)
        Which half circle.

    Raises
    ------
    ValueError
        If `n` is not an integer from 1 on, or the noise not a number from 0 on.

    Examples
    --------
    >>> x, y = moons(50)
    >>> x.shape, np.unique(y, return_counts=True)[1].tolist()
    ((100, 2), [50, 50])
    """
    check_integer("n", n)
    noise = as_number("noise", noise, least=0)
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, np.pi, (2, n))
    upper = np.stack([np.cos(angle[0]), np.sin(angle[0])], axis=-1)
    lower = np.stack([1 - np.cos(angle[1]), 0.5 - np.sin(angle[1])], axis=-1)
    points = np.concatenate([upper, lower])
    points += noise * rng.standard_normal(points.shape)
    return points, _classes(2, n)


def _classes(count: int, n: int) -> Array:
    """Return the label of each point, class by class; int64 where NumPy counts in int32, too."""
    return np.repeat(np.arange(count, dtype=np.int64), n)
