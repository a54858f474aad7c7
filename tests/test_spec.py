"""Sweeps in files: what is right is read, and what is wrong is told with its line."""

import tomllib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.experiments.spec import (
    FUNCTIONS,
    SpecError,
    _Reader,
    parse_spec,
    read_spec,
    shipped_specs,
)
from course_lib.experiments.standard import Tune, next_trials
from course_lib.experiments.training_trials import train_network

TEXT = """\
question = "Does depth help?"
function = "train_network"
seeds = 4
replicas = 2

[fixed]
width = 8  # units
pixels = 7

[grid]
depth = [
  1,  # shallow
  2,
]
activation = ["relu", "tanh"]
epochs = [4]

[tune]
name = "learning_rate"
values = [0.01, 0.1, 1]
score = "validation_accuracy"
budget = "epochs"
"""


def some_function(seeds, depth, *, width=1):
    """Stand for a function of a reader."""


def any_arguments(seeds, **arguments):
    """Stand for another."""


def no_seeds(*, depth):
    """Stand for one that cannot be swept."""


def parsed(*changes):
    """Return what the text says after some replacements, each of which must be possible."""
    text = TEXT
    for before, after in changes:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return parse_spec(text, "a.toml")


# ---------------------------------------------------------------------------------------------
# What is right
# ---------------------------------------------------------------------------------------------


def test_a_file_is_read():
    spec = parsed()
    assert spec.question == "Does depth help?"
    assert spec.function is train_network
    assert (spec.seeds, spec.replicas) == ((0, 1, 2, 3), 2)
    fixed = {"width": 8, "pixels": 7}
    assert spec.grid == tuple(
        {**fixed, "depth": depth, "activation": activation, "epochs": 4}
        for depth in (1, 2)
        for activation in ("relu", "tanh")  # the last name is the fastest
    )
    assert spec.tune == Tune(
        "learning_rate", [0.01, 0.1, 1.0], "validation_accuracy", budget="epochs"
    )


def test_what_may_be_left_out_has_the_defaults_of_the_standard():
    spec = parse_spec(f"function = '{__name__}:some_function'\nseeds = [3, 1]\ngrid.depth = [1]")
    assert spec.function.__name__ == "some_function"
    assert (spec.question, spec.replicas, spec.tune) == ("", None, None)
    assert (spec.seeds, spec.grid) == ((3, 1), ({"depth": 1},))


def test_all_of_a_tuning_can_be_said():
    more = "seeds = 2\nwiden = 1\nfiner = false\nworst = -inf"
    tune = parsed(('budget = "epochs"', f'budget = "none"\n{more}')).tune
    expected = {"budget": None, "seeds": (10_000, 10_001), "widen": 1, "finer": False}
    assert {name: getattr(tune, name) for name in expected} == expected
    assert parsed(('budget = "epochs"', 'budget = "epochs"\nseeds = [9, 8]')).tune.seeds == (9, 8)
    assert parsed(('budget = "epochs"', 'budget = "epochs"\nworst = 0')).tune.worst == 0.0


def test_several_grids_follow_one_another():
    spec = parsed(("[grid]", "[[grid]]"), ("[tune]", "[[grid]]\ndepth = [3]\nepochs = [5]\n[tune]"))
    assert [(c["depth"], c["epochs"]) for c in spec.grid] == [
        (1, 4),
        (1, 4),
        (2, 4),
        (2, 4),
        (3, 5),
    ]


def test_lists_as_values_stand_in_lists():
    spec = parsed(
        ("width = 8  # units\n", ""), ("depth = [\n  1,  # shallow\n  2,\n]", "sizes = [[49, 10]]")
    )
    assert spec.grid[0]["sizes"] == [49, 10]


@pytest.mark.parametrize("change", [str, lambda t: t.replace("\n", "\r\n"), lambda t: "\ufeff" + t])
def test_files_of_other_systems_are_read(change, tmp_path):
    path = tmp_path / "a.toml"
    path.write_bytes(change(TEXT).encode("utf-8"))
    assert read_spec(path) == read_spec(str(path)) == parsed()


def test_a_function_of_the_course_is_known_by_both_names(refuses):
    name = f"{train_network.__module__}:train_network"
    assert parsed(('"train_network"', f'"{name}"')).function is train_network
    refuses(lambda: parsed(('"train_network"', f'"{name}"'), ("tanh", "tahn")), SpecError, "tanh")


def test_a_function_with_any_arguments_takes_all():
    text = f"function = '{__name__}:any_arguments'\nseeds = 2\n[grid]\nx = [1, 1.5, 'a', true]"
    assert [c["x"] for c in parse_spec(text).grid] == [1, 1.5, "a", True]


# ---------------------------------------------------------------------------------------------
# What is wrong: replacements, the line, and what the message tells
# ---------------------------------------------------------------------------------------------

WRONG = {
    "key": ([("seeds =", "sedes =")], 3, "unknown key 'sedes'; did you mean 'seeds'?"),
    "key of tune": ([("score =", "scor =")], 21, "unknown key of [tune] 'scor'", "'score'"),
    "missing": ([("seeds = 4\n", "")], None, "key 'seeds' is missing"),
    "missing in tune": ([('budget = "epochs"\n', "")], 18, "key of [tune] 'budget' is missing"),
    "question": ([('"Does depth help?"', "3")], 1, "question is 3; expected text"),
    "function": ([("train_network", "train_netwrk")], 2, "did you mean 'train_network'?"),
    "function, type": ([('"train_network"', "3")], 2, "is 3; expected train_network, "),
    "module": ([("train_network", "no_such:f")], 2, "cannot import 'no_such'", "No module named"),
    "no module": ([("train_network", ":f")], 2, "cannot import ''", "expected a module"),
    "name in module": (
        [("train_network", f"{__name__}:some_functin")], 2, "did you mean 'some_function'?",
    ),
    "no name in module": ([("train_network", f"{__name__}:")], 2, "unknown function of"),
    "module that exits": ([("train_network", "exiting:f")], 2, "'exiting' (SystemExit: 0)"),
    "not callable": ([("train_network", f"{__name__}:TEXT")], 2, "unknown function of", "'TEXT'"),
    "no seeds": ([("train_network", f"{__name__}:no_seeds")], 2, "no_seeds takes no seeds"),
    "seeds": ([("seeds = 4", "seeds = 0")], 3, "seeds is 0; expected integers from 1 on, or a"),
    "seeds, text": ([("seeds = 4", "seeds = '4'")], 3, "seeds is '4'", "list of integers"),
    "seeds, bool": ([("seeds = 4", "seeds = true")], 3, "seeds is True"),
    "seeds, too many": ([("seeds = 4", "seeds = 1_000_001")], 3, "seeds is 1000001", "1,000,000"),
    "seeds, none": ([("seeds = 4", "seeds = []")], 3, "seeds are []", "at least 1"),
    "seeds, twice": ([("seeds = 4", "seeds = [1, 1]")], 3, "seeds are [1, 1]; expected each once"),
    "seeds, float": ([("seeds = 4", "seeds = [1.5]")], 3, "seed is 1.5; expected an integer"),
    "seeds, negative": ([("seeds = 4", "seeds = [\n1,\n-1]")], 3, "[1, -1]", "from 0 on"),
    "seeds of both": ([("seeds = 4", "seeds = [10_003]")], 3, "[10003] are there for tuning and"),
    "replicas": ([("replicas = 2", "replicas = 0")], 4, "replicas is 0; expected integers from 1"),
    "fixed": ([("[fixed]\n", "[[fixed]]\n")], 6, "fixed is [{", "expected a table [fixed]"),
    "fixed, date": ([("width = 8", "width = 2026-11-29")], 7, "width is datetime.date", "text"),
    "argument": ([("pixels =", "pixls =")], 8, "'pixls'; did you mean 'pixels'?", "train_network"),
    "argument of grid": ([("depth = [", "deph = [")], 11, "'deph'; did you mean 'depth'?"),
    "no grid": ([("[grid]", "[grid2]")], 10, "unknown key 'grid2'; did you mean 'grid'?"),
    "grid, empty list": ([('["relu", "tanh"]', "[]")], 15, "activation is []", "at least one"),
    "grid, no list": ([("epochs = [4]", "epochs = 4")], 16, "epochs is 4", "[4]", "[fixed]"),
    "grid, twice": ([('"tanh"]', '"relu"]')], 15, "['relu', 'relu']; expected each value once"),
    "grid, date": ([("[4]", "[07:32:00]")], 16, "epochs is datetime.time"),
    "grid and fixed": ([("epochs = [4]", "width = [4]")], 16, "width is in [grid] and in [fixed]"),
    "grid and tune": ([("epochs = [4]", "learning_rate = [4]")], 16, "learning_rate is 4", "both"),
    "fixed and tune": ([("pixels = 7", "learning_rate = 7")], 8, "learning_rate is 7", "both"),
    "configurations": (
        [("[grid]", "[[grid]]"), ("[tune]", "[[grid]]\nepochs = [4]\nactivation = ['tanh']\n"
         "depth = [3, 2]\n[tune]")], 18, "a configuration is there twice", "'tanh'",
    ),
    "a column": (
        [("train_network", f"{__name__}:any_arguments"), ("pixels =", "phase =")], 8, "'phase'",
    ),
    "name": ([('"learning_rate"', '"lerning_rate"')], 19, "did you mean 'learning_rate'?"),
    "name, type": ([('"learning_rate"', "3")], 19, "name is a int"),
    "values": ([("[0.01, 0.1, 1]", "[0.01, 0.1]")], 20, "[0.01, 0.1]; expected at least 3"),
    "values, zero": ([("[0.01, 0.1, 1]", "[0, 0.1, 1]")], 20, "learning_rate is 0;", "above 0"),
    "values, twice": ([("[0.01, 0.1, 1]", "[0.1, 0.1, 1]")], 20, "each once"),
    "values, text": ([("[0.01, 0.1, 1]", "'0.1'")], 20, "is '0.1'; expected a sequence"),
    "score": ([("validation_accuracy", "validation_acuracy")], 21, "mean 'validation_accuracy'?"),
    "test data": ([("validation_accuracy", "test_accuracy")], 21, "unknown score 'test_accuracy'"),
    "budget": ([('"epochs"', '"epoch"')], 22, "budget is 'epoch', which", 'or budget = "none"'),
    "budget, number": ([('"epochs"', "4")], 22, "budget is a int"),
    "no budget": ([('budget = "epochs"\n', "")], 18, '(budget = "none" doubles nothing)'),
    "widen": ([('"epochs"', '"epochs"\nwiden = -1')], 23, "widen is -1; expected integers from 0"),
    "finer": ([('"epochs"', '"epochs"\nfiner = 1')], 23, "finer is 1; expected True or False"),
    "worst": ([('"epochs"', '"epochs"\nworst = nan')], 23, "worst is nan"),
    "tuning seeds": ([('"epochs"', '"epochs"\n\n# more\nseeds = []')], 25, "seeds are []"),
    "tune": ([("[tune]", "[[tune]]")], 18, "tune is [{", "expected a table [tune]"),
    "activation": ([('"tanh"]', '"tahn"]')], 15, "'tahn'; did you mean 'tanh'?"),
    "parameter": ([('"tanh"]', '"elu(alfa=2)"]')], 15, "'elu' 'alfa'; did you mean 'alpha'?"),
    "width": ([("width = 8", "width = 0")], 7, "width is 0; expected integers from 1 on"),
    "pixels": ([("pixels = 7", "pixels = 9")], 8, "pixels is 9; expected one of 28, 14, 7"),
    "depth": ([("  2,\n", "  -2,\n")], 11, "depth is -2; expected integers from 0 on"),
    "depth, beyond memory": ([("  2,\n", f"  {10**20},\n")], 10, "index-sized integer"),
    "width, beyond memory": ([("width = 8", f"width = {10**13}")], 10, "Unable to allocate"),
    "epochs": ([("[4]", "[0]")], 16, "epochs is 0"),
    "epochs, half": ([("[4]", "[4, 4.5]")], 16, "epochs is 4.5; expected integers from 1 on"),
    "syntax": ([("replicas = 2", "replicas = two")], 4, "this is no TOML: Invalid value", "12"),
    "syntax, table": ([("[fixed]", "[fixed")], 6, "this is no TOML"),
    "key twice": ([("pixels = 7", "width = 7")], 8, "this is no TOML: Cannot overwrite a value"),
    "table twice": ([("[fixed]", "[grid]")], 10, "this is no TOML", "twice"),
    "not ended": ([("budget = ", 'budget = """')], 22, "this is no TOML", "end of document"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_with_its_line(case, tmp_path, monkeypatch):
    (tmp_path / "exiting.py").write_text("raise SystemExit(0)")
    monkeypatch.syspath_prepend(tmp_path)
    changes, line, *texts = WRONG[case]
    with pytest.raises(SpecError) as caught:
        parsed(*changes)
    message = str(caught.value)
    assert message.startswith(f"a.toml, line {line}: " if line else "a.toml: ")
    for text in texts:
        assert text in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "grid", ["grid = 3", "grid = []", "grid = {}", "grid = [1]", "grid = [{}]"]
)
def test_a_grid_that_is_no_table_is_told(grid, refuses):
    text = f"function = 'train_network'\nseeds = 3\n\n{grid}\n"
    refuses(lambda: parse_spec(text), SpecError, "spec, line 4: grid is", "expected a table with")


def test_an_argument_that_a_function_needs_is_told(refuses):
    text = f"function = '{__name__}:some_function'\nseeds = 3\n[grid]\nwidth = [1]\n"
    refuses(
        lambda: parse_spec(text), SpecError, "spec, line 3: some_function needs 'depth'; expected"
    )
    tune = "[tune]\nname = 'depth'\nvalues = [1, 2, 3]\nscore = 'any'\nbudget = 'none'\n"
    assert parse_spec(text + tune).tune.score == "any"  # what is tuned is given too
    refuses(
        lambda: parse_spec(text + tune.replace("depth", "deph")),
        SpecError, "line 6: unknown argument of some_function 'deph'; did you mean 'depth'?",
    )  # fmt: skip


def test_without_a_tuning_every_configuration_is_checked_too(refuses):
    start = "function = 'train_network'\nseeds = 3\n[fixed]\nwidth = 3\ndepth = 1\n[grid]\n"
    assert len(parse_spec(f"{start}learning_rate = [0.1, 1]").grid) == 2
    refuses(
        lambda: parse_spec(f"{start}learning_rate = [0.1, 0]"),
        SpecError, "spec, line 7: learning_rate is 0; expected a finite number above 0",
    )  # fmt: skip


def test_a_module_that_fails_is_told(tmp_path, monkeypatch, refuses):
    (tmp_path / "failing_module_of_a_test.py").write_text("1 / 0\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    refuses(
        lambda: parsed(("train_network", "failing_module_of_a_test:f")),
        SpecError, "a.toml, line 2: cannot import", "ZeroDivisionError",
    )  # fmt: skip


def test_nothing_runs_while_a_file_is_read(monkeypatch):
    from course_lib.experiments import training_trials

    monkeypatch.setattr(training_trials, "fit", pytest.fail)
    assert len(parsed().grid) == 4


def test_a_file_that_there_is_not_is_told_with_the_names_there_are(tmp_path, refuses):
    refuses(
        lambda: read_spec("trainable-depht"),
        FileNotFoundError, "'trainable-depht'", "did you mean 'trainable-depth'?", "or a path",
    )  # fmt: skip
    with pytest.raises(OSError):
        read_spec(tmp_path)


def test_a_file_in_another_encoding_is_told(tmp_path, refuses):
    path = tmp_path / "a.toml"
    path.write_bytes('# one\nquestion = "größer?"\n'.encode("latin-1"))
    refuses(lambda: read_spec(path), SpecError, f"{path}, line 2: this is not UTF-8")


# ---------------------------------------------------------------------------------------------
# Lines
# ---------------------------------------------------------------------------------------------

values = st.one_of(
    st.integers(-9, 9).map(str),
    st.just('"text # [no] = comment"'),
    st.just("'''\n[none]\nk0 = 3\n'''"),
    st.just("[\n  1, # [k1]\n\n  2,\n]"),
    st.just('{ k0 = 1, k2 = "]" }'),
)


@given(st.lists(st.tuples(st.sampled_from(["", "\n", "# k0 = 1\n", "# [k1]\n"]), values)))
def test_lines_of_keys_are_those_where_their_statements_begin(statements):
    """Keys and tables in turn, with comments and text that look like others."""
    text, expected, table = "", {}, ()
    for i, (before, value) in enumerate(statements):
        if i % 3 == 2:  # after two keys, a table in a list of tables
            text += f"[[t]]\n[t.k{i}]\n"
            table = ("t", i // 3, f"k{i}")
            expected[table] = text.count("\n")
        text += before
        expected[(*table, f"a{i}")] = text.count("\n") + 1
        text += f"a{i} = {value}\n"
    reader = _Reader(text, "a.toml")
    assert {place: reader.line(place) for place in expected} == expected
    assert reader.line(("nowhere",)) is None


# ---------------------------------------------------------------------------------------------
# What comes with the course
# ---------------------------------------------------------------------------------------------


VARIANCES = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0]


def test_trainable_depth_has_every_depth_with_every_weight_variance():
    spec = read_spec("trainable-depth")
    assert spec.function is train_network
    found = [(c["epochs"], c["depth"], round(c["gain"] ** 2, 12)) for c in spec.grid]
    assert found[:84] == [(4, d, v) for d in (2, 4, 8, 16, 24, 32, 48) for v in VARIANCES]
    assert found[84:] == [(8, 48, v) for v in (0.25, 1.0, 1.5, 1.75, 2.0, 3.0, 6.0)]
    for fixed in spec.grid:
        assert (fixed["width"], fixed["batch_size"]) == (32, 100)
        assert (fixed["activation"], fixed["bias_variance"]) == ("tanh", 0.05)
    assert spec.seeds == tuple(range(16))


def test_who_is_to_blame_has_every_suspect():
    spec = read_spec("who-is-to-blame")
    suspects = "activation", "optimizer", "initialization", "gain", "normalization"
    found = [(c["epochs"], *(c[name] for name in suspects)) for c in spec.grid]
    combinations = {
        "sigmoid": ([("pytorch", 1.0), ("xavier", 1.0), ("xavier", 4.0)], ["layer"]),
        "tanh": ([("pytorch", 1.0), ("xavier", 1.0)], []),
        "relu": ([("pytorch", 1.0), ("he", 1.0)], []),
    }
    expected = {
        (5, activation, optimizer, *initial, normalization)
        for activation, (initials, more) in combinations.items()
        for optimizer in ("sgd", "adam")
        for initial in initials
        for normalization in ("none", "batch", *more)
    } | {(10, "sigmoid", "sgd", "pytorch", 1.0, norm) for norm in ("none", "batch")}
    assert set(found) == expected
    assert len(found) == len(expected)
    for fixed in spec.grid:
        assert fixed["sizes"] == [784, 512, 256, 256, 128, 10]
        assert (fixed["batch_size"], fixed["data"]) == (64, "fashion_mnist")


@pytest.mark.parametrize("name", shipped_specs())
def test_what_comes_with_the_course_keeps_its_standard(name):
    spec = read_spec(name)
    assert len(spec.seeds) >= 16
    assert spec.tune == Tune(
        spec.tune.name, spec.tune.values, "validation_accuracy", budget=None, worst=0.0
    )  # with the defaults, among them eight seeds
    once, twice = sorted({own["epochs"] for own in spec.grid})
    assert twice == 2 * once  # for some, instead of the budget
    again = [{**own, "epochs": once} for own in spec.grid if own["epochs"] == twice]
    assert all(own in spec.grid for own in again)
    first = next_trials(0, spec.grid[0], spec.seeds, spec.tune, {}, spec.replicas)
    assert {len(trial.seeds) for trial in first} == {8}
    assert spec.question.endswith("?")
    assert list(tomllib.loads(shipped_specs()[name])) == [
        key for key in ("question", "function", "seeds", "replicas", "fixed", "grid", "tune")
        if key in tomllib.loads(shipped_specs()[name])
    ]  # fmt: skip


def test_a_miniature_of_a_file_runs_to_its_end():
    """One configuration of a small file, with the function that it names."""
    from course_lib.experiments.standard import rows_of
    from course_lib.experiments.trials import Outcome, as_values

    spec = parsed(("[4]", "[1]"), ('"epochs"\n', '"epochs"\nseeds = 2\nwiden = 0\nfiner = false\n'))
    configuration, done = {**spec.grid[0], "batch_size": 100}, {}
    arguments = configuration, spec.seeds, spec.tune
    while found := next_trials(0, *arguments, done, spec.replicas):
        for trial in found:
            values = as_values(trial, spec.function(trial.seeds, **trial.arguments))
            done[trial.key] = Outcome(values, None, 0.0, {})
    rows = rows_of(0, *arguments, done, spec.replicas)
    results = [row for row in rows if row["phase"] == "result"]
    assert [row["seed"] for row in results] == [0, 1, 2, 3]
    assert np.mean([row["test_accuracy"] for row in results]) > 0.2
    assert list(FUNCTIONS) == ["train_network", "train_network_torch"]
