"""Comparisons, each of whose trainings is done again by itself; the tuning of learning rates."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy import stats
from together import together

from course_lib import data
from course_lib.activations import get
from course_lib.experiments import Comparison, Row, Tuning, compare, tune
from course_lib.network import cross_entropy, mlp
from course_lib.statistics import Difference, holm
from course_lib.training import (
    SGD,
    Adam,
    Momentum,
    RMSprop,
    accuracy,
    cosine,
    fit,
    one_cycle,
    step_decay,
    warmup,
)

# ---------------------------------------------------------------------------------------------
# Compare
# ---------------------------------------------------------------------------------------------

MOONS = tuple(data.moons(25, noise=0.25, seed=seed) for seed in (1, 2, 3))
TASK = {
    "sizes": [2, 6, 2], "data": MOONS, "learning_rates": [0.01, 0.1, 1.0, 1e9], "epochs": 4,
    "batch_size": 10, "seeds": range(3), "tuning_seeds": [7, 8], "dtype": np.float64,
}  # fmt: skip


def train_alone(rate, seed, name="tanh", make=Momentum, batch_size=10, **options):
    """Return one network, trained by itself."""
    network = mlp([2, 6, 2], name, seed=seed, **options)
    history = fit(
        network, *MOONS[0], optimizer=make(rate), epochs=4, batch_size=batch_size, seed=seed
    )
    return network, history


def score_alone(network, part, score):
    """Return accuracy or loss on one part of the data."""
    x, y = MOONS[part]
    with np.errstate(over="ignore", invalid="ignore"):
        outputs = network(x)
        return accuracy(outputs, y) if score == "accuracy" else cross_entropy(outputs, y)


@pytest.mark.parametrize("score", ["accuracy", "loss"])
@pytest.mark.parametrize("batch_size", [10, None])
def test_every_row_is_a_network_trained_alone(score, batch_size):
    result = compare(
        ["tanh", "relu"], **TASK | {"batch_size": batch_size}, score=score, edge="note"
    )
    assert len(result.rows) == 6
    for row in result.rows:
        network, history = train_alone(
            row.learning_rate, row.seed, row.activation, batch_size=batch_size
        )
        found = row.train_loss, row.validation, row.test
        expected = history.train_loss[-1], *(score_alone(network, i, score) for i in (1, 2))
        assert found == pytest.approx(expected, rel=1e-9)


FACTORIES = {
    "a schedule": lambda rates: Momentum(rates, schedule=warmup(4, cosine(16, 0.1))),
    "one cycle": lambda rates: Adam(rates, schedule=one_cycle(20)),
    "weights alone": lambda rates: SGD(rates, weight_decay=0.1, decay="weights"),
    "RMSprop": RMSprop,
    "Nesterov": lambda rates: Momentum(rates, nesterov=True, schedule=step_decay(5)),
}


@pytest.mark.parametrize("name", FACTORIES)
def test_schedules_and_decays_are_those_of_networks_trained_alone(name):
    make = FACTORIES[name]
    result = compare(["tanh"], **TASK | {"optimizer": make}, score="loss", edge="note")
    assert len(result.rows) == 3
    for row in result.rows:
        network, history = train_alone(row.learning_rate, row.seed, make=make)
        found = row.train_loss, row.validation, row.test
        expected = history.train_loss[-1], *(score_alone(network, i, "loss") for i in (1, 2))
        assert found == pytest.approx(expected, rel=1e-9)


def test_tune_chooses_among_learning_rates_with_a_schedule():
    def last_losses(rates, seeds):
        network = mlp([2, 6, 2], "tanh", seed=seeds.tolist())
        optimizer = SGD(rates, schedule=cosine(20))
        history = fit(network, *MOONS[0], optimizer=optimizer, epochs=4, batch_size=10)
        return -history.train_loss[:, -1]

    tuned = tune([0.001, 0.1, 10.0], last_losses, seeds=[7, 8])
    for rate, score in zip(tuned.learning_rates, tuned.scores, strict=True):
        alone = []
        for seed in (7, 8):
            network, optimizer = mlp([2, 6, 2], "tanh", seed=seed), SGD(rate, schedule=cosine(20))
            history = fit(network, *MOONS[0], optimizer=optimizer, epochs=4, batch_size=10)
            alone.append(-history.train_loss[-1])
        assert score == pytest.approx(np.mean(alone), rel=1e-9)
    assert len(set(tuned.scores)) == 3


def test_a_schedule_that_fails_is_told_before_anything_is_tuned(refuses):
    refuses(
        lambda: compare(
            ["tanh"], **TASK | {"optimizer": lambda rates: SGD(rates, schedule="cosine")}
        ),
        TypeError, "schedule is 'cosine'", "cosine(1000)",
    )  # fmt: skip


@pytest.mark.parametrize("score", ["accuracy", "loss"])
def test_the_rate_is_the_best_on_validation_data(score):
    tuned = compare(["tanh"], **TASK, score=score, edge="note").tuning["tanh", "default"]
    assert tuned.learning_rates == (0.01, 0.1, 1.0, 1e9)
    means = [
        np.mean([score_alone(train_alone(rate, seed)[0], 1, score) for seed in (7, 8)])
        for rate in tuned.learning_rates
    ]
    sign = 1 if score == "accuracy" else -1
    assert tuned.scores[:3] == pytest.approx(sign * np.array(means[:3]), rel=1e-9)
    best = np.argmax(tuned.scores[:3])
    assert tuned.learning_rate == tuned.learning_rates[best]
    assert tuned.at_edge == (best == 0)


@pytest.mark.parametrize(
    ("score", "loss"),
    [
        ("accuracy", "cross_entropy"),
        ("accuracy", "binary_cross_entropy"),
        ("loss", "cross_entropy"),
        ("loss", "binary_cross_entropy"),
        ("loss", "mean_squared_error"),
        ("loss", "gaussian_nll"),
        ("accuracy", "cross_entropy(label_smoothing=0.1)"),
    ],
)
def test_a_network_that_diverged_never_wins(score, loss):
    zeros = 1 if loss == "gaussian_nll" else 2
    targets = [(x, y if loss.startswith("cross") else 0 * x[:, :zeros]) for x, y in MOONS]
    options = {
        "data": targets,
        "loss": loss,
        "score": score,
        "learning_rates": [0.1, 1e160, 1e200, 1e300],
    }
    result = compare(["identity"], **TASK | options, edge="note")
    (tuned,) = result.tuning.values()
    assert tuned.learning_rate == 0.1
    assert tuned.scores[1:] == (0.0 if score == "accuracy" else -np.inf,) * 3


def test_infinite_outputs_are_no_right_answers():
    # one step makes logits of (inf, -inf) and (-inf, inf), whose largest is the label
    pair = np.array([[-100.0], [100.0]]), np.array([0, 1])
    found = compare(
        ["relu"], sizes=[1, 2], data=(pair, pair, pair), learning_rates=[1e36], epochs=1,
        optimizer=SGD, batch_size=None, seeds=[0, 1], edge="note",
    )  # fmt: skip
    assert [(row.validation, row.test) for row in found.rows] == [(0, 0), (0, 0)]


def test_a_replica_that_diverged_is_reported_as_such():
    options = TASK | {"learning_rates": [1e250, 1e260, 1e270], "edge": "note"}
    result = compare(["identity"], **options, score="loss")
    assert {(row.train_loss, row.test) for row in result.rows} == {(np.inf, np.inf)}
    (tuned,) = result.tuning.values()
    assert tuned.at_edge and tuned.learning_rate == 1e250
    assert result.summary()[0].mean == np.inf
    accuracies = compare(["identity"], **options)
    assert (accuracies.scores == 0).all()
    (tuned,) = accuracies.tuning.values()
    assert tuned.at_edge and tuned.learning_rate == 1e250 and tuned.scores == (0, 0, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"replicas_at_once": 1},
        {"replicas_at_once": 5},
        {"learning_rates": [1e9, 1.0, 0.01, 0.1]},
        {"settings": {"default": {}, "xavier": {"initialization": "xavier"}}},
        {"activations": ["gelu", "tanh", "sigmoid"]},
        {"seeds": [2, 0, 1, 5]},
        {"baseline": "tanh"},
    ],
    ids=str,
)
def test_what_is_found_depends_on_nothing_else(change):
    options = {"activations": ["tanh"]} | TASK | {"score": "loss"}
    reference, other = compare(**options), compare(**options | change)

    def found(result):
        rows = (r for r in result.rows if (r.activation, r.setting) == ("tanh", "default"))
        return {r.seed: (r.learning_rate, r.train_loss, r.validation, r.test) for r in rows}

    for seed, values in found(reference).items():
        assert found(other)[seed] == pytest.approx(values, rel=1e-10)


def test_the_test_data_decide_nothing():
    x, y = MOONS[2]
    one = compare(["tanh"], **TASK, score="loss")
    other = compare(["tanh"], **TASK | {"data": (*MOONS[:2], (x, 1 - y))}, score="loss")
    assert one.tuning == other.tuning
    assert [replace(r, test=0) for r in one.rows] == [replace(r, test=0) for r in other.rows]
    assert (one.scores != other.scores).all()


def test_settings_reach_the_network_and_its_optimizer():
    varied = {
        "wide": {"sizes": [2, 9, 2]},
        "xavier": {"initialization": "xavier"},
        "dropout": {"dropout": 0.3},
        "adam": {"optimizer": Adam},
        "slow": {"optimizer": lambda rate: SGD(rate / 10)},
    }
    result = compare(["relu"], varied, **TASK, score="loss", edge="note")
    assert result.settings == tuple(varied)
    alone = {
        "xavier": {"initialization": "xavier"},
        "dropout": {"dropout": 0.3},
        "adam": {"make": Adam},
        "slow": {"make": lambda rate: SGD(rate / 10)},
    }
    for row in result.rows:
        if row.setting in alone:
            network, _ = train_alone(row.learning_rate, row.seed, "relu", **alone[row.setting])
            assert row.test == pytest.approx(score_alone(network, 2, "loss"), rel=1e-9)
    assert len(np.unique(result.scores)) == result.scores.size


def test_the_dtype_is_that_of_the_networks():
    single = compare(["tanh"], **TASK | {"dtype": np.float32}, score="loss")
    double = compare(["tanh"], **TASK, score="loss")
    assert (np.float32(single.scores) == single.scores).all()
    np.testing.assert_allclose(single.scores, double.scores, rtol=1e-3)
    assert (single.scores != double.scores).any()


# ---------------------------------------------------------------------------------------------
# Tune
# ---------------------------------------------------------------------------------------------

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ([1, 3, 2], 1), ([3, 3, 2], 1), ([3, 3, 3], 1), ([3, 3, 3, 3], 1), ([2, 2, 1, 2, 2], 1),
        ([1, 2, 3], 2), ([3, 1, 3], 0), ([0.1 + 0.2, 0.3, 0], 1), ([-INF, -2, -INF], 1),
        ([-INF] * 3, 0), ([NAN, -2, NAN], 1), ([NAN] * 3, 0),
    ],
)  # fmt: skip
def test_of_learning_rates_that_tie_the_inner_and_then_the_smaller_is_best(scores, best):
    rates = np.logspace(-3, -1, len(scores))
    found = tune(rates, lambda *_: scores, seeds=[1])
    assert found.learning_rates == tuple(rates)
    assert found.scores == tuple(np.nan_to_num(scores, nan=-INF, neginf=-INF))
    assert found.learning_rate == rates[best]
    assert found.at_edge == (best in (0, len(rates) - 1))


def test_every_learning_rate_is_tried_with_every_seed_at_once():
    calls = []

    def evaluate(rates, seeds):
        calls.append((rates.tolist(), seeds.tolist()))
        return -np.abs(rates - 2) - seeds

    found = tune((3, 1, 2.5), evaluate, seeds=range(4, 6))
    assert calls == [([1, 1, 2.5, 2.5, 3, 3], [4, 5, 4, 5, 4, 5])]
    assert found == Tuning((1.0, 2.5, 3.0), (-5.5, -5.0, -5.5), 2.5, False)


def test_a_training_that_diverged_counts_as_the_worst():
    scores = [0.5, 0.5, 0.9, NAN, NAN, NAN]  # three learning rates, two seeds
    found = tune([1, 2, 3], lambda *_: scores, seeds=[0, 1])
    assert (found.learning_rate, found.scores) == (1, (0.5, -INF, -INF))
    found = tune([1, 2, 3], lambda *_: scores, seeds=[0, 1], worst=0)
    assert (found.learning_rate, found.scores) == (1, (0.5, 0.45, 0))
    assert tune([1, 2, 3], lambda *_: [0] * 3, seeds=[0], worst=0).learning_rate == 1
    assert tune([1, 2, 3], lambda *_: [0] * 3, seeds=[0]).learning_rate == 2


def test_a_comparison_tunes_as_a_caller_would():
    def evaluate(rates, seeds):
        networks = mlp([2, 6, 2], "tanh", seed=seeds.tolist())
        with np.errstate(over="ignore", invalid="ignore"):
            fit(networks, *MOONS[0], optimizer=Momentum(rates), epochs=4, batch_size=10,
                seed=seeds.tolist())  # fmt: skip
        return -cross_entropy(networks(MOONS[1][0]), MOONS[1][1])

    found = tune(TASK["learning_rates"], evaluate, seeds=TASK["tuning_seeds"])
    compared = compare(["tanh"], **TASK, score="loss").tuning["tanh", "default"]
    assert (found.learning_rate, found.at_edge) == (compared.learning_rate, compared.at_edge)
    assert found.scores == compared.scores


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (([], [0]), ValueError, r"learning_rates are \[\]; at least 1"),
        (([1, 1], [0]), ValueError, r"learning_rates are \[1.0, 1.0\]; expected each once"),
        (([0.1, np.nan], [0]), ValueError, "learning_rate is nan; expected a finite number"),
        ((0.1, [0]), TypeError, "learning_rates is 0.1; expected a sequence"),
        (([1], []), ValueError, r"seeds are \[\]; at least 1"),
        (([1], [0, 0]), ValueError, r"seeds are \[0, 0\]; expected each once"),
        (([1], 3), TypeError, "seeds is 3; expected a sequence"),
        (([1, 2], [0]), ValueError, r"shape \(1,\); expected one score for each of 2 trainings"),
    ],
)
def test_what_cannot_be_tuned_is_named(arguments, error, text):
    rates, seeds = arguments
    with pytest.raises(error, match=text):
        tune(rates, lambda *_: [0.5], seeds=seeds)


def test_a_best_rate_at_the_edge_is_an_error_or_a_note():
    with pytest.raises(ValueError, match=r"0\.001 for 'tanh' \(default\), the largest") as caught:
        compare(["tanh"], **TASK | {"learning_rates": [1e-5, 1e-4, 1e-3]}, score="loss")
    assert "widen learning_rates" in str(caught.value)
    with pytest.raises(ValueError, match=r"10 for 'tanh' .*, the smallest tried, and 10 for"):
        compare(["tanh", "relu"], **TASK | {"learning_rates": [10, 1000, 1e5]}, score="loss")
    noted = compare(["tanh"], **TASK | {"learning_rates": [1e-3]}, score="loss", edge="note")
    assert noted.summary()[0].at_edge
    assert "0.001*" in str(noted) and "* at the edge of the learning rates tried" in str(noted)
    assert "*" not in str(compare(["tanh"], **TASK, score="loss"))


# What a comparison says, from numbers that need no training.

SCORES = np.random.default_rng(0).normal([[[0.8], [0.82]], [[0.9], [0.7]]], 0.02, (2, 2, 5))
NAMES, LABELS = ("tanh", "relu"), ("he", "xavier")


def made_up(**options):
    """Return a comparison of two activations in two settings."""
    rows = [
        Row(NAMES[a], LABELS[s], seed, 0.1, 1.0, 0.5, float(SCORES[a, s, seed]))
        for a, s, seed in np.ndindex(SCORES.shape)
    ]
    tuned = Tuning((0.01, 0.1, 1.0), (0.5, 0.6, 0.5), 0.1, False)
    tuning = {(name, label): tuned for name in NAMES for label in LABELS}
    return Comparison(rows, tuning, "accuracy", **options)


def test_scores_are_laid_out_by_activation_setting_and_seed():
    result = made_up()
    assert (result.activations, result.settings, result.seeds) == (NAMES, LABELS, (0, 1, 2, 3, 4))
    np.testing.assert_array_equal(result.scores, SCORES)


def test_rows_are_plain_records():
    rows = [*compare(["tanh"], **TASK).rows, *made_up().summary()]
    for row in rows:
        assert {type(value) for value in asdict(row).values()} <= {str, int, float, bool}


def test_the_summary_is_mean_and_t_interval():
    for i, line in enumerate(made_up(level=0.9).summary()):
        own = SCORES.reshape(4, 5)[i]
        low, high = stats.t.interval(0.9, 4, own.mean(), stats.sem(own))
        assert (line.mean, line.low, line.high) == pytest.approx((own.mean(), low, high))
        assert (line.activation, line.setting) == (NAMES[i // 2], LABELS[i % 2])
        assert (line.learning_rate, line.at_edge, line.n) == (0.1, False, 5)


@pytest.mark.parametrize("baseline", [("tanh", "xavier"), ["tanh", "xavier"]])
def test_differences_are_paired_and_their_p_values_corrected(baseline):
    found = made_up(level=0.9).against(baseline)
    others = {("tanh", "he"): (0, 0), ("relu", "he"): (1, 0), ("relu", "xavier"): (1, 1)}
    assert list(found) == list(others)
    raw = [stats.permutation_test(
        (SCORES[place] - SCORES[0, 1],), np.mean, permutation_type="samples", n_resamples=np.inf
    ).pvalue for place in others.values()]  # fmt: skip
    for (key, place), p in zip(others.items(), holm(raw), strict=True):
        test = stats.ttest_rel(SCORES[place], SCORES[0, 1])
        own = found[key]
        assert isinstance(own, Difference)
        assert own.p == pytest.approx(p)
        assert (own.low, own.high) == pytest.approx(tuple(test.confidence_interval(0.9)))


def test_a_name_or_label_is_enough_where_it_is_the_only_one():
    result = compare(["tanh", "relu"], **TASK, edge="note", baseline="tanh")
    assert result.baseline == ("tanh", "default")
    assert result.against() == result.against("tanh") == result.against(("tanh", "default"))
    assert list(result.against("relu")) == [("tanh", "default")]
    varied = {"he": {}, "xavier": {"initialization": "xavier"}}
    result = compare(["tanh"], varied, **TASK, edge="note")
    assert list(result.against("xavier")) == [("tanh", "he")]


def test_a_gate_is_compared_and_the_table_says_how_many_parameters_it_has():
    gated = get("maxout", pieces=3)
    result = compare(["tanh", "swiglu", gated], **TASK | {"sizes": [2, 6, 2]}, edge="note")
    assert result.parameter_counts == {
        ("tanh", "default"): 2 * 6 + 6 + 6 * 2 + 2,
        ("swiglu", "default"): 2 * 12 + 12 + 6 * 2 + 2,
        ("maxout(pieces=3)", "default"): 2 * 18 + 18 + 6 * 2 + 2,
    }
    assert str(result).splitlines()[-1] == (
        "parameters of a network (default): tanh 32, swiglu 50, maxout(pieces=3) 68"
    )
    alone = compare(["tanh"], **TASK | {"sizes": [2, 6, 2]}, edge="note")
    assert alone.rows == result.rows[: len(alone.rows)]
    assert "parameters" not in str(alone)


def test_settings_may_leave_out_biases_and_mix_activations():
    settings = {"biases": {}, "none": {"bias": False, "initialization": "xavier_uniform"}}
    result = compare(["tanh", "relu"], settings, **TASK | {"sizes": [2, 6, 2]}, edge="note")
    assert result.parameter_counts["tanh", "none"] == 2 * 6 + 6 * 2
    assert "parameters" not in str(result)


TABLE = """\
test accuracy: mean of 5 seeds, 0.95 t interval; differences to tanh (he), p corrected
activation  setting  learning_rate  mean   low  high  difference    low   high  effect        p
tanh        he                 0.1  0.80  0.79  0.81
tanh        xavier             0.1  0.82  0.80  0.85       +0.02  -0.00  +0.04    +1.2  1.9e-01
relu        he                 0.1  0.88  0.86  0.91       +0.08  +0.05  +0.11    +3.4  1.9e-01
relu        xavier             0.1  0.70  0.68  0.72       -0.10  -0.13  -0.08    -4.8  1.9e-01
"""


def test_a_comparison_with_a_training_that_diverged_prints_without_differences():
    result = made_up(baseline=("tanh", "he"))
    result = replace(result, rows=[replace(result.rows[0], test=np.inf), *result.rows[1:]])
    title, *_, note = str(result).splitlines()
    assert "differences" not in title
    assert note == "no differences to the baseline: a training diverged, its loss is infinite"


def test_it_prints_as_a_table():
    assert made_up(baseline=("tanh", "he")).table(2) + "\n" == TABLE
    bare = str(made_up()).splitlines()
    assert bare[1] == "activation  setting  learning_rate   mean    low   high"
    assert [line.split()[3] for line in bare[2:]] == [f"{m:.3f}" for m in SCORES.mean(-1).flat]
    assert repr(made_up()) == str(made_up()) == made_up().table(3)


# ---------------------------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------------------------

BAD = {
    "nothing": (lambda: try_compare(activations=[]), "activations are []", "at least 1"),
    "twice": (lambda: try_compare(activations=["relu", "relu"]), "'relu'", "each once"),
    "no settings": (lambda: try_compare(settings={}), "settings are []", "at least 1"),
    "few rates": (
        lambda: try_compare(learning_rates=[0.1, 1]), "learning_rates are [0.1, 1.0]", "at least 3"
    ),
    "same rates": (lambda: try_compare(learning_rates=[1, 1, 2]), "[1.0, 1.0, 2.0]", "each once"),
    "rate 0": (lambda: try_compare(learning_rates=[1, 0, 2]), "learning_rate is", "above 0"),
    "one seed": (lambda: try_compare(seeds=[1]), "seeds are [1]", "at least 2"),
    "same seeds": (lambda: try_compare(seeds=[1, 1]), "seeds are [1, 1]", "each once"),
    "tuned on": (
        lambda: try_compare(seeds=range(8)), "seeds [7] are there", "other tuning_seeds"
    ),
    "chunk": (lambda: try_compare(replicas_at_once=0), "replicas_at_once is 0", "from 1 on"),
    "half a chunk": (
        lambda: try_compare(replicas_at_once=2.5), "replicas_at_once is 2.5", "integers"
    ),
    "compared level": (lambda: try_compare(level=95), "level is 95", "between 0 and 1"),
    "no such baseline": (
        lambda: try_compare(baseline="gelu"), "'gelu', which fits 0", "[('tanh', 'default')]"
    ),
    "two baselines": (
        lambda: made_up().against("tanh"), "'tanh', which fits 2", "expected one of"
    ),
    "baseline missing": (lambda: made_up().against(), "baseline is None", "expected one of"),
    "no accuracy": (
        lambda: try_compare(loss="mean_squared_error", data=[(x, 0 * x) for x, _ in MOONS]),
        "'mean_squared_error' has no accuracy", "expected score='loss'",
    ),
    "no batch": (lambda: try_compare(batch_size=0), "batch_size is 0", "expected"),
    "a rate as text": (
        lambda: try_compare(learning_rates=["a", 1, 2]), "learning_rate is 'a'", "finite number"
    ),
    "no epochs": (lambda: try_compare(epochs=0), "epochs is 0", "expected"),
    "labels missing": (
        lambda: try_compare(data=[*MOONS[:2], (MOONS[2][0], [1])]), "50 examples in x", "one each"
    ),
    "another class": (
        lambda: try_compare(data=[*MOONS[:2], (np.ones((2, 2)), [0, 2])]), "0 to 2", "0 to 1"
    ),
}  # fmt: skip


def try_compare(activations=("tanh",), **options):
    """Call `compare` on a small task with something changed; it must not train."""
    compare(activations, **TASK | {"optimizer": refuses} | options)


def refuses(rate):
    """Return an optimizer that may not be used."""
    optimizer = SGD(rate)
    optimizer.step = None
    return optimizer


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"activations": ["tahn"]}, KeyError, "did you mean 'tanh'"),
        ({"score": "acuracy"}, KeyError, "did you mean 'accuracy'"),
        ({"edge": "warn"}, KeyError, "Expected: raise, note"),
        ({"loss": "hinge"}, KeyError, "unknown loss"),
        ({"settings": {"x": {"initialization": "her"}}}, KeyError, "did you mean 'he'"),
        ({"settings": {"x": {"gian": 2}}}, TypeError, "'gian'"),
        ({"settings": {"x": {"seed": 2}}}, TypeError, "'seed'"),
        ({"settings": {"x": {"clip_norm": 1.0}}}, TypeError, "setting 'x' 'clip_norm'.*, gain, "),
        ({"settings": ["he"]}, TypeError, r"\['he'\]; expected a mapping of labels"),
        ({"settings": {"he": "he"}}, TypeError, "'he'}; expected a mapping of labels"),
        ({"settings": {"x": {"optimizer": SGD(0.1)}}}, TypeError, "SGD.*; expected what makes"),
        ({"activations": "relu"}, TypeError, "activations is 'relu'; expected a sequence"),
        ({"learning_rates": 0.1}, TypeError, "learning_rates is 0.1; expected a sequence, such as"),
        ({"optimizer": Momentum(0.1)}, TypeError, "Momentum.*; expected what makes one"),
        (
            {"settings": {"x": {}, "y": {"normalization": "batch"}}, "batch_size": 7},
            ValueError,
            "50 examples in batches of 7 leave a batch of one row",
        ),
        ({"data": MOONS[:2]}, TypeError, "tuple of 2; expected three pairs"),
        ({"data": np.ones((3, 2))}, TypeError, "data is a ndarray"),
        ({"seeds": 3.5}, TypeError, "integer"),
        ({"seeds": [np.random.SeedSequence(1)] * 2}, TypeError, "integers from 0 on"),
        ({"optimizer": lambda rate: SGD}, TypeError, "pass an instance"),
        ({"dtype": np.float16}, TypeError, "float32 and float64"),
    ],
)
def test_what_cannot_work_is_refused_before_the_training(options, error, text):
    with pytest.raises(error, match=text):
        try_compare(**options)


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_what_is_accepted(case):
    call, given_text, accepted_text = BAD[case]
    with pytest.raises(ValueError, match=r"accepted|expected|at least|give") as caught:
        call()
    assert given_text in str(caught.value)
    assert accepted_text in str(caught.value)


@together(
    ("where", "value"),
    [(0, np.nan), (0, np.inf), (0, -np.inf), (0, 1e300), (1, np.nan), (1, np.inf), (1, -np.inf)],
)
@pytest.mark.parametrize("part", range(3))
def test_data_that_are_not_finite_are_refused_before_the_training(part, where, value):
    pairs = [[x.copy(), np.eye(2)[y]] for x, y in MOONS]
    pairs[part][where][3, 1] = value
    name = f"{'xy'[where]} of the {['training', 'validation', 'test'][part]} data"
    with pytest.raises(ValueError, match=rf"^{name} has 1 number that is not finite.*\[3, 1\]"):
        try_compare(data=pairs, loss="mean_squared_error", score="loss", dtype=np.float32)


class OfAnotherLibrary:
    """Steps as PyTorch's optimizers do."""

    def step(self):
        """Move what it was made for."""


def steps_elsewhere(rates):
    """Return an optimizer that remembers a network of its own."""
    optimizer, w = Momentum(rates), {"w": np.ones((len(rates), 1, 1))}
    optimizer.step(w, w)
    return optimizer


SHARED = Momentum(0.1)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda rates: OfAnotherLibrary(), TypeError, "OfAnotherLibrary, whose step does not take"),
        (steps_elsewhere, ValueError, "remembers the gradients of another network"),
        (lambda rates: Momentum(rates[:-1]), ValueError, "learning_rate has shape"),
        (lambda rates: Momentum(np.arange(1, 4)), ValueError, "learning_rate has"),
        (lambda rates: SHARED, ValueError, "with the learning rate 0.1 from"),
        (
            lambda rates: SHARED if len(rates) < 4 else Momentum(rates),
            ValueError,
            "the same Momentum in each call; expected a new one",
        ),
        (lambda rates: Momentum(0.1), ValueError, "rate 0.1 from .*; expected one that takes them"),
        (lambda rates: Adam(rates.mean()), ValueError, "one that .* lambda learning_rates: Adam"),
    ],
)
@pytest.mark.parametrize("in_setting", [False, True])
@pytest.mark.parametrize("at_once", [None, 2, 5])
def test_an_optimizer_that_cannot_work_is_refused_before_the_training(
    make, error, text, in_setting, at_once, monkeypatch
):
    monkeypatch.setattr("course_lib.experiments.comparing.fit", None)
    options = {"settings": {"x": {}, "y": {"optimizer": make}}} if in_setting else {}
    options["optimizer"] = Momentum if in_setting else make
    with pytest.raises(error, match=text):
        try_compare(replicas_at_once=at_once, **options)


RAGGED = [[0.5, 0.1], [0.2]]


@pytest.mark.parametrize("where", [0, 1])
@pytest.mark.parametrize("part", range(3))
def test_ragged_data_are_named(part, where):
    pairs = [list(pair) for pair in MOONS]
    pairs[part][where] = RAGGED
    name = f"{'xy'[where]} of the {['training', 'validation', 'test'][part]} data"
    with pytest.raises(ValueError, match=f"^{name} is ragged"):
        try_compare(data=pairs)
