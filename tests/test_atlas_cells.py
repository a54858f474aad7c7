"""Recurrent cells and norms in other homes: the reference, its judging, and what is stored."""

import json

import atlas_cell_judging
import atlas_cell_questions
import atlas_cells
import numpy as np
import pytest
import torch
from atlas_cell_questions import KINDS, LENGTHS, SMALL, one_unit, sequence, weights
from torch import nn

import atlas
from course_lib.frameworks import cell_homes, cells

QUESTIONS = {each.name: each for each in atlas_cell_questions.questions()}


def torch_layer(kind, w, back=None, **options):
    """Return PyTorch's layer in float64; its gates are in the order of the questions."""
    units = w["bias"].size // atlas_cells.GATES[kind]
    layer = getattr(nn, kind.upper())(
        w["input"].shape[0], units, batch_first=True, bidirectional=back is not None, **options
    ).double()
    parts = {"": w} | ({} if back is None else {"_reverse": back})
    with torch.no_grad():
        for end, part in parts.items():
            for name, value in (
                ("weight_ih", part["input"].T),
                ("weight_hh", part["recurrent"].T),
                ("bias_ih", part["bias"]),
                ("bias_hh", 0 * part["bias"]),
            ):
                getattr(layer, f"{name}_l0{end}").copy_(torch.from_numpy(value))
    return layer


def torch_answer(layer, lengths=None, start=None):
    """Return outputs and last states on the sequences of the questions."""
    x = torch.from_numpy(sequence())
    if lengths is not None:
        ends = torch.tensor(lengths)
        x = nn.utils.rnn.pack_padded_sequence(x, ends, batch_first=True)
    with torch.no_grad():
        y, last = layer(x, start)
    if lengths is not None:
        y, _ = nn.utils.rnn.pad_packed_sequence(y, batch_first=True)
    states = last if isinstance(last, tuple) else (last,)
    joined = [each.transpose(0, 1).flatten(1).numpy() for each in states]
    return {"y": y.numpy()} | dict(zip("hc", joined, strict=False))


def assert_equal(found, expected):
    """Assert that outputs and states are equal to rounding."""
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lengths", [None, LENGTHS])
@pytest.mark.parametrize("both", [False, True])
def test_the_reference_is_pytorchs(kind, lengths, both):
    w, back = weights(kind), weights(kind, 1) if both else None
    options = {"direction": "both", "back": back} if both else {}
    found = atlas_cells.cell(kind, w, sequence(), lengths=lengths, **options)
    assert_equal(found, torch_answer(torch_layer(kind, w, back), lengths))


@pytest.mark.parametrize("kind", KINDS)
def test_the_reference_starts_as_pytorch_does(kind):
    start = QUESTIONS[f"{kind} initial state"].arguments["start"]
    found = atlas_cells.cell(kind, weights(kind), sequence(), start=start)
    given = [torch.from_numpy(start[name])[None] for name in sorted(start)[::-1]]
    states = tuple(given) if kind == "lstm" else given[0]
    assert_equal(found, torch_answer(torch_layer(kind, weights(kind)), start=states))


def test_the_reference_has_pytorchs_relu_and_projection():
    w = weights("rnn")
    found = atlas_cells.cell("rnn", w, sequence(), activations=["relu"])
    assert_equal(found, torch_answer(torch_layer("rnn", w, nonlinearity="relu")))
    given = QUESTIONS["lstm projection"].arguments
    layer = torch_layer("lstm", given["w"], proj_size=2)
    with torch.no_grad():
        layer.weight_hr_l0.copy_(torch.from_numpy(given["projection"].T))
    found = atlas_cells.cell("lstm", given["w"], sequence(), projection=given["projection"])
    assert_equal(found, torch_answer(layer))


def test_resets_agree_where_units_do_not_mix_and_differ_elsewhere():
    w = weights("gru")
    alone = w | {"recurrent": w["recurrent"] * np.tile(np.eye(3), 3)}
    for given, same in ((alone, True), (w, False)):
        states = [atlas_cells.cell("gru", given, sequence(), reset=reset)["h"]
                  for reset in ("before", "after")]  # fmt: skip
        assert np.allclose(*states, atol=1e-12) is same


def test_an_updates_sign_turned_twice_is_the_same():
    w = weights("gru")
    twice = atlas_cell_questions.turned(atlas_cell_questions.turned(w))
    np.testing.assert_array_equal(twice["recurrent"], w["recurrent"])
    z = atlas_cells.sigmoid(np.array([0.3]))
    np.testing.assert_allclose(1 - z, atlas_cells.sigmoid(np.array([-0.3])))


def test_clip_bounds_what_activations_are_given():
    found = atlas_cells.cell("rnn", weights("rnn"), sequence(), clip=0.5)["y"]
    assert np.abs(found).max() <= np.tanh(0.5)
    wide = atlas_cells.cell("lstm", weights("lstm"), sequence(), clip=1e3)
    assert_equal(wide, atlas_cells.cell("lstm", weights("lstm"), sequence()))
    bounded = atlas_cells.cell("lstm", weights("lstm"), sequence(), state_clip=0.5)
    assert np.abs(bounded["c"]).max() <= 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_the_unit_by_hand_is_the_reference(kind):
    w, x = one_unit(kind)
    steps = atlas_cells.by_hand(kind, w, x)
    np.testing.assert_allclose(
        [step["h"] for step in steps], atlas_cells.cell(kind, w, x)["y"].ravel(), atol=1e-15
    )
    assert json.loads((atlas.STORED / "by_hand.txt").read_text()) == atlas_cell_questions.by_hand()


NORMS = {
    "layer": lambda x: nn.functional.layer_norm(x, x.shape[-1:], eps=1e-3),
    "rms": lambda x: nn.functional.rms_norm(x, x.shape[-1:], eps=1e-3),
    "batch": lambda x: nn.functional.batch_norm(x, None, None, training=True, eps=1e-3),
    "group": lambda x: nn.functional.group_norm(x, 2, eps=1e-3),
    "instance": lambda x: nn.functional.instance_norm(x, eps=1e-3),
}


@pytest.mark.parametrize("kind", NORMS)
def test_reference_norms_are_pytorchs(kind):
    x = np.random.default_rng(0).normal(2, 0.1, size=(3, 4, 5))
    expected = NORMS[kind](torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(atlas_cells.norm(kind, x, 1e-3, 2), expected, atol=1e-12)


def written(**parts):
    """Return parts of an answer as the probe writes them."""
    arrays = {name: np.asarray(value, dtype=np.float64) for name, value in parts.items()}
    return {name: (a.shape, [v.hex() for v in a.ravel().tolist()]) for name, a in arrays.items()}


def judged(name, **parts):
    """Return what is told of an answer to a question."""
    return atlas_cell_judging.judged({name: written(**parts)})[name]


PLANTED = {
    "lstm reverse": ({"direction": "reverse"}, {}, "backward", "forward"),
    "gru reset before": ({"reset": "before"}, {"reset": "after"}, "before", "after"),
    "lstm peepholes": ({"peepholes": None}, {}, "used", "ignored"),
    "rnn clip": ({"clip": 0.5}, {}, "used", "ignored"),
    "rnn relu": ({"activations": ["relu"]}, {}, "used", "ignored"),
    "rnn lengths": ({"lengths": LENGTHS}, {}, "0", "computed on"),
    "lstm clip": ({"clip": 0.5}, {"state_clip": 0.5}, "used", "the cell state"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_difference_is_named(name):
    right, wrong, good, bad = PLANTED[name]
    kind = name.split()[0]
    if "peepholes" in right:
        right = {"peepholes": QUESTIONS[name].arguments["peepholes"]}
    for options, label in ((right, good), (wrong, bad)):
        found = judged(name, **atlas_cells.cell(kind, weights(kind), sequence(), **options))
        assert found["y"]["is"] == label
        assert ("instead of" in found["y"]) is (label == bad)
        assert (found["y"]["difference"] > 0.01) is (label == bad)


def test_what_is_none_of_the_known_answers_is_another_and_nan_is_told():
    y = atlas_cells.cell("lstm", weights("lstm"), sequence())["y"]
    assert judged("lstm", y=y + 0.1)["y"] | {"difference": 0} == {
        "is": "another", "instead of": "same", "difference": 0}  # fmt: skip
    assert judged("lstm", y=np.where(y > 0.1, np.nan, y))["y"]["is"] == "not finite"
    assert judged("lstm", y=y[:, :2])["y"]["is"] == "shape (2, 2, 3)"


@pytest.mark.parametrize(
    ("place", "epsilon"),
    [("inside", 1e-3), ("inside", 1e-5), ("inside", 1e-7), ("outside", 1e-3), ("outside", 1e-5)],
)
def test_an_epsilon_is_measured_where_it_stands(place, epsilon):
    a = np.array(SMALL)
    size = np.sqrt(a**2 + epsilon) if place == "inside" else a + epsilon
    found = judged("layer norm epsilon", y=np.stack([a / size, -a / size], 1))
    assert found["is"] == place
    assert found["epsilon"] == pytest.approx(epsilon, rel=1e-3)
    ones = np.ones((4, 2)) * [1, -1]
    assert judged("layer norm epsilon", y=ones)["is"] == "none"


def test_running_variances_are_told_apart():
    def told(variance):
        given = {"mean": [0.1, 10.2], "variance": variance}
        return judged("batch norm, running", **given)

    assert told([1.1, 1.7]) | {"variance": 0} == {
        "is": "unbiased", "fraction": 0.1, "mean": [0.1, 10.2], "variance": 0}  # fmt: skip
    assert told([1.0, 1.3])["is"] == "biased"
    assert told([-9.0, 1.3])["is"] == "another"


def test_initial_weights_are_told_apart():
    rng = np.random.default_rng(0)
    gates = np.concatenate([np.linalg.qr(rng.normal(size=(64, 64)))[0] for _ in range(4)], 1)
    whole = np.linalg.qr(rng.normal(size=(256, 64)))[0].T
    flat = rng.uniform(-0.125, 0.125, (64, 256))
    kinds = {"orthogonal by gate": gates, "orthogonal as a whole": whole, "uniform": flat,
             "normal": rng.normal(size=(64, 256))}  # fmt: skip
    for label, recurrent in kinds.items():
        bias = np.repeat([0.0, 1.0, 0.0, 0.0], 64)
        found = judged("lstm initial weights", input=flat[:48], recurrent=recurrent, bias=bias)
        assert found["recurrent"]["is"] == label
        assert found["bias"] == [0.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize("home", list(cell_homes()))
def test_every_home_answers_every_question_or_says_why_not(home):
    table = json.loads((atlas.STORED / f"{home}.json").read_text())
    assert "failed" not in table and table["versions"] and table["date"] >= "2026-11-30"
    assert set(table["cells"]) == set(QUESTIONS)
    for name, found in table["cells"].items():
        if "error" not in found and QUESTIONS[name].known:
            assert set(found) <= set(QUESTIONS[name].known)
            labels = {label for known in QUESTIONS[name].known.values() for label in known}
            for part in found.values():
                assert part["is"] in labels | {"another", "not finite"}


def test_every_plain_cell_is_one_that_is_known():
    told = {(row.question, row.home): row.details["y"]["is"] for row in cells()
            if row.question in (*KINDS, *(f"{kind} one unit" for kind in KINDS))
            and not row.refused}  # fmt: skip
    assert len(told) > 80
    others = {home for (_, home), label in told.items() if label != "same"}
    assert others == {"haiku_cells", "mxnet_cells", "tfjs_cells"}
    assert set(told.values()) == {"same", "relu", "hard sigmoid"}
