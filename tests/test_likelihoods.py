"""Gaussian and Poisson likelihoods against PyTorch, SciPy and exact values."""

import math

import numpy as np
import pytest
import torch
from mpmath import mp, mpf
from network_helpers import REPLICAS
from scipy import stats
from together import together
from torch import nn

from course_lib.network import (
    gaussian_nll,
    gaussian_nll_grad,
    get_loss,
    poisson_nll,
    poisson_nll_grad,
)

DTYPES = [np.float16, np.float32, np.float64]
INF, NAN = float("inf"), float("nan")


def parts(replicas=(), batch=7, n=3, seed=0):
    """Return means, logarithms of variances, and targets of one batch."""
    rng = np.random.default_rng(seed)
    mean, log_variance = rng.normal(size=(2, *replicas, batch, n)) * 2
    return mean, log_variance, rng.normal(size=(batch, n))


# ---------------------------------------------------------------------------------------------
# Other libraries
# ---------------------------------------------------------------------------------------------


@together("full", [False, True])
@together("replicas", REPLICAS)
@together("own_targets", [False, True])
def test_the_gaussian_loss_is_that_of_pytorch_with_a_variance(full, replicas, own_targets):
    mean, log_variance, targets = parts(replicas)
    targets = targets + np.random.default_rng(2).normal(size=mean.shape if own_targets else ())
    outputs = np.concatenate([mean, log_variance], axis=-1)
    value, gradient = get_loss("gaussian_nll", full=full).with_gradient(outputs, targets)
    np.testing.assert_array_equal(value, gaussian_nll(outputs, targets, full=full))
    np.testing.assert_array_equal(gradient, gaussian_nll_grad(outputs, targets))
    for index in np.ndindex(replicas):
        leaf = torch.tensor(outputs[index], requires_grad=True)
        own = torch.tensor(targets[index] if own_targets else targets)
        theirs = nn.GaussianNLLLoss(full=full)(leaf[:, :3], own, leaf[:, 3:].exp())
        theirs.backward()
        assert np.asarray(value)[index] == pytest.approx(theirs.item(), rel=1e-14)
        np.testing.assert_allclose(gradient[index], leaf.grad, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("replicas", REPLICAS, ids=str)
def test_the_poisson_loss_is_that_of_pytorch_but_for_its_factorials(full, replicas):
    rng = np.random.default_rng(0)
    outputs, targets = rng.normal(size=(*replicas, 6, 2)), rng.poisson(3, (6, 2))
    value, gradient = get_loss("poisson_nll", full=full).with_gradient(outputs, targets)
    np.testing.assert_array_equal(value, poisson_nll(outputs, targets, full=full))
    np.testing.assert_array_equal(gradient, poisson_nll_grad(outputs, targets, full=full))
    constant = np.mean([math.log(math.factorial(t)) for t in targets.flat]) if full else 0
    for index in np.ndindex(replicas):
        leaf = torch.tensor(outputs[index], requires_grad=True)
        theirs = nn.PoissonNLLLoss(log_input=True)(leaf, torch.tensor(targets))
        theirs.backward()
        assert np.asarray(value)[index] == pytest.approx(theirs.item() + constant, rel=1e-14)
        np.testing.assert_allclose(gradient[index], leaf.grad, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(("count", "low", "high"), [(1, 0, 0), (2, 0.04, 0.042), (9, 0.009, 0.01)])
def test_stirling_s_approximation_of_pytorch_is_too_low(count, low, high):
    ours = poisson_nll(np.zeros((1, 1)), [[count]], full=True)
    counts = torch.tensor([[float(count)]])
    theirs = nn.PoissonNLLLoss(full=True)(torch.zeros(1, 1), counts).item()
    assert low - 1e-6 <= ours - theirs <= high + 1e-6


def test_a_clamped_variance_is_where_pytorch_differs():
    outputs, target = np.array([[1.0, math.log(1e-8)]]), np.array([[1.001]])
    leaf = torch.tensor(outputs, requires_grad=True)
    theirs = nn.GaussianNLLLoss(eps=1e-6)(leaf[:, :1], torch.tensor(target), leaf[:, 1:].exp())
    assert theirs.item() == pytest.approx((math.log(1e-6) + 1) / 2, rel=1e-9)
    assert gaussian_nll(outputs, target) == pytest.approx((math.log(1e-8) + 100) / 2, rel=1e-9)


def test_full_losses_are_those_of_the_distributions():
    mean, log_variance, targets = parts()
    outputs = np.concatenate([mean, log_variance], axis=-1)
    expected = -stats.norm.logpdf(targets, mean, np.exp(log_variance / 2)).mean()
    assert gaussian_nll(outputs, targets, full=True) == pytest.approx(expected, rel=1e-13)
    counts = np.random.default_rng(1).poisson(4, mean.shape)
    expected = -stats.poisson.logpmf(counts, np.exp(mean)).mean()
    assert poisson_nll(mean, counts, full=True) == pytest.approx(expected, rel=1e-13)


# ---------------------------------------------------------------------------------------------
# Exact values
# ---------------------------------------------------------------------------------------------


def exact_gaussian(mean, log_variance, target):
    """Return loss, gradient, and the larger of what each of them subtracts or adds."""
    mean, s, target = (mpf(float(part)) for part in (mean, log_variance, target))
    square = (target - mean) ** 2 * mp.exp(-s)
    gradient = (mean - target) * mp.exp(-s), (1 - square) / 2
    return (s + square) / 2, gradient, max(abs(s), square), max(1, square)


@together("dtype", DTYPES)
@pytest.mark.parametrize("seed", range(3))
def test_the_gaussian_loss_is_exact_at_every_scale(dtype, seed):
    rng, info = np.random.default_rng(seed), np.finfo(dtype)
    reach = 5 if dtype == np.float16 else 30
    with mp.workdps(60):
        for _ in range(60):
            mean, target = (rng.normal(size=2) * 10 ** rng.uniform(-2, 3)).astype(dtype)
            s = dtype(rng.uniform(-reach, reach))
            value, (of_mean, of_log), size, log_size = exact_gaussian(mean, s, target)
            outputs = np.array([[mean, s]])
            # NumPy's exponential and a few products in float64; one rounding in narrower dtypes
            near = float(info.eps) * (12 if dtype == np.float64 else 0.51)
            small = float(info.smallest_subnormal)
            found = gaussian_nll(outputs, np.array([[target]]))
            grad_mean, grad_log = gaussian_nll_grad(outputs, np.array([[target]]))[0]
            for got, exact, of in [
                (found, value, size),
                (grad_mean, of_mean, abs(of_mean)),
                (grad_log, of_log, log_size),
            ]:
                if abs(exact) < float(info.max):
                    assert abs(mpf(float(got)) - exact) <= near * of + small
                else:
                    assert np.isinf(got)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_poisson_loss_is_exact_at_every_scale(dtype):
    rng, info = np.random.default_rng(0), np.finfo(dtype)
    near = 0.51 * float(info.eps)
    for _ in range(200):
        z, t = dtype(rng.uniform(-9, 9)), int(rng.integers(0, 60))
        rate, linear = mp.exp(mpf(float(z))), t * mpf(float(z))
        outputs, targets = np.array([[z]]), [[t]]
        for found, exact, size in [
            (poisson_nll(outputs, targets), rate - linear, max(rate, abs(linear))),
            (poisson_nll_grad(outputs, targets)[0, 0], rate - t, max(rate, t)),
        ]:
            small = 1e-15 * size + float(info.smallest_subnormal)
            assert abs(mpf(float(found)) - exact) <= near * abs(exact) + small


def test_no_part_of_the_gaussian_loss_overflows_before_the_whole():
    # (1e-200)^2 is 0 and e^800 infinite; their product is neither
    value, gradient = get_loss("gaussian_nll").with_gradient(np.array([[1e-200, -800.0]]), [[0.0]])
    with mp.workdps(60):
        exact, (of_mean, _), *_ = exact_gaussian(1e-200, -800.0, 0.0)
    assert value == pytest.approx(float(exact), rel=1e-14)
    assert gradient[0] == pytest.approx([float(of_mean), 0.5], rel=1e-13)
    # a difference of 3e308 beside a large variance
    value, gradient = get_loss("gaussian_nll").with_gradient(
        np.array([[1.5e308, 1400.0]]), [[-1.5e308]]
    )
    with mp.workdps(400):
        exact, (of_mean, of_log), *_ = exact_gaussian(1.5e308, 1400.0, -1.5e308)
    assert value == pytest.approx(float(exact), rel=1e-13)
    assert gradient[0] == pytest.approx([float(of_mean), float(of_log)], rel=1e-13)


# ---------------------------------------------------------------------------------------------
# Infinities
# ---------------------------------------------------------------------------------------------

GAUSSIAN_LIMITS = {  # mean, log of variance, target: loss, gradient
    "no variance, right": (0, -INF, 0, -INF, [0, 0.5]),
    "no variance, wrong": (1, -INF, 0, INF, [INF, -INF]),
    "endless variance": (1, INF, 0, INF, [0, 0.5]),
    "endless mean": (-INF, 0, 0, INF, [-INF, -INF]),
    "endless mean and variance": (INF, INF, 0, INF, [0, 0.5]),
    "tiny variance": (1, -6e4, 0, INF, [INF, -INF]),
}
POISSON_LIMITS = {  # log of rate, count: loss, gradient
    "endless rate": (INF, 3, INF, INF),
    "endless rate, nothing counted": (INF, 0, INF, INF),
    "no rate": (-INF, 3, INF, -3),
    "no rate, nothing counted": (-INF, 0, 0, 0),
    "a rate that no float holds": (6e4, 3, INF, INF),
}


@together("dtype", DTYPES)
@pytest.mark.parametrize("case", GAUSSIAN_LIMITS)
def test_infinite_outputs_give_limits_of_the_gaussian_loss(case, dtype):
    mean, log_variance, target, value, gradient = GAUSSIAN_LIMITS[case]
    with np.errstate(all="raise"):
        found = get_loss("gaussian_nll").with_gradient(
            np.array([[mean, log_variance]], dtype), [[target]]
        )
    np.testing.assert_array_equal(found[0], value)
    np.testing.assert_array_equal(found[1], [gradient])


@together("dtype", DTYPES)
@pytest.mark.parametrize("case", POISSON_LIMITS)
def test_infinite_outputs_give_limits_of_the_poisson_loss(case, dtype):
    log_rate, count, value, gradient = POISSON_LIMITS[case]
    with np.errstate(all="raise"):
        found = get_loss("poisson_nll").with_gradient(np.array([[log_rate]], dtype), [[count]])
    np.testing.assert_array_equal(found[0], value)
    np.testing.assert_array_equal(found[1], [[gradient]])


@pytest.mark.parametrize("place", [0, 1])
def test_a_nan_stays_in_its_output_s_pair(place):
    outputs = np.zeros((2, 2))
    outputs[0, place] = NAN
    value, gradient = get_loss("gaussian_nll").with_gradient(outputs, [[0.0], [0.0]])
    assert np.isnan(value)
    assert np.isnan(gradient[0, place])
    np.testing.assert_array_equal(gradient[1], [0, 0.25])


def test_large_counts_are_taken_whole_by_every_dtype():
    for dtype in DTYPES:
        found = poisson_nll_grad(np.zeros((1000, 1), dtype), np.full((1000, 1), 100_000))
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, dtype(-99.999))
    assert poisson_nll(np.zeros((1, 1)), [[1e306]], full=True) == INF


def test_a_mean_is_finite_where_the_sum_is_not():
    most = np.finfo(np.float64).max / 2
    outputs = np.tile([0.0, most], (9, 1))
    assert gaussian_nll(outputs, np.zeros((9, 1))) == pytest.approx(most / 2, rel=1e-15)
    assert poisson_nll(np.full((9, 1), -most), np.ones((9, 1))) == pytest.approx(most, rel=1e-15)


# ---------------------------------------------------------------------------------------------
# Words
# ---------------------------------------------------------------------------------------------

Z = np.zeros((4, 2))
BAD = {
    "odd outputs": (
        lambda: gaussian_nll(np.zeros((4, 3)), Z), ValueError, "(4, 3)", "an even number"
    ),
    "a target for each output": (
        lambda: gaussian_nll(Z, Z), ValueError,
        "targets have shape (4, 2), of outputs (4, 2) the means (4, 1)", "shape (4, 1)",
    ),
    "flat targets": (
        lambda: gaussian_nll_grad(Z, Z[:, 0]), ValueError, "(4,)", "targets[..., np.newaxis]"
    ),
    "targets as text": (lambda: gaussian_nll(Z, [["0"]] * 4), TypeError, "<U1", "real numbers"),
    "no batch": (lambda: gaussian_nll(Z[:0], Z[:0, :1]), ValueError, "empty", "at least one row"),
    "integer outputs": (
        lambda: gaussian_nll(Z.astype(int), Z[:, :1]), TypeError, "int64", "of floats"
    ),
    "ragged targets": (lambda: gaussian_nll(Z, [[0], [0, 1]]), ValueError, "ragged", "an array"),
    "negative counts": (
        lambda: poisson_nll(Z, Z - 1), ValueError, "from -1.0 to -1.0", "counts from 0 on"
    ),
    "counts NaN": (lambda: poisson_nll_grad(Z, Z * NAN), ValueError, "nan", "counts from 0 on"),
    "endless counts": (lambda: poisson_nll(Z, Z + INF), ValueError, "inf", "finite counts"),
    "too few counts": (lambda: poisson_nll(Z, Z[:, :1]), ValueError, "(4, 1)", "shape (4, 2)"),
    "full of what": (lambda: poisson_nll(Z, Z, full="yes"), TypeError, "'yes'", "True or False"),
    "full of a number": (lambda: get_loss("gaussian_nll", full=1), TypeError, "is 1", "True or"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_expected(case, refuses):
    refuses(*BAD[case])
