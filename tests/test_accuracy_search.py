"""The search for large errors: its points, its state, its program, and what it has found."""

import importlib.util
import json
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import worst
from together import together

from course_lib import activations
from course_lib.accuracy import peers
from course_lib.accuracy.references import ROW_REFERENCES
from course_lib.activations import CATALOGUE

pytestmark = pytest.mark.usefixtures("fifty_digits")


SCREENED = ["sigmoid", "gelu", "softplus", "swiglu", "softmax", "softmin", "logsumexp"]


@pytest.mark.parametrize("name", SCREENED)
@pytest.mark.parametrize("part", [0, 1])
def test_screened_errors_are_those_that_mpmath_confirms(name, part):
    found = (worst.Rows if name in ROW_REFERENCES else worst.Points)(name, part)
    for block in range(6):
        found.step(np.random.default_rng(block))
    points = found.confirmed(3)
    assert points
    if name in ROW_REFERENCES:
        screened = max(kept[0][0] for kept in found.kept if kept)
    else:
        screened = found.off.max()
    assert points[0]["error"] == pytest.approx(screened, abs=1e-6, rel=1e-6)


def test_climbing_finds_a_planted_error():
    def planted(x):  # wrong at a single peak, which slopes to both sides
        near = np.maximum(0, 1 - np.abs(np.log2(np.abs(x) / 1.2345678)) * 2)
        return x * (1 + near**2 * 1000 * 2.0**-53)

    found = worst.Points("identity", 0)
    found.curve = planted
    for block in range(60):
        found.step(np.random.default_rng(block))
    assert 610 < found.off.max() <= 618  # 1000 * 1.2345678 / 2
    assert abs(found.x[found.off.argmax()]) == pytest.approx(1.2345678, rel=1e-3)


@pytest.mark.parametrize("name", ["celu", "rrelu", "threshold"])
def test_parameters_lie_in_the_range_of_the_promise(name):
    rng = np.random.default_rng(1)
    drawn = [worst.draw_parameters(rng, name) for _ in range(300)]
    given = [p for p in drawn if p]
    assert 0 < len(given) < 300
    for parameters in given:
        assert all(1e-3 <= abs(value) <= 1e3 for value in parameters.values())
        CATALOGUE[name].function(1.0, **parameters)
    sizes = np.log10([abs(next(iter(p.values()))) for p in given])
    assert sizes.min() < -2
    assert sizes.max() > 2


@pytest.mark.parametrize("name", worst.SEARCHED)
def test_every_curve_can_be_searched(name):
    for part in (0, 1):
        points, count = worst.search(name, part, points=8 * worst.BLOCK, seconds=0, confirm=2)
        assert count >= worst.BLOCK
        for point in points[:1]:
            assert worst.remeasured(name, part, point) == point["error"] > 0


def test_the_library_is_searched_whole():
    assert set(worst.SEARCHED) == set(CATALOGUE) - {"maxout"}, "maxout makes no rounding error"


@pytest.mark.parametrize("name", ["softplus", "softmax"])
def test_an_interrupted_search_goes_on_where_it_was(name, tmp_path):
    block = worst.BLOCK
    whole = worst.search(name, 0, points=12 * block, seconds=60, state=tmp_path / "a", confirm=50)
    worst.search(name, 0, points=9 * block, seconds=60, state=tmp_path / "b", confirm=1)
    halves = worst.search(name, 0, points=12 * block, seconds=60, state=tmp_path / "b", confirm=50)
    assert halves == whole


@pytest.mark.parametrize("name", ["celu", "softmax", "glu"])
def test_a_changed_library_is_measured_anew(monkeypatch, tmp_path, name):
    found, count = worst.search(name, 0, 9 * worst.BLOCK, 60, tmp_path, confirm=5)
    monkeypatch.setattr(worst, "fingerprint", lambda: "another")
    again, anew = worst.search(name, 0, 1, 60, tmp_path, confirm=5)
    assert 0 < anew <= worst.BLOCK < count
    assert again[0]["error"] >= found[0]["error"]


KERNELS = ["_constants.py", "pairs.py", "numerics.py", "activations/sigmoids.py"]


@pytest.mark.parametrize("file", KERNELS)
def test_every_file_with_a_kernel_counts_as_the_library(monkeypatch, tmp_path, root, file):
    shutil.copytree(root / "course_lib", tmp_path / "course_lib")
    monkeypatch.setattr(worst.course_lib, "__file__", str(tmp_path / "course_lib" / "__init__.py"))
    before = worst.fingerprint()
    changed = tmp_path / "course_lib" / file
    changed.write_text(changed.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert worst.fingerprint() != before


def test_a_killed_run_leaves_the_state_before(monkeypatch, tmp_path):
    worst.search("relu", 0, 8 * worst.BLOCK, 60, tmp_path, confirm=1)
    file = tmp_path / "relu-function.npz"
    before = file.read_bytes()

    def cut(file, **arrays):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", cut)
    with pytest.raises(KeyboardInterrupt):
        worst.search("relu", 0, 20 * worst.BLOCK, 60, tmp_path, confirm=1)
    assert file.read_bytes() == before


@pytest.mark.parametrize("name", ["relu", "softmax"])
def test_a_state_may_be_empty(monkeypatch, tmp_path, name):
    monkeypatch.setattr(worst, "LEAST", 0)
    for _ in range(2):
        assert worst.search(name, 0, points=100, seconds=0, state=tmp_path) == ([], 0)


def test_a_damaged_state_is_named(tmp_path):
    file = tmp_path / "relu-function.npz"
    file.write_bytes(b"no archive")
    with pytest.raises(SystemExit, match=r"relu-function\.npz cannot be read .*delete it"):
        worst.search("relu", 0, 1, 1, tmp_path)


def run(monkeypatch, *arguments, program="worst.py"):
    monkeypatch.setattr(sys, "argv", [program, *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(Path(worst.__file__).with_name(program)), run_name="__main__")
    return ended.value.code


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--curves", "gellu"], "invalid choice: 'gellu'"),
        (["--minutes", "0"], "--minutes is 0; expected a number above 0"),
        (["--points", "-3"], "--points is -3; expected a number above 0"),
        (["--points", "nan"], "--points is nan; expected a number above 0"),
    ],
)
def test_wrong_options_are_answered_in_words(monkeypatch, capsys, arguments, message):
    assert run(monkeypatch, *arguments) == 2
    assert message in capsys.readouterr().err


def test_the_program_says_whether_the_bounds_hold(monkeypatch, capsys, tmp_path):
    options = ["--curves", "relu", "--points", "1e5", "--confirm", "8"]
    options += ["--state", str(tmp_path / "state")]
    assert run(monkeypatch, *options) == 0
    assert capsys.readouterr().out.endswith("All bounds hold.\n")
    wrong = dict(CATALOGUE) | {"tanh": broken(CATALOGUE["tanh"])}
    monkeypatch.setattr(activations, "CATALOGUE", wrong)
    options[1] = "tanh"
    file = tmp_path / "points.json"
    assert run(monkeypatch, *options, "--write", str(file)) == 1
    assert "BROKEN: tanh, function: " in capsys.readouterr().out
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert list(kept) == ["tanh.derivative"]
    assert len(kept["tanh.derivative"]) == 8
    capsys.readouterr()
    assert run(monkeypatch, *options, "--write", str(file)) == 1  # nothing new: nothing is added
    assert json.loads(file.read_text(encoding="utf-8")) == kept


def test_the_table_does_without_other_libraries_and_processes(monkeypatch, capsys):
    for module in (importlib.util, peers):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    options = ["--only", "sigmoid", "--inputs", "300", "--minutes", "0.001", "--jobs", "1"]
    assert run(monkeypatch, *options, program="accuracy.py") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("not installed, and left out: PyTorch, JAX, SciPy\n")
    assert printed.endswith("All bounds hold.\n")
    lines = [line for line in printed.splitlines() if line.startswith("sigmoid")]
    assert len(lines) == 5  # a line for each float type, then one for each curve searched
    assert lines[0].split().count("-") == 3


def broken(row):
    """Return a row that promises too much of its function."""
    return type(row)(**{**vars(row), "ulps": (0.01, row.ulps[1])})


def found_before(root):
    file = root / "tests" / "worst_points.json"
    return json.loads(file.read_text(encoding="utf-8"))


def test_points_are_stored_for_every_curve_that_rounds(root):
    rounding = {
        f"{name}.{worst.PARTS[part]}"
        for name in worst.SEARCHED
        for part in (0, 1)
        if CATALOGUE[name].ulps[part] > 0
    }
    exact = {"reglu.derivative", "rrelu.derivative"}  # rounded, they say, but there is nothing to
    assert rounding - exact <= found_before(root).keys()


@pytest.mark.parametrize("name", worst.SEARCHED)
@together("part", [0, 1])
def test_the_worst_points_found_keep_their_bounds(root, name, part):
    bound = CATALOGUE[name].ulps[part]
    for point in found_before(root).get(f"{name}.{worst.PARTS[part]}", []):
        assert worst.remeasured(name, part, point) <= bound, point
