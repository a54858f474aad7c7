"""Trained networks that were carried from home to home, and what was made of their answers."""

import dataclasses
import json
import math
import re

import atlas_differences
import carried_graphs
import carried_networks
import carried_ranking
import numpy as np
import pytest
from build_book import ROOT

from course_lib.frameworks import carried, carried_homes, homes, ranked, trainings

PLACE = ROOT / "course_lib" / "bundled" / "atlas" / "carried"
RANKED = {row.name: row for row in ranked()}


def test_twenty_differences_and_more_are_ranked_by_their_loss():
    losses = [row.loss for row in ranked()]
    assert len(losses) > 30 and losses == sorted(losses, reverse=True)
    assert [row.rank for row in ranked()] == list(range(1, len(losses) + 1))
    for row in ranked()[:20]:
        assert row.words and row.source and row.advice
        assert row.loss == max(move.cost.loss for move in row.moves if move.cost)
        assert row.moves[0].cost.interval[0] <= row.loss <= row.moves[0].cost.interval[1]


def test_every_move_was_measured_or_says_why_not():
    for row in ranked():
        for move in row.moves:
            assert (move.cost is None) == bool(move.error)
            assert move.error not in ("not asked yet", "no such entry"), (row.name, move)
            assert move.cost is None or move.cost.seeds >= 5
            assert not move.home or move.home in homes()


def test_the_stored_ranking_is_what_its_words_and_moves_ask_for(tmp_path):
    stored = json.loads((PLACE / "ranked.json").read_text())
    assert carried_ranking.ranked(PLACE, carried_ranking.as_before(PLACE)) == stored
    words = (PLACE / "differences.toml").read_text()
    (tmp_path / "ranked.json").write_text("[]")
    (tmp_path / "differences.toml").write_text(words)
    with pytest.raises(LookupError, match="make carried"):
        carried_ranking.ranked(tmp_path, carried_ranking.as_before(tmp_path))


def test_of_equals_the_one_that_moves_outputs_most_comes_first():
    for row in ranked():
        costs = [move.cost for move in row.moves if move.cost]
        keys = [(cost.loss, cost.others, cost.difference) for cost in costs]
        assert keys == sorted(keys, reverse=True), row.name


def test_a_loss_in_bits_is_one_of_probabilities():
    for row in ranked():
        for move in (move for move in row.moves if move.cost):
            told = "sparsemax" not in move.network
            assert told or math.isnan(move.cost.bits)
    z = np.array([[0.5, 0.5, 0.0], [0.0, 0.25, 0.75]])
    for head in ("softmax", "sparsemax"):
        found = carried_ranking.carried_probe.scores(z, z, np.array([0, 1]), head)
        assert found["bits"] == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("difference", "shown"),
    [(0.46, "0.46"), (27.0, "27"), (2.3e5, "230,000"), (5.5e-5, r"$5.5\cdot10^{-5}$"),
     (math.inf, "not finite")],
)  # fmt: skip
def test_a_difference_is_shown_without_marks_of_a_terminal(difference, shown):
    move = RANKED["gelu-form"].moves[0]
    cost = dataclasses.replace(move.cost, difference=difference)
    assert atlas_differences.largest(cost) == shown


def test_every_sentence_names_a_difference_and_a_home_that_was_measured():
    page = (ROOT / "book/atlas/differences.md").read_text(encoding="utf-8")
    for name, home in re.findall(r"`([\w-]+)(?: \w+)?(?: ?@(\w+))?`", page):
        if name in RANKED and home:
            assert any(move.cost and move.home == home for move in RANKED[name].moves)
    assert "@onnx_runtime" in page


def test_what_is_known_to_cost_much_does_and_what_is_not_does_not():
    assert RANKED["flatten-order"].loss > 50 and RANKED["gru-reverse"].loss > 30
    assert RANKED["gelu-form"].loss == 0 and RANKED["gelu-form"].moves[0].cost.difference > 1e-4
    assert math.isinf(RANKED["tanh-nan"].moves[0].cost.difference)


def test_networks_are_carried_to_twenty_homes_without_loss_in_single_precision():
    rows = [row for row in carried("relu") if row.mode == "float32" and row.cost]
    assert len(rows) >= 20
    assert all(abs(row.cost.loss) <= 0.1 and row.cost.accuracy > 0.9 for row in rows)
    modes = {row.mode for row in carried()}
    assert {"float16", "bfloat16", "int8", "int8 weights"} <= modes
    assert {row.home for row in carried()} <= set(carried_homes())


@pytest.mark.parametrize(
    ("arguments", "told"), [({"network": "rulu"}, "relu"), ({"home": "onnx"}, "onnx_runtime")]
)
def test_what_is_unknown_is_named_with_what_there_is(arguments, told):
    with pytest.raises(KeyError, match=told):
        carried(**arguments)


@pytest.mark.parametrize(
    "name",
    [
        "gelu, deep", "lstm", "lstm clipped", "lstm with peepholes", "gru", "gru, reset before",
        "gru, reverse", "rnn with relu", "gru, lengths", "gru, mean over lengths", "names",
        "attention", "conv with prelu", "batch norm of hidden units", "batch norm of pixels",
        "layer norm of hidden units",
    ],
)  # fmt: skip
def test_a_graph_answers_as_the_network_where_it_was_trained(name):
    runtime = pytest.importorskip("onnxruntime")
    network = carried_networks.NETWORKS[name]
    w = {key: value[None] for key, value in carried_networks.initial(network, 3).items()}
    w = {key: value.astype(np.float32) for key, value in w.items()}
    if "scale" in w:
        shape, rng = w["scale"].shape, np.random.default_rng(0)
        w |= {"scale": rng.uniform(1, 2, shape).astype(np.float32)}
        if "batch" in name:
            w["mean"] = rng.normal(size=shape).astype(np.float32)
            w["variance"] = rng.uniform(1, 2, shape).astype(np.float32)
    model = carried_graphs.graph(name, {key: value[0] for key, value in w.items()})
    session = runtime.InferenceSession(model.SerializeToString())
    answer = session.run(None, {"x": carried_networks.read(network.given)["x_test"]})[0]
    np.testing.assert_allclose(answer, carried_networks.logits(name, w)[0], atol=2e-4)


def test_scores_count_what_changed():
    z = np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0], [9.0, 9.0]])
    other = np.array([[1.0, 2.0], [0.0, 3.0], [math.nan, 0.0], [9.0, 9.0]])
    found = carried_ranking.carried_probe.scores(other, z, np.array([0, 1, 0, -100]))
    assert found["accuracy"] == pytest.approx(2 / 3) and found["others"] == pytest.approx(1 / 3)
    assert math.isinf(found["difference"])
    own = carried_ranking.carried_probe.scores(z[:1], z[:1], np.array([0]))
    assert own["bits"] == pytest.approx(math.log2(1 + math.exp(-1)))


def test_training_learns_and_repeats():
    network = carried_networks.NETWORKS["gelu, deep"]
    short = carried_networks.Network(**{**vars(network), "epochs": 1})
    first, second = (carried_networks.train(short, 1) for _ in range(2))
    assert all(np.array_equal(first[key], second[key]) for key in first)
    y = carried_networks.read("pixels")["y_test"]
    hits = carried_networks.logits("gelu, deep", first).argmax(-1) == y
    assert hits.mean() > 0.6


def test_blocks_are_turned_around():
    rng = np.random.default_rng(0)
    w = rng.normal(size=(3, 8))
    there = carried_graphs.blocks(w, "ifgo", "iofg")
    assert np.array_equal(there[:, 2:4], w[:, 6:8]) and np.array_equal(there[:, 4:6], w[:, 2:4])
    assert np.array_equal(carried_graphs.blocks(there, "iofg", "ifgo"), w)


def test_what_is_kept_and_what_is_dropped_are_two_trainings():
    rows = {(row.name, row.other): row for row in trainings()}
    assert all(row.seeds >= 5 and row.interval[0] <= row.loss <= row.interval[1]
               for row in rows.values())  # fmt: skip
    assert rows["dropout(0.2)", "kept in tf.compat.v1 2.21.0"].interval[0] > 0
    assert abs(rows["Adam's epsilon", "Keras 3.15.1"].loss) < 0.5
