"""The studies of recurrent networks: their cells are PyTorch's, and their data what they say."""

import long_spans
import name_models
import numpy as np
import pytest
import recurrent

from course_lib import data

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

MODULES = {"plain": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
ORDER = {"lstm": [0, 1, 3, 2]}  # ours are i, f, o, g


@pytest.mark.parametrize("cell", recurrent.CELLS)
def test_a_cell_is_that_of_pytorch(cell):
    inputs, units = 3, 5
    module = MODULES[cell](inputs, units)
    w = recurrent.weights(cell, [0, 1], (inputs, units, 2))
    blocks = ORDER.get(cell, range(recurrent.CELLS[cell]))

    def as_torch(value):
        parts = value[1].split(units, dim=-1)
        return torch.cat([parts[k] for k in blocks], dim=-1).T.squeeze(-1)

    zero = torch.zeros_like(w["bias"])
    with torch.no_grad():
        for parameter, value in zip(
            module.parameters(),
            (w["input"], w["recurrent"], w["bias"], w.get("more", zero)),
            strict=True,
        ):
            parameter.copy_(as_torch(value))
    x = torch.randn(6, 2, 4, inputs)
    ours = torch.stack(recurrent.unroll(cell, w, x))[:, 1]
    torch.testing.assert_close(ours, module(x[:, 1])[0], atol=1e-6, rtol=1e-5)


def test_initial_weights_are_those_asked_for():
    w = recurrent.weights("plain", range(2), (3, 8, 2), recurrent="orthogonal")
    u = w["recurrent"][1].detach().double()
    torch.testing.assert_close(u @ u.T, torch.eye(8, dtype=torch.float64), atol=1e-6, rtol=0)
    assert not w["bias"].any()
    opened = recurrent.weights("lstm", [3], (3, 8, 2), open_gates=4.0, shut_inputs=2.0)
    usual = recurrent.weights("lstm", [3], (3, 8, 2))
    moved = (opened["bias"] - usual["bias"]).detach().reshape(4, 8)
    torch.testing.assert_close(moved, torch.tensor([[-2.0], [4], [0], [0]]).expand(4, 8))


def test_a_sequence_begins_with_what_is_asked_for():
    rngs = [np.random.default_rng(seed) for seed in range(3)]
    x, y = long_spans.sequences(rngs, 7, 50, "one-hot")
    symbols = x.argmax(dim=-1)
    assert x.shape == (7, 3, 50, 8) and torch.equal(symbols[0], y)
    assert symbols[0].max() < 4 <= symbols[1:].min()
    x, _ = long_spans.sequences(rngs, 7, 500, "standardized")
    assert abs(x.mean().item()) < 1e-6 and x.var(unbiased=False).item() == pytest.approx(1)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_names_are_coded_from_their_beginning_or_end(direction):
    symbols, told = name_models.coded(direction)
    k = data.names().index("james")
    expected = "james" if direction == "forward" else "semaj"
    assert "".join(chr(96 + c) for c in symbols[k, 1:6]) == expected
    assert symbols[k, 0] == 0 and not symbols[k, 6:].any()
    assert told[k].sum() == 6  # five letters and the end


def test_an_untrained_network_needs_the_bits_of_27_equal_symbols():
    w = recurrent.weights("gru", range(2), (27, 4, 27))
    with torch.no_grad():
        w["output"].zero_()
        w["output_bias"].zero_()
        found = name_models.nats(
            "gru", w, *(part[None, :9].expand(2, -1, -1) for part in name_models.coded("forward"))
        )
    torch.testing.assert_close(found, torch.full((2,), np.log(27), dtype=found.dtype))


def test_a_network_is_the_same_in_a_smaller_group():
    setting = ("LSTM, 4", 5, 3, "one-hot", 0.01)
    together = long_spans.measure((4, 5, 6), *setting)
    alone = long_spans.measure((5,), *setting)
    for name, values in alone.items():
        assert values[0] == pytest.approx(together[name][1], abs=0.01)
