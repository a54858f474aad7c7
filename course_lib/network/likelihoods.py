"""Likelihoods of outputs that are parameters of a distribution: Gaussian and Poisson."""

import math

import numpy as np
from numpy.typing import ArrayLike

from course_lib._checks import as_array, as_flag
from course_lib._typing import Array, PerReplica
from course_lib.network.loss_parts import (
    as_counts,
    as_targets,
    check_outputs,
    mean_over,
)

__all__ = [
    "gaussian_nll",
    "gaussian_nll_grad",
    "poisson_nll",
    "poisson_nll_grad",
]


def gaussian_nll(outputs: Array, targets: ArrayLike, *, full: bool = False) -> PerReplica:
    r"""Return the mean of :math:`\frac12 \left(s + (t - \mu)^2 e^{-s}\right)`.

    The negative logarithm of a normal density whose mean and variance the network gives.

    Parameters
    ----------
    outputs : ndarray
        Shape ``(..., batch, 2 n)``: first the n means :math:`\mu`, then as many logarithms of
        variances, :math:`s = \log \sigma^2`, in the same order.
    targets : array_like
        Shape ``(batch, n)`` or ``(..., batch, n)``.
    full : bool
        Add :math:`\frac12 \log 2\pi`, which changes no gradient and makes this the density's.

    Returns
    -------
    ndarray or scalar
        Shape ``(...)``: one number for each replica, the mean over batch and targets. In nats. It
        has no lower bound: where a mean is right, it falls with the variance.

    Raises
    ------
    TypeError
        If the outputs are not floats, the targets not real numbers, or `full` is not a bool.
    ValueError
        If the number of outputs is odd, the batch is empty, or a shape does not fit.

    Notes
    -----
    Nix and Weigend, 1994 :cite:p:`nix1994estimating`. A logarithm may be any number, so that the
    output needs no activation, and no variance is 0 or negative.
    ``torch.nn.functional.gaussian_nll_loss(mean, target, var)`` takes the variance itself and
    gives the same for ``var = exp(s)``, as long as that is above its ``eps``, to which it clamps
    the variance; where it does, its gradient is that at ``eps``, and not 0.

    At an infinite variance all targets are equally far, and the loss is infinite; at a variance of
    0 it is infinite, and minus infinity where the mean is the target. Computed in float64, whatever
    the dtype, and rounded once.

    Examples
    --------
    >>> gaussian_nll(np.array([[1.0, 0.0]]), [[3.0]])
    np.float64(2.0)
    """
    return gaussian_both(outputs, targets, full=full)[0]


def gaussian_nll_grad(outputs: Array, targets: ArrayLike, *, full: bool = False) -> Array:
    r"""Return the gradient of `gaussian_nll` with respect to the outputs.

    Of the means :math:`(\mu - t) e^{-s}/N`, of the logarithms
    :math:`\frac12 \left(1 - (t - \mu)^2 e^{-s}\right)/N`, for N targets in the batch.

    Parameters and errors are those of `gaussian_nll`; the shape is that of `outputs`.

    Examples
    --------
    >>> gaussian_nll_grad(np.array([[1.0, 0.0]]), [[3.0]])
    array([[-2. , -1.5]])
    """
    return gaussian_both(outputs, targets, full=full)[1]


def gaussian_both(
    outputs: Array, targets: ArrayLike, *, full: bool = False
) -> tuple[PerReplica, Array]:
    """Return loss and gradient from the same exponentials."""
    full, (mean, log_variance) = as_flag("full", full), _halves(outputs, targets)
    given = as_targets(mean, targets, np.float64, of=f"of outputs {outputs.shape} the means")
    count = mean.shape[-2] * mean.shape[-1]
    with np.errstate(all="ignore"):
        mean, log_variance = mean.astype(np.float64), log_variance.astype(np.float64)
        away, unit = mean - given, 1.0
        if not np.isfinite(away).all():  # a difference may be too large where its half is not
            away, unit = mean / 2 - given / 2, 0.5
        # in quarters, of which none overflows where the result does not
        quarter = np.exp(-log_variance / 4)
        scaled = away * quarter * quarter / unit
        # nothing times an infinite number
        nothing = ((away == 0) & (quarter == np.inf)) | (np.isinf(away) & (quarter == 0))
        scaled[nothing] = 0
        half_squares = scaled * (scaled / 2)
        values = log_variance / 2 + half_squares
        values[half_squares == np.inf] = np.inf  # at a variance of 0, where s is minus infinity
        if full:
            values += math.log(2 * math.pi) / 2
        of_mean = scaled * quarter * quarter / count
        of_mean[nothing] = 0
        of_log = (0.5 - half_squares) / count
        gradient = np.concatenate([of_mean, of_log], axis=-1).astype(outputs.dtype)
        return mean_over(values, (-2, -1)).astype(outputs.dtype), gradient


def _halves(outputs: Array, targets: ArrayLike) -> tuple[Array, Array]:
    """Return means and logarithms of variances, or raise an error."""
    check_outputs(outputs, as_array("targets", targets))
    units = outputs.shape[-1]
    if units % 2:
        raise ValueError(
            f"the network's output has shape {outputs.shape}; expected an even number of outputs, "
            f"the means first, then as many logarithms of variances"
        )
    return outputs[..., : units // 2], outputs[..., units // 2 :]


def poisson_nll(outputs: Array, targets: ArrayLike, *, full: bool = False) -> PerReplica:
    r"""Return the mean of :math:`e^{z} - t z`, for logarithms of rates z and counts t.

    The negative logarithm of the Poisson distribution whose rate the network gives.

    Parameters
    ----------
    outputs : ndarray
        Shape ``(..., batch, features)``: logarithms of the expected counts.
    targets : array_like
        Shape ``(batch, features)`` or that of `outputs`: counts from 0 on. Numbers between the
        integers, such as mean counts, are taken too.
    full : bool
        Add :math:`\log t!`, which changes no gradient and makes this the distribution's.

    Returns
    -------
    ndarray or scalar
        Shape ``(...)``: one number for each replica. In nats.

    Raises
    ------
    TypeError
        If the outputs are not floats, the targets not real numbers, or `full` is not a bool.
    ValueError
        If the batch is empty, a shape does not fit, or a target is negative or NaN.

    Notes
    -----
    The log link of a generalized linear model :cite:p:`mccullagh1989generalized`, and
    ``torch.nn.functional.poisson_nll_loss`` with its ``log_input=True``. With ``full``, that adds
    Stirling's approximation, and nothing for targets up to 1; :math:`\log t!` is exact here. At
    t = 2, PyTorch is 0.041 too low.

    At an infinite rate this is infinite, at a rate of 0 also, unless the count is 0. Computed in
    float64, whatever the dtype, and rounded once.

    Examples
    --------
    >>> poisson_nll(np.array([[0.0]]), [[3]])
    np.float64(1.0)
    >>> np.exp(-poisson_nll(np.array([[np.log(2)]]), [[0]], full=True)).round(4)
    np.float64(0.1353)
    """
    return poisson_both(outputs, targets, full=full)[0]


def poisson_nll_grad(outputs: Array, targets: ArrayLike, *, full: bool = False) -> Array:
    r"""Return the gradient of `poisson_nll`, :math:`(e^{z} - t)/N` for N counts in the batch.

    Parameters and errors are those of `poisson_nll`; the shape is that of `outputs`.

    Examples
    --------
    >>> poisson_nll_grad(np.array([[0.0]]), [[3]])
    array([[-2.]])
    """
    return poisson_both(outputs, targets, full=full)[1]


def poisson_both(
    outputs: Array, targets: ArrayLike, *, full: bool = False
) -> tuple[PerReplica, Array]:
    """Return loss and gradient from the same exponentials."""
    full, counts = as_flag("full", full), as_counts(outputs, targets)
    with np.errstate(all="ignore"):
        logs = outputs.astype(np.float64)
        rates = np.exp(logs)
        linear = counts * logs
        linear[np.broadcast_to(counts == 0, logs.shape)] = 0  # also where a logarithm is infinite
        values = rates - linear
        values[rates == np.inf] = np.inf
        if full:
            values += _log_factorial(counts)
        gradient = (rates - counts) / (logs.shape[-2] * logs.shape[-1])
        return mean_over(values, (-2, -1)).astype(outputs.dtype), gradient.astype(outputs.dtype)


def _log_factorial(counts: Array) -> Array:
    """Return log t! of each count; NumPy has none, and Python's does not reach infinity."""
    logs = [math.lgamma(t + 1) if t < 1e305 else math.inf for t in counts.flat]
    return np.array(logs).reshape(counts.shape)
