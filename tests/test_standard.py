"""The standard of a claim, replayed on score curves whose best value is known."""

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.experiments import tune as tune_at_once
from course_lib.experiments.standard import Tune, check_configuration, next_trials, rows_of
from course_lib.experiments.trials import COLUMNS, PHASES, Outcome

SEEDS = (0, 1, 2, 3)
WHERE = {"date": "2026-11-29T12:00:00+00:00", "machine": "a machine", "commit": "1234567"}
CONFIGURATION = {"depth": 3, "epochs": 4}


def tuning(values=(0.01, 0.1, 1.0), **options):
    """Return what the tests tune, with two seeds."""
    return Tune("rate", values, "score", **{"budget": "epochs", "seeds": (7, 8), **options})


def peak(at, *, doubled=None):
    """Return a curve with one best rate, and another one from eight epochs on."""

    def score(rate, seed, epochs):
        best = at if doubled is None or epochs < 8 else doubled
        return 1 - abs(math.log10(rate / best)) + 1e-3 * (seed % 5)

    return score


def called(score, trial):
    """Return the outcome of a trial with a curve, which may raise."""
    rate, epochs = trial.arguments.get("rate", 1.0), trial.arguments.get("epochs", 1)
    try:
        found = tuple(float(score(rate, seed, epochs)) for seed in trial.seeds)
    except ArithmeticError as error:
        return Outcome({}, f"{type(error).__name__}: {error}", 0.5, WHERE)
    return Outcome({"score": found, "test": tuple(map(float, trial.seeds))}, None, 2.0, WHERE)


def drive(score, tune, *, configuration=CONFIGURATION, replicas=None, choose=None, most=500):
    """Run what is next until nothing is; return outcomes by key and the trials in their order."""
    done, ran = {}, []
    while found := next_trials(3, configuration, SEEDS, tune, done, replicas):
        for trial in found if choose is None else [choose(found)]:
            assert trial.key not in done
            done[trial.key] = called(score, trial)
            ran.append(trial)
        assert len(ran) < most
    return done, ran


def tried(ran, phase="tuning"):
    """Return the rates of a phase, from small to large."""
    return sorted({trial.arguments["rate"] for trial in ran if trial.phase == phase})


def results(done, tune, phase="result", configuration=CONFIGURATION):
    """Return the records of a result."""
    rows = rows_of(3, configuration, SEEDS, tune, done)
    return [row for row in rows if row["phase"] == phase]


def verdict(done, tune, phase="result"):
    """Return the chosen rate, whether it is at the edge, and how often the grid grew."""
    (found,) = {(r["rate"], r["at_edge"], r["widened"]) for r in results(done, tune, phase)}
    return found


# ---------------------------------------------------------------------------------------------
# The stages, with numbers computed by hand
# ---------------------------------------------------------------------------------------------


def test_the_whole_grid_is_first_with_all_tuning_seeds():
    found = next_trials(3, CONFIGURATION, SEEDS, tuning(), {})
    assert [(t.place, t.phase, dict(t.arguments), t.seeds) for t in found] == [
        (3, "tuning", {**CONFIGURATION, "rate": rate}, (7, 8)) for rate in (0.01, 0.1, 1.0)
    ]


def test_the_stages_of_a_best_value_inside():
    tune, done = tuning(values=(0.01, 0.04, 0.16)), {}
    rounds = []
    while found := next_trials(3, CONFIGURATION, SEEDS, tune, done):
        rounds.append([(t.phase, t.arguments["rate"], t.arguments["epochs"]) for t in found])
        done |= {trial.key: called(peak(0.04), trial) for trial in found}
    assert rounds == [
        [("tuning", rate, 4) for rate in (0.01, 0.04, 0.16)],
        [("tuning", rate, 4) for rate in (0.02, 0.08)],
        # what does not depend on one another is asked for together
        [("result", 0.04, 4)] + [("tuning, doubled", rate, 8) for rate in (0.02, 0.04, 0.08)],
        [("result, doubled", 0.04, 8)],
    ]
    assert verdict(done, tune) == verdict(done, tune, "result, doubled") == (0.04, False, 0)


def test_a_value_between_those_of_the_grid_is_found():
    tune = tuning(values=(0.01, 0.04, 0.16))
    done, ran = drive(peak(0.021), tune)
    assert tried(ran) == [0.01, 0.02, 0.04, 0.08, 0.16]
    assert verdict(done, tune) == (0.02, False, 0)
    assert tried(ran, "tuning, doubled") == [0.01, 0.02, 0.04]


@pytest.mark.parametrize(
    ("best", "grid", "chosen", "widened"),
    [
        (1e-4, [1e-5, 1e-4, 1e-3, 0.01, 0.03], 1e-4, 2),  # steps of 10 where the grid has them
        (0.3, [0.001, 0.01, 0.03, 0.09, 0.27, 0.81], 0.27, 3),  # steps of 3 at the other end
    ],
)
def test_a_grid_grows_by_its_own_ratio_at_that_end(best, grid, chosen, widened):
    tune = tuning(values=(0.03, 0.001, 0.01), finer=False, budget=None)
    done, ran = drive(peak(best), tune)
    assert tried(ran) == grid
    assert verdict(done, tune) == (chosen, False, widened)


@pytest.mark.parametrize(
    ("widen", "larger", "smaller"),
    [
        (0, [], []),
        (1, [10.0], [0.001]),
        (3, [10.0, 100.0, 1000.0], [0.00001, 0.0001, 0.001]),
    ],
)
def test_a_best_value_that_stays_at_the_edge_is_reported(widen, larger, smaller):
    tune = tuning(widen=widen, budget=None, finer=False)
    done, ran = drive(lambda rate, *_: math.log(rate), tune)
    assert tried(ran) == [0.01, 0.1, 1.0, *larger]
    assert verdict(done, tune) == (tried(ran)[-1], True, widen)
    done, ran = drive(lambda rate, *_: -math.log(rate), tune)
    assert tried(ran) == [*smaller, 0.01, 0.1, 1.0]
    assert verdict(done, tune) == (tried(ran)[0], True, widen)


def test_a_best_value_at_the_edge_has_one_value_beside_it_and_one_step_more_when_doubled():
    tune = tuning(values=(0.01, 0.04, 0.16), widen=0)
    done, ran = drive(lambda rate, *_: math.log(rate), tune)
    assert tried(ran) == [0.01, 0.04, 0.08, 0.16]
    assert verdict(done, tune) == (0.16, True, 0)
    assert tried(ran, "tuning, doubled") == [0.08, 0.16, 0.32]
    assert verdict(done, tune, "result, doubled") == (0.32, True, 0)


def test_the_doubled_budget_has_a_best_value_of_its_own():
    tune = tuning(values=(0.01, 0.04, 0.16))
    done, ran = drive(peak(0.04, doubled=0.01), tune)
    assert verdict(done, tune) == (0.04, False, 0)
    assert tried(ran, "tuning, doubled") == [0.005, 0.01, 0.02, 0.04, 0.08]
    assert verdict(done, tune, "result, doubled") == (0.01, False, 2)
    assert {row["epochs"] for row in results(done, tune, "result, doubled")} == {8}


@pytest.mark.parametrize(("budget", "doubled"), [(3, 6), (1, 2), (1.5, 3.0), (np.int64(5), 10)])
def test_a_budget_is_doubled_and_an_integer_stays_one(budget, doubled):
    _, ran = drive(peak(0.1), tuning(), configuration={"epochs": budget})
    for trial in ran:
        expected = doubled if "doubled" in trial.phase else budget
        assert trial.arguments["epochs"] == expected
        assert isinstance(trial.arguments["epochs"], float if budget == 1.5 else int)
    assert {trial.phase for trial in ran} == set(PHASES)


def test_without_a_budget_nothing_is_doubled():
    _, ran = drive(peak(0.1), tuning(budget=None), configuration={"depth": 2})
    assert {trial.phase for trial in ran} == {"tuning", "result"}


def test_without_a_tuning_there_is_the_result_alone():
    done, ran = drive(lambda *_: 1.0, None, replicas=3)
    assert [(t.phase, t.seeds, dict(t.arguments)) for t in ran] == [
        ("result", (0, 1, 2), CONFIGURATION), ("result", (3,), CONFIGURATION),
    ]  # fmt: skip
    rows = rows_of(3, CONFIGURATION, SEEDS, None, done, 3)
    assert [(r["seed"], r["test"], r["at_edge"], r["widened"]) for r in rows] == [
        (seed, float(seed), None, None) for seed in SEEDS
    ]


def test_by_default_eight_seeds_tune_and_others_are_the_result():
    tune = Tune("rate", [0.01, 0.1, 1.0], "score", budget="epochs")
    _, ran = drive(peak(0.1), tune)
    for trial in ran:
        seeds = tuple(range(10_000, 10_008)) if "tuning" in trial.phase else SEEDS
        assert trial.seeds == seeds


def test_values_become_floats_from_small_to_large():
    tune = tuning(values=[1, np.float32(0.25), 4])
    assert tune.values == (0.25, 1.0, 4.0)
    assert all(type(value) is float for value in tune.values)
    assert tune == tuning(values=np.array([4.0, 0.25, 1.0]), seeds=np.array([7, 8]))
    assert hash(tune) == hash(replace(tune, seeds=[7, 8]))


@pytest.mark.parametrize("values", [(1e-307, 1e-200, 1e300), (1e-320, 5e-324, 1e-323)])
def test_a_grid_does_not_grow_to_zero_or_infinity(values):
    tune = tuning(values=values, budget=None, finer=False, widen=9)
    for sign in (1, -1):
        done, ran = drive(lambda rate, *_, s=sign: s * math.log(rate), tune)
        assert all(0 < rate < math.inf for rate in tried(ran))
        chosen, at_edge, widened = verdict(done, tune)
        assert chosen in (tried(ran)[0], tried(ran)[-1])
        assert at_edge
        assert widened == len(tried(ran)) - 3


def test_values_with_no_number_between_them_are_not_refined():
    tune = tuning(values=(1.0, math.nextafter(1, 2), math.nextafter(1, 0)), budget=None)
    _, ran = drive(lambda rate, *_: rate == 1, tune)
    assert tried(ran) == list(tune.values)


# ---------------------------------------------------------------------------------------------
# Equal scores, trainings that diverge, errors
# ---------------------------------------------------------------------------------------------


def test_of_equal_scores_the_value_farthest_from_both_ends_is_chosen():
    tune = tuning(values=(0.001, 0.01, 0.1, 1.0), budget=None, finer=False)
    done, ran = drive(lambda *_: 0.5, tune)
    assert verdict(done, tune) == (0.01, False, 0)  # of two as far, the smaller
    assert len(tried(ran)) == 4


@pytest.mark.parametrize(("score", "worst"), [(math.nan, -math.inf), (0.0, 0.0), (-math.inf, -1.0)])
def test_where_all_diverge_smaller_values_are_tried_and_none_between(score, worst):
    tune = tuning(worst=worst)
    done, ran = drive(lambda *_: score, tune)
    assert tried(ran) == [1e-5, 1e-4, 1e-3, 0.01, 0.1, 1.0]
    assert verdict(done, tune) == (1e-5, True, 3)
    assert tried(ran, "tuning, doubled") == [1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4]
    assert verdict(done, tune, "result, doubled") == (1e-9, True, 3)


@pytest.mark.parametrize(("worst", "chosen"), [(-math.inf, 0.1), (0.0, 1.0), (-9.0, 0.1)])
def test_one_seed_that_diverges_counts_as_the_worst(worst, chosen):
    def score(rate, seed, epochs):
        return math.nan if (rate, seed) == (1.0, 8) else rate

    tune = tuning(worst=worst, widen=0, finer=False, budget=None)
    done, _ = drive(score, tune)
    assert verdict(done, tune)[0] == chosen  # mean of 1 and the worst, against 0.1


def failing(fails):
    """Return a rising curve that raises for some rates and seeds."""

    def score(rate, seed, epochs):
        if fails(rate, seed, epochs):
            raise ZeroDivisionError(f"at {rate:g}")
        return math.log(rate)

    return score


def test_a_value_with_errors_is_not_chosen_and_is_no_evidence_against_larger_ones():
    tune = tuning(values=(0.01, 0.04, 0.16), budget=None)
    done, ran = drive(failing(lambda rate, *_: rate >= 0.16), tune)
    assert tried(ran) == [0.01, 0.02, 0.04, 0.08, 0.16]
    assert verdict(done, tune) == (0.08, True, 0)
    errors = {row["rate"]: row["error"] for row in rows_of(3, CONFIGURATION, SEEDS, tune, done)}
    assert errors == dict.fromkeys((0.01, 0.02, 0.04, 0.08)) | {0.16: "ZeroDivisionError: at 0.16"}


@pytest.mark.parametrize("replicas", [1, None])
def test_a_value_with_an_error_for_one_seed_has_no_score(replicas):
    tune = tuning(budget=None, finer=False, widen=0)
    done, ran = drive(
        failing(lambda rate, seed, epochs: (rate, seed) == (1.0, 8)), tune, replicas=replicas
    )
    rows = rows_of(3, CONFIGURATION, SEEDS, tune, done, replicas)
    assert {row["rate"] for row in rows if row["phase"] == "result"} == {0.1}
    told = [row["error"] for row in rows if row["phase"] == "tuning" and row["rate"] == 1.0]
    error = "ZeroDivisionError: at 1"
    assert told == ([None, error] if replicas else [error, error])
    assert len(ran) == (3 * 2 + 4 if replicas else 3 + 1)


def test_the_only_value_without_an_error_is_at_the_edge():
    tune = tuning(budget=None, finer=False)
    done, ran = drive(failing(lambda rate, *_: rate > 0.01), tune)
    assert tried(ran) == [0.001, 0.01, 0.1, 1.0]  # it is the smallest, so smaller ones are tried
    assert verdict(done, tune) == (0.01, True, 1)


def test_where_every_value_has_errors_no_result_is_run_and_the_records_say_so():
    tune = tuning()
    done, ran = drive(failing(lambda *_: True), tune)
    assert tried(ran) == [0.01, 0.1, 1.0]
    assert {trial.phase for trial in ran} == {"tuning"}
    rows = results(done, tune)
    assert [row["seed"] for row in rows] == [*SEEDS]
    expected = "not run, as every rate that was tried had an error: ZeroDivisionError: at 0.01"
    assert {row["error"] for row in rows} == {expected}
    assert {(row["rate"], row["machine"], row["seconds"]) for row in rows} == {
        (None, "a machine", 0.0)
    }
    assert results(done, tune, "result, doubled") == []


def test_where_every_value_has_errors_when_doubled_the_result_stays():
    tune = tuning()
    done, ran = drive(failing(lambda rate, seed, epochs: epochs == 8), tune)
    assert {row["error"] for row in results(done, tune)} == {None}
    rows = results(done, tune, "result, doubled")
    assert len(rows) == len(SEEDS)
    assert all(row["error"].startswith("not run, as every rate") for row in rows)
    assert {row["epochs"] for row in rows} == {8}
    assert "result, doubled" not in {trial.phase for trial in ran}


def test_an_error_of_a_result_is_recorded_and_the_doubled_budget_goes_on():
    tune = tuning()
    done, _ = drive(failing(lambda rate, seed, epochs: seed < 4 and epochs == 4), tune)
    assert {row["error"] for row in results(done, tune)} == {f"ZeroDivisionError: at {1000:g}"}
    assert {row["error"] for row in results(done, tune, "result, doubled")} == {None}


def test_a_score_that_there_is_not_is_told_with_those_there_are(refuses):
    tune = replace(tuning(), score="scores")
    done = {t.key: called(peak(0.1), t) for t in next_trials(0, CONFIGURATION, SEEDS, tune, {})}
    for ask in (next_trials, rows_of):
        refuses(
            lambda ask=ask: ask(0, CONFIGURATION, SEEDS, tune, done),
            KeyError, "unknown score 'scores'; did you mean 'score'? Expected: score, test",
        )  # fmt: skip


# ---------------------------------------------------------------------------------------------
# What is next and what is recorded depend on what is done alone
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("replicas", [1, 2, 3, 4, 99])
def test_trials_are_cut_in_one_way_and_the_choice_does_not_depend_on_it(replicas):
    tune, score = tuning(seeds=range(10, 17)), peak(0.021)
    whole, _ = drive(score, tune)
    done, ran = drive(score, tune, replicas=replicas)
    assert max(len(trial.seeds) for trial in ran) == min(replicas, 7)
    cut = [trial.seeds for trial in ran if trial.phase == "tuning"][: -(-7 // replicas)]
    assert [len(part) for part in cut[:-1]] == [replicas] * (len(cut) - 1)
    assert sum(cut, ()) == tuple(range(10, 17))
    own = ("trial", "replica", "seconds")
    tables = [
        [{k: v for k, v in row.items() if k not in own} for row in rows]
        for rows in (
            rows_of(3, CONFIGURATION, SEEDS, tune, done, replicas),
            rows_of(3, CONFIGURATION, SEEDS, tune, whole),
        )
    ]
    assert tables[0] == tables[1]


def test_records_of_what_is_done_so_far():
    tune, done = tuning(values=(0.01, 0.04, 0.16)), {}
    counts = []
    while found := next_trials(3, CONFIGURATION, SEEDS, tune, done, 3):
        done[found[-1].key] = called(peak(0.04), found[-1])
        rows = rows_of(3, CONFIGURATION, SEEDS, tune, done, 3)
        counts.append(len(rows))
        keys = {row["trial"] for row in rows}
        assert keys == set(done)  # what is done is recorded at once, and nothing else
        for row in rows:
            expected = (False, 0) if row["phase"].startswith("result") else (None, None)
            assert (row["at_edge"], row["widened"]) == expected
    assert counts == sorted(counts)
    assert counts[-1] == 5 * 2 + 4 + 3 * 2 + 4


def test_records_stand_in_the_order_of_phases_values_and_seeds():
    tune = tuning()
    done, _ = drive(peak(0.021), tune)
    rows = rows_of(3, CONFIGURATION, SEEDS, tune, done)
    places = [(PHASES.index(row["phase"]), row["rate"], row["seed"]) for row in rows]
    assert places == sorted(places)
    for row in rows:
        assert set(row) == {*COLUMNS, "depth", "epochs", "rate", "score", "test"}
        assert (row["place"], row["depth"]) == (3, 3)


def test_outcomes_of_others_change_nothing():
    tune = tuning()
    done, _ = drive(peak(0.1), tune)
    other, _ = drive(peak(0.9), tune, configuration={"depth": 4, "epochs": 4})
    assert not set(done) & set(other)
    both = {**other, **done}
    assert next_trials(3, CONFIGURATION, SEEDS, tune, both) == []
    rows = rows_of(3, CONFIGURATION, SEEDS, tune, done)
    assert rows_of(3, CONFIGURATION, SEEDS, tune, both) == rows


def rugged(number, kinds):
    """Return a curve without any shape: equal scores, infinities, NaN and errors among others."""

    def score(rate, seed, epochs):
        rng = random.Random(f"{number} {rate!r} {seed} {epochs}")
        found = rng.choice(kinds)
        if found == "error":
            raise ZeroDivisionError(f"at {rate:g}")
        return rng.random() if found == "any" else found

    return score


def smooth(best, slope):
    """Return a unimodal curve; with slope 0 all scores are equal."""
    return lambda rate, seed, epochs: (
        slope * -abs(math.log(rate) - math.log(best) + 0.1 * (epochs > 4))
    )


numbers = st.integers(0, 10**6)
kinds = st.lists(
    st.sampled_from(["any", "any", "error", math.nan, math.inf, -math.inf, 0.0, 0.5, 1.0]),
    min_size=1, max_size=5,
)  # fmt: skip
curves = st.one_of(
    st.builds(rugged, numbers, kinds),
    st.builds(smooth, st.floats(1e-12, 1e12), st.sampled_from([0.0, 1.0, -1.0])),
)
tunes = st.builds(
    tuning,
    values=st.lists(st.floats(1e-9, 1e9), min_size=3, max_size=6, unique=True),
    widen=st.integers(0, 4),
    finer=st.booleans(),
    worst=st.sampled_from([-math.inf, 0.0, 0.5]),
    budget=st.sampled_from(["epochs", None]),
    seeds=st.lists(st.integers(7, 30), min_size=1, max_size=4, unique=True),
)
cuts = st.sampled_from([None, 1, 2, 3])


def means(ran, done, phase, worst):
    """Return the mean score of every rate that was tried without an error."""
    found, failed = {}, set()
    for trial in ran:
        if trial.phase == phase:
            rate, outcome = trial.arguments["rate"], done[trial.key]
            found.setdefault(rate, []).extend(outcome.values.get("score", ()))
            failed |= {rate} if outcome.error else set()
    return {
        rate: math.fsum(worst if math.isnan(s) else s for s in scores) / len(scores)
        if not {math.inf, -math.inf} <= {*scores, worst if any(map(math.isnan, scores)) else 0}
        else -math.inf
        for rate, scores in found.items()
        if rate not in failed
    }


@given(curves, tunes, cuts, st.sampled_from(["", ", doubled"]))
@settings(max_examples=150)
def test_what_is_chosen_is_the_best_of_all_that_was_tried(score, tune, replicas, doubled):
    done, ran = drive(score, tune, replicas=replicas)
    rates = tried(ran, "tuning" + doubled)
    scored = means(ran, done, "tuning" + doubled, tune.worst)
    rows = rows_of(3, CONFIGURATION, SEEDS, tune, done, replicas)
    rows = [row for row in rows if row["phase"] == "result" + doubled]
    assert len(rates) <= (3 if doubled else len(tune.values) + 2 * tune.finer) + tune.widen
    if not scored:
        assert all(row["error"].startswith("not run") for row in rows)
        return
    ((chosen, at_edge, widened),) = {(r["rate"], r["at_edge"], r["widened"]) for r in rows}
    assert at_edge == (chosen in (min(scored), max(scored)))
    assert widened <= tune.widen
    best = max(scored.values())
    if best > tune.worst:
        assert scored[chosen] >= best - 1e-11
    else:
        assert chosen == min(scored)
    if len(scored) == len(rates):  # the choice of `tune` among the same
        names = {
            (trial.arguments["rate"], seed): found
            for trial in ran
            if trial.phase == "tuning" + doubled
            for seed, found in zip(trial.seeds, done[trial.key].values["score"], strict=True)
        }
        pick = tune_at_once(
            rates, lambda each, seeds: [names[pair] for pair in zip(each, seeds, strict=True)],
            seeds=tune.seeds, worst=tune.worst,
        )  # fmt: skip
        assert (pick.learning_rate, pick.at_edge) == (chosen, at_edge)
        # it stops at an edge only where it may not, or cannot, go on
        assert not at_edge or widened == tune.widen


@given(curves, tunes, cuts, st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_every_order_and_every_interruption_lead_to_the_same_end(score, tune, replicas, rng):
    done, ran = drive(score, tune, replicas=replicas)
    again, other = drive(score, tune, replicas=replicas, choose=rng.choice)
    assert repr(sorted(done.items())) == repr(sorted(again.items()))  # NaN equals itself here
    part = dict(rng.sample(sorted(done.items()), rng.randint(0, len(done))))
    first = next_trials(3, CONFIGURATION, SEEDS, tune, part, replicas)
    backwards = dict(reversed(part.items()))
    assert first == next_trials(3, CONFIGURATION, SEEDS, tune, backwards, replicas)
    while found := next_trials(3, CONFIGURATION, SEEDS, tune, part, replicas):
        for trial in found:
            assert trial.key not in part
            part[trial.key] = called(score, trial)
    assert repr(sorted(part.items())) == repr(sorted(done.items()))
    assert len(ran) == len(other) == len(done)


@given(tunes, st.floats(1e-3, 1e3))
@settings(max_examples=50)
def test_a_best_value_within_reach_is_found_to_half_a_step(tune, best):
    tune = replace(tune, finer=True, budget=None, widen=9, worst=-math.inf)
    done, ran = drive(smooth(best, 1.0), tune)
    chosen, at_edge, _ = verdict(done, tune)
    rates = tried(ran)
    distances = {rate: abs(math.log(rate) - math.log(best)) for rate in rates}
    assert distances[chosen] <= min(distances.values()) + 1e-9
    if not at_edge:
        at = rates.index(chosen)
        assert rates[at - 1] <= best <= rates[at + 1]


# ---------------------------------------------------------------------------------------------
# Errors before anything runs
# ---------------------------------------------------------------------------------------------

WRONG_TUNE = {
    "two values": ({"values": (0.1, 1)}, ValueError, "values of rate are [0.1, 1.0]", "at least 3"),
    "a value twice": ({"values": (0.1, 1, 1.0)}, ValueError, "[0.1, 1.0, 1.0]", "each once"),
    "zero": ({"values": (0, 0.1, 1)}, ValueError, "one of the values of rate is 0;", "above 0"),
    "negative": (
        {"values": (-1, 0.1, 1)},
        ValueError,
        "one of the values of rate is -1;",
        "above 0",
    ),
    "infinite": (
        {"values": (1, 2, math.inf)},
        ValueError,
        "one of the values of rate is inf",
        "finite",
    ),
    "NaN": ({"values": (1, 2, math.nan)}, ValueError, "one of the values of rate is nan", "finite"),
    "text": ({"values": "123"}, TypeError, "values of rate is '123'", "sequence"),
    "a text": ({"values": [1, 2, "3"]}, ValueError, "one of the values of rate is '3'", "number"),
    "a number": ({"values": 0.1}, TypeError, "values of rate is 0.1", "[0.01, 0.1, 1.0]"),
    "no seeds": ({"seeds": ()}, ValueError, "tuning seeds are []", "at least 1"),
    "a seed twice": ({"seeds": (3, 3)}, ValueError, "tuning seeds are [3, 3]", "each once"),
    "a negative seed": ({"seeds": (3, -1)}, ValueError, "[3, -1]", "from 0 on"),
    "a float as seed": ({"seeds": (3, 1.0)}, TypeError, "seed is 1.0", "an integer"),
    "one seed": ({"seeds": 3}, TypeError, "tuning seeds is 3", "sequence"),
    "widen": ({"widen": -1}, ValueError, "widen is -1", "from 0 on"),
    "widen, a bool": ({"widen": True}, ValueError, "widen is True", "integers"),
    "finer": ({"finer": 1}, TypeError, "finer is 1", "True or False"),
    "worst": ({"worst": math.nan}, ValueError, "worst is nan", "number"),
    "worst, infinite": ({"worst": math.inf}, ValueError, "worst is inf", "number"),
    "worst, text": ({"worst": "0"}, ValueError, "worst is '0'", "number"),
    "name": ({"name": 3}, TypeError, "name is a int", "name of an argument"),
    "score": ({"score": None}, TypeError, "score is a NoneType", "values"),
    "budget": ({"budget": 8}, TypeError, "budget is a int", "name of an argument"),
    "a column": ({"name": "phase"}, ValueError, "name is 'phase'", "another name"),
    "seeds as name": ({"name": "seeds"}, ValueError, "name is 'seeds'", "another name"),
    "both": ({"budget": "rate"}, ValueError, "budget is 'rate', which is tuned", "another"),
}


@pytest.mark.parametrize("case", WRONG_TUNE)
def test_a_wrong_tuning_is_told(case, refuses):
    given, error, *texts = WRONG_TUNE[case]
    arguments = {"name": "rate", "values": (0.1, 1, 10), "score": "score", "budget": None, **given}
    refuses(lambda: Tune(**arguments), error, *texts)


WRONG_CONFIGURATION = {
    "seeds of both": ({}, range(6, 9), ValueError, "seeds [7, 8] are there for tuning and for the"),
    "no seeds": ({}, [], ValueError, "seeds are []", "at least 1"),
    "a seed twice": ({}, [1, 1], ValueError, "seeds are [1, 1]", "each once"),
    "one seed": ({}, 1, TypeError, "seeds is 1", "sequence"),
    "a bool as seed": ({}, [True], TypeError, "seed is True", "an integer"),
    "also tuned": ({"rate": 0.1}, SEEDS, ValueError, "rate is 0.1 in", "also tuned", "one of both"),
    "a column": ({"error": 1}, SEEDS, ValueError, "argument is 'error'", "another name"),
    "budget 0": ({"epochs": 0}, SEEDS, ValueError, "epochs is 0", "above 0"),
    "budget True": ({"epochs": True}, SEEDS, ValueError, "epochs is True", "above 0"),
    "budget None": ({"epochs": None}, SEEDS, ValueError, "epochs is None", "above 0"),
    "budget infinite": ({"epochs": math.inf}, SEEDS, ValueError, "epochs is inf", "finite"),
}


@pytest.mark.parametrize("case", WRONG_CONFIGURATION)
def test_a_configuration_that_cannot_be_tuned_is_told(case, refuses):
    given, seeds, error, *texts = WRONG_CONFIGURATION[case]
    configuration = {**CONFIGURATION, **given}
    refuses(lambda: check_configuration(configuration, seeds, tuning()), error, *texts)
    for ask in (next_trials, rows_of):
        refuses(lambda ask=ask: ask(0, configuration, seeds, tuning(), {}), error, *texts)


def test_a_budget_that_is_not_given_is_told(refuses):
    refuses(
        lambda: check_configuration({"depth": 3}, SEEDS, tuning()),
        ValueError, "budget is 'epochs', which {'depth': 3} does not give", "budget=None",
    )  # fmt: skip


@pytest.mark.parametrize("replicas", [0, -1, 1.5, True])
def test_wrong_replicas_are_told(replicas, refuses):
    refuses(
        lambda: next_trials(0, CONFIGURATION, SEEDS, None, {}, replicas),
        ValueError, f"replicas is {replicas}", "integers from 1 on",
    )  # fmt: skip
