r"""Steps of an LSTM and of a GRU.

Weights are those of `torch.nn.LSTM` and `torch.nn.GRU`, transposed: what the input is multiplied
by has the shape ``(..., inputs, blocks * units)``, what the state is multiplied by ``(..., units,
blocks * units)``, a bias ``(..., 1, blocks * units)``. The leading axes are replicas.
"""

from typing import NamedTuple

import numpy as np

from course_lib._checks import check_choice, check_float_arrays, check_shape
from course_lib._typing import Array

__all__ = ["RecurrentWeights", "gru_step", "lstm_step"]

RESETS = ("after", "before")


class RecurrentWeights(NamedTuple):
    """The weights of an LSTM or a GRU.

    Attributes
    ----------
    input, recurrent : ndarray
        Shapes ``(..., inputs, blocks * units)`` and ``(..., units, blocks * units)``.
    bias, recurrent_bias : ndarray
        Both ``(..., 1, blocks * units)``: the one is added to the product with the input, the other
        to that with the state.
    """

    input: Array
    recurrent: Array
    bias: Array
    recurrent_bias: Array


def lstm_step(x: Array, h: Array, c: Array, weights: RecurrentWeights) -> tuple[Array, Array]:
    r"""Return the next output and the next cell state of an LSTM.

    .. math::

        c' = \sigma(z_f) \odot c + \sigma(z_i) \odot \tanh z_g, \qquad
        h' = \sigma(z_o) \odot \tanh c'

    where :math:`z = x W + b + h U + b_U`, and its blocks are in PyTorch's order i, f, g, o.

    Parameters
    ----------
    x : ndarray
        Shape ``(..., batch, inputs)``.
    h, c : ndarray
        Shape ``(..., batch, units)``.
    weights : RecurrentWeights
        Of four blocks.

    Returns
    -------
    tuple of ndarray
        The next `h` and the next `c`.

    Raises
    ------
    ValueError
        If the shapes do not fit each other.
    TypeError
        If something is not an array, or dtypes differ or are not float.

    Notes
    -----
    With a forget gate, which :cite:t:`gers2000learning` added to the LSTM of
    :cite:t:`hochreiter1997long`, and without peephole connections.

    Examples
    --------
    >>> zeros = RecurrentWeights(*(np.zeros(shape) for shape in [(3, 8), (2, 8), (1, 8), (1, 8)]))
    >>> h, c = lstm_step(np.ones((1, 3)), np.zeros((1, 2)), np.ones((1, 2)), zeros)
    >>> c  # a gate of 1/2, and nothing new
    array([[0.5, 0.5]])
    """
    _check(4, weights, x, h, c)
    z = _product(x, weights.input)
    z += _product(h, weights.recurrent)
    z += weights.bias + weights.recurrent_bias
    n = h.shape[-1]
    g = np.tanh(z[..., 2 * n : 3 * n])
    gates = _sigmoid(z)  # of all blocks: one call on more numbers costs less than two calls
    new = gates[..., n : 2 * n] * c
    g *= gates[..., :n]
    new += g
    return gates[..., 3 * n :] * np.tanh(new), new


def gru_step(x: Array, h: Array, weights: RecurrentWeights, *, reset: str = "after") -> Array:
    r"""Return the next state of a GRU.

    .. math::

        h' = (1 - u) \odot \tanh(x W_n + b_n + r \odot (h U_n + b_{U_n})) + u \odot h, \qquad
        (r, u) = \sigma(x W + b + h U + b_U)

    Parameters
    ----------
    x : ndarray
        Shape ``(..., batch, inputs)``.
    h : ndarray
        Shape ``(..., batch, units)``.
    weights : RecurrentWeights
        Of three blocks in PyTorch's order r, u, n.
    reset : str
        ``"after"``: as above, the reset gate follows the product with the state, as in PyTorch and
        cuDNN. ``"before"``: it precedes it, :math:`(r \odot h) U_n`, as in
        :cite:t:`cho2014learning`.

    Returns
    -------
    ndarray
        The next `h`.

    Raises
    ------
    ValueError
        If the shapes do not fit each other.
    KeyError
        If there is no such `reset`.
    TypeError
        If something is not an array, or dtypes differ or are not float.

    Examples
    --------
    >>> zeros = RecurrentWeights(*(np.zeros(shape) for shape in [(3, 6), (2, 6), (1, 6), (1, 6)]))
    >>> gru_step(np.ones((1, 3)), np.ones((1, 2)), zeros)
    array([[0.5, 0.5]])
    """
    check_choice("reset", reset, RESETS)
    _check(3, weights, x, h)
    n = h.shape[-1]
    from_x = _product(x, weights.input) + weights.bias
    split = 3 * n if reset == "after" else 2 * n
    from_h = h @ weights.recurrent[..., :split] + weights.recurrent_bias[..., :split]
    gates = _sigmoid(from_x[..., : 2 * n] + from_h[..., : 2 * n])
    r, u = gates[..., :n], gates[..., n:]
    if reset == "after":
        past = r * from_h[..., 2 * n :]
    else:
        past = (r * h) @ weights.recurrent[..., 2 * n :] + weights.recurrent_bias[..., 2 * n :]
    candidate = np.tanh(from_x[..., 2 * n :] + past)
    return candidate + u * (h - candidate)


def _product(a: Array, b: Array) -> Array:
    """Return a matrix product; for two small matrices `dot` takes half the time of ``@``."""
    return a.dot(b) if a.ndim == b.ndim == 2 else a @ b


def _sigmoid(z: Array) -> Array:
    """Return the sigmoid, in the place of its argument.

    By tanh, which has a fast loop in NumPy and cannot overflow.
    """
    z *= 0.5
    np.tanh(z, out=z)
    z *= 0.5
    z += 0.5
    return z


def _check(blocks: int, weights: RecurrentWeights, x: Array, *states: Array) -> None:
    """Raise an error unless weights, input and states fit each other."""
    dtype, parts = x.dtype, (x, *weights, *states)
    for part in parts:  # a loop, because `any` takes twice as long on a step of small matrices
        if part.__class__ is not np.ndarray or part.dtype != dtype:
            check_float_arrays(**_named(parts))
    if dtype.kind != "f":
        check_float_arrays(x=x)
    batch, n = states[0].shape[-2:]
    inputs, wide = x.shape[-1], blocks * n
    if (
        x.shape[-2] != batch
        or states[0].shape != states[-1].shape
        or weights.input.shape[-2:] != (inputs, wide)
        or weights.recurrent.shape[-2:] != (n, wide)
        or weights.bias.shape[-2:] != (1, wide)
        or weights.recurrent_bias.shape[-2:] != (1, wide)
    ):
        expected = f"a batch of x, weights (inputs, {wide}), ({n}, {wide}), biases (1, {wide})"
        check_shape(False, expected, **_named(parts))


def _named(parts: tuple[Array, ...]) -> dict[str, Array]:
    """Return the arguments of a step by their names, for an error."""
    return dict(zip(("x", *RecurrentWeights._fields, "h", "c"), parts, strict=False))
