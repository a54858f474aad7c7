"""The steps of LSTM and GRU are those of PyTorch, for one network and for replicas."""

import numpy as np
import pytest

from course_lib.network.recurrent import RecurrentWeights, gru_step, lstm_step

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

INPUTS, UNITS, BATCH, STEPS = 5, 7, 3, 6


def module_of(kind, seed=0):
    """Return a module in float64."""
    torch.manual_seed(seed)
    return getattr(torch.nn, kind)(INPUTS, UNITS, dtype=torch.float64)


def weights_of(module):
    """Return its weights in our form."""
    w, u, b, b_u = (p.detach().numpy().T for p in module.parameters())
    return RecurrentWeights(w, u, b[None], b_u[None])


def drawn(*shape):
    """Return random inputs."""
    return np.random.default_rng(1).standard_normal(shape)


def zeros(*leading):
    """Return a state."""
    return np.zeros((*leading, BATCH, UNITS))


def test_lstm_is_that_of_pytorch():
    module, x = module_of("LSTM"), drawn(STEPS, BATCH, INPUTS)
    h, c = zeros(), zeros()
    for row in x:
        h, c = lstm_step(row, h, c, weights_of(module))
    output, (_, cell) = module(torch.from_numpy(x))
    np.testing.assert_allclose(h, output[-1].detach(), atol=1e-14)
    np.testing.assert_allclose(c, cell[0].detach(), atol=1e-14)


def test_gru_with_the_reset_after_the_product_is_that_of_pytorch():
    module, x, h = module_of("GRU"), drawn(STEPS, BATCH, INPUTS), zeros()
    for row in x:
        h = gru_step(row, h, weights_of(module))
    np.testing.assert_allclose(h, module(torch.from_numpy(x))[0][-1].detach(), atol=1e-14)


def test_gru_with_the_reset_before_the_product_is_the_formula():
    weights, x, h = weights_of(module_of("GRU")), drawn(BATCH, INPUTS), drawn(BATCH, UNITS)
    w, u, b, b_u = (np.split(part, 3, axis=-1) for part in weights)
    r, keep = (1 / (1 + np.exp(-(x @ w[k] + b[k] + h @ u[k] + b_u[k]))) for k in (0, 1))
    n = np.tanh(x @ w[2] + b[2] + (r * h) @ u[2] + b_u[2])
    expected = (1 - keep) * n + keep * h
    np.testing.assert_allclose(gru_step(x, h, weights, reset="before"), expected, atol=1e-14)


def test_both_resets_agree_where_the_recurrent_weights_are_diagonal():
    weights = weights_of(module_of("GRU"))
    diagonal = np.concatenate([np.diag(np.arange(1.0, UNITS + 1))] * 3, axis=1)
    weights = weights._replace(recurrent=diagonal, recurrent_bias=0 * weights.recurrent_bias)
    x, h = drawn(BATCH, INPUTS), drawn(BATCH, UNITS)
    after, before = (gru_step(x, h, weights, reset=reset) for reset in ("after", "before"))
    np.testing.assert_allclose(after, before, atol=1e-14)


def test_replicas_are_networks_side_by_side():
    singles = [weights_of(module_of("LSTM", seed)) for seed in range(4)]
    stacked = RecurrentWeights(*(np.stack(parts) for parts in zip(*singles, strict=True)))
    x = drawn(4, BATCH, INPUTS)
    h, c = lstm_step(x, zeros(4), zeros(4), stacked)
    for i, weights in enumerate(singles):
        one = lstm_step(x[i], zeros(), zeros(), weights)
        np.testing.assert_allclose([h[i], c[i]], one, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0, 1e4])
def test_dtype_stays_and_large_inputs_saturate_without_a_warning(dtype, size):
    weights = RecurrentWeights(*(part.astype(dtype) for part in weights_of(module_of("LSTM"))))
    h, c = lstm_step(
        np.full((BATCH, INPUTS), size, dtype), *(zeros().astype(dtype) for _ in "hc"), weights
    )
    assert h.dtype == c.dtype == dtype and np.isfinite(h).all() and (abs(h) <= 1).all()


def test_shapes_that_do_not_fit_are_an_error():
    weights = weights_of(module_of("GRU"))
    with pytest.raises(ValueError, match="expected"):
        lstm_step(drawn(BATCH, INPUTS), zeros(), zeros(), weights)
    with pytest.raises(ValueError, match="expected"):
        gru_step(drawn(BATCH, INPUTS + 1), zeros(), weights)
    with pytest.raises(KeyError, match="reset"):
        gru_step(drawn(BATCH, INPUTS), zeros(), weights, reset="never")
    with pytest.raises(TypeError):
        gru_step(drawn(BATCH, INPUTS).astype(np.float32), zeros(), weights)
