"""The studies that put two verdicts of *Gradients* to the test elsewhere ask what they say."""

import deep_relu
import edge_of_chaos
import numpy as np
import pytest

from course_lib.experiments import stored
from course_lib.meanfield import critical_weight_variance


@pytest.mark.parametrize("bias_variance", edge_of_chaos.WEIGHT_VARIANCES)
def test_the_critical_weight_variance_is_in_the_middle(bias_variance):
    variances = edge_of_chaos.WEIGHT_VARIANCES[bias_variance]
    critical = critical_weight_variance("tanh", bias_variance=bias_variance)
    assert variances[2] == pytest.approx(critical, abs=0.006)
    assert np.all(np.diff(variances) > 0) and len(variances) == 5


def test_one_thing_is_changed_at_a_time():
    usual = {"width": 32, "bias_variance": 0.05, "initialization": "lecun"}
    for own in edge_of_chaos.STUDY.asked()["grid"]:
        assert sum(own[name] != value for name, value in usual.items()) == 1


def test_twice_the_epochs_are_part_of_both_studies():
    for study, few in ((edge_of_chaos, 4), (deep_relu, 12)):
        assert {own["epochs"] for own in study.STUDY.asked()["grid"]} == {few, 2 * few}


@pytest.mark.parametrize("name", ["deep_relu", "edge_of_chaos"])
def test_what_learns_has_a_learning_rate_off_the_edge(name):
    results = stored(name).select(phase="result")
    configurations = [results.select(place=place) for place in results.distinct("place")]
    learned = [own for own in configurations if np.mean(own.values("test_accuracy")) > 0.3]
    assert len(learned) > len(configurations) / 2
    assert all(own.distinct("at_edge") == [False] for own in learned)
