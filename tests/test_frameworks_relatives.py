"""Relatives of the planted cases: several differences, small ones, layers in other places."""

import copy
from collections import OrderedDict

import numpy as np
import pytest
import torch
from frameworks_helpers import (
    IMAGES,
    ROWS,
    TIMES,
    Function,
    Recurrent,
    convolutional,
    edited,
    exported,
    mlp,
    runs,
    small_graph,
)
from torch import nn
from torch.nn import functional as F

from course_lib.frameworks import NetworkPair, compare

pytestmark = pytest.mark.usefixtures("one_thread")


def both(other, x):
    """Return a module, and the graph that is exported from it."""
    return {"module": other, "graph": exported(other, x)}.values()


def parting(found):
    """Return the layers that part, and by what."""
    return [(row.layer, *row.known) for row in found.layers if row.parts]


def two(slope, form):
    torch.manual_seed(1)
    return mlp(nn.LeakyReLU(slope), nn.Linear(8, 8), nn.GELU(form))


def test_two_differences_are_both_named():
    model, changed = two(0.01, "none"), two(0.2, "tanh")
    for other in both(changed, ROWS):
        assert parting(compare(model, other, ROWS)) == [("1", "leaky-slope"), ("3", "gelu-form")]
    found = compare(model, runs(exported(changed, ROWS)), ROWS)
    assert found.known == ("leaky-slope", "gelu-form")
    assert "(layer 1); the form of GELU" in found.outputs[0].cause


def neighbors(slope, eps):
    return mlp(nn.LeakyReLU(slope), nn.LayerNorm(8, eps))


def test_two_differences_in_neighbors_are_both_named():
    model, changed = neighbors(0.01, 1e-5), neighbors(0.3, 1e-3)
    for other in both(changed, ROWS):
        assert parting(compare(model, other, ROWS)) == [("1", "leaky-slope"), ("2", "epsilon")]
    found = compare(model, runs(exported(changed, ROWS)), ROWS)
    assert found.known == ("leaky-slope", "epsilon")


def deep(*slopes):
    torch.manual_seed(0)
    layers = [part for slope in slopes for part in (nn.Linear(6, 6), nn.LeakyReLU(slope))]
    return nn.Sequential(*layers, nn.Linear(6, 2)).eval()


@pytest.mark.parametrize(
    ("slopes", "layers", "told"),
    [
        ([0.2] * 5, "1 3 5 7 9", "(layer 1, 3, 5, 7, 9)"),
        ([0.01, 0.01, 0.3, 0.01, 0.01], "5", "(layer 5)"),
        ([0.01, 0.2, 0.01, 0.3, 0.01], "3 7", "0.3 in other (layer 7)"),
    ],
)
def test_wrong_layers_leave_others_right(slopes, layers, told):
    model, changed = deep(*[0.01] * 5), deep(*slopes)
    for other in both(changed, ROWS):
        found = compare(model, other, ROWS)
        assert parting(found) == [(layer, "leaky-slope") for layer in layers.split()]
        right = [row.units for row in found.layers if not row.parts]
        assert max(right) < 0.5
    assert told in compare(model, runs(exported(changed, ROWS)), ROWS).outputs[0].cause


def test_a_difference_below_the_tolerance_is_none():
    model = deep(*[0.01] * 5)
    for slope in (0.01 + 1e-9, 0.01 * (1 + 1e-6)):
        for other in both(deep(*[slope] * 5), ROWS):
            assert compare(model, other, ROWS).agrees
    double = copy.deepcopy(model).double()
    other = deep(*[0.01 + 1e-9] * 5).double()
    assert not compare(double, other, ROWS).agrees  # in float64 it is above


def test_an_unknown_setting_is_none_of_the_known_ones():
    model = deep(*[0.01] * 5)
    other = copy.deepcopy(model)
    other[3].negative_slope, other[4].weight.data[0, 0] = 0.07, 2.0
    found = compare(model, exported(other, ROWS), ROWS)
    assert parting(found) == [("3",), ("4",)]
    assert {row.cause for row in found.layers if row.parts} == {"none of the known ones"}
    assert found.known == ()
    assert compare(model, runs(exported(other, ROWS)), ROWS).outputs[0].cause == found.first.cause


def named(*names):
    """Return a module whose layers have these names, in this order, and weights by name."""
    torch.manual_seed(0)
    parts = {
        "in": nn.Linear(6, 8),
        "norm": nn.LayerNorm(8),
        "act": nn.GELU(),
        "out": nn.Linear(8, 3),
    }
    nn.init.uniform_(parts["norm"].weight, 0.5, 2)
    return nn.Sequential(OrderedDict((name, parts[name]) for name in names)).eval()


def test_layers_of_the_same_names_in_another_order_are_told():
    model, changed = named("in", "norm", "act", "out"), named("in", "act", "norm", "out")
    for other in both(changed, ROWS):
        found = compare(model, other, ROWS)
        assert parting(found) == [("norm", "left-out"), ("out", "left-out")]
        assert found.first.cause == "the layer itself: there in model, left out in other"
        assert found.layers[-1].cause.startswith("the layer itself: left out in model, there (")


def test_other_names_for_the_same_layers_say_nothing():
    model = named("in", "norm", "act", "out")
    other = nn.Sequential(OrderedDict(zip(("act", "out", "in", "norm"), model, strict=True)))
    assert compare(model, other.eval(), ROWS).agrees


def test_hidden_units_in_another_order_are_the_same_network():
    model = mlp(nn.ReLU())
    other, order = copy.deepcopy(model), torch.randperm(8)
    for parameter in other[0].parameters():
        parameter.data = parameter.data[order]
    other[2].weight.data = other[2].weight.data[:, order]
    for version in both(other, ROWS):
        found = compare(model, version, ROWS)
        assert found.agrees
        assert [row.layer for row in found.layers] == ["0 + 1 + 2", "3", "4"]


def test_hidden_units_in_another_order_hide_no_difference():
    """The layers that cannot be told apart are judged together, against the units as they are."""
    model = mlp(nn.LeakyReLU(0.01))
    other, order = mlp(nn.LeakyReLU(0.2)), torch.randperm(8)
    for parameter in other[0].parameters():
        parameter.data = parameter.data[order]
    other[2].weight.data = other[2].weight.data[:, order]
    found = compare(model, exported(other, ROWS), ROWS)
    assert not found.agrees


@pytest.mark.parametrize("layer", [1, 3, 5])
def test_a_layer_that_one_version_lacks_is_told(layer):
    model = nn.Sequential(*mlp(nn.Tanh()), nn.LogSoftmax(-1)).eval()
    fewer = nn.Sequential(*(part for i, part in enumerate(model) if i != layer)).eval()
    for other in both(fewer, ROWS):
        found = compare(model, other, ROWS)
        assert parting(found) == [(str(layer), "left-out")]
    for other in both(model, ROWS):
        found = compare(fewer, other, ROWS)
        assert found.known == ("left-out",)
        assert "left out in model, there (" in found.first.cause


class States(Recurrent):
    """Reads the last states, and leaves the outputs of the GRU alone."""

    def forward(self, x):
        _, states = self.gru(x)
        return self.out(torch.cat([states[-2], states[-1]], -1))


def test_states_of_a_gru_of_two_layers_and_directions():
    model = States(num_layers=2, bidirectional=True).eval()
    graph = exported(model, TIMES)
    assert compare(model, graph, TIMES).agrees
    changed = copy.deepcopy(graph)
    for node in changed.graph.node:
        if node.op_type == "GRU":
            kept = [a for a in node.attribute if a.name != "linear_before_reset"]
            del node.attribute[:]
            node.attribute.extend(kept)
    assert parting(compare(model, changed, TIMES)) == [("gru", "gru-reset")]
    assert compare(model, runs(changed), TIMES).known == ("gru-reset",)


class Functional(nn.Module):
    """Functions in the place of layers, a residual sum, and work in place."""

    def __init__(self, slope=0.01, form="none", axis=-1, eps=1e-5):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b = nn.Linear(6, 8), nn.Linear(8, 8)
        self.slope, self.form, self.axis, self.eps = slope, form, axis, eps

    def forward(self, x):
        y = F.leaky_relu_(self.a(x), self.slope)
        y += F.gelu(self.b(y), approximate=self.form)
        y = F.layer_norm(y, (8,), eps=self.eps)
        return torch.log_softmax(y, self.axis)


FUNCTIONS = {
    "leaky-slope": ("leaky_relu", {"slope": 0.2}),
    "gelu-form": ("gelu", {"form": "tanh"}),
    "epsilon": ("layer_norm", {"eps": 1e-3}),
    "softmax-axis": ("log_softmax", {"axis": 0}),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_that_a_module_calls_are_layers(name):
    layer, options = FUNCTIONS[name]
    model, changed = Functional().eval(), Functional(**options).eval()
    for other in both(changed, ROWS):
        assert parting(compare(model, other, ROWS)) == [(layer, name)]
    assert compare(model, runs(exported(changed, ROWS)), ROWS).known == (name,)
    for other in both(model, ROWS):
        assert compare(model, other, ROWS).agrees


class Several(nn.Module):
    """Takes two inputs and returns a dict."""

    def __init__(self, slope):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b, self.act = nn.Linear(6, 4), nn.Linear(3, 4), nn.LeakyReLU(slope)

    def forward(self, x, y):
        hidden = self.act(self.a(x)) * torch.sigmoid(self.b(y))
        return {"hidden": hidden, "mean": hidden.mean(-1), "largest": hidden.argmax(-1)}


def test_several_inputs_and_outputs():
    inputs = ROWS, ROWS[:, :3].copy()
    model, changed = Several(0.01).eval(), Several(0.2).eval()
    graph = exported(changed, *inputs)
    found = compare(model, graph, inputs)
    assert parting(found) == [("act", "leaky-slope")]
    assert [row.layer for row in found.outputs] == ["output 0", "output 1", "output 2"]
    assert [row.parts for row in found.outputs][:2] == [True, True]
    assert compare(model, exported(model, *inputs), tuple(map(torch.tensor, inputs))).agrees
    assert compare(model, runs(graph), inputs).known == ("leaky-slope",)


def test_inputs_and_modules_are_left_as_they_are():
    model = nn.Sequential(nn.ReLU(inplace=True), *mlp(nn.ReLU(inplace=True))).eval()
    before, x, tensor = copy.deepcopy(model.state_dict()), ROWS.copy(), torch.tensor(ROWS)
    for given in (x, tensor, x[::-1], x.astype(">f4"), x.astype(float), x.tolist()):
        assert compare(model, copy.deepcopy(model), given).agrees
    np.testing.assert_array_equal(x, ROWS)
    np.testing.assert_array_equal(tensor, ROWS)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_layer_that_is_called_twice_has_two_lines():
    torch.manual_seed(0)
    shared = nn.Linear(6, 6)
    model = nn.Sequential(shared, nn.Tanh(), shared).eval()
    found = compare(model, exported(model, ROWS), ROWS)
    assert [row.layer for row in found.layers] == ["0", "1", "0 (call 2)"]
    assert found.agrees


def test_a_flattening_in_another_order_shows_in_the_layer_after_it():
    model = convolutional([nn.ReLU()])
    moved = Function(lambda x: x.permute(0, 2, 3, 1))
    other = nn.Sequential(model[0], model[1], moved, *model[2:]).eval()
    for version in both(other, IMAGES):
        found = compare(model, version, IMAGES)
        assert parting(found) == [("2 + 3", "flatten-order")]
    assert compare(model, runs(exported(other, IMAGES)), IMAGES).known == ("flatten-order",)


def test_a_module_in_float16_is_compared_by_its_own_rounding():
    graph = small_graph([("LeakyRelu", ["x"], ["y"], {})], (16, 6))
    model = nn.Sequential(nn.LeakyReLU(0.01)).eval()
    found = compare(model, lambda x: model(torch.tensor(x).half()).numpy(), ROWS)
    assert found.agrees and found.outputs[0].difference > 1e-4
    other = edited(graph, "LeakyRelu", alpha=0.2)
    assert compare(model, runs(other), ROWS).known == ("leaky-slope",)


def test_other_batches_tell_what_the_first_did_not_reach():
    model, other = mlp(nn.LeakyReLU(0.01)), mlp(nn.LeakyReLU(0.2))
    for part in (model, other):
        part[0].bias.data += 100
    pair = NetworkPair(model, exported(other, ROWS))
    assert pair(ROWS).agrees  # no unit is below 0
    assert pair(100 * ROWS).known == ("leaky-slope",)


def test_a_report_is_a_table_as_text_and_as_html():
    found = compare(mlp(nn.GELU()), exported(mlp(nn.GELU("tanh")), ROWS), ROWS)
    head, *lines = str(found).splitlines()
    assert head.split() == ["layer", "other", "shape", "difference", "at", "tolerances"]
    assert lines[1].startswith("1 ") and lines[1].endswith("parts")
    assert lines[-2] == f"1 parts: {found.first.cause}."
    assert lines[-1] == "output parts: see the layers above."
    shown = found._repr_html_()
    assert shown.count("<tr>") == 7 and "16 x 8" in shown
    found = compare(abs, lambda x: x, -ROWS)
    assert "&lt;lambda&gt;" not in str(found) and "none of the known ones" in str(found)
    agreed = compare(abs, lambda x: abs(x), ROWS)
    assert str(agreed).endswith("The outputs agree to rounding: the function abs and the function "
                                "<lambda>.")  # fmt: skip
    assert "the function &lt;lambda&gt;" in agreed._repr_html_()
    with pytest.raises(AttributeError):
        found.model = "another"


@pytest.mark.parametrize("other", ["module", "graph"])
def test_a_difference_that_a_later_layer_erases_is_told(other):
    """ReLU makes all slopes alike; the networks agree, and the layers do not."""
    model, changed = (mlp(nn.LeakyReLU(slope), nn.ReLU()) for slope in (0.01, 0.2))
    found = compare(model, changed if other == "module" else exported(changed, ROWS), ROWS)
    assert parting(found) == [("1", "leaky-slope")]
    assert not found.agrees and not any(row.parts for row in found.outputs)


class Block(nn.Module):
    """Two convolutions with batch normalization, and a sum."""

    def __init__(self, slope):
        super().__init__()
        self.first, self.second = (nn.Conv2d(4, 4, 3, padding=1, bias=False) for _ in range(2))
        self.norms = nn.ModuleList([nn.BatchNorm2d(4), nn.BatchNorm2d(4)])
        self.act = nn.LeakyReLU(slope)

    def forward(self, x):
        y = self.act(self.norms[0](self.first(x)))
        return self.act(x + self.norms[1](self.second(y)))


def blocks(slope):
    """Return a residual network of four blocks, of which the third has another slope."""
    torch.manual_seed(0)
    middle = [Block(slope if i == 2 else 0.01) for i in range(4)]
    model = nn.Sequential(nn.Conv2d(1, 4, 3), *middle, nn.Flatten(), nn.Linear(64, 3))
    with torch.no_grad():
        for _ in range(5):
            model(torch.tensor(IMAGES))
    return model.eval()


def test_a_residual_network_whose_normalizations_were_folded():
    model, changed = blocks(0.01), blocks(0.01)
    changed[3].act.negative_slope = 0.3
    graph = exported(changed, IMAGES)
    found = compare(model, graph, IMAGES)
    told = [("3.act", "leaky-slope"), ("3.act (call 2)", "leaky-slope")]
    assert parting(found) == told
    assert any(" + " in row.layer for row in found.layers)
    (row,) = compare(model, runs(graph), IMAGES).outputs
    assert row.known == ("leaky-slope",)
    assert "(layer 3.act, 3.act (call 2))" in row.cause
