"""The stored atlas holds for what is installed here: verdicts and tolerances, not bits.

Kernels differ between processors, so that *same* and *same but for rounding* may change places.
"""

import importlib
import json
import sys
from functools import cache

import atlas_judging
import atlas_points
import pytest
from environment import ROOT

import atlas

sys.path.append(str(ROOT / "atlas"))
sys.path.append(str(ROOT / "atlas" / "homes"))
probe = importlib.import_module("probe")
POINTS = atlas_points.points()
LIVE = {"torch_eager": "torch", "jax_eager": "jax"}
CLOSE = {"same", "same but for rounding"}


@cache
def stored(home):
    """Return what is stored of a home."""
    return json.loads((atlas.STORED / f"{home}.json").read_text())


def lines():
    """Return each line of each home that is installed here."""
    for home in LIVE:
        for entry in stored(home)["entries"]:
            yield pytest.param(home, entry, id=f"{home}: {entry['line']}")


@pytest.mark.parametrize(("home", "entry"), list(lines()))
def test_verdicts_hold_here(home, entry):
    pytest.importorskip(LIVE[home])
    module = importlib.import_module(home)
    kind = "rows" if entry["name"] in probe.ROWS else "row"
    for dtype in ("float32", "float64"):
        x = POINTS[dtype][kind]
        answers = {asked: probe.attempt(getattr(module, asked), entry["line"], x, dtype)
                   for asked in ("values", "slopes")}  # fmt: skip
        found = atlas_judging.judged(entry["name"], dtype, answers, POINTS[dtype]["row"])
        for asked, was in entry[dtype].items():
            verdicts = {was["verdict"], found[asked]["verdict"]}
            assert len(verdicts) == 1 or verdicts == CLOSE, (dtype, asked, was, found[asked])
            assert found[asked].get("kinks") == was.get("kinks"), (dtype, asked)
            assert found[asked].get("is") == was.get("is"), (dtype, asked)


@pytest.mark.parametrize("home", list(atlas.homes()))
def test_every_home_is_stored_with_versions_date_and_machine_or_why_not(home):
    table = stored(home)
    assert table["packages"] == atlas.installed(home)
    assert table["date"] >= "2026-11-30"
    if "failed" not in table:
        assert table["versions"] and table["machine"] and table["python"]
