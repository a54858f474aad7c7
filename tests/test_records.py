"""Records: in the order of the grid, selected by value, and as arrays that round nothing."""

import math

import numpy as np
import pytest
from sweep_helpers import HEADER, exactly, outcome_of, trial_of

from course_lib.experiments.records import Records
from course_lib.experiments.storing import read_records
from course_lib.experiments.trials import COLUMNS, PHASES, Outcome, Trial, trial_rows

pytest.importorskip("pyarrow")


def rows_of(*trials):
    """Return the rows of trials, with what comes of them."""
    return [row for trial in trials for row in trial_rows(trial, outcome_of(trial))]


def some_trials():
    """Return trials in canonical order."""
    return [
        trial_of(place, phase, seeds, rate=rate)
        for place in (0, 1, 10)
        for phase in PHASES
        for rate, seeds in ((None, (0, 1)), (0.5, (0, 1)), (2, (0, 1)), (10.0, (0, 1)), ("a", (5,)))
    ]


def test_rows_have_one_order_however_they_came():
    rows = rows_of(*some_trials())
    shuffled = np.random.default_rng(0).permutation(len(rows))
    records = Records([rows[i] for i in shuffled], HEADER)
    assert exactly(records.rows) == exactly(rows)
    assert exactly(list(records)) == exactly(rows)
    assert (len(records), records.header) == (len(rows), HEADER)


def test_columns_have_one_order_although_a_first_trial_failed():
    failed = trial_rows(trial_of(0, rate=1), Outcome({}, "ValueError: no", 0.1, {}))
    other = trial_rows(Trial(1, "result", {"width": 2}, (0, 1)), outcome_of(trial_of(1)))
    records = Records([*other, *failed])
    assert records.arguments == ("depth", "rate", "width")
    assert records.measured == ("loss", "steps")
    first = ("place", "phase", "depth", "rate", "width", "seed", "loss", "steps", "error")
    assert records.columns[: len(first)] == first
    assert set(records.columns) == {*COLUMNS, *first}
    assert [tuple(row) for row in records] == [records.columns] * 4
    assert [row["loss"] is None for row in records] == [True, True, False, False]
    assert [row["width"] for row in records] == [None, None, 2, 2]
    assert "4 rows (2 with an error); arguments: depth, rate, width;" in repr(records)


def test_plain_types_whatever_was_given():
    (row,) = Records([{"seed": np.int64(3), "loss": np.float32(0.1), "widths": (1, 2)}]).rows
    assert exactly(row) == exactly({"seed": 3, "loss": 0.10000000149011612, "widths": [1, 2]})


def test_selecting():
    records = Records(rows_of(*some_trials()), HEADER)
    some = records.select(phase="result", rate=2)
    assert [(row["place"], row["seed"]) for row in some] == [
        (place, seed) for place in (0, 1, 10) for seed in (0, 1)
    ]
    assert (some.columns, some.header, some.arguments) == (
        records.columns,
        HEADER,
        records.arguments,
    )
    assert len(records.select(rate=None)) == 2 * 3 * len(PHASES)
    assert len(records.select(depth=np.int64(10), seed=5)) == len(PHASES)
    none = records.select(phase="nothing")
    assert (len(none), none.values("loss").shape) == (0, (0,))
    assert records.select().rows == records.rows


def test_selecting_nan():
    records = Records([{"seed": s, "rate": rate} for s, rate in enumerate((math.nan, 1.0))])
    assert [row["seed"] for row in records.select(rate=math.nan)] == [0]


def test_a_column_that_is_not_there_is_an_error(refuses):
    records = Records(rows_of(trial_of(0)))
    for call in (lambda: records.select(sed=1), lambda: records.values("sed")):
        refuses(call, KeyError, "unknown column 'sed'; did you mean 'seed'?")


@pytest.mark.parametrize(
    ("entries", "dtype"),
    [
        ([0.5, math.nan], "float64"),
        ([0.5, None, 2], "float64"),
        ([1, None], "float64"),
        ([None, None], "float64"),
        ([1, 2**62 + 1], "int64"),
        ([1, 2**63], "float64"),
        ([1, 2**63 + 1], "O"),
        ([2**53 + 1, None], "O"),
        ([2**53 + 1, 0.5], "O"),
        ([True, False], "bool"),
        ([True, None], "O"),
        ([True, 1], "O"),
        (["relu", "tanh"], "<U4"),
        (["relu", None], "O"),
        (["a\0", "b"], "O"),
        ([[1, 2], [3, 4]], "O"),
    ],
)
def test_arrays_round_nothing(entries, dtype):
    array = Records([{"seed": 0, "x": entry} for entry in entries]).values("x")
    assert array.dtype == dtype
    assert array.shape == (len(entries),)
    expected = [math.nan if e is None and dtype == "float64" else e for e in entries]
    for found, entry in zip(array.tolist(), expected, strict=True):
        assert found == entry or (found != found and entry != entry)


def test_records_come_back_from_a_file(tmp_path):
    records = Records(rows_of(*some_trials()), HEADER)
    path = tmp_path / "copy.parquet"
    records.to_parquet(path)
    copy = read_records(path)
    assert exactly(copy.rows) == exactly(records.rows)
    assert vars(copy).keys() == vars(records).keys()
    assert (copy.columns, copy.arguments, copy.measured, copy.header) == (
        records.columns,
        records.arguments,
        records.measured,
        records.header,
    )
    assert [entry.name for entry in tmp_path.iterdir()] == ["copy.parquet"]


def test_no_rows():
    records = Records([], HEADER)
    assert repr(records) == "<Records: 0 rows; arguments: none; values: none>"
    assert (records.columns, list(records)) == ((), [])


def test_ties_do_not_depend_on_how_they_came():
    """1, 1.0 and True are equal numbers, and arguments that differ."""
    trials = [trial_of(0, rate=rate) for rate in (1, 1.0, True, math.nan, [1], {"a": 1})]
    rows = rows_of(*trials)
    forward, backward = Records(rows), Records(rows[::-1])
    assert exactly(forward.rows) == exactly(backward.rows)


# A column with an axis for each argument.


def grid_rows(*left_out, seeds=(5, 3), phase="result"):
    """Return a row for each point of a grid, in an order that is not sorted."""
    return [
        {"place": i, "phase": phase, "depth": d, "name": n, "seed": s, "loss": d + len(n) + s / 8}
        for i, (d, n) in enumerate([(8, "tanh"), (8, "relu6"), (2, "tanh"), (2, "relu6")])
        for s in seeds
        if (d, n, s) not in left_out
    ]


def test_distinct_values_come_in_the_order_in_which_they_first_occur():
    rows = [{"depth": d, "rate": r, "seed": 0} for d, r in ((3, 0.1), (1, 0.2), (3, 0.2), (2, 0.1))]
    records = Records([{"place": i, **row} for i, row in enumerate(rows)])
    assert records.distinct("depth") == [3, 1, 2]
    assert records.distinct("rate") == [0.1, 0.2]


def test_distinct_tells_types_apart_and_finds_nan_once():
    given = [1, True, 1.0, None, math.nan, [1, 2], math.nan, "1", [1, 2], 1]
    records = Records([{"place": i, "x": x, "seed": 0} for i, x in enumerate(given)])
    assert exactly(records.distinct("x")) == exactly([1, True, 1.0, None, math.nan, [1, 2], "1"])
    assert Records([]).columns == ()
    with pytest.raises(KeyError, match="unknown column 'depht'; did you mean 'depth'"):
        Records(grid_rows()).distinct("depht")


@pytest.mark.parametrize(
    ("by", "shape", "first"),
    [(("depth", "name"), (2, 2, 2), 8 + 4 + 3 / 8), (("name", "depth"), (2, 2, 2), 8 + 4 + 3 / 8)],
)
def test_an_array_has_an_axis_for_each_argument_and_one_for_seeds(by, shape, first):
    records = Records(grid_rows())
    found = records.array("loss", *by)
    assert (found.shape, found.dtype, found[0, 0, 0]) == (shape, np.float64, first)
    values = [records.distinct(name) for name in (*by, "seed")]
    for place in np.ndindex(shape):
        point = {name: own[i] for name, own, i in zip((*by, "seed"), values, place, strict=True)}
        assert records.select(**point).values("loss").tolist() == [found[place]]


def test_an_array_has_the_dtype_of_its_column():
    rows = [{**row, "fine": True, "steps": 3, "word": "a"} for row in grid_rows()]
    records = Records(rows)
    kinds = {name: records.array(name, "depth", "name").dtype.kind for name in records.columns}
    assert [kinds[name] for name in ("fine", "steps", "word", "loss")] == ["b", "i", "U", "f"]
    failed = Records([{**row, "loss": None if row["depth"] == 8 else row["loss"]} for row in rows])
    assert np.isnan(failed.array("loss", "depth", "name")).any(axis=-1).tolist() == [[True] * 2,
        [False] * 2]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "by", "told"),
    [
        (grid_rows((2, "tanh", 3)), ("depth", "name"), "no row has {'depth': 2, 'name': 'tanh'"),
        (grid_rows(), ("depth",), "2 rows have {'depth': 8, 'seed': 3}"),
        (grid_rows() + grid_rows(phase="tuning"), ("depth", "name"), "2 rows have"),
        (grid_rows(), ("depth", "name", "depth"), "axes are depth, name, depth, seed; expected"),
        (grid_rows(), ("depth", "name", "seed"), "axes are depth, name, seed, seed; expected"),
    ],
)
def test_what_is_no_grid_is_told(rows, by, told):
    with pytest.raises(ValueError) as error:
        Records(rows).array("loss", *by)
    assert told in str(error.value)


def test_an_array_of_nothing_is_an_error():
    nothing = Records(grid_rows()).select(depth=3)
    assert nothing.distinct("name") == []
    with pytest.raises(ValueError, match="there are no rows; expected one for each combination"):
        nothing.array("loss", "depth", "name")


@pytest.mark.parametrize(("name", "by"), [("los", ("depth", "name")), ("loss", ("dept", "name"))])
def test_unknown_columns_of_an_array_are_named(name, by):
    with pytest.raises(KeyError, match=r"did you mean '(loss|depth)'\?"):
        Records(grid_rows()).array(name, *by)


def test_integers_that_no_float_holds_are_sorted(tmp_path):
    trials = [trial_of(0, rate=rate) for rate in (10**400, 2, -(10**400), math.inf, math.nan)]
    records = Records(rows_of(*trials), HEADER)
    assert repr(records.distinct("rate")) == repr([-(10**400), 2, 10**400, math.inf, math.nan])
    records.to_parquet(tmp_path / "results.parquet")
    assert exactly(read_records(tmp_path / "results.parquet").rows) == exactly(records.rows)
