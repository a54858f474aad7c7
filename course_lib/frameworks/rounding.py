"""How far two arrays are apart, and how far rounding alone may bring them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from course_lib._typing import Array
from course_lib.frameworks.traces import Value

__all__ = ["apart", "tolerance_of_layer", "tolerance_of_outputs"]

FEW = 8  # machine epsilons of what is added up, in one layer that is known
MANY = 64  # in one that is not, in a recurrent one and in several
SINGLE = {
    *("celu", "elu", "flatten", "gelu", "hard_sigmoid", "hard_swish", "leaky_relu", "linear"),
    *("normalization", "prelu", "relu", "selu", "softmax", "softplus"),
}  # kinds whose rounding errors are few


def apart(here: Array, there: Array) -> tuple[float, tuple[int, ...]]:
    """Return the largest absolute difference of two arrays, and where it is.

    Parameters
    ----------
    here, there : ndarray
        Of one shape, not empty, and any dtype of real numbers.

    Returns
    -------
    difference : float
        0 where both are NaN or the same infinity; infinite where only one is.
    place : tuple of int
        The first index with this difference.

    Examples
    --------
    >>> apart(np.array([0.0, np.nan, 3.0]), np.array([0.5, np.nan, 1.0]))
    (2.0, (2,))
    """
    with np.errstate(all="ignore"):
        far = np.abs(np.subtract(here, there, dtype=np.result_type(here, there, np.float32)))
        largest = far.max(initial=0)
        if not np.isfinite(largest):
            same = (here == there) | (np.isnan(here) & np.isnan(there))
            far = np.where(same, 0, np.where(np.isnan(far), np.inf, far))
    number = int(far.argmax())
    return float(far.flat[number]), tuple(int(i) for i in np.unravel_index(number, far.shape))


def tolerance_of_layer(value: Value, seen: Array, eps: float, parts: int = 1) -> float:
    """Return how far rounding may bring two versions of a layer apart.

    Parameters
    ----------
    value : Value
        Of the one version.
    seen : ndarray
        What the other returned.
    eps : float
        The machine epsilon of the coarser one.
    parts : int
        Of how many layers the value is the last.

    Returns
    -------
    float
        Above 0.
    """
    few = FEW if value.kind in SINGLE and parts == 1 else MANY
    size = max(_largest(value.array), _largest(seen))
    given = max((_largest(x) for x in value.inputs if x.dtype.kind == "f"), default=0.0)
    if few == MANY:
        size = max(size, given)
    elif value.kind == "linear":
        size = max(size, _size_of_product(value.settings(), given))
    elif value.kind == "normalization":
        size = max(size, _size_of_normalization(value, value.settings()))
    # bounded functions have errors of their own size where they return next to nothing
    return few * eps * max(size, min(1.0, given), float(np.finfo(np.float32).tiny))


def tolerance_of_outputs(here: Array, there: Array, eps: float, layers: int) -> float:
    """Return how far rounding may bring the outputs of two networks apart.

    Parameters
    ----------
    here, there : ndarray
        The outputs.
    eps : float
        The machine epsilon of the coarser one.
    layers : int
        How many are on the way.

    Returns
    -------
    float
        Above 0.
    """
    size = max(_largest(here), _largest(there), float(np.finfo(np.float32).tiny))
    return FEW * max(layers, 4) * max(eps, float(np.finfo(np.float64).eps)) * size


def _largest(values: Array) -> float:
    """Return the largest finite absolute value."""
    largest = float(max(values.max(initial=0), -values.min(initial=0)))
    if np.isfinite(largest):
        return largest
    return float(np.abs(values[np.isfinite(values)]).max(initial=0))


def _size_of_product(settings: Mapping[str, Any], given: float) -> float:
    """Return the length of the longest row of a matrix times the largest input.

    Sums of more than 64 products count more, as their rounding errors add up to more.
    """
    if "weight" not in settings:
        return 0.0
    weight = settings["weight"]
    longest = float(np.sqrt(np.einsum("ij,ij->i", weight, weight).max(initial=0)))
    return given * longest * max(1.0, float(np.sqrt(weight.shape[1])) / 8)


def _size_of_normalization(value: Value, settings: Mapping[str, Any]) -> float:
    """Return the largest of what a normalization adds and subtracts, once it is divided."""
    if not settings:
        return 0.0
    x = np.abs(value.inputs[0].astype(np.float64))
    if settings.get("mean") is not None:
        center, variance = np.abs(settings["mean"]), settings["variance"]
    else:
        axes = tuple(range(1, x.ndim)) if settings.get("groups") else tuple(settings["axes"])
        center, variance = 0.0, value.inputs[0].astype(np.float64).var(axes, keepdims=True)
    root = np.sqrt(variance + settings["eps"])
    weight = np.abs(settings.get("weight", 1.0))
    with np.errstate(all="ignore"):
        sizes = (x + center) / root * weight + np.abs(settings.get("bias", 0.0))
    return float(sizes[np.isfinite(sizes)].max(initial=0))
