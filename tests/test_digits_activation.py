"""The study of activations on MNIST: how pixels are prepared, and records of today's code."""

import json

import digits_activation
import numpy as np
import pytest
import study

from course_lib.experiments import chosen, stored

STUDY = digits_activation.STUDY


@pytest.fixture(scope="module")
def records():
    """Return the records of the study."""
    return stored("digits_activation")


@pytest.mark.parametrize(
    ("pixels", "mean", "deviation"),
    [
        ("raw", None, None),
        ("centered", 0.0, None),
        ("scaled", None, 1.0),
        ("standardized", 0.0, 1.0),
    ],
)
def test_pixels_are_centered_and_scaled_by_the_training_images(pixels, mean, deviation):
    (x, _), (x_test, _) = digits_activation.images(pixels)
    (raw, _), (raw_test, _) = digits_activation.images("raw")
    assert x.shape == (4000, 196) and x_test.shape == (1000, 196)
    if mean is not None:
        assert x.mean() == pytest.approx(mean, abs=1e-5)
    else:
        assert x.min() == 0
    if deviation is not None:
        assert x.std() == pytest.approx(deviation, rel=1e-5)
    else:
        assert np.ptp(x) == pytest.approx(np.ptp(raw))
    shift, unit = raw.mean() if mean is not None else 0, raw.std() if deviation else 1
    assert np.allclose(x_test, (raw_test - shift) / unit, atol=1e-5)


def test_blocks_are_parts_of_the_test_images():
    found = digits_activation.measure((0, 1), "relu", "raw", "he", 1, learning_rate=0.1)
    blocks = np.array([found[f"test_block_{i}"] for i in range(digits_activation.BLOCKS)])
    assert np.allclose(blocks.mean(axis=0), found["test_accuracy"])
    assert np.allclose(blocks * 50, (blocks * 50).round())


def test_a_network_is_the_same_in_a_smaller_group():
    setting = ("tanh", "standardized", "xavier", 1)
    together = digits_activation.measure((4, 5, 6), *setting, learning_rate=0.05)
    alone = digits_activation.measure((5,), *setting, learning_rate=0.05)
    for name, values in alone.items():
        assert values[0] == pytest.approx(together[name][1], abs=0.021), name


def test_records_have_every_configuration_and_seed_without_an_error(records):
    assert records.distinct("error") == [None]
    results = records.select(phase="result")
    assert len(results) == len(STUDY.asked()["grid"]) * len(STUDY.seeds)
    assert results.distinct("seed") == [*STUDY.seeds]
    assert records.select(phase="tuning").distinct("seed") == [*STUDY.tune.seeds]
    for column in results.measured:
        assert ((results.values(column) >= 0) & (results.values(column) <= 1)).all(), column


def test_one_initialization_is_chosen_for_each_of_the_other_settings(records):
    best = chosen(records, "validation_accuracy", "activation", "pixels", "epochs")
    for pixels in ("raw", "standardized"):
        both = best.select(pixels=pixels)
        shape = len(digits_activation.ACTIVATIONS), 2, len(STUDY.seeds)
        assert both.array("test_accuracy", "activation", "epochs").shape == shape


def test_results_are_regenerated(records):
    found = records.select(
        phase="result", activation="relu", pixels="raw", initialization="he", epochs=5
    )
    (settings,) = {row["settings"] for row in found}
    anew = STUDY.function(tuple(STUDY.seeds[:4]), **json.loads(settings))
    for column in ("train_accuracy", "validation_accuracy", "test_accuracy"):
        old = found.array(column)[:4]
        assert anew[column] == pytest.approx(old, abs=0.012), column  # images decided by rounding


def test_the_miniature_has_three_activations_and_both_kinds_of_pixels():
    quick = study.load("digits_activation", quick=True).asked()
    assert {entry["pixels"] for entry in quick["grid"]} == {"raw", "standardized"}
    assert len(quick["grid"]) == 6
