"""First weights and biases: schemes by name."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from course_lib._checks import as_array, unknown_name
from course_lib._typing import Array
from course_lib.activations.parameters import check_integer
from course_lib.network.seeds import Seed, stream

__all__ = ["INITIALIZERS", "initialize"]

Draw = Callable[[np.random.Generator, int, int], tuple[Array, Array]]


def _normal(variance: Callable[[int, int], float]) -> Draw:
    """Weights from a normal distribution of that variance; biases 0."""

    def draw(rng: np.random.Generator, fan_in: int, fan_out: int) -> tuple[Array, Array]:
        scale = np.sqrt(variance(fan_in, fan_out))
        return scale * rng.standard_normal((fan_in, fan_out)), np.zeros((1, fan_out))

    return draw


def _pytorch_default(rng: np.random.Generator, fan_in: int, fan_out: int) -> tuple[Array, Array]:
    """Weights and biases uniform within 1 / sqrt(fan_in): a variance of 1 / (3 fan_in)."""
    bound = 1 / np.sqrt(fan_in)
    weight = rng.uniform(-bound, bound, (fan_in, fan_out))
    return weight, rng.uniform(-bound, bound, (1, fan_out))


def _orthogonal(rng: np.random.Generator, fan_in: int, fan_out: int) -> tuple[Array, Array]:
    """Orthonormal columns, or rows where there are fewer of them; biases 0."""
    tall = rng.standard_normal((max(fan_in, fan_out), min(fan_in, fan_out)))
    q, r = np.linalg.qr(tall)
    # QR is unique up to signs; with a positive diagonal of r, no direction is preferred
    q = q * np.copysign(1.0, np.diagonal(r))
    return q if fan_in >= fan_out else np.ascontiguousarray(q.T), np.zeros((1, fan_out))


INITIALIZERS: Mapping[str, Draw] = MappingProxyType(
    {
        "he": _normal(lambda fan_in, fan_out: 2 / fan_in),
        "xavier": _normal(lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
        "lecun": _normal(lambda fan_in, fan_out: 1 / fan_in),
        "pytorch": _pytorch_default,
        "orthogonal": _orthogonal,
        "computed": _normal(lambda fan_in, fan_out: 1 / fan_in),  # times the activation's gain
    }
)
"""How first weights and biases are drawn, by name: function of generator, fan-in and fan-out."""


def initialize(
    fan_in: int,
    fan_out: int,
    *,
    seed: Seed | np.random.Generator = 0,
    scheme: str = "he",
    gain: float = 1.0,
) -> tuple[Array, Array]:
    r"""Draw the first weights and biases of one layer.

    Parameters
    ----------
    fan_in, fan_out : int
        Numbers of inputs and outputs of a unit's layer; at least 1.
    seed : int, SeedSequence or Generator
        Where the random numbers come from.
    scheme : str
        A key of `INITIALIZERS`: ``"he"`` (variance 2/fan_in :cite:p:`he2015delving`),
        ``"xavier"`` (2/(fan_in + fan_out) :cite:p:`glorot2010understanding`), ``"lecun"``
        (1/fan_in :cite:p:`lecun1998efficient`), all normal with biases 0; ``"pytorch"``, what
        ``torch.nn.Linear`` does: uniform, variance 1/(3 fan_in), biases too; ``"orthogonal"``
        (a random orthogonal matrix, or columns or rows of one, with biases 0
        :cite:p:`saxe2014exact`); or ``"computed"`` (normal, variance 1/fan_in, with biases 0),
        whose gain is to be computed from the activation, as `mlp` does.
    gain : float
        Multiplies the weights, not the biases; finite and above 0. For the signal that an
        activation returns, see `course_lib.meanfield.gain`.

    Returns
    -------
    weight : ndarray of float64, shape (fan_in, fan_out)
        First weights.
    bias : ndarray of float64, shape (1, fan_out)
        First biases.

    Raises
    ------
    KeyError
        If there is no such scheme.
    ValueError
        If a number of units is below 1, or the gain is not a finite number above 0.
    TypeError
        If a number of units is not an integer.

    Examples
    --------
    >>> weight, bias = initialize(1000, 500, scheme="he")
    >>> weight.shape, bias.shape, round(float(weight.var() * 1000), 1)
    ((1000, 500), (1, 500), 2.0)
    """
    if not isinstance(scheme, str) or scheme not in INITIALIZERS:
        raise KeyError(unknown_name("initialization", scheme, INITIALIZERS))
    fan_in, fan_out = check_integer("fan_in", fan_in), check_integer("fan_out", fan_out)
    if fan_in < 1 or fan_out < 1:
        raise ValueError(
            f"a layer from {fan_in} to {fan_out} units; at least 1 is needed on a side"
        )
    number = as_array("gain", gain)
    if number.dtype.kind not in "fiu" or number.ndim or not 0 < number < math.inf:
        raise ValueError(f"gain is {gain}; expected finite numbers above 0")
    rng = seed if isinstance(seed, np.random.Generator) else stream(seed, "weights")
    weight, bias = INITIALIZERS[scheme](rng, fan_in, fan_out)
    return gain * weight, bias
