"""The stored atlas holds for what is installed here: verdicts and tolerances, not bits.

Each home of the test environment is asked anew by the program that asked it for the atlas, in a
process of its own, since Keras takes one backend a process. What is installed may be newer than
what is stored, and runs on another processor, so that these are held against each other:

- the verdict on values and slopes, where *same* and *same but for rounding* may change places;
- which other function it is, where the atlas names one;
- the slope at each kink, to a thousandth.

Units in the last place, where something becomes 0 and what infinities give are not: kernels differ.
To keep it short, Keras on PyTorch is asked in float64 alone, the homes of JAX, which compiles every
line anew, in float32 alone, and Keras on JAX only for the first line of each name.
"""

import importlib
import json
import os
import subprocess
import sys

import atlas_judging
import atlas_points
import numpy as np
import pytest
from environment import ROOT

import atlas

sys.path.append(str(ROOT / "atlas"))
POINTS = atlas_points.points()
BOTH = ("float32", "float64")
LIVE = {
    "torch_eager": ("torch", BOTH, None),
    "jax_eager": ("jax", BOTH[:1], None),
    "keras_torch": ("keras", BOTH[1:], None),
    "keras_jax": ("keras", BOTH[:1], 1),
    "onnx_runtime": ("onnxruntime", BOTH, None),
}
"""For each home a package that it needs, the dtypes, and how many lines of a name are asked."""
CLOSE = {"same", "same but for rounding"}
PROGRAM = """
import importlib, sys
folder, home, points, answers, lines = sys.argv[1:]
sys.path[:0] = [folder, f"{folder}/homes"]
module = importlib.import_module(home)
module.LINES = {name: there[:int(lines) or None] for name, there in module.LINES.items()}
importlib.import_module("probe").main(home, points, answers)
"""


def stored(home):
    """Return what is stored of a home."""
    return json.loads((atlas.STORED / f"{home}.json").read_text())


def asked_now(home, dtypes, lines, folder):
    """Return what a home answers here."""
    points, answers = folder / "points.json", folder / "answers.json"
    points.write_text(atlas.points_text(dtypes))
    command = [sys.executable, "-c", PROGRAM, ROOT / "atlas", home, points, answers, lines or 0]
    one = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=one)
    assert done.returncode == 0, done.stderr
    return json.loads(answers.read_text())


def told(entry, dtype, found):
    """Return what of a verdict on one line is compared, in words where it differs."""
    for asked, was in entry[dtype].items():
        now = found[asked]
        verdicts = {was["verdict"], now["verdict"]}
        if len(verdicts) > 1 and verdicts != CLOSE:
            yield f"{asked}: {was['verdict']} became {now['verdict']}"
        if was.get("is") != now.get("is"):
            yield f"{asked}: it was {was.get('is')} and is {now.get('is')}"
        for kink, slope in was.get("kinks", {}).items():
            here = now.get("kinks", {}).get(kink, np.inf)
            if not np.isclose(float(slope), float(here), rtol=1e-3, equal_nan=True):
                yield f"{asked}: at {kink} {slope} became {here}"


def differences(home, answers, dtypes):
    """Return what a home does otherwise than is stored of it."""
    entries = {(entry["name"], entry["line"]): entry for entry in stored(home)["entries"]}
    return [
        f"{entry['line']}, {dtype}, {word}"
        for entry in answers["entries"]
        for dtype in dtypes
        for word in told(
            entries[entry["name"], entry["line"]], dtype,
            atlas_judging.judged(entry["name"], dtype, entry["dtypes"][dtype],
                                 POINTS[dtype]["row"]),
        )
    ]  # fmt: skip


@pytest.mark.parametrize("home", LIVE)
def test_verdicts_hold_here(home, tmp_path):
    package, dtypes, lines = LIVE[home]
    pytest.importorskip(package)
    answers = asked_now(home, dtypes, lines, tmp_path)
    names = {entry["name"] for entry in stored(home)["entries"]}
    assert {entry["name"] for entry in answers["entries"]} == names
    versions = f"stored {stored(home)['versions']}, here {answers['versions']}"
    assert not differences(home, answers, dtypes), versions


def test_another_verdict_slope_or_function_would_be_seen():
    was = {"verdict": "different function", "is": "gelu", "kinks": {"0": "1.0"}}
    for now, word in (
        ({**was, "verdict": "same"}, "different function became same"),
        ({**was, "is": "gelu_tanh"}, "it was gelu and is gelu_tanh"),
        ({**was, "kinks": {"0": "0.5"}}, "at 0 1.0 became 0.5"),
        ({**was, "kinks": {}}, "at 0 1.0 became inf"),
    ):
        assert word in "".join(told({"float32": {"slopes": was}}, "float32", {"slopes": now}))
    close = {**was, "kinks": {"0": "1.0001"}}
    assert not list(told({"float32": {"slopes": was}}, "float32", {"slopes": close}))
    same = [{"verdict": verdict} for verdict in sorted(CLOSE)]
    assert not list(told({"float32": {"values": same[0]}}, "float32", {"values": same[1]}))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("\n no such axis\nsee the manual"), "ValueError: no such axis"),
        (TypeError(), "TypeError"),
        (json.JSONDecodeError("odd", "x", 0), "JSONDecodeError: odd: line 1 column 1 (char 0)"),
        (OSError("x" * 300), f"OSError: {'x' * 191}"),
    ],
)
@pytest.mark.parametrize("notes", [(), ("in user code",), ("first\nsecond", "third")])
def test_an_error_is_told_in_one_line_without_what_was_noted_on_its_way(error, expected, notes):
    probe = importlib.import_module("probe")

    def refuse():
        for note in notes:
            error.add_note(note)
        raise error

    assert probe.attempt(refuse) == {"error": expected}


@pytest.mark.parametrize("write", ["written", "packed"])
def test_numbers_are_written_to_the_last_bit_and_read_again(write):
    probe = importlib.import_module("probe")
    kept = getattr(probe, write)
    values = np.array([[0.0, -0.0, np.nan], [np.inf, -np.inf, 5e-324], [0.1, -1e300, 1 / 3]])
    for part in (values, values[:0], values[0], values.T):
        found = json.loads(json.dumps(probe.attempt(np.asarray, part, write=kept)))
        same = atlas_points.unpacked(found)
        assert same.shape == part.shape
        np.testing.assert_array_equal(same, part)
        np.testing.assert_array_equal(np.signbit(same), np.signbit(part))


@pytest.mark.parametrize("home", list(atlas.homes()))
def test_every_home_is_stored_with_versions_date_and_machine_or_why_not(home):
    table = stored(home)
    assert table["packages"] == atlas.installed(home)
    assert table["date"] >= "2026-11-30"
    if "failed" not in table:
        assert table["versions"] and table["machine"] and table["python"]
