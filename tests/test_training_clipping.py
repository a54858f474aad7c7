"""Clipping equals PyTorch's, for each replica."""

import numpy as np
import pytest
import torch
from together import together

from course_lib import data
from course_lib.network import mlp
from course_lib.training import SGD, clip_norm, clip_value, fit


def some_gradients(leading, dtype, size=1.0):
    """Return gradients of three parameters, and of each replica another length."""
    rng = np.random.default_rng(0)
    lengths = size * 2.0 ** np.arange(np.prod(leading, dtype=int)).reshape(*leading, 1, 1)
    shapes = {"0.weight": (3, 4), "0.bias": (1, 4), "2.weight": (4, 1)}
    return {
        name: (lengths * rng.normal(size=(*leading, *shape))).astype(dtype)
        for name, shape in shapes.items()
    }


def clip_in_torch(gradients, rule, limit):
    """Clip one network's gradients by a function of PyTorch; return them and its result."""
    leaves = [torch.tensor(gradient, requires_grad=True) for gradient in gradients]
    for leaf in leaves:
        leaf.grad = leaf.detach().clone()
    result = rule(leaves, limit)
    return [leaf.grad.numpy() for leaf in leaves], result


@together("dtype", [np.float32, np.float64])
@together("leading", [(), (3,), (2, 3)])
@pytest.mark.parametrize("limit", [0.1, 9, 1e4])
def test_clipping_by_norm_equals_pytorch_for_each_replica(limit, leading, dtype):
    gradients = some_gradients(leading, dtype)
    before = {name: value.copy() for name, value in gradients.items()}
    norms = clip_norm(gradients, limit)
    assert (np.shape(norms), norms.dtype) == (leading, dtype)
    near = {"rtol": 20 * np.finfo(dtype).eps}
    for index in np.ndindex(leading):
        own = [value[index] for value in before.values()]
        clipped, norm = clip_in_torch(own, torch.nn.utils.clip_grad_norm_, limit)
        np.testing.assert_allclose(np.asarray(norms)[index], norm.item(), **near)
        for ours, theirs in zip(gradients.values(), clipped, strict=True):
            assert ours.dtype == dtype
            np.testing.assert_allclose(ours[index], theirs, **near)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("limit", [0.1, 1, 1e4])
def test_clipping_by_value_equals_pytorch(limit, dtype):
    gradients = some_gradients((3,), dtype)
    gradients["0.bias"][0, 0, 0] = np.nan
    gradients["0.bias"][0, 0, 1] = np.inf
    expected, _ = clip_in_torch(gradients.values(), torch.nn.utils.clip_grad_value_, limit)
    assert clip_value(gradients, limit) is None
    for ours, theirs in zip(gradients.values(), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("limit", [1e39, np.float64(1e300)])
def test_a_limit_beyond_the_range_of_the_dtype_clips_what_is_beyond_it_too(limit):
    gradients = some_gradients((3,), np.float32)
    before = {name: value.copy() for name, value in gradients.items()}
    clip_norm(gradients, limit)
    clip_value(gradients, limit)
    for name, value in gradients.items():
        np.testing.assert_array_equal(value, before[name])
    infinite = {"w": np.array([[np.inf, 1.0]], np.float32)}
    clip_value(infinite, limit)
    np.testing.assert_array_equal(infinite["w"], np.array([[np.finfo("f4").max, 1]], "f4"))
    infinite["w"][0, 0] = np.inf
    clip_norm(infinite, limit)
    np.testing.assert_array_equal(infinite["w"], [[np.nan, 0]])


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e30), (np.float64, 1e200)])
def test_gradients_whose_squares_overflow_keep_their_direction(dtype, size):
    gradients, usual = some_gradients((2,), dtype, size), some_gradients((2,), np.float64)
    norms = clip_norm(gradients, 1)
    lengths = clip_norm(usual, 1)
    np.testing.assert_allclose(norms / size, lengths, rtol=1e-5)
    for name, value in usual.items():
        np.testing.assert_allclose(gradients[name], value, rtol=1e-5)
    nothing = {"w": np.zeros((2, 1, 3), dtype)}
    np.testing.assert_array_equal(clip_norm(nothing, 1), [0, 0])
    assert not nothing["w"].any()


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_a_norm_that_is_not_finite_is_left_so_and_stays_in_its_replica(bad):
    gradients = some_gradients((2,), np.float64)
    gradients["0.bias"][1, 0, 2] = bad
    own = [value[1] for value in gradients.values()]
    expected, _ = clip_in_torch(own, torch.nn.utils.clip_grad_norm_, 1)
    norms = clip_norm(gradients, 1)
    assert np.isfinite(norms).tolist() == [True, False]
    for ours, theirs in zip(gradients.values(), expected, strict=True):
        np.testing.assert_array_equal(ours[1], theirs)
        assert np.isfinite(ours[0]).all()


@pytest.mark.parametrize(
    "limits", [{"clip_norm": 0.05}, {"clip_value": 0.01}, {"clip_norm": 0.05, "clip_value": 0.01}]
)
def test_fit_clips_before_each_step(limits):
    x, y = data.moons(10)
    together, twin = (mlp([2, 4, 2], seed=range(3)) for _ in range(2))
    fit(together, x, y, optimizer=SGD(0.5), epochs=5, batch_size=None, **limits)
    for _ in range(5):
        _, gradients = twin.loss_and_gradients(x, y)
        if "clip_value" in limits:
            for gradient in gradients.values():
                gradient[...] = np.minimum(np.maximum(gradient, -0.01), 0.01)
        if "clip_norm" in limits:
            squares = sum((g * g).sum(axis=(1, 2)) for g in gradients.values())
            factor = np.minimum(1, 0.05 / (np.sqrt(squares) + 1e-6))
            gradients = {name: g * factor[:, None, None] for name, g in gradients.items()}
        SGD(0.5).step(twin.parameters, gradients)
    for name, value in twin.parameters.items():
        np.testing.assert_allclose(together.parameters[name], value, rtol=1e-12, atol=1e-14)


X, Y = np.zeros((4, 2)), np.zeros(4, int)


BAD = {
    "limit 0": (lambda: clip_norm({"w": X}, 0), ValueError, "limit is 0", "finite number above 0"),
    "limit infinite": (
        lambda: clip_value({"w": X}, np.inf), ValueError, "limit is inf", "finite number above 0"
    ),
    "two limits": (
        lambda: clip_norm({"w": X}, [1, 2]), ValueError, "limit is [1, 2]", "a finite number"
    ),
    "a network's gradients": (
        lambda: clip_norm(mlp([2, 2]), 1), TypeError, "is a Network", "as loss_and_gradients"
    ),
    "a list of gradients": (
        lambda: clip_value([X], 1), TypeError, "is a list", "a mapping of names to arrays"
    ),
    "a flat gradient": (
        lambda: clip_norm({"w": X, "b": X[0]}, 1),
        ValueError, "b has shape (2,)", "(..., rows, columns)",
    ),
    "no gradients": (lambda: clip_norm({}, 1), ValueError, "no gradients", "loss_and_gradients"),
    "norm of a list": (lambda: clip_norm({"w": [[1.0]]}, 1), TypeError, "w is a list"),
    "values of a list": (lambda: clip_value({"w": [[1.0]]}, 1), TypeError, "w is a list"),
    "values of None": (lambda: clip_value({"w": None}, 1), TypeError, "w is a NoneType"),
    "norm of integers": (lambda: clip_norm({"w": np.eye(2, dtype=int)}, 1), TypeError, "w is int"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case, refuses):
    refuses(*BAD[case])
