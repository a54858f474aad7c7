"""Names of the library in code and text: what they mean, and where they are public."""

import pytest
from code_links import linked
from course_names import (
    Use,
    activations_by_name,
    activations_in_prose,
    code_uses,
    definitions,
    home,
    origin,
    text_name,
)

import course_lib


@pytest.mark.parametrize(
    ("module", "name", "public"),
    [
        ("course_lib.activations.self_gated", "gelu", "course_lib.activations"),
        ("course_lib.activations.activation", "Activation.derivative", "course_lib.activations"),
        ("course_lib.network.layers.dense", "Dense", "course_lib.network"),
        ("course_lib.activations.nodes", "no_such_name", "course_lib.activations.nodes"),
    ],
)
def test_a_name_is_at_home_where_it_is_taught(module, name, public):
    assert home(module, name) == public


@pytest.mark.parametrize(
    ("module", "name", "defined"),
    [
        ("course_lib.activations", "gelu", "course_lib.activations.self_gated"),
        ("course_lib.network", "INITIALIZERS", "course_lib.network.initialization"),
        ("course_lib.claims", "Claim.verdict", "course_lib.claims"),
    ],
)
def test_the_origin_of_a_name_defines_it(module, name, defined):
    assert origin(module, name) == defined
    assert definitions(defined)[name] > 1


def found(code, **known):
    return [
        (use.name.removeprefix("course_lib."), use.line, use.column) for use in uses(code, known)
    ]


def uses(code, known):
    return [use for use in code_uses(code, known) if not use.imported]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("relu(x)", [("activations.relu", 1, 0)]),
        ("y = 1\nplots.COLORS[0]", [("plots", 2, 0), ("plots.COLORS", 2, 6)]),
        ("'é'; relu(relu)", [("activations.relu", 1, 5), ("activations.relu", 1, 10)]),
        ("%time\nrelu(x)", [("activations.relu", 2, 0)]),
        ("network.relu(x)", []),
        ("relu = 3\nrelu + 1", []),
        ("for relu in y: relu", []),
        ("def f(relu): return relu", []),
        ("relu(", []),
    ],
)
def test_code_uses_what_was_imported_and_not_bound_again(code, expected):
    assert found(code, relu="course_lib.activations.relu", plots="course_lib.plots") == expected


def test_an_import_is_known_in_later_cells_under_its_name_there():
    known = {}
    first = code_uses("from course_lib.activations import (\n    gelu as g,\n)", known)
    module = Use("course_lib.activations", 1, 5, imported=True)
    assert first == [module, Use("course_lib.activations.gelu", 2, 4, imported=True)]
    assert uses("g(1)", known) == [Use("course_lib.activations.gelu", 1, 0)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("relu", "course_lib.activations.relu"),
        ("relu()", "course_lib.activations.relu"),
        ("course_lib.plots", "course_lib.plots"),
        ("relu + 1", ""),
        ("tanh", ""),
        ("other.relu", ""),
    ],
)
def test_code_in_the_text_means_what_was_imported(text, name):
    assert text_name(text, {"relu": "course_lib.activations.relu"}) == name


def test_an_activation_is_used_by_the_name_of_its_row():
    assert activations_by_name('mlp([2, 2], "tanh")') == ["course_lib.activations.tanh"]
    assert activations_by_name("mlp([2, 2], 'no activation')") == []


def test_prose_speaks_of_activations_but_not_in_everyday_words():
    text = "Leaky ReLU and GELU pass the threshold; a relu-like one does not."
    found = [f"course_lib.activations.{name}" for name in ("leaky_relu", "gelu")]
    assert activations_in_prose(text) == found


def test_links_stand_on_the_names_whatever_comes_before_them():
    html = '<pre>a <span class="o">&lt;</span> <span class="n">relu</span>\nrelu(relu)</pre>'
    assert linked(html, {(1, 4): "x#r", (2, 5): "y#r"}) == (
        '<pre>a <span class="o">&lt;</span> <span class="n"><a href="x#r">relu</a></span>\n'
        'relu(<a href="y#r">relu</a>)</pre>'
    )


def test_every_module_of_the_library_has_its_page():
    import site_checks
    from build_book import ROOT

    pages = {name.rpartition("/")[2] for name in site_checks.documents(ROOT) if "/api/" in name}
    assert pages - {"commands"} == {*course_lib.__all__, *course_lib._OPTIONAL, "numerics", "pairs"}
