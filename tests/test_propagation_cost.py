"""What the backward pass costs: counted from the sizes, and measured in turns."""

import numpy as np
import propagation_cost
import pytest
import study

pytest.importorskip("torch", reason="PyTorch is not installed")


@pytest.mark.parametrize(
    ("sizes", "ratio"),
    [
        ([784, 256, 10], 1 + 256 * 10 / (784 * 256 + 256 * 10)),
        ([5, 5], 1.0),  # one layer: nobody asks for the gradient of the input
        ([2, 3, 4], (6 + 2 * 12) / (6 + 12)),
    ],
)
def test_the_first_layer_saves_a_product(sizes, ratio):
    assert propagation_cost.counted_ratio(sizes) == pytest.approx(ratio, rel=1e-15)


def test_there_are_fewer_rounds_where_one_takes_long():
    rounds = [propagation_cost.rounds_for([n, n], 64) for n in (16, 790, 1600, 100_000)]
    assert rounds[0] == rounds[1] == propagation_cost.ROUNDS
    assert 10 < rounds[2] < propagation_cost.ROUNDS
    assert rounds[3] == 10


def test_turns_compare_medians_without_the_warm_up(monkeypatch):
    calls, clock = [], [0.0]
    monkeypatch.setattr(propagation_cost.time, "perf_counter", lambda: clock[0])

    def takes(name, seconds):
        def step():
            calls.append(name)
            first = len(calls) <= 2 * propagation_cost.WARM_UP
            late = len(calls) == 2 * propagation_cost.WARM_UP + 3  # one outlier
            clock[0] += 9.0 if first or late else seconds

        return step

    ratio = propagation_cost.turns(takes("forward", 0.5), takes("backward", 2.0), 5)
    assert calls == ["forward", "backward"] * (propagation_cost.WARM_UP + 5)
    assert ratio == pytest.approx(4)


def test_a_ratio_is_measured_for_each_seed():
    found = propagation_cost.measure((3, 5), "8 layers of 16", 4)
    assert {name: len(values) for name, values in found.items()} == {
        "counted_ratio": 2, "rounds": 2, "time_ratio": 2, "time_ratio_pytorch": 2
    }  # fmt: skip
    assert found["counted_ratio"].tolist() == [1.875] * 2
    measured = np.concatenate([found["time_ratio"], found["time_ratio_pytorch"]])
    assert ((measured > 0.2) & (measured < 50)).all()  # how large depends on the machine


def test_stored_ratios_are_those_of_the_settings_of_today():
    records = study.records_of("propagation_cost")
    if records is None:
        return
    for row in records:
        sizes = propagation_cost.SHAPES[row["shape"]]
        assert row["rounds"] == propagation_cost.rounds_for(sizes, row["batch"])
        assert row["counted_ratio"] == pytest.approx(
            propagation_cost.counted_ratio(sizes), rel=1e-15
        )
        assert min(row["time_ratio"], row["time_ratio_pytorch"]) > 0.5
