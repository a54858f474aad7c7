"""The figures: colors that all readers can tell apart, labels that all can read, no window."""

import inspect
from itertools import combinations, pairwise
from random import Random

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from together import together

from course_lib import plots
from course_lib.activations import CATALOGUE
from course_lib.autodiff import Value
from course_lib.data import moons, spirals, xor
from course_lib.plots import COLORS, style

CYCLE = list(COLORS.values())[:6]
WHITE, DARK_PAGE = "#ffffff", "#14181e"


pytestmark = pytest.mark.usefixtures("styled")


# ---------------------------------------------------------------------------------------------
# Colors
# ---------------------------------------------------------------------------------------------

# How colors look without one kind of cone, on linear RGB: severity 1.0 in the tables of Machado,
# Oliveira and Fernandes, IEEE Transactions on Visualization and Computer Graphics 15 (2009),
# 1291-1298, doi 10.1109/TVCG.2009.113.
EYES = {
    "normal": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
# From linear sRGB to CIE XYZ, and the white point D65: IEC 61966-2-1.
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(color):
    """Undo the gamma of sRGB."""
    c = np.array(to_rgb(color))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    """Return the contrast ratio of WCAG 2, from 1 to 21."""
    dark, light = sorted(TO_XYZ[1] @ linear(color) for color in (a, b))
    return (light + 0.05) / (dark + 0.05)


def lab(color, eye):
    """Return the place of a color in CIELAB, as an eye sees it."""
    seen = np.clip(np.array(EYES[eye]) @ linear(color), 0, 1)
    xyz = TO_XYZ @ seen / TO_XYZ.sum(axis=1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_the_oracles_give_known_values():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    np.testing.assert_allclose(lab("#ff0000", "normal"), [53.24, 80.09, 67.20], atol=0.05)
    for matrix in EYES.values():
        np.testing.assert_allclose(np.sum(matrix, axis=1), 1, atol=2e-6)  # gray stays gray


def test_the_first_six_colors_are_the_cycle_of_the_style_sheet():
    cycle = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    assert [to_rgb(color) for color in cycle] == [to_rgb(color) for color in CYCLE]


@together("page", [WHITE, DARK_PAGE])
@pytest.mark.parametrize("color", CYCLE)
def test_colors_stand_out_on_light_and_dark_pages(color, page):
    assert contrast(color, page) >= 3


@together("eye", EYES)
@pytest.mark.parametrize(("a", "b"), list(combinations(CYCLE, 2)))
def test_any_two_colors_stay_apart_for_every_eye(a, b, eye):
    assert np.linalg.norm(lab(a, eye) - lab(b, eye)) >= 20


@pytest.mark.parametrize("name", ["text.color", "xtick.labelcolor", "axes.labelcolor"])
def test_text_is_readable_on_white(name):
    assert contrast(plt.rcParams[name], plt.rcParams["figure.facecolor"]) >= 4.5


# ---------------------------------------------------------------------------------------------
# Figures
# ---------------------------------------------------------------------------------------------


def neuron(*, backward=True):
    """Return the loss of one unit on one example, and the names of some of its values."""
    x1, x2, w1, w2, b, y = (Value(number) for number in (2, -1, 0.5, -0.3, 0.1, 1))
    z = w1 * x1 + w2 * x2 + b
    loss = (z.tanh() - y) ** 2
    if backward:
        loss.backward()
    return loss, {"$x_1$": x1, "w1": w1, "bias": b, "z": z, "loss": loss}


def draw_neuron():
    loss, labels = neuron()
    return plots.computation_graph(loss, labels=labels)


def crossing():
    """Return a value of which every part is used by several others, near and far."""
    a, b = Value(1), Value(3)
    c = a * b / 2
    d = (c + a) / (b - c)
    e = d**0.5 * a + (-b).exp() * c * d
    e.backward()
    return e - c - a * d


LINE = np.linspace(0, 1, 20)
DRAW = {
    "bands": lambda: plots.bands(
        LINE,
        {f"series {i}": (LINE * i, LINE * i - 1, LINE * i + 1) for i in range(8)},
        xlabel="epoch", ylabel="loss", title="losses",
    ),
    "bands, log": lambda: plots.bands(
        LINE + 1,
        {f"run {i}": (10.0 ** (LINE * i), 0.9 * 10.0 ** (LINE * i), 2 * 10.0 ** (LINE * i))
         for i in range(1, 4)},
        xlabel="depth", ylabel="norm", xscale="log", yscale="log",
    ),
    "bands, equal ends": lambda: plots.bands(
        LINE, {name: (LINE, LINE, LINE) for name in list(CATALOGUE)[:9]}, xlabel="epoch", ylabel="y"
    ),
    "intervals": lambda: plots.intervals(
        {name: (0.9, 0.8 + i / 100, 0.95) for i, name in enumerate(list(CATALOGUE)[:9])},
        xlabel="test accuracy", title="over 16 seeds",
    ),
    "functions": lambda: plots.functions(
        {r.name: (r.function, r.derivative) for r in CATALOGUE.values() if r.elementwise}
    ),
    "functions, one": lambda: plots.functions({"tanh": (np.tanh, np.cos)}, columns=1),
    "decision_regions": lambda: plots.decision_regions(
        {"line": lambda p: p[:, 0] > 0.5, "score": lambda p: 1 / (1 + np.exp(-p[:, 1]))},
        *xor(), resolution=30,
    ),
    "decision_regions, three": lambda: plots.decision_regions(
        {f"model {i}": lambda p: np.arange(len(p)) % 3 for i in range(4)},
        *spirals(20, classes=3), resolution=30,
    ),
    "image_grid": lambda: plots.image_grid(np.zeros((7, 8, 8)), list("abcdefg"), columns=4),
    "image_grid, no titles": lambda: plots.image_grid(np.zeros((2, 8, 8)), columns=2),
    "confusion": lambda: plots.confusion(
        np.arange(100).reshape(10, 10), list("0123456789"), title="MNIST"
    ),
    "computation_graph": lambda: draw_neuron(),
    "computation_graph, before": lambda: plots.computation_graph(neuron(backward=False)[0]),
    "computation_graph, crossing": lambda: plots.computation_graph(crossing()),
    "computation_graph, one": lambda: plots.computation_graph(Value(-1e-5)),
    "tuning_curves": lambda: plots.tuning_curves(
        {f"depth={i}": (10.0 ** (LINE[: 9 - i] - 3), *[LINE[: 9 - i] / 9 + d for d in (0, -1, 1)])
         for i in range(6)},
        xlabel="learning rate", ylabel="validation accuracy",
    ),
    "confusion, long names": lambda: plots.confusion(
        np.eye(3, dtype=int) * 5, ["trouser", "ankle boot", "coat"]
    ),
}  # fmt: skip


def test_every_function_that_draws_is_drawn_here():
    returns = {
        name
        for name in plots.__all__
        if callable(getattr(plots, name))
        and inspect.signature(getattr(plots, name)).return_annotation is Figure
    }
    assert returns == {name.split(",")[0] for name in DRAW}


@pytest.mark.parametrize("name", DRAW)
def test_a_figure_opens_no_window_and_its_labels_are_readable(name, monkeypatch):
    monkeypatch.setattr(plt, "show", lambda *a, **k: pytest.fail("show was called"))
    figure = DRAW[name]()
    assert isinstance(figure, Figure)
    assert plt.get_fignums() == [figure.number]  # nothing is left open beyond what is returned
    figure.canvas.draw()
    no_label_covers_another_or_leaves(figure)


def boxes(texts):
    return [text.get_window_extent() for text in texts if text.get_text()]


def no_label_covers_another_or_leaves(figure):
    visible = [axes for axes in figure.axes if axes.get_visible()]
    groups = [[t for a in visible for t in (a.title, a._left_title, a.xaxis.label, a.yaxis.label)]]
    for axes in visible:
        groups += [axes.texts, axes.get_xticklabels(), axes.get_yticklabels()]
    for group in groups:
        for a, b in combinations(boxes(group), 2):
            shared = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
            assert min(shared) <= 1, f"{shared} pixels"
    for box in boxes([*groups[0], *(text for axes in visible for text in axes.texts)]):
        assert figure.bbox.x0 - 1 <= box.x0 <= box.x1 <= figure.bbox.x1 + 1
        assert figure.bbox.y0 - 1 <= box.y0 <= box.y1 <= figure.bbox.y1 + 1


def test_direct_labels_stay_in_the_order_of_their_lines_and_apart():
    figure, axes = plt.subplots()
    axes.set(ylim=(0, 1))
    ends = {"a": (0.5, "red"), "b": (0.501, "blue"), "c": (0.499, "green"), "d": (0.9, "black")}
    plots.direct_labels(axes, ends, gap=0.1)
    heights = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert sorted(heights, key=heights.get) == ["c", "a", "b", "d"]
    ordered = sorted(heights.values())
    assert all(high - low >= 0.1 - 1e-5 for low, high in pairwise(ordered))
    assert heights["d"] == pytest.approx(0.9)  # far from the others, it stays at its line
    assert {text.get_text(): text.get_color() for text in axes.texts}["b"] == "blue"
    plt.close(figure)


def test_intervals_show_their_numbers_from_top_to_bottom():
    figure = plots.intervals({"a": (2, 1, 4), "b": (3, 2.5, 3.5)}, xlabel="loss")
    (axes,) = figure.axes
    bars = [line.get_xdata().tolist() for line in axes.lines if len(line.get_xdata()) == 2]
    points = [
        np.ravel(line.get_xdata()).tolist() for line in axes.lines if line.get_marker() == "o"
    ]
    assert (bars, points) == ([[1, 4], [2.5, 3.5]], [[2], [3]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    assert axes.yaxis_inverted()


def test_bands_show_center_and_interval():
    figure = plots.bands([1, 2], {"a": ([3, 4], [2, 3], [5, 6])}, xlabel="x", ylabel="y")
    (axes,) = figure.axes
    assert axes.lines[0].get_ydata().tolist() == [3, 4]
    low, high = axes.collections[0].get_datalim(axes.transData).intervaly
    assert (low, high) == (2, 6)


def test_bands_draw_on_axes_that_are_given():
    figure, (axes, other) = plt.subplots(1, 2)
    axes.set(xlabel="depth", title="left", yscale="log", xlim=(1, 3))
    drawn = plots.bands([1, 2], {"a": ([3, 4], [2, 3], [5, 6])}, ax=axes, ylabel="norm")
    assert drawn is figure
    assert plt.get_fignums() == [figure.number]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title("left")) == (
        "depth",
        "norm",
        "left",
    )
    assert (axes.get_yscale(), axes.get_xscale(), axes.get_xlim()) == ("log", "linear", (1, 3))
    assert len(axes.lines) == len(axes.collections) == 1
    assert not [*other.lines, *other.collections, *other.texts]
    plots.bands([1, 2], {"a": ([3, 4], [2, 3], [5, 6])}, ax=axes, xscale="log")
    assert axes.get_xscale() == "log"


def test_bands_are_labeled_where_their_last_number_is():
    nan = [np.nan] * 3
    series = {"ends": ([1, 2, np.nan],) * 3, "nowhere": (nan, nan, nan)}
    axes = plots.bands([1, 2, 3], series).axes[0]
    assert [text.get_text() for text in axes.texts] == ["ends"]
    assert np.isfinite(axes.texts[0].get_position()).all()
    assert not plots.bands([], {"none": ([], [], [])}).axes[0].texts


def test_bands_take_colors_by_name_or_any_other():
    series = {name: ([3, 4], [2, 3], [5, 6]) for name in "abc"}
    figure = plots.bands([1, 2], series, colors={"a": "gray", "b": "#123456"})
    (axes,) = figure.axes
    expected = [COLORS["gray"], "#123456", CYCLE[2]]
    assert [to_rgb(line.get_color()) for line in axes.lines] == [to_rgb(c) for c in expected]
    faces = [to_rgb(band.get_facecolor()[0][:3]) for band in axes.collections]
    assert faces == [to_rgb(c) for c in expected]
    labels = {text.get_text(): text.get_color() for text in axes.texts}
    assert labels == dict(zip("abc", expected, strict=True))


def test_bands_take_styles_and_dash_what_comes_after_six():
    series = {name: ([3, 4], [2, 3], [5, 6]) for name in "abcdefgh"}
    figure = plots.bands([1, 2], series, styles={"a": ":", "b": "o-", "h": "-."})
    styles = {
        text: line.get_linestyle() for text, line in zip(series, figure.axes[0].lines, strict=True)
    }
    assert styles == {"a": ":", **dict.fromkeys("bcdef", "-"), "g": "--", "h": "-."}
    assert [line.get_marker() for line in figure.axes[0].lines[:2]] == ["None", "o"]


@pytest.mark.parametrize("label", [True, False])
def test_bands_are_labeled_where_they_end_or_not_at_all(label):
    figure = plots.bands([1, 2], {"a": ([3, 4], [2, 3], [5, 6])}, label=label)
    assert [text.get_text() for text in figure.axes[0].texts] == ["a"] * label


def test_the_confusion_matrix_names_every_count_but_zero():
    figure = plots.confusion(np.array([[9, 1], [0, 10]]), ["cat", "dog"])
    (axes,) = figure.axes
    assert {t.get_position(): t.get_text() for t in axes.texts} == {
        (0, 0): "9", (1, 0): "1", (1, 1): "10"
    }  # fmt: skip
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("what it was", "the model's answer")


def test_decision_regions_show_the_model_the_right_way_up():
    x, y = moons(30)
    figure = plots.decision_regions({"up": lambda p: p[:, 1] > 0.25}, x, y, resolution=40)
    (axes,) = figure.axes
    values, extent = axes.images[0].get_array(), axes.images[0].get_extent()
    rows = np.linspace(extent[2], extent[3], 40)
    assert axes.images[0].origin == "lower"
    np.testing.assert_array_equal(values, np.repeat((rows > 0.25)[:, np.newaxis], 40, axis=1))
    shown = np.concatenate([points.get_offsets() for points in axes.collections])
    np.testing.assert_allclose(shown, np.concatenate([x[y == 0], x[y == 1]]))


def test_text_on_the_confusion_matrix_is_readable():
    figure = plots.confusion(np.array([[9, 8], [1, 10]]), ["cat", "dog"])
    (axes,) = figure.axes
    image = axes.images[0]
    for text in axes.texts:
        column, row = text.get_position()
        ground = image.cmap(image.norm(image.get_array()[row, column]))
        assert contrast(text.get_color(), ground[:3]) >= 4, text.get_text()


# ---------------------------------------------------------------------------------------------
# Graphs
# ---------------------------------------------------------------------------------------------


def drawn(figure):
    """Return boxes, as their corners in data units, and arrows, as the points they go through."""
    (axes,) = figure.axes
    boxes = [
        (box.get_x(), box.get_y(), box.get_x() + box.get_width(), box.get_y() + box.get_height())
        for box in axes.patches
        if isinstance(box, FancyBboxPatch)
    ]
    arrows = [
        np.concatenate(
            [curve(np.linspace(0, 1, 20)) for curve, _ in arrow._path_original.iter_bezier()]
        )
        for arrow in axes.patches
        if isinstance(arrow, FancyArrowPatch)
    ]
    return np.array(boxes), arrows


def told(figure):
    """Return the texts of each box, from top to bottom, by their place."""
    texts = {}
    for text in figure.axes[0].texts:
        x, y = text.get_position()
        box = next(
            k for k, (x0, y0, x1, y1) in enumerate(drawn(figure)[0]) if x0 < x < x1 and y0 < y < y1
        )
        texts.setdefault(box, []).append((y, text.get_text()))
    return [tuple(text for _, text in sorted(lines)) for lines in texts.values()]


def test_a_graph_tells_operation_value_and_gradient():
    loss, labels = neuron()
    texts = told(plots.computation_graph(loss, labels=labels))
    outer = 2 * (np.tanh(1.4) - 1)
    inner = outer / np.cosh(1.4) ** 2
    expected = {
        ("$x_1$", "2", f"∂ {0.5 * inner:.3g}"),
        ("-1", f"∂ {-0.3 * inner:.3g}"),
        ("w1", "0.5", f"∂ {2 * inner:.3g}"),
        ("-0.3", f"∂ {-inner:.3g}"),
        ("bias", "0.1", f"∂ {inner:.3g}"),
        ("1", f"∂ {-outer:.3g}"),
        ("×", "1", f"∂ {inner:.3g}"),
        ("×", "0.3", f"∂ {inner:.3g}"),
        ("+", "1.3", f"∂ {inner:.3g}"),
        ("z = +", "1.4", f"∂ {inner:.3g}"),
        ("tanh", f"{np.tanh(1.4):.3g}", f"∂ {outer:.3g}"),
        ("\N{MINUS SIGN}", f"{outer / 2:.3g}", f"∂ {outer:.3g}"),
        ("loss = (…)²", f"{outer**2 / 4:.3g}", "∂ 1"),
    }
    assert len(texts) == len(expected)
    assert set(texts) == {
        tuple(line.replace("-", "\N{MINUS SIGN}") for line in lines) for lines in expected
    }


def test_a_node_tells_all_its_names():
    x = Value(1)
    y = -x
    texts = told(plots.computation_graph(y, labels={"x": x, "a": x, "y": y, "b": y}))
    assert texts == [("x = a", "1"), ("y = b = \N{MINUS SIGN}", "\N{MINUS SIGN}1")]


def test_before_a_backward_no_gradient_is_told():
    texts = told(plots.computation_graph(neuron(backward=False)[0]))
    assert sorted(map(len, texts)) == [1] * 6 + [2] * 7
    assert not any("∂" in line for lines in texts for line in lines)


@pytest.mark.parametrize(
    ("compute", "title"),
    [
        (lambda x: x**3, "(…)³"),
        (lambda x: x**-12, "(…)⁻¹²"),
        (lambda x: x**-0.5, "(…)^−0.5"),
        (lambda x: 2**x, "^"),
        (lambda x: 1 / x, "÷"),
        (lambda x: x.apply("gelu"), "gelu"),
    ],
)
def test_operations_are_written_as_in_formulas(compute, title):
    texts = told(plots.computation_graph(compute(Value(1))))
    assert (title, *texts[-1][1:]) in texts


@pytest.mark.parametrize("name", [name for name in DRAW if name.startswith("computation_graph")])
def test_boxes_stay_apart_and_arrows_go_from_box_to_box_and_through_none(name):
    boxes, arrows = drawn(DRAW[name]())
    for (x0, y0, x1, y1), (x2, y2, x3, y3) in combinations(boxes, 2):
        assert max(x0 - x3, x2 - x1, y0 - y3, y2 - y1) > 0.1
    for points in arrows:
        (start,) = np.flatnonzero(np.isclose(boxes[:, 2], points[0, 0]) & inside(boxes, points[0]))
        (end,) = np.flatnonzero(np.isclose(boxes[:, 0], points[-1, 0]) & inside(boxes, points[-1]))
        assert boxes[start, 2] < boxes[end, 0]  # from left to right
        for point in points[1:-1]:
            assert not inside(boxes, point, -1e-6).any()


def inside(boxes, point, by=1e-6):
    """Return which boxes a point is in, or at most `by` beside."""
    beyond = np.maximum(boxes[:, :2] - point, point - boxes[:, 2:])
    return (beyond <= by).all(axis=1)


def random_value(rng, operations=14):
    """Return a value computed from five inputs in random steps, all of which it depends on."""
    values = [Value(1) for _ in range(5)]
    for _ in range(operations):
        a, b = rng.choice(values[-4:] if rng.random() < 0.7 else values), rng.choice(values)
        values.append([a.tanh, lambda a=a, b=b: a + b, lambda a=a, b=b: a * b][rng.randrange(3)]())
    used = {parent for value in values for parent, _ in value.parents}
    return sum((v for v in values[:-1] if v.parents and v not in used), start=values[-1])


def crossings(arrows):
    """Return how often arrows cross between the columns, as polygons of 20 points a curve."""

    def side(a, b, c):
        u, v = b - a, c - a
        return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]

    count = 0
    for first, second in combinations(arrows, 2):
        a, b = first[:-1, np.newaxis], first[1:, np.newaxis]
        c, d = second[np.newaxis, :-1], second[np.newaxis, 1:]
        count += ((side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0)).sum()
    return int(count)


def multipartite_heights(boxes, routes, across):
    """Return heights from networkx, in the rows that the boxes need."""
    networkx = pytest.importorskip("networkx")  # which PyTorch brings
    graph = networkx.DiGraph()
    for route in routes:
        networkx.add_path(graph, route)
    graph.add_nodes_from((place, {"subset": place[1]}) for place in [*graph, *boxes])
    heights = {}
    for place, (_, y) in networkx.multipartite_layout(graph).items():
        heights.setdefault(place[1], []).append((float(y), place))
    return {
        place: 0.76 * (k - (len(column) - 1) / 2)
        for column in heights.values()
        for k, (_, place) in enumerate(sorted(column, key=lambda one: one[0]))
    }


def test_a_layout_of_our_own_is_worth_its_lines(monkeypatch):
    """That of networkx has many times as many crossings."""
    values = [random_value(Random(seed), 10) for seed in range(3)]
    ours = sum(crossings(drawn(plots.computation_graph(value))[1]) for value in values)
    monkeypatch.setattr("course_lib.plots.graph._heights", multipartite_heights)
    theirs = sum(crossings(drawn(plots.computation_graph(value))[1]) for value in values)
    assert theirs > 4 * ours > 0


def test_there_is_an_arrow_for_each_use():
    x = Value(3)
    figure = plots.computation_graph(x * x + x)
    boxes, arrows = drawn(figure)
    assert (len(boxes), len(arrows)) == (3, 4)
    ends = {tuple(points[-1].round(6)) for points in arrows}
    assert len(ends) == 4  # each arrives at a place of its own


def test_the_first_operand_stands_above_the_second():
    a, b = Value(1), Value(2)
    for value in (a - b, a / b, a**b):
        figure = plots.computation_graph(value, labels={"a": a, "b": b})
        y = {text.get_text(): text.get_position()[1] for text in figure.axes[0].texts}
        assert y["a"] < y["b"]
        assert figure.axes[0].yaxis_inverted()


@pytest.mark.parametrize("backward", [True, False])
def test_text_of_a_graph_is_readable_and_in_its_box(backward):
    loss, labels = neuron(backward=backward)
    figure = plots.computation_graph(loss, labels=labels)
    figure.canvas.draw()
    (axes,) = figure.axes
    boxes = [b.get_window_extent() for b in axes.patches if isinstance(b, FancyBboxPatch)]
    for text in axes.texts:
        assert contrast(text.get_color(), WHITE) >= 4.5
        assert text.get_fontsize() >= 9
        extent = text.get_window_extent()
        assert any(
            box.x0 <= extent.x0 and extent.x1 <= box.x1 and box.y0 <= extent.y0 <= box.y1
            for box in boxes
        ), text.get_text()


def test_a_graph_knows_a_form_for_phones():
    loss, labels = neuron(backward=True)
    figure = plots.computation_graph(loss, labels=labels)
    assert sorted(told(figure.narrow)) == sorted(told(figure))
    (wide, low), (narrow, high) = figure.get_size_inches(), figure.narrow.get_size_inches()
    assert narrow < wide and high > low
    assert plt.get_fignums() == [figure.number]  # the other is not shown


def test_a_graph_that_cannot_be_drawn_is_rejected():
    with pytest.raises(TypeError, match=r"a float; expected a course_lib\.autodiff\.Value"):
        plots.computation_graph(1.0)
    x = Value(1)
    with pytest.raises(TypeError, match="labels is a list; expected a mapping of names"):
        plots.computation_graph(x * x, labels=["x"])
    with pytest.raises(TypeError, match="a label is 1; expected text, such as 'x'"):
        plots.computation_graph(x * x, labels={1: x})
    with pytest.raises(ValueError, match="no node for the labels 'y', 'z'; expected labels of"):
        plots.computation_graph(x * x, labels={"x": x, "y": Value(1), "z": 1.0})
    for _ in range(60):
        x = x + x
    with pytest.raises(ValueError, match=r"more than 60 nodes.* draw a part of the expression"):
        plots.computation_graph(x)
    plots.computation_graph(x.parents[0][0])  # these are 60


def test_a_label_of_bands_stands_at_the_height_where_its_line_ends():
    figure = plots.bands([1, 2, 3], {"tanh": ([0, 5, 1], [0, 4, 0], [1, 6, 2])})
    (axes,), ((label,),) = figure.axes, (figure.axes[0].texts,)
    ends = axes.transData.inverted().transform(axes.transAxes.transform(label.get_position()))
    assert ends[1] == pytest.approx(1)


def test_heights_are_pushed_apart_by_as_little_as_it_takes():
    heights = np.array([0.0, 0.5, 0.5, 1.0])
    apart = style.push_apart(heights, 0.2)
    assert np.diff(apart).min() > 0.2 - 1e-5
    np.testing.assert_allclose(apart, [0, 0.4, 0.6, 1], atol=1e-5)
    np.testing.assert_array_equal(heights, [0.0, 0.5, 0.5, 1.0])
