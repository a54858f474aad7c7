"""Initial weights and biases: drawn by a scheme, and scaled to a batch."""

import copy
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_integer, as_number, check_choice, check_integer, check_type
from course_lib._typing import Array
from course_lib.network.layers import Dense, Dropout, check_untied, walk
from course_lib.network.model import Network
from course_lib.network.seeds import Seed, stream

__all__ = ["INITIALIZERS", "initialize", "lsuv"]

Draw = Callable[[np.random.Generator, int, int], tuple[Array, Array]]


def _normal(variance: Callable[[int, int], float]) -> Draw:
    """Weights from a normal distribution of that variance; biases 0."""

    def draw(rng: np.random.Generator, fan_in: int, fan_out: int) -> tuple[Array, Array]:
        scale = np.sqrt(variance(fan_in, fan_out))
        return scale * rng.standard_normal((fan_in, fan_out)), np.zeros((1, fan_out))

    return draw


def _uniform(variance: Callable[[int, int], float]) -> Draw:
    """Weights from a uniform distribution of that variance, a third of its bound²; biases 0."""

    def draw(rng: np.random.Generator, fan_in: int, fan_out: int) -> tuple[Array, Array]:
        bound = np.sqrt(3 * variance(fan_in, fan_out))
        return rng.uniform(-bound, bound, (fan_in, fan_out)), np.zeros((1, fan_out))

    return draw


def _he(fan_in: int, fan_out: int) -> float:
    return 2 / fan_in


def _xavier(fan_in: int, fan_out: int) -> float:
    return 2 / (fan_in + fan_out)


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
        "he": _normal(_he),
        "xavier": _normal(_xavier),
        "lecun": _normal(lambda fan_in, fan_out: 1 / fan_in),
        "pytorch": _pytorch_default,
        "orthogonal": _orthogonal,
        "computed": _normal(lambda fan_in, fan_out: 1 / fan_in),  # times the activation's gain
        "he_uniform": _uniform(_he),
        "xavier_uniform": _uniform(_xavier),
    }
)
"""How initial weights and biases are drawn: functions of a generator, ``fan_in`` and ``fan_out``,
by name."""


def initialize(
    fan_in: int,
    fan_out: int,
    *,
    seed: Seed | np.random.Generator = 0,
    scheme: str = "he",
    gain: float = 1.0,
) -> tuple[Array, Array]:
    r"""Draw the initial weights and biases of one layer.

    Parameters
    ----------
    fan_in, fan_out : int
        Numbers of inputs and outputs of the layer; at least 1.
    seed : int, SeedSequence or Generator
        Where the random numbers come from.
    scheme : str
        A key of `INITIALIZERS`: ``"he"`` (variance ``2/fan_in`` :cite:p:`he2015delving`),
        ``"xavier"`` (``2/(fan_in + fan_out)`` :cite:p:`glorot2010understanding`), ``"lecun"``
        (``1/fan_in`` :cite:p:`lecun1998efficient`), all normal with biases 0; ``"pytorch"``, what
        ``torch.nn.Linear`` does: uniform, variance ``1/(3 fan_in)``, biases too; ``"orthogonal"``
        (a random orthogonal matrix, or columns or rows of one, with biases 0
        :cite:p:`saxe2014exact`); or ``"computed"`` (normal, variance ``1/fan_in``, with biases 0),
        whose gain follows from the activation, as in `mlp`. ``"he_uniform"`` and
        ``"xavier_uniform"`` have the variances of the first two and biases 0, and are uniform
        within :math:`\sqrt{6/\text{fan-in}}` and
        :math:`\sqrt{6/(\text{fan-in} + \text{fan-out})}`, as Glorot and Bengio drew them.
    gain : float
        Multiplies the weights, not the biases; finite and above 0. For the gain that keeps the
        variance of an activation, see `course_lib.meanfield.gain`.

    Returns
    -------
    weight : ndarray of float64, shape (fan_in, fan_out)
        Initial weights.
    bias : ndarray of float64, shape (1, fan_out)
        Initial biases.

    Raises
    ------
    KeyError
        If there is no such scheme.
    ValueError
        If a number of units is below 1, or the gain is not a finite number above 0.
    TypeError
        If a number of units is not an integer.

    Notes
    -----
    What the schemes are elsewhere, all of ``torch.nn.init`` and ``keras.initializers``:

    ================  =====================================================  =================
    scheme            PyTorch                                                Keras
    ================  =====================================================  =================
    he                ``kaiming_normal_(nonlinearity="relu")``               (``HeNormal``)
    he_uniform        ``kaiming_uniform_(nonlinearity="relu")``              ``HeUniform``
    xavier            ``xavier_normal_``                                     (``GlorotNormal``)
    xavier_uniform    ``xavier_uniform_``                                    ``GlorotUniform``
    lecun             ``kaiming_normal_(nonlinearity="linear")``             (``LecunNormal``)
    pytorch           ``kaiming_uniform_(a=math.sqrt(5))``, of ``Linear``
    orthogonal        ``orthogonal_``                                        ``Orthogonal``
    ================  =====================================================  =================

    ``GlorotUniform`` is the default of a ``Dense`` in Keras. Those in brackets are normal
    distributions that are cut off at two standard deviations, of the same variance.

    Examples
    --------
    >>> weight, bias = initialize(1000, 500, scheme="he")
    >>> weight.shape, bias.shape, round(float(weight.var() * 1000), 1)
    ((1000, 500), (1, 500), 2.0)
    >>> weight, _ = initialize(600, 500, scheme="he_uniform")
    >>> bool(np.abs(weight).max() <= 0.1)  # the root of 6/600
    True
    """
    check_choice("initialization", scheme, INITIALIZERS)
    fan_in, fan_out = as_integer("fan_in", fan_in), as_integer("fan_out", fan_out)
    if fan_in < 1 or fan_out < 1:
        raise ValueError(
            f"a layer from {fan_in} to {fan_out} units; at least 1 is needed on a side"
        )
    gain = as_number("gain", gain, above=0)
    rng = seed if isinstance(seed, np.random.Generator) else stream(seed, "weights")
    weight, bias = INITIALIZERS[scheme](rng, fan_in, fan_out)
    return gain * weight, bias


def lsuv(network: Network, x: ArrayLike, *, tolerance: float = 0.01, steps: int = 10) -> Array:
    r"""Scale the weights so that each dense layer's output has variance 1 on a batch, in place.

    Layer by layer from the input on, each replica for itself: while the variance of a dense layer's
    output, over batch and features, differs from 1 by `tolerance` or more, its weights are divided
    by the standard deviation. Biases stay; where they are 0, one step is enough.

    Parameters
    ----------
    network : Network
        With its initial weights, best orthogonal ones: ``mlp(..., initialization="orthogonal")``.
    x : array_like
        A batch, as `Network.forward` takes it. It passes in training mode, but running averages
        stay as they are, and nothing is dropped: no scale depends on a random mask.
    tolerance : float
        Above 0.
    steps : int
        At most as many for each layer; at least 1.

    Returns
    -------
    ndarray of float64, shape (..., dense layers)
        The variances that were reached; farther from 1 than the tolerance where biases vary so
        much that no scale of the weights helps.

    Raises
    ------
    ValueError
        If a layer's products with the weights are constant or not finite, so that no scale helps,
        two layers hold the same array, or a setting is out of range. The network is then as it was.
    TypeError
        If it is not a `Network`.

    Notes
    -----
    Layer-sequential unit variance, Mishkin and Matas, 2016 :cite:p:`mishkin2016all`.

    Examples
    --------
    >>> from course_lib.network import mlp
    >>> network = mlp([20, 50, 50, 3], "relu", initialization="orthogonal")
    >>> lsuv(network, np.random.default_rng(0).normal(size=(64, 20))).round(6)
    array([1., 1., 1.])
    """
    tolerance = as_number("tolerance", tolerance, above=0)
    check_integer("steps", steps)
    check_type("network", network, Network, "a course_lib.network.Network")
    check_untied(network.layers)
    scratch = copy.deepcopy(network)  # nothing is written until all layers have their scale
    reached: list[Array] = []
    for name, layer in walk(scratch.layers):
        if isinstance(layer, Dense):
            # in its place, a forward pass that scales the layer to the input that comes
            scaled = partial(_forward_scaled, layer, layer.forward, reached, tolerance, steps, name)
            vars(layer)["forward"] = scaled
        elif isinstance(layer, Dropout):
            vars(layer)["forward"] = np.asarray  # as in evaluation mode
    with np.errstate(all="ignore"):
        scratch.forward(x, training=True)
    network.load_parameters(scratch.parameters)
    return np.stack(reached, axis=-1)


def _forward_scaled(
    layer: Dense,
    forward: Callable[[Array], Array],
    reached: list[Array],
    tolerance: float,
    steps: int,
    name: str,
    x: Array,
) -> Array:
    """Scale a layer to an input, add the variance that this reached, and return the output."""
    _scale_to_unit_variance(layer, x, tolerance, steps, name)
    output = forward(x)
    reached.append(output.var(axis=(-2, -1), dtype=np.float64))
    return output


def _scale_to_unit_variance(
    layer: Dense, x: Array, tolerance: float, steps: int, name: str
) -> None:
    """Scale a layer's weights until its output has variance 1; raise ValueError if none does."""
    weight, bias = layer.parameters["weight"], layer.parameters.get("bias", 0)
    with np.errstate(over="ignore", invalid="ignore"):  # checked in the next lines
        product = (x @ weight).astype(np.float64)
        extent = np.ptp(product, axis=(-2, -1))
        square = np.square(extent)  # a variance is below it, and in the same range of floats
    if not ((square > np.finfo(np.float64).tiny) & np.isfinite(square)).all():
        raise ValueError(
            f"layer {name} makes products with its weights that are constant or not finite "
            f"(largest minus smallest: {extent}), so that no scale gives them variance 1; check "
            f"the batch, and whether the units before it are dead"
        )
    factor = np.ones((*extent.shape, 1, 1))
    for _ in range(steps):
        variance = (factor * product + bias).var(axis=(-2, -1), keepdims=True)
        far = np.abs(variance - 1) >= tolerance
        if not far.any():
            break
        factor = np.where(far, factor / np.sqrt(variance), factor)
    weight *= factor
