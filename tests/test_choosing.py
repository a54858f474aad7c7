"""The choice between configurations: by tuning scores alone, one in each group."""

import math

import numpy as np
import pytest

from course_lib.experiments import Records, Tune, chosen, sweep

TUNE = Tune("rate", (0.1, 1.0, 10.0), "score", budget=None, seeds=(7, 8), worst=-9.0)


def study(seeds, task, strength, rate):
    """Return scores that are best at strength 2 in tuning, and at strength 3 in the result."""
    best = [2 if seed in TUNE.seeds else 3 for seed in seeds]
    return {"score": [task - abs(strength - b) - abs(math.log10(rate)) for b in best]}


def records_of(scores, error=None, by=("a", "a", "b")):
    """Return records of configurations with these tuning scores, a row of scores for each rate."""
    rows = []
    for place, (group, rates) in enumerate(zip(by, scores, strict=True)):
        own = {"place": place, "group": group, "phase": "tuning"}
        for rate, each in enumerate(rates, 1):
            for seed, score in enumerate(each, 7):
                rows.append({**own, "rate": float(rate), "seed": seed, "score": score})
        rows.append({**own, "phase": "result", "rate": 1.0, "seed": 0, "score": -float(place)})
    return Records(rows, {"tune": {"name": "rate", "worst": 0.0}})


def places(records, *by):
    """Return which configurations are kept."""
    return chosen(records, "score", *by).distinct("place")


def test_the_tuning_chooses_not_the_result():
    grid = {"task": [5, 7], "strength": [1, 2, 3]}
    best = chosen(sweep(study, grid, seeds=range(3), tune=TUNE), "score", "task")
    assert best.distinct("strength") == [2]
    assert best.distinct("phase") == ["result"]
    assert best.array("score", "task").tolist() == [[4.0] * 3, [6.0] * 3]


def test_the_best_value_of_each_configuration_counts_and_not_their_mean():
    assert places(records_of([[[5, 5]], [[1, 1], [6, 6]], [[0, 0]]]), "group") == [1, 2]


def test_without_groups_one_is_kept():
    assert places(records_of([[[5, 5]], [[6, 6]], [[7, 7]]])) == [2]


def test_of_equal_scores_the_first_is_kept():
    assert places(records_of([[[5, 5]], [[5, 5]], [[5, 5]]]), "group") == [0, 2]


def test_a_training_that_diverged_counts_as_the_worst():
    found = records_of([[[9, math.nan]], [[5, 5]], [[math.nan, math.nan]]])
    assert places(found, "group") == [1, 2]  # 4.5 and 5
    assert places(records_of([[[9, math.nan]], [[4, 4]], [[1, 1]]]), "group") == [0, 2]


def test_a_value_with_an_error_is_not_chosen():
    assert places(records_of([[[9, None]], [[-5, -5]], [[1, 1]]]), "group") == [1, 2]


def test_the_order_of_the_rows_does_not_matter():
    found = records_of([[[5, 5]], [[1, 1], [6, 6]], [[0, 0]]])
    turned = Records(np.random.default_rng(0).permutation(found.rows).tolist(), found.header)
    assert chosen(turned, "score", "group").rows == chosen(found, "score", "group").rows


def test_without_a_tuning_there_is_nothing_to_choose_by():
    found = sweep(lambda seeds, p: {"score": [p] * len(seeds)}, {"p": [1, 2]}, seeds=[0])
    with pytest.raises(ValueError, match="no tuning; expected those of a sweep with tune="):
        chosen(found, "score")
    tuned = records_of([[[5, 5]], [[5, 5]], [[5, 5]]])
    with pytest.raises(ValueError, match="no tuning; expected those of a sweep with tune="):
        chosen(Records(tuned.rows), "score")


@pytest.mark.parametrize("asked", [("scor", "group"), ("score", "grup")])
def test_a_column_that_is_not_there_is_named(asked):
    with pytest.raises(KeyError, match=r"unknown column '(scor|grup)'.*did you mean"):
        chosen(records_of([[[5, 5]], [[5, 5]], [[5, 5]]]), *asked)
