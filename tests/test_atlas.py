"""The atlas as a table that one asks."""

import subprocess
import sys

import pytest

from course_lib import activations
from course_lib.frameworks import atlas, homes, shown_inputs
from course_lib.frameworks.atlas import DTYPES, VERDICTS

NAMES = [name for name, row in activations.CATALOGUE.items() if row.elementwise]


def test_there_are_at_least_twenty_homes_with_versions_and_a_date():
    asked = {home: told for home, told in homes().items() if "failed" not in told}
    assert len(asked) >= 20
    assert all(told["versions"] and told["date"] and told["machine"] for told in asked.values())


def test_rows_are_those_that_were_asked_for():
    rows = atlas("leaky_relu", home="keras_jax")
    assert {row.home for row in rows} == {"keras_jax"}
    assert {row.name for row in rows} == {"leaky_relu"}
    assert rows.rows[0].details["is"] == "leaky_relu(0.2)"
    different = atlas(verdict="different function", dtype="float64", asked="slopes")
    assert {row.verdict for row in different} == {"different function"} and len(different) > 5


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_row_has_a_verdict_and_words(dtype):
    for asked in ("values", "slopes"):
        rows = atlas(dtype=dtype, asked=asked)
        assert len(rows) > 100
        assert all(row.verdict in VERDICTS and row.told.startswith(row.verdict) for row in rows)


def test_answers_are_shown_at_the_same_inputs_in_every_row():
    for row in atlas():
        if row.verdict != "refused" and row.name in NAMES:
            assert len(row.details["shown"]) == len(shown_inputs())


def test_known_differences_are_in_it():
    named = {
        ("leaky_relu", "tfjs"): "leaky_relu(0.2)",
        ("gelu_tanh", "opencv_dnn"): "gelu",
        ("leaky_relu", "ncnn_layers"): "relu",
    }
    for (name, home), other in named.items():
        assert other in {row.details.get("is") for row in atlas(name, home=home)}
    relu = {row.home: row.details.get("ends", {}) for row in atlas("relu")}
    assert relu["tract_onnx"]["nan"][0] == "0.0"


def test_it_prints_as_text_and_as_a_table():
    rows = atlas("gelu")
    assert len(str(rows).splitlines()) == len(rows)
    page = rows._repr_html_()
    assert page.count("<tr>") == len(rows) + 1
    assert "<code>F.gelu(x)</code>" in page


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"name": "gelo"}, "gelu"),
        ({"home": "pytorch"}, "torch_eager"),
        ({"dtype": "float8"}, "float16"),
        ({"asked": "gradient"}, "slopes"),
        ({"verdict": "equal"}, "same"),
    ],
)
def test_what_is_unknown_is_named_with_what_there_is(arguments, told):
    with pytest.raises(KeyError, match=told):
        atlas(**arguments)


def test_it_needs_neither_pytorch_nor_onnx():
    program = (
        "import sys\n"
        "for name in ('torch', 'onnx', 'onnxruntime'): sys.modules[name] = None\n"
        "from course_lib.frameworks import atlas\n"
        "print(len(atlas('relu')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert int(done.stdout) > 20
