"""Trials, outcomes and rows: plain, exact, and the same in every process."""

import hashlib
import json
import math
import os
import pickle
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.experiments.trials import (
    COLUMNS,
    PHASES,
    WHERE,
    Outcome,
    Trial,
    as_plain,
    as_values,
    canonical,
    trial_rows,
)

TRIAL = Trial(4, "result", {"activation": "relu", "depth": 3, "rate": 0.1}, (7, 5))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def exactly(value):
    """Return a text that two values share only where they are of one type and equal bit for bit."""
    if isinstance(value, dict):
        return repr({name: exactly(entry) for name, entry in sorted(value.items())})
    return repr([*map(exactly, value)] if isinstance(value, list | tuple) else value)


def test_the_key_is_that_of_the_documented_text():
    text = '["result",{"activation":"relu","depth":3,"rate":0.1},[7,5]]'
    assert TRIAL.key == hashlib.sha256(text.encode()).hexdigest()


def test_the_key_depends_on_phase_arguments_and_seeds_alone():
    same = Trial(9, "result", {"rate": 0.1, "depth": 3, "activation": "relu"}, (7, 5))
    assert same.key == TRIAL.key
    assert same != TRIAL
    others = [
        Trial(4, "tuning", TRIAL.arguments, (7, 5)),
        Trial(4, "result", TRIAL.arguments, (5, 7)),
        Trial(4, "result", TRIAL.arguments, (7,)),
        Trial(4, "result", {**TRIAL.arguments, "depth": 3.0}, (7, 5)),
        Trial(4, "result", {**TRIAL.arguments, "depth": "3"}, (7, 5)),
        Trial(4, "result", {**TRIAL.arguments, "depth": True}, (7, 5)),
        Trial(4, "result", {**TRIAL.arguments, "rate": np.nextafter(0.1, 1)}, (7, 5)),
        Trial(4, "result", {**TRIAL.arguments, "more": None}, (7, 5)),
    ]
    assert len({trial.key for trial in [TRIAL, *others]}) == 1 + len(others)


def test_the_key_is_the_same_in_another_process():
    program = f"from course_lib.experiments.trials import Trial\nprint({TRIAL!r}.key)"
    for seed in "12":  # of the hashes of text, hence of the order of sets
        environment = os.environ | {"PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", program]
        assert subprocess.check_output(command, text=True, env=environment).strip() == TRIAL.key


def test_trials_travel_and_are_looked_up():
    copy = pickle.loads(pickle.dumps(TRIAL))
    assert copy == TRIAL
    assert {TRIAL: 1}[copy] == 1
    assert copy.__eq__(3) is NotImplemented


def test_a_trial_keeps_nothing_of_the_callers():
    arguments = {"widths": [8, 8]}
    trial = Trial(0, "result", arguments, [1])
    arguments["widths"].append(9)
    assert trial.arguments == {"widths": [8, 8]}
    assert trial.seeds == (1,)


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"place": -1}, ValueError, "place is -1; expected integers from 0 on"),
        ({"phase": "training"}, KeyError, "unknown phase 'training'; expected: tuning; result;"),
        ({"arguments": [1]}, TypeError, "arguments is a list; expected a mapping"),
        ({"arguments": {1: 2}}, TypeError, "arguments has the name 1; expected text"),
        ({"arguments": {"f": len}}, TypeError, "arguments['f'] is <built-in function len>"),
        ({"arguments": {"f": [1, {2}]}}, TypeError, "arguments['f'][1] is {2}; expected text"),
        ({"seeds": ()}, ValueError, "seeds are []; expected at least one"),
        ({"seeds": (1, 1)}, ValueError, "seeds are [1, 1]; expected at least one, and each once"),
        ({"seeds": (1.5,)}, TypeError, "seed is 1.5; expected an integer"),
    ],
)
def test_a_trial_that_cannot_be_is_an_error(change, error, told, refuses):
    fields = {"place": 0, "phase": "result", "arguments": {}, "seeds": (1,)} | change
    refuses(lambda: Trial(**fields), error, told)


@given(PLAIN)
def test_plain_values_come_back_from_their_text(value):
    plain = as_plain("value", value)
    assert exactly(json.loads(canonical(plain))) == exactly(plain)
    assert exactly(plain) == exactly(value)


@pytest.mark.parametrize(
    ("given_", "plain"),
    [
        (np.float32(0.1), 0.10000000149011612),
        (np.float16(0.1), 0.0999755859375),
        (np.int8(-3), -3),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.bool(True), True),
        (np.str_("relu"), "relu"),
        (-0.0, -0.0),
        (math.inf, math.inf),
        ((1, (2.0, None)), [1, [2.0, None]]),
        (range(3), [0, 1, 2]),
    ],
)
def test_values_of_other_types_become_pythons_own(given_, plain):
    found = as_plain("value", given_)
    assert exactly(found) == exactly(plain)
    assert type(found) is type(plain)


LONG = [np.longdouble(1) / 3] if np.finfo(np.longdouble).nmant > 52 else []


@pytest.mark.parametrize("value", [1j, Fraction(1, 3), b"relu", np.zeros(2), *LONG])
def test_what_has_no_exact_counterpart_is_an_error(value, refuses):
    refuses(lambda: as_plain("value", value), TypeError, "expected text, a number, True, False")


def test_every_nan_is_the_same_one():
    negative = -np.float64(np.nan)
    for found in (as_plain("x", negative), as_values(TRIAL, {"x": [negative, 0]})["x"][0]):
        assert math.copysign(1, found) == math.copysign(1, math.nan)


def test_text_that_no_file_holds_is_an_error(refuses):
    refuses(lambda: as_plain("name", "\ud800"), ValueError, "which is no text; expected Unicode")


def test_values_are_exact():
    found = as_values(
        TRIAL,
        {
            "loss": np.array([0.1, np.nan], np.float32),
            "steps": np.array([2**62 + 1, 3]),
            "learned": np.array([True, False]),
            "mixed": [1, np.float64(0.5)],
        },
    )
    expected = {
        "loss": (0.10000000149011612, math.nan),
        "steps": (2**62 + 1, 3),
        "learned": (True, False),
        "mixed": (1, 0.5),
    }
    assert exactly(found) == exactly(expected)


@pytest.mark.parametrize(
    ("found", "error", "told"),
    [
        (None, TypeError, "what the function returned is a NoneType; expected a mapping"),
        ({}, ValueError, "the function returned nothing; expected one number for each seed"),
        ({1: [0, 0]}, TypeError, "a name that the function returned is a int; expected text"),
        ({"seed": [0, 0]}, ValueError, "the function returned 'seed', which is a column already"),
        ({"depth": [0, 0]}, ValueError, "the function returned 'depth', which is a column"),
        ({"loss": 0.5}, ValueError, "loss has shape (); expected one number for each of 2 seeds"),
        ({"loss": [1, 2, 3]}, ValueError, "loss has shape (3,); expected one number"),
        ({"loss": [[1], [1, 2]]}, ValueError, "loss is ragged"),
        ({"loss": ["a", "b"]}, TypeError, "expected floats, integers or bools"),
        ({"loss": [None, 1.0]}, TypeError, "expected floats, integers or bools"),
        ({"loss": np.ones(2, complex)}, TypeError, "expected floats, integers or bools"),
        *[({"loss": [x, x]}, TypeError, "expected floats, integers or bools") for x in LONG],
    ],
)
def test_values_that_cannot_be_stored_are_an_error(found, error, told, refuses):
    refuses(lambda: as_values(TRIAL, found), error, told)


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"error": "ValueError: x"}, ValueError, "values and error are both given"),
        ({"error": 3}, TypeError, "error is a int; expected text, or None"),
        ({"seconds": -1}, ValueError, "seconds is -1; expected a finite number from 0 on"),
        ({"where": {"place": "here"}}, ValueError, "where has the names ['place']; expected: date"),
        ({"values": {"loss": ("a",)}}, TypeError, "loss is ('a',); expected floats"),
    ],
)
def test_an_outcome_that_cannot_be_is_an_error(change, error, told, refuses):
    fields = {"values": {"loss": (1.0,)}, "error": None, "seconds": 1.0, "where": {}} | change
    refuses(lambda: Outcome(**fields), error, told)


def test_an_error_may_hold_any_bytes():
    outcome = Outcome({}, "OSError: no file \udcff", 0.0, {})
    assert outcome.error == "OSError: no file \\udcff"


def test_a_row_for_each_seed():
    where = {name: f"its {name}" for name in WHERE}
    outcome = Outcome({"loss": (0.25, 0.5)}, None, 1.5, where)
    first, second = trial_rows(TRIAL, outcome)
    assert first == {
        "place": 4,
        "phase": "result",
        "activation": "relu",
        "depth": 3,
        "rate": 0.1,
        "seed": 7,
        "loss": 0.25,
        "error": None,
        "seconds": 1.5,
        "at_edge": None,
        "widened": None,
        "trial": TRIAL.key,
        "replica": 0,
        **where,
        "settings": '{"activation":"relu","depth":3,"rate":0.1}',
    }
    assert second == first | {"seed": 5, "loss": 0.5, "replica": 1}
    assert [name for name in first if name in COLUMNS] == list(COLUMNS)


def test_rows_of_a_failure_have_no_values():
    rows = trial_rows(TRIAL, Outcome({}, "ValueError: depth is 3", 0.5, {}))
    assert [row["error"] for row in rows] == ["ValueError: depth is 3"] * 2
    assert {"loss"}.isdisjoint(rows[0])


def test_phases_are_distinct():
    assert len({Trial(0, phase, {}, (1,)).key for phase in PHASES}) == len(PHASES)
