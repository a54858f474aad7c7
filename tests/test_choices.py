"""Which grids of a tuning are flat: with which the seeds tell neither end from the choice."""

import math

import numpy as np
import pytest

from course_lib.experiments import Records, stored, sweep
from course_lib.experiments.choices import choice_of, is_flat
from course_lib.experiments.report_pages import as_page, headline
from course_lib.experiments.reporting import Report
from course_lib.experiments.standard import Tune

stats = pytest.importorskip("scipy.stats", reason="SciPy is not installed")
pytest.importorskip("threadpoolctl", reason="threadpoolctl is not installed")

RATES = (0.01, 0.1, 1.0)


def scores_of(*rows):
    """Return the scores of each rate, by seeds from 7 on."""
    return {rate: dict(enumerate(row, 7)) for rate, row in zip(RATES, rows, strict=True)}


# The scores of three rates, of which the middle one is chosen.
FLAT = {
    "equal": ([0.5] * 4, [0.5] * 4, [0.5] * 4),
    "noise": ([0.1, 0.11, 0.09, 0.1], [0.11, 0.1, 0.1, 0.1], [0.09, 0.1, 0.11, 0.1]),
    "a better end": ([0.5, 0.6, 0.7, 0.8], [0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5]),
    "a worse middle is not asked for": ([0.5, 0.6], [0.5, 0.6], [0.6, 0.5]),
}
NOT = {
    "a peak": ([0.1, 0.2, 0.1, 0.2], [0.8, 0.9, 0.8, 0.9], [0.1, 0.2, 0.1, 0.2]),
    "one end worse": ([0.8, 0.9, 0.8, 0.9], [0.8, 0.9, 0.8, 0.9], [0.1, 0.2, 0.1, 0.2]),
    # every seed a hundredth worse, which pairs show though the seeds differ more
    "worse seed by seed": ([0.1, 0.5, 0.9], [0.11, 0.51, 0.91], [0.11, 0.51, 0.91]),
    "an end that diverged": ([0.5, 0.5, math.nan], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]),
    "a choice that diverged": ([math.nan] * 3, [math.nan] * 3, [math.nan] * 3),
    "a single seed": ([0.5], [0.5], [0.5]),
}


@pytest.mark.parametrize("rows", FLAT.values(), ids=FLAT)
def test_a_grid_is_flat_where_neither_end_is_shown_to_be_worse(rows):
    assert is_flat(scores_of(*rows), 0.1)


@pytest.mark.parametrize("rows", NOT.values(), ids=NOT)
def test_a_grid_is_not_flat_where_an_end_is_worse_or_nothing_can_be_told(rows):
    assert not is_flat(scores_of(*rows), 0.1)


def test_the_interval_is_that_of_scipy():
    drawn = np.random.default_rng(3)
    for shift in np.linspace(0, 2, 41):
        end, own = drawn.normal(size=(2, 8)) + np.array([[0], [shift]])
        test = stats.ttest_rel(own, end)
        low = test.confidence_interval(0.95).low
        assert is_flat(scores_of(end, own, own), 0.1) == (low <= 0)


def test_what_a_diverged_training_counts_as_is_compared():
    rows = [0.5, 0.5, math.nan, 0.5], [0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5]
    assert is_flat(scores_of(*rows), 0.1, worst=0.4)
    assert not is_flat(scores_of(*rows), 0.1)
    assert not is_flat(scores_of(*[[0.0, math.nan]] * 3), 0.1, worst=0.0)


def test_a_single_value_is_not_one_of_several():
    """It is at an edge on both sides, which a report tells instead."""
    assert not is_flat({0.1: {7: 0.5, 8: 0.6, 9: 0.4}}, 0.1)


def test_seeds_are_paired_by_their_number():
    """A tuning that was cut off has seeds that not every value has."""
    own = {1: 0.3, 2: 0.6, 3: 0.9}
    worse = {seed: score - 0.1 - seed / 1000 for seed, score in own.items()}
    assert not is_flat({0.01: {**worse, 4: 0.9}, 0.1: own, 1.0: own}, 0.1)
    assert not is_flat({0.01: dict(reversed(worse.items())), 0.1: {0: 0.1, **own}, 1.0: own}, 0.1)
    assert is_flat({0.01: {**own, 4: 0.9}, 0.1: own, 1.0: {2: 0.6, 3: 0.9}}, 0.1)
    assert not is_flat({0.01: {3: 0.9}, 0.1: own, 1.0: own}, 0.1)


def test_values_with_an_error_are_no_ends():
    """The largest rate failed with one seed, so that the one before it is the end."""
    tune = {"name": "rate", "score": "score", "worst": 0.0}
    rows = [
        {"rate": rate, "seed": seed, "score": score}
        for rate, own in scores_of([0.8, 0.9], [0.8, 0.9], [0.1, None]).items()
        for seed, score in own.items()
    ]
    result = [{"rate": 0.1, "at_edge": True, "widened": 3}]
    found = choice_of("depth=1", "result", result, rows, tune)
    assert (found.value, found.at_edge, found.widened, found.flat) == (0.1, True, 3, True)
    assert not choice_of("depth=1", "result", result, [], tune).flat


# ---------------------------------------------------------------------------------------------
# Reports
# ---------------------------------------------------------------------------------------------


def study(seeds, depth, rate, steps):
    """Learn at depth 1, best with a rate of 0.1, and by chance alone at depth 9."""
    away = abs(math.log10(rate) + 1) if depth == 1 else 0
    return {"score": [0.1 + math.sin(s * (s + 1000 * rate)) / 99 - away for s in seeds]}


def test_a_report_tells_a_flat_grid_from_an_edge():
    tune = Tune("rate", RATES, "score", budget="steps", seeds=range(90, 98), widen=1)
    grid = {"depth": [1, 9], "steps": [4]}
    records = sweep(study, grid, seeds=range(8), tune=tune, progress=False)
    flat = {(choice.label, choice.phase): choice.flat for choice in Report(records).choices}
    assert flat == {
        ("depth=1", "result"): False,
        ("depth=1", "result, doubled"): False,
        ("depth=9", "result"): True,
        ("depth=9", "result, doubled"): True,
    }
    # the same said of all choices: at the edge, which of a flat grid says nothing
    edges = [row | {"at_edge": row["at_edge"] is not None} for row in records]
    report = Report(Records(edges, records.header))
    *_, edge, told = headline(report)
    assert edge.startswith("**At an edge**") and "depth=1" in edge and "depth=9" not in edge
    assert told.startswith("**Flat** grids") and "depth=9" in told and "depth=1" not in told
    page = as_page(report)
    assert "the choice: 2." in page
    assert "| depth=1 | result | 0.1 | yes | 0 | no |" in page


@pytest.mark.parametrize(("name", "flat"), [("saturation", True), ("regularizers", False)])
def test_stored_records_are_flat_where_nothing_is_learned(name, flat):
    """Networks of `saturation` that no rate of the grid trains; all of `regularizers` learn."""
    report = Report(stored(name))
    found = [choice for choice in report.choices if choice.flat]
    assert bool(found) == flat
    means = {entry.label: entry.mean for entry in report.summaries("validation_accuracy")}
    assert all(means[choice.label] < 0.14 for choice in found)
